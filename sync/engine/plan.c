/*
 * plan.c — plans of scripts: taken over and written down; between the two,
 * plan_check.c.  Called by hooks.c and land.c; waits for the disk only.
 */
#include "engine/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/account.h"
#include "engine/hooks_impl.h"
#include "store/script.h"

/* ---- taking over ------------------------------------------------------ */

/* Where copies of texts go: measured first (at NULL), then copied. */
struct keeper {
	char	*at;
	size_t	 n;
};

static void
keep(struct keeper *k, struct str *s)
{
	if (k->at != NULL) {
		char *copy = k->at + k->n;

		if (s->n > 0)
			memcpy(copy, s->p, s->n);
		copy[s->n] = '\0';
		s->p = copy;
	}
	k->n += s->n + 1;
}

static void
keep_texts(struct plan *p, struct keeper *k)
{
	for (size_t i = 0; i < p->n_ops; i++) {
		struct hook_op *op = &p->op[i];

		keep(k, &op->verb);
		keep(k, &op->plugin);
		keep(k, &op->where);
		keep(k, &op->lost);
	}
	for (size_t i = 0, n = 0; i < p->n_ops; i++)
		for (size_t a = 0; a < p->op[i].n_args; a++)
			keep(k, &p->arg[n++]);
	for (size_t i = 0; i < p->n_kv; i++) {
		keep(k, &p->kv[i].plugin);
		keep(k, &p->kv[i].store);
		keep(k, &p->kv[i].key);
		if (p->kv[i].value.p != NULL)
			keep(k, &p->kv[i].value);
	}
	for (size_t i = 0; i < p->n_faults; i++) {
		keep(k, &p->fault[i].plugin);
		keep(k, &p->fault[i].where);
		keep(k, &p->fault[i].text);
	}
	keep(k, &p->reply);
}

static void *
copy_array(const void *from, size_t n, size_t size)
{
	void *to;

	if (n == 0)
		return NULL;
	to = xreallocarray(NULL, n, size);
	memcpy(to, from, n * size);
	return to;
}

void
plan_take(struct plan *p, struct hook_plan *from)
{
	struct keeper k = { 0 };
	size_t n_args = 0;

	*p = (struct plan){
		.op = copy_array(from->op, from->n_ops, sizeof(*p->op)),
		.n_ops = from->n_ops,
		.kv = copy_array(from->kv, from->n_kv, sizeof(*p->kv)),
		.n_kv = from->n_kv,
		.fault = copy_array(from->fault, from->n_faults,
		    sizeof(*p->fault)),
		.n_faults = from->n_faults,
		.cap_faults = from->n_faults,
		.reply = from->reply,
	};
	for (size_t i = 0; i < p->n_ops; i++) {
		n_args += p->op[i].n_args;
		from->op[i].fd = -1;
	}
	if (n_args > 0)
		p->arg = xreallocarray(NULL, n_args, sizeof(*p->arg));
	n_args = 0;
	for (size_t i = 0; i < p->n_ops; i++) {
		struct hook_op *op = &p->op[i];

		if (op->n_args > 0)
			memcpy(&p->arg[n_args], op->arg,
			    op->n_args * sizeof(*op->arg));
		op->arg = &p->arg[n_args];
		n_args += op->n_args;
	}
	keep_texts(p, &k);
	p->text = k.at = xmalloc(k.n);
	k.n = 0;
	keep_texts(p, &k);
}

void
plan_clear(struct plan *p)
{
	for (size_t i = 0; i < p->n_ops; i++)
		if (p->op[i].fd >= 0)
			close(p->op[i].fd);
	free(p->op);
	free(p->kv);
	free(p->fault);
	free(p->arg);
	free(p->text);
	*p = (struct plan){ 0 };
}

/* ---- reading ---------------------------------------------------------- */

