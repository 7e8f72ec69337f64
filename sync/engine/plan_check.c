/*
 * plan_check.c — what scripts may not do: a plan against what the configuration
 * grants.  Waits for nothing.
 */
#include "engine/plan.h"

#include <string.h>

#include "base/flags.h"
#include "base/mem.h"

enum { OPS_MAX = 20000 };

/* ---- what can be one ------------------------------------------------------ */

static bool
listed(const struct strlist *l, struct str word)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(str_z(l->v[i]), word))
			return true;
	return false;
}

/* Below one of the directories, and not out of it again. */
static bool
path_granted(const struct strlist *dirs, struct str path)
{
	struct str rest = path;

	if (path.n == 0 || path.p[0] != '/' || strlen(path.p) != path.n)
		return false;
	while (rest.p != NULL)
		if (str_eq(str_split(&rest, '/'), STR("..")))
			return false;
	for (size_t i = 0; i < dirs->n; i++) {
		struct str dir = str_z(dirs->v[i]);

		if (str_starts(path, dir) && path.n > dir.n &&
		    (path.p[dir.n] == '/' || dir.p[dir.n - 1] == '/'))
			return true;
	}
	return false;
}

/* A name that stays within the account. */
static bool
mailbox_plain(struct str name)
{
	struct str rest = name;

	if (name.n == 0 || name.n > PLAN_MAILBOX_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f)
			return false;
	while (rest.p != NULL) {
		struct str part = str_split(&rest, '/');

		if (part.n == 0 || part.p[0] == '.')
			return false;
	}
	return true;
}

static bool
keywords_plain(const struct hook_op *op)
{
	struct kwtab t = { 0 };
	bool good = op->n_args > 0;

	for (size_t i = 0; i < op->n_args && good; i++)
		good = kwtab_bit(&t, op->arg[i]) >= 0;
	kwtab_clear(&t);
	return good;
}

/* Of a message that is not here there is nothing but to say whether it comes. */
static bool
fits_offer(const struct hook_op *op)
{
	return op->kind == OPK_SKIP || op->kind == OPK_KEEP ||
	    op->kind == OPK_DELETE || op->kind == OPK_STOP || op->msg == 0;
}

/* "create" A, "rename" A B, "remove" A.  What is removed must be empty. */
static bool
mailbox_op_fits(const struct plugin_conf *plugin, const struct hook_op *op)
{
	struct str verb = op->n_args > 1 ? op->arg[0] : STR_NONE;

	for (size_t i = 1; i < op->n_args; i++)
		if (!mailbox_plain(op->arg[i]))
			return false;
	return (op->n_args == 2 && str_eq(verb, STR("create"))) ||
	    (op->n_args == 3 && str_eq(verb, STR("rename"))) ||
	    (op->n_args == 2 && str_eq(verb, STR("remove")) &&
	    plugin->allow.delete);
}

/* ---- what is granted ------------------------------------------------------ */

static const char no_mailbox[] = "a mailbox that cannot be one";

static const char *
across_objection(const struct plugin_conf *plugin, const struct hook_op *op)
{
	if (op->msg == 0 || op->n_args < 2 || op->n_args > 3 ||
	    !mailbox_plain(op->arg[0]))
		return no_mailbox;
	return listed(&plugin->allow.accounts, op->arg[1]) ? NULL :
	    "not granted: allow: {accounts: [...]}";
}

/* With a message: in its place, which is then deleted. */
static const char *
append_objection(const struct plugin_conf *plugin, const struct hook_op *op)
{
	if (op->msg != 0 && !plugin->allow.delete)
		return "not granted: allow: {delete: yes}";
	return op->fd >= 0 && (op->msg != 0 || (op->n_args > 0 &&
	    mailbox_plain(op->arg[0]))) ? NULL :
	    "a mailbox that cannot be one, or no bytes";
}

/* What no op may be, of whatever kind; NULL. */
static const char *
objection_at_all(const struct hook_op *op, enum hook_kind kind)
{
	if (op->kind >= OPK_KINDS || op->n_args > HOOK_ARGS_MAX)
		return "an op that does not exist";
	for (size_t i = 0; i < op->n_args; i++)
		if (op->arg[i].n > HOOK_TEXT_MAX)
			return "an argument that is too long";
	if (kind == HOOK_OFFERED && !fits_offer(op))
		return "not possible before the message is here";
	/* If the server does not take it they would be asked again. */
	if (kind == HOOK_CREATED && plan_is_effect(op))
		return "not possible before the server has the message: see "
		    "on.uploaded";
	return NULL;
}

