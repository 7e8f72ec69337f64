/* plan.c — recording, and the state that results. */
#include "plan.h"

#include <stdio.h>
#include <string.h>

#include "script.h"

/* Is ${word} in the list, without regard to case? */
static bool
has_word(const struct strs *list, struct str word)
{
	for (size_t i = 0; i < list->n; i++) {
		if (str_ieq(list->v[i], word))
			return true;
	}
	return false;
}

struct op *
plan_add(struct plan *p, struct arena *a)
{
	struct op *op = arena_get(a, sizeof(*op));

	p->op = arena_room(a, p->op, p->n, &p->cap, sizeof(struct op *));
	p->op[p->n++] = op;
	return op;
}

struct plan_write *
plan_write(struct plan *p, struct arena *a)
{
	p->write = arena_room(a, p->write, p->n_writes, &p->cap_writes,
	    sizeof(*p->write));
	return &p->write[p->n_writes++];
}

/* The keywords with those of ${arg}, or without them; never in place, because
 * states share their lists. */
static void
change_keywords(struct strs *kw, const struct strs *arg, bool add, struct arena *a)
{
	struct strs out = { arena_get(a, (kw->n + arg->n + 1) *
	    sizeof(struct str)), 0 };

	for (size_t i = 0; i < kw->n; i++) {
		if (add || !has_word(arg, kw->v[i]))
			out.v[out.n++] = kw->v[i];
	}
	for (size_t i = 0; add && i < arg->n; i++) {
		if (!has_word(&out, arg->v[i]))
			out.v[out.n++] = arg->v[i];
	}
	*kw = out;
}

static void
file_into(struct op *op, struct str mailbox, struct arena *a)
{
	struct msg_state *now = &op->msg->now;

	if (now->filed.p != NULL && strcmp(op->verb, "refile") != 0) {
		char text[200];
		int n = snprintf(text, sizeof(text), "already filed by %.*s",
		    STR_ARG(now->filed));

		op->lost = arena_str(a, (struct str){ text, (size_t)n });
		return;
	}
	now->filed = op->where;
	if (mailbox.n > 0)
		now->mailbox = mailbox;
}

void
plan_apply(struct op *op, const struct account *acc, struct arena *a)
{
	struct msg_state *now = op->msg != NULL ? &op->msg->now : NULL;

	if (now == NULL)
		return;
	op->lost = STR_NONE;
	switch (op->kind) {
	case OPK_MOVE:
		file_into(op, op->arg.v[0], a);
		break;
	case OPK_ACROSS:
		if (op->arg.n > 2)
			file_into(op, STR_NONE, a);
		break;
	case OPK_ARCHIVE:
		file_into(op, op->arg.n > 0 ? op->arg.v[0] :
		    acc->role[ROLE_ARCHIVE], a);
		break;
	case OPK_TRASH:
	case OPK_DELETE:
		file_into(op, acc->role[ROLE_TRASH], a);
		break;
	case OPK_FLAG:
		now->sys |= op->sys;
		break;
	case OPK_UNFLAG:
		now->sys &= ~op->sys;
		break;
	case OPK_TAG:
	case OPK_UNTAG:
		change_keywords(&now->keywords, &op->arg, op->kind == OPK_TAG, a);
		break;
	default:
		break;		/* the message stays what it is */
	}
}

void
plan_forget(struct plan *p, uint32_t plugin, struct msg **msg, size_t n,
    const struct account *acc, struct arena *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		msg[i]->now = msg[i]->base;
	for (size_t i = 0; i < p->n; i++) {
		if (p->op[i]->plugin == plugin)
			continue;
		p->op[kept++] = p->op[i];
		plan_apply(p->op[kept - 1], acc, a);
	}
	p->n = kept;
	kept = 0;
	for (size_t i = 0; i < p->n_writes; i++) {
		if (p->write[i].plugin != plugin)
			p->write[kept++] = p->write[i];
	}
	p->n_writes = kept;
}