const struct plugin_conf *
plan_plugin(const struct account_conf *conf, struct str name)
{
	for (size_t i = 0; i < conf->n_plugins; i++)
		if (str_eq(str_z(conf->plugin[i].name), name))
			return &conf->plugin[i];
	return NULL;
}

bool
plan_op_counts(const struct hook_op *op)
{
	return op->lost.n == 0 && op->kind != OPK_STOP && op->kind != OPK_HOLD;
}

enum uidl_keep
plan_keeps(const struct hook_op *op)
{
	return str_eq(op->arg[0], STR("no")) ? KEEP_NO : KEEP_YES;
}

bool
plan_is_effect(const struct hook_op *op)
{
	return op->kind == OPK_RUN || op->kind == OPK_SEND ||
	    op->kind == OPK_SAVE || op->kind == OPK_APPEND ||
	    op->kind == OPK_ACROSS;
}

bool
plan_lands(const struct hook_op *op)
{
	switch (op->kind) {
	case OPK_MOVE:
	case OPK_ARCHIVE:
	case OPK_TRASH:
	case OPK_FLAG:
	case OPK_UNFLAG:
	case OPK_TAG:
	case OPK_UNTAG:
	case OPK_KEEP:
		return true;
	default:
		return false;
	}
}

/* ---- writing down ----------------------------------------------------- */

/* All of a descriptor's bytes. */
static int
read_all(int fd, struct buf *out, struct err *err)
{
	struct stat st;
	uint8_t *room;
	off_t at = 0;

	if (fstat(fd, &st) < 0 || st.st_size < 0)
		return err_sys(err, ERR_MSG, "plugin.error", "bytes of a script");
	room = buf_room(out, (size_t)st.st_size);
	if (room == NULL)
		return err_set(err, ERR_MSG, "plugin.error",
		    "a script gave more bytes than fit");
	while (at < st.st_size) {
		ssize_t n = pread(fd, room + at, (size_t)(st.st_size - at), at);

		if (n <= 0)
			return err_sys(err, ERR_MSG, "plugin.error",
			    "bytes of a script");
		at += n;
	}
	out->n += (size_t)at;
	return 0;
}

static int
commit_effect(struct account *acc, const struct hook_op *op, struct err *err)
{
	CLEANUP(buf_clear) struct buf argv, input;
	struct script_effect e = { .plugin = op->plugin, .place = op->where,
	    .verb = op->verb, .op = op->kind, .msg = op->msg,
	    .whole = op->whole || op->kind == OPK_ACROSS, .once = op->once,
	    .timeout = op->timeout, .when = clock_wall() };

	buf_init(&argv, HOOK_ARGS_MAX * (HOOK_TEXT_MAX + 1));
	buf_init(&input, SCRIPT_INPUT_MAX);
	for (size_t i = 0; i < op->n_args; i++) {
		/* The NUL behind it is part of it. */
		struct str arg = { op->arg[i].p, strlen(op->arg[i].p) + 1 };

		must(buf_add_str(&argv, arg) == 0);
	}
	if (op->kind == OPK_APPEND) {
		char letters[7];

		sysflags_to_letters(op->sys, letters);
		must(buf_add(&argv, letters, strlen(letters) + 1) == 0);
	}
	e.argv = buf_str(&argv);
	if (op->fd >= 0 && read_all(op->fd, &input, err) < 0)
		return -1;
	return store_effect_add(acc->store, &e, buf_str(&input), err);
}

static int
commit_step(struct account *acc, const struct hook_op *op, unsigned depth,
    struct err *err)
{
	struct script_step st = { .msg = op->msg, .op = op->kind,
	    .sys = op->sys, .plugin = op->plugin, .place = op->where,
	    .depth = depth };
	bool each = op->kind == OPK_TAG || op->kind == OPK_UNTAG;
	char what[2 * PLAN_MAILBOX_MAX + 20];