/* NULL, or why ${plugin} may not do that. */
static const char *
objection(const struct plugin_conf *plugin, const struct hook_op *op,
    enum hook_kind kind)
{
	bool mail = op->msg != 0, bytes = op->fd >= 0 || (op->whole && mail);
	const char *why = objection_at_all(op, kind);

	if (why != NULL)
		return why;
	switch (op->kind) {
	case OPK_MOVE:
	case OPK_COPY:
		return mail && op->n_args == 1 && mailbox_plain(op->arg[0]) ?
		    NULL : no_mailbox;
	case OPK_ARCHIVE:
		return mail && (op->n_args == 0 || mailbox_plain(op->arg[0])) ?
		    NULL : no_mailbox;
	case OPK_ACROSS:
		return across_objection(plugin, op);
	case OPK_TAG:
	case OPK_UNTAG:
		return mail && keywords_plain(op) ? NULL :
		    "a keyword that cannot be one";
	case OPK_FLAG:
	case OPK_UNFLAG:
		return mail && (op->sys & ~(uint32_t)FLAG_ALL) == 0 ? NULL :
		    "a flag that does not exist";
	case OPK_TRASH:
		return mail ? NULL : "no message";
	case OPK_KEEP:
		return mail && op->n_args == 1 ? NULL : "no message";
	case OPK_SKIP:
		return mail && kind == HOOK_OFFERED ? NULL :
		    "nothing to skip here";
	case OPK_DELETE:
		return !mail ? "no message" : plugin->allow.delete ? NULL :
		    "not granted: allow: {delete: yes}";
	case OPK_RUN:
		return op->n_args > 0 && listed(&plugin->allow.exec,
		    op->arg[0]) ? NULL : "not granted: allow: {exec: [...]}";
	case OPK_SEND:
		return bytes && plugin->allow.send ? NULL :
		    "not granted: allow: {send: yes}";
	case OPK_SAVE:
		return bytes && op->n_args == 1 && path_granted(
		    &plugin->allow.write, op->arg[0]) ? NULL :
		    "not granted: allow: {write: [...]}";
	case OPK_HOLD:
		return op->n_args == 1 && (kind == HOOK_REMOVING || (mail &&
		    kind == HOOK_CREATED)) ? NULL : "nothing to hold here";
	case OPK_MAILBOX:
		return mailbox_op_fits(plugin, op) ? NULL :
		    "a mailbox that cannot be one, or allow: {delete: yes}";
	case OPK_APPEND:
		return append_objection(plugin, op);
	default:
		return NULL;
	}
}

/* ---- all of a plan -------------------------------------------------------- */

static void
add_fault(struct plan *p, const struct hook_op *op, const char *why)
{
	p->fault = array_room(p->fault, p->n_faults, &p->cap_faults,
	    sizeof(*p->fault));
	p->fault[p->n_faults++] = (struct hook_fault){
		.plugin = op->plugin,
		.where = op->where,
		.text = str_z(why),
	};
}

/* Everything of that plugin's. */
static void
void_plugin(struct plan *p, struct str plugin)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_ops; i++)
		if (str_eq(p->op[i].plugin, plugin))
			p->op[i].lost = STR("not granted");
	for (size_t i = 0; i < p->n_kv; i++)
		if (!str_eq(p->kv[i].plugin, plugin))
			p->kv[n++] = p->kv[i];
	p->n_kv = n;
}

/* More ops of one plugin for one message than a script could have made; what is
 * about no message alone may name many. */
static bool
too_many(const struct plan *p, const struct hook_op *last, enum hook_kind kind)
{
	size_t n = 0;

	if (kind != HOOK_REMOVING && hook_is_batch(kind))
		return p->n_ops > OPS_MAX;
	for (const struct hook_op *op = p->op; op <= last; op++)
		n += op->msg == last->msg && str_eq(op->plugin, last->plugin);
	return last->msg != 0 && n > HOOK_OPS_MAX;
}

void
plan_check(struct plan *p, const struct account_conf *conf, enum hook_kind kind)
{
	for (size_t i = 0; i < p->n_ops; i++) {
		struct hook_op *op = &p->op[i];
		const struct plugin_conf *plugin = plan_plugin(conf, op->plugin);
		const char *why;

		if (op->lost.n > 0)
			continue;
		why = plugin == NULL ? "no such plugin" :
		    too_many(p, op, kind) ? "too many actions" :
		    objection(plugin, op, kind);
		if (why == NULL)
			continue;
		add_fault(p, op, why);
		void_plugin(p, op->plugin);
	}
	for (size_t i = 0; i < p->n_kv; i++)
		if (plan_plugin(conf, p->kv[i].plugin) == NULL)
			p->n_kv = 0;
}
