/*
 * incoming.c — scripts that are asked at once: about mail that arrives, and about
 * deletions that are about to go to the server.  Called by land.c and guard.c; waits
 * for the answers.
 */
#include "engine/hooks_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/account.h"

/* ---- mail that arrives ----------------------------------------------- */

struct incoming {
	struct asked	**asked;
	size_t		  n, cap;
	usec		  since;
};

static int
ask_incoming(struct hooks *h, struct arrivals *a, size_t from, size_t n,
    struct asked **out, struct err *err)
{
	struct hook_event ev = { .kind = HOOK_INCOMING,
	    .mailbox = str_z(a->f->name) };
	const char *origin = tell_initial(h, a->f) ? "initial" : "server";
	struct batch b = { .n = 0 };
	int r = 0;

	for (size_t i = from; i < from + n && r == 0; i++) {
		if (tell_trashed(h, a->f, &a->v[i].landing.id.all))
			continue;
		if (a->v[i].row == 0)
			a->v[i].row = store_msg_id(h->acc->store, err);
		r = a->v[i].row == 0 ? -1 :
		    batch_add_arrival(&b, a, &a->v[i], origin, err);
	}
	ev.deadline = clock_in(hooks_patience(h->acc->conf) *
	    (1 + (usec)n / 8));
	*out = NULL;
	if (r == 0 && b.n > 0) {
		*out = hooks_ask(h, &ev, &b);
		(*out)->kept = true;
	}
	batch_clear(&b);
	return r;
}

static struct arrival *
arrival_of(struct arrivals *a, int64_t id)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].row == id)
			return &a->v[i];
	return NULL;
}

static int
file_arrival(struct hooks *h, struct arrivals *a, struct arrival *one,
    struct hook_op *op, struct err *err)
{
	const char *why = NULL;
	struct folder *to;
	int r = step_target(h->acc, op->kind, op->n_args > 0 ? op->arg[0] :
	    STR_NONE, &to, &why, err);

	if (r < 0 && err->class != ERR_FOLDER && err->class != ERR_MSG)
		return -1;
	if (r != 0) {
		log_warn("%.*s: %.*s: %s", STR_ARG(op->where),
		    STR_ARG(op->verb), r < 0 ? err->text : why);
		op->lost = STR("no such mailbox");
		return 0;
	}
	one->to = to != a->f ? to : NULL;
	return 0;
}

static void
tag_arrival(struct arrivals *a, struct arrival *one, const struct hook_op *op)
{
	for (size_t i = 0; i < op->n_args; i++) {
		int bit = op->kind == OPK_TAG ?
		    kwtab_bit(&a->f->kw, op->arg[i]) :
		    kwtab_find(&a->f->kw, op->arg[i]);
		uint64_t mask = bit >= 0 ? (uint64_t)1 << bit : 0;

		one->show.kw = op->kind == OPK_TAG ? one->show.kw | mask :
		    one->show.kw & ~mask;
	}
}

static int
apply_plan(struct hooks *h, struct arrivals *a, struct plan *p, struct err *err)
{
	for (size_t i = 0; i < p->n_ops; i++) {
		struct hook_op *op = &p->op[i];
		struct arrival *one = arrival_of(a, op->msg);
		int r = 0;

		if (one == NULL || !plan_op_counts(op))
			continue;
		switch (op->kind) {
		case OPK_MOVE:
		case OPK_ARCHIVE:
		case OPK_TRASH:
			r = file_arrival(h, a, one, op, err);
			break;
		case OPK_FLAG:
			one->show.sys |= op->sys;
			break;
		case OPK_UNFLAG:
			one->show.sys &= ~op->sys;
			break;
		case OPK_TAG:
		case OPK_UNTAG:
			tag_arrival(a, one, op);
			break;
		case OPK_KEEP:
			one->listed.keep = plan_keeps(op);
			break;
		default:
			break;
		}
		if (r < 0)
			return -1;
	}
	return 0;
}

int
incoming_ask(struct arrivals *a, struct err *err)
{
	struct hooks *h = a->acc->hooks;
	struct incoming *in;

	if (h == NULL || !tell_wanted_in(h, HOOK_INCOMING, a->f))
		return 0;
	in = a->incoming = xcalloc(1, sizeof(*in));
	in->since = clock_now();
	for (size_t i = 0; i < a->n; i += HOOK_BATCH) {
		size_t n = a->n - i < HOOK_BATCH ? a->n - i : HOOK_BATCH;

		in->asked = array_room(in->asked, in->n, &in->cap,
		    sizeof(*in->asked));
		if (ask_incoming(h, a, i, n, &in->asked[in->n], err) < 0)
			return -1;
		in->n += in->asked[in->n] != NULL;
	}
	return hooks_step(h, err);
}