	/* Names have no control characters. */
	if (op->kind == OPK_MAILBOX)
		snprintf(what, sizeof(what), "%.*s\n%.*s\n%.*s",
		    STR_ARG(op->arg[0]), STR_ARG(op->arg[1]),
		    STR_ARG(op->n_args > 2 ? op->arg[2] : STR_NONE));
	if (op->kind == OPK_MAILBOX)
		st.arg = str_z(what);
	else if (op->n_args > 0 && !each)
		st.arg = op->arg[0];
	if (!each)
		return store_step_add(acc->store, &st, err);
	for (size_t i = 0; i < op->n_args; i++) {
		st.arg = op->arg[i];
		if (store_step_add(acc->store, &st, err) < 0)
			return -1;
	}
	return 0;
}

static int
commit_kv(struct account *acc, const struct hook_kv *kv, struct err *err)
{
	struct script_key k = { kv->plugin, kv->store, kv->key };

	if (kv->value.p == NULL)
		return store_kv_remove(acc->store, &k, err);
	return store_kv_put(acc->store, &k, kv->value, kv->expires, err);
}

static int
commit_fault(struct account *acc, const struct hook_fault *f,
    enum hook_kind kind, struct err *err)
{
	char why[512];
	struct script_owed o = { .plugin = f->plugin, .msg = f->msg,
	    .when = clock_wall() };

	snprintf(why, sizeof(why), "%.*s%s%.*s", STR_ARG(f->where),
	    f->where.n > 0 ? ": " : "", STR_ARG(f->text));
	o.why = str_z(why);
	log_warn("plugin %.*s, %s: %s", STR_ARG(f->plugin),
	    hook_kind_name(kind), why);
	if (kind != HOOK_INCOMING || !f->owed || f->msg == 0 ||
	    plan_plugin(acc->conf, f->plugin) == NULL)
		return 0;
	return store_owed_put(acc->store, &o, err);
}

/* What one op cannot have (a full store, too many bytes) does not undo the rest. */
static int
one_failed(const struct err *err)
{
	if (err->class != ERR_MSG)
		return -1;
	log_warn("%s", err->text);
	return 0;
}

/* Takes the message away from where it is. */
static bool
goes_away(const struct hook_op *op)
{
	return op->kind == OPK_MOVE || op->kind == OPK_ARCHIVE ||
	    op->kind == OPK_TRASH || op->kind == OPK_DELETE;
}

static int
commit_op(struct account *acc, const struct hook_op *op, enum hook_kind kind,
    unsigned depth, bool landing, struct err *err)
{
	int r;

	if (kind == HOOK_CREATED && op->kind == OPK_HOLD && op->lost.n == 0)
		return created_hold(acc, op, err);
	if (!plan_op_counts(op) || (landing && plan_lands(op)) ||
	    (kind == HOOK_OFFERED && op->msg != 0))
		return 0;
	r = plan_is_effect(op) ? commit_effect(acc, op, err) :
	    commit_step(acc, op, depth, err);
	return r < 0 ? one_failed(err) : 0;
}

int
plan_commit(struct account *acc, struct plan *p, enum hook_kind kind,
    unsigned depth, bool landing, struct err *err)
{
	int r = 0;

	/* What is to be done to a message comes before it goes: until the server
	 * has followed, nobody could say where it is. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < p->n_ops && r == 0; i++)
			if (goes_away(&p->op[i]) == (pass == 1))
				r = commit_op(acc, &p->op[i], kind, depth,
				    landing, err);
	/* What nobody is shown any more leaves its room to what comes. */
	if (r == 0 && p->n_kv > 0)
		r = store_kv_expire(acc->store, clock_wall() / 1000000, err);
	for (size_t i = 0; i < p->n_kv && r == 0; i++)
		if ((r = commit_kv(acc, &p->kv[i], err)) < 0)
			r = one_failed(err);
	for (size_t i = 0; i < p->n_faults && r == 0; i++)
		r = commit_fault(acc, &p->fault[i], kind, err);
	return r;
}