int
incoming_hear(struct arrivals *a, struct err *err)
{
	struct hooks *h = a->acc->hooks;
	struct incoming *in = a->incoming;

	for (size_t i = 0; i < a->n; i++)
		a->v[i].show = a->v[i].flags;
	if (in == NULL)
		return 0;
	/* Nobody served them while the disk was waited for. */
	hooks_extend(h, in->asked, in->n, clock_now() - in->since);
	if (hooks_wait_for(h, in->asked, in->n, err) < 0)
		return -1;
	for (size_t i = 0; i < in->n; i++) {
		plan_check(&in->asked[i]->plan, a->acc->conf, HOOK_INCOMING);
		if (apply_plan(h, a, &in->asked[i]->plan, err) < 0)
			return -1;
	}
	return 0;
}

/* The changes that the rounds will find are this plugin's. */
static int
write_cause(struct account *acc, const struct hook_op *op, enum hook_kind kind,
    struct err *err)
{
	struct script_cause c = { .msg = op->msg, .kind = kind,
	    .plugin = op->plugin, .depth = 1, .when = clock_wall() };

	return store_cause_put(acc->store, &c, err);
}

static int
write_causes(struct arrivals *a, const struct plan *p, struct err *err)
{
	for (size_t i = 0; i < p->n_ops; i++) {
		const struct hook_op *op = &p->op[i];
		const struct arrival *one = arrival_of(a, op->msg);
		bool files = op->kind == OPK_MOVE || op->kind == OPK_ARCHIVE ||
		    op->kind == OPK_TRASH;

		if (one == NULL || !plan_op_counts(op) || !plan_lands(op))
			continue;
		if (files && one->to != NULL &&
		    write_cause(a->acc, op, HOOK_MOVED, err) < 0)
			return -1;
		if (!files && !flags_eq(one->show, one->flags) &&
		    write_cause(a->acc, op, HOOK_FLAGS, err) < 0)
			return -1;
	}
	return 0;
}

int
incoming_write(struct arrivals *a, struct err *err)
{
	struct incoming *in = a->incoming;

	for (size_t i = 0; in != NULL && i < in->n; i++) {
		struct plan *p = &in->asked[i]->plan;

		if (plan_commit(a->acc, p, HOOK_INCOMING, 0, true, err) < 0 ||
		    write_causes(a, p, err) < 0)
			return -1;
	}
	return 0;
}

void
incoming_end(struct arrivals *a, bool committed)
{
	struct hooks *h = a->acc->hooks;
	struct incoming *in = a->incoming;

	if (in == NULL)
		return;
	for (size_t i = 0; i < in->n; i++) {
		if (in->asked[i]->answered)
			h->host->ops->settle(h->host, in->asked[i]->event,
			    committed);
		hooks_forget(h, in->asked[i]);
	}
	free(in->asked);
	free(in);
	a->incoming = NULL;
	h->effects_due = h->steps_due = true;
}

/* ---- deletions ------------------------------------------------------- */

int
incoming_removing(struct account *acc, struct folder *f, const int64_t *row,
    size_t n, char **why, struct err *err)
{
	struct hooks *h = acc->hooks;
	struct hook_event ev = { .kind = HOOK_REMOVING,
	    .mailbox = str_z(f->name) };
	struct batch b = { .n = 0 };
	struct asked *q;
	char count[24];
	struct str arg;

	*why = NULL;
	if (!tell_wants(acc, HOOK_REMOVING) || n == 0)
		return 0;
	for (size_t i = 0; i < n && b.n < HOOK_BATCH; i++)
		if (batch_add_row(&b, acc, row[i], "client", false, err) < 0) {
			batch_clear(&b);
			return -1;
		}
	/* More than fit: their number is what counts. */
	snprintf(count, sizeof(count), "%zu", n);
	arg = str_z(count);
	ev.arg = &arg;
	ev.n_args = 1;
	ev.deadline = clock_in(hooks_patience(acc->conf));
	q = hooks_ask(h, &ev, &b);
	q->kept = true;
	batch_clear(&b);
	if (hooks_wait_for(h, &q, 1, err) < 0)
		return -1;
	for (size_t i = 0; i < q->plan.n_ops && *why == NULL; i++)
		if (q->plan.op[i].kind == OPK_HOLD && q->plan.op[i].n_args > 0)
			*why = str_dup(q->plan.op[i].arg[0]);
	return hooks_end(h, q, err);
}

