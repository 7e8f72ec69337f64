/*
 * hooks.c — events to the host, plans from it.  Called by whoever changes mail, and
 * by the worker between rounds; waits only in hooks_incoming(), hooks_removing()
 * and hooks_finish().
 */
#include "engine/hooks_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/account.h"
#include "engine/timer.h"

#define FIRST_FOLDERS	"scripts.first-folders"

enum { EVENT_S = 60, GRACE_S = 5, OWED_S = 60, OWED_MOST_S = 3600,
    SETTLE_S = 2, SETTLE_MOST_S = 30, CAUSE_S = 600, MOVE_S = 120, TIMER_MOST_S = 3600 };

static const usec default_deadline = USEC_S(10);

/* ---- making ------------------------------------------------------------ */

struct hooks *
hooks_new(struct account *acc, const struct hook_broker *broker)
{
	struct hooks *h = xcalloc(1, sizeof(*h));
	char *first = store_get(acc->store, FIRST_FOLDERS);

	h->acc = acc;
	h->broker = *broker;
	h->first_folders = first != NULL ? atoll(first) : 0;
	free(first);
	h->settle_at = USEC_NEVER;
	h->effects_due = h->steps_due = true;
	buf_init(&h->value, SCRIPT_VALUE_MAX);
	hooks_world_init(h);
	return h;
}

const struct hook_world *
hooks_world(const struct hooks *h)
{
	return &h->world;
}

const struct hook_broker *
hooks_broker(const struct hooks *h)
{
	return &h->broker;
}

void
hooks_take_host(struct hooks *h, struct hook_host *host)
{
	must(h->host == NULL);
	h->host = host;
}

static void
asked_free(struct asked *q)
{
	plan_clear(&q->plan);
	free(q->only);
	free(q->what);
	free(q);
}

void
hooks_free(struct hooks *h)
{
	if (h == NULL)
		return;
	if (h->host != NULL)
		h->host->ops->free(h->host);
	for (size_t i = 0; i < h->n_asked; i++)
		asked_free(h->asked[i]);
	free(h->asked);
	for (size_t i = 0; i < h->n_answers; i++)
		free(h->answer[i].text);
	free(h->answer);
	batch_clear(&h->shown);
	buf_clear(&h->value);
	free(h);
}

/* ---- who wants what ------------------------------------------------------ */

static bool
wanted(const struct hooks *h, enum hook_kind kind)
{
	return h->host != NULL && h->host->ops->kinds(h->host) >> kind & 1;
}

bool
hooks_want(const struct account *acc, enum hook_kind kind)
{
	return acc->hooks != NULL && wanted(acc->hooks, kind);
}

/* Mail that was there before we were is no news.  Folders that came later have
 * news only. */
static bool
is_initial(const struct hooks *h, const struct folder *f)
{
	struct err err;

	return account_two_way(h->acc) && (h->first_folders == 0 ||
	    f->id <= h->first_folders) && store_marked(h->acc->store, f->id, &err) == 0;
}

static bool
wanted_in(const struct hooks *h, enum hook_kind kind, const struct folder *f)
{
	if (!wanted(h, kind))
		return false;
	return !is_initial(h, f) || h->host->ops->initial(h->host) >> kind & 1;
}

/* Which folders have been synced by now; and, once there is a list, which were there
 * first. */
static int
mark_folders(struct hooks *h, struct err *err)
{
	struct account *acc = h->acc;
	int64_t last = 0;
	char text[24];

	for (size_t i = 0; i < acc->n_folders; i++) {
		const struct folder *f = acc->folder[i];

		last = f->id > last ? f->id : last;
		if (f->uidnext != 0 && is_initial(h, f) &&
		    store_mark(acc->store, f->id, err) < 0)
			return -1;
	}
	if (h->first_folders != 0 || !acc->greeted)
		return 0;
	h->first_folders = last;
	snprintf(text, sizeof(text), "%lld", (long long)last);
	return store_set(acc->store, FIRST_FOLDERS, str_z(text), err);
}

int
hooks_mark(struct account *acc, struct err *err)
{
	if (acc->hooks == NULL)
		return 0;
	if (account_begin(acc, err) < 0)
		return -1;
	if (mark_folders(acc->hooks, err) < 0) {
		store_rollback(acc->store);
		return -1;
	}
	return account_commit(acc, err);
}

/* ---- telling ---------------------------------------------------------------- */

static void
words_between(const struct kwtab *t, uint64_t bits, char *out, size_t cap)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < t->n; i++)
		if ((bits >> i & 1) && n + strlen(t->name[i]) + 2 < cap)
			n += (size_t)snprintf(out + n, cap - n, "%s%s",
			    n > 0 ? " " : "", t->name[i]);
}

static void
burst(struct hooks *h)
{
	usec now = clock_now();

	if (h->settle_at == USEC_NEVER)
		h->settle_last = now + USEC_S(SETTLE_MOST_S);
	h->settle_at = now + USEC_S(SETTLE_S);
	if (h->settle_at > h->settle_last)
		h->settle_at = h->settle_last;
}

/* Who did it: a script, if it said so before. */
static int
find_cause(struct hooks *h, struct script_event *e, char origin[80],
    struct err *err)
{
	struct script_cause c;
	int got;

	if (e->kind != HOOK_MOVED && e->kind != HOOK_FLAGS)
		return 0;
	got = store_cause_take(h->acc->store, e->msg, e->kind,
	    clock_wall() - USEC_S(CAUSE_S), &c, err);
	if (got > 0) {
		snprintf(origin, 80, "plugin:%.*s", STR_ARG(c.plugin));
		e->origin = str_z(origin);
		e->depth = c.depth;
	}
	return got < 0 ? -1 : 0;
}

int
hooks_tell(struct account *acc, enum hook_kind kind, struct folder *f,
    const struct msg_row *row, const struct hook_was *was, struct err *err)
{
	enum { WORDS = KW_MAX * 32 };
	struct hooks *h = acc->hooks;
	struct script_event e = { .kind = kind, .msg = row->id,
	    .mailbox = str_z(f->name) };
	char origin[80], in[WORDS] = "", out[WORDS] = "";

	if (h == NULL)
		return 0;
	burst(h);
	if (kind == HOOK_DELIVERED) {
		h->recent[h->n_recent % RECENT].msg = row->id;
		h->recent[h->n_recent++ % RECENT].when = clock_now();
	}
	e.origin = was != NULL && was->origin != NULL ? str_z(was->origin) :
	    is_initial(h, f) ? STR("initial") : STR("server");
	if (find_cause(h, &e, origin, err) < 0)
		return -1;
	if (!wanted_in(h, kind, f))
		return 0;
	if (e.depth > HOOK_DEPTH_MAX) {
		log_error("plugins: a chain of more than %d changes ends at "
		    "message %lld in %s", HOOK_DEPTH_MAX, (long long)row->id,
		    f->name);
		return 0;
	}
	if (kind == HOOK_FLAGS && was != NULL) {
		struct flags more = flags_minus(row->flags, was->flags);
		struct flags less = flags_minus(was->flags, row->flags);

		words_between(&f->kw, more.kw, in, sizeof(in));
		words_between(&f->kw, less.kw, out, sizeof(out));
		e.sys_in = more.sys;
		e.sys_out = less.sys;
		e.kw_in = str_z(in);
		e.kw_out = str_z(out);
		if (flags_none(more) && flags_none(less))
			return 0;
	} else if (kind == HOOK_REMOVED) {
		e.detail = row->msgid;
	} else if (was != NULL && was->mailbox != NULL) {
		e.detail = str_z(was->mailbox);
	}
	return store_event_add(acc->store, &e, err);
}

static bool
is_recent(const struct hooks *h, int64_t msg)
{
	for (size_t i = 0; i < RECENT; i++)
		if (h->recent[i].msg == msg)
			return h->recent[i].when + USEC_S(MOVE_S) > clock_now();
	return false;
}

/* The row that has the very same bytes and came just now; 1, 0, -1. */
static int
find_arrived(struct hooks *h, const struct msg_row *gone, struct msg_row *row,
    struct err *err)
{
	struct cursor *c = cursor_open_head(h->acc->store, 0, &gone->head,
	    gone->wire_size, err);
	int64_t id = 0;
	int got = 1;

	if (c == NULL)
		return -1;
	while (id == 0 && (got = cursor_next(c, row, err)) > 0)
		if (row->id != gone->id && row->folder != gone->folder &&
		    hash_eq(&row->all, &gone->all) && is_recent(h, row->id))
			id = row->id;
	cursor_close(c);
	return id != 0 ? store_find_id(h->acc->store, id, row, err) : got;
}

int
hooks_tell_gone(struct account *acc, struct folder *f, const struct msg_row *row,
    const char *origin, struct err *err)
{
	struct hook_was was = { .origin = origin };
	struct msg_row here;
	struct folder *to = NULL;
	int got = 0;

	if (hooks_want(acc, HOOK_MOVED))
		got = find_arrived(acc->hooks, row, &here, err);
	if (got < 0)
		return -1;
	if (got > 0)
		to = account_by_id(acc, here.folder);
	if (to == NULL)
		return hooks_tell(acc, HOOK_REMOVED, f, row, &was, err);
	was.mailbox = f->name;
	return hooks_tell(acc, HOOK_MOVED, to, &here, &was, err);
}

int
hooks_tell_folder(struct account *acc, const struct folder *f, const char *what,
    const char *old, const char *origin, struct err *err)
{
	char detail[2200];
	struct script_event e = { .kind = HOOK_FOLDER, .origin = str_z(origin),
	    .mailbox = str_z(f->name) };

	if (!hooks_want(acc, HOOK_FOLDER))
		return 0;
	snprintf(detail, sizeof(detail), "%s %s", what, old != NULL ? old : "");
	e.detail = str_trim(str_z(detail));
	return store_event_add(acc->store, &e, err);
}

/* ---- asking ------------------------------------------------------------------ */

static usec
longest_deadline(const struct account_conf *conf)
{
	usec most = 0;

	for (size_t i = 0; i < conf->n_plugins; i++)
		if (conf->plugin[i].limits.deadline > most)
			most = conf->plugin[i].limits.deadline;
	return most > 0 ? most : default_deadline;
}

static struct asked *
asked_new(struct hooks *h, struct hook_event *ev, const struct batch *b)
{
	struct asked *q = xcalloc(1, sizeof(*q));

	ev->id = ++h->events;
	if (b != NULL) {
		ev->msg = b->msg;
		ev->n_msgs = b->n;
		q->n_msgs = b->n;
		for (size_t i = 0; i < b->n; i++)
			q->msg[i] = b->msg[i].id;
	}
	q->event = ev->id;
	q->kind = ev->kind;
	q->depth = ev->depth;
	q->only = xstrdup(ev->only);
	q->what = ev->what.n > 0 ? str_dup(ev->what) : NULL;
	q->deadline = ev->deadline + USEC_S(GRACE_S);
	h->asked = array_room(h->asked, h->n_asked, &h->cap_asked,
	    sizeof(*h->asked));
	h->asked[h->n_asked++] = q;
	return q;
}

static struct asked *
ask(struct hooks *h, struct hook_event *ev, const struct batch *b)
{
	struct asked *q = asked_new(h, ev, b);

	h->host->ops->ask(h->host, ev);
	return q;
}

static void
forget(struct hooks *h, struct asked *q)
{
	for (size_t i = 0; i < h->n_asked; i++)
		if (h->asked[i] == q) {
			h->asked[i] = h->asked[--h->n_asked];
			break;
		}
	asked_free(q);
}

static struct asked *
find_asked(const struct hooks *h, uint64_t event)
{
	for (size_t i = 0; i < h->n_asked; i++)
		if (h->asked[i]->event == event && !h->asked[i]->answered)
			return h->asked[i];
	return NULL;
}

/* Is one like it with the host already? */
static bool
is_asked(const struct hooks *h, enum hook_kind kind, const char *only,
    const char *what)
{
	for (size_t i = 0; i < h->n_asked; i++) {
		const struct asked *q = h->asked[i];

		if (q->kind == kind && !q->kept &&
		    (only == NULL || (q->only != NULL &&
		    strcmp(q->only, only) == 0)) &&
		    (what == NULL || (q->what != NULL &&
		    strcmp(q->what, what) == 0)))
			return true;
	}
	return false;
}

/* ---- answers ------------------------------------------------------------------- */

/* A plugin that failed for an event as a whole failed for each message in it. */
static void
spread_faults(struct asked *q)
{
	struct plan *p = &q->plan;
	size_t n = p->n_faults;

	for (size_t i = 0; i < n; i++) {
		if (p->fault[i].msg != 0 || q->n_msgs == 0)
			continue;
		p->fault[i].msg = q->msg[0];
		for (size_t k = 1; k < q->n_msgs; k++) {
			struct hook_fault more = p->fault[i];

			more.msg = q->msg[k];
			p->fault = array_room(p->fault, p->n_faults,
			    &p->cap_faults, sizeof(*p->fault));
			p->fault[p->n_faults++] = more;
		}
	}
}

/* The host is silent: every plugin it was asked for has failed. */
static void
give_up(const struct account_conf *conf, struct asked *q)
{
	struct plan *p = &q->plan;

	for (size_t i = 0; i < conf->n_plugins; i++) {
		if (q->only != NULL && strcmp(q->only, conf->plugin[i].name) != 0)
			continue;
		p->fault = array_room(p->fault, p->n_faults, &p->cap_faults,
		    sizeof(*p->fault));
		p->fault[p->n_faults++] = (struct hook_fault){
			.plugin = str_z(conf->plugin[i].name),
			.text = STR("no answer from the script process"),
			.owed = true,
		};
	}
	q->answered = true;
	spread_faults(q);
}

static bool
failed_for(const struct plan *p, int64_t msg)
{
	for (size_t i = 0; i < p->n_faults; i++)
		if (p->fault[i].msg == msg && p->fault[i].owed)
			return true;
	return false;
}

static int
write_answer(struct hooks *h, struct asked *q, struct err *err)
{
	struct store *s = h->acc->store;
	int r = plan_commit(h->acc, &q->plan, q->kind, q->depth, false, err);

	if (r == 0 && q->seq != 0)
		r = store_event_drop(s, q->seq, err);
	for (size_t i = 0; i < q->n_msgs && r == 0; i++)
		if (q->kind == HOOK_INCOMING && q->only != NULL &&
		    !failed_for(&q->plan, q->msg[i]))
			r = store_owed_remove(s, str_z(q->only), q->msg[i], err);
	if (r == 0 && q->kind == HOOK_TIMER)
		r = store_timer_put(s, str_z(q->only), str_z(q->what),
		    clock_wall() / 1000000, err);
	return r;
}

static void
answer_job(struct hooks *h, const struct asked *q)
{
	const struct plan *p = &q->plan;
	struct hooks_answer a = { .job = q->job, .failed = p->n_faults > 0 };

	if (q->job == 0)
		return;
	if (a.failed)
		a.text = xasprintf("%.*s%s%.*s", STR_ARG(p->fault[0].where),
		    p->fault[0].where.n > 0 ? ": " : "",
		    STR_ARG(p->fault[0].text));
	else
		a.text = str_dup(p->reply);
	h->answer = array_room(h->answer, h->n_answers, &h->cap_answers,
	    sizeof(*h->answer));
	h->answer[h->n_answers++] = a;
}

static int
finish(struct hooks *h, struct asked *q, struct err *err)
{
	int r;

	plan_check(&q->plan, h->acc->conf, q->kind);
	r = account_begin(h->acc, err);
	if (r == 0 && (r = write_answer(h, q, err)) < 0)
		store_rollback(h->acc->store);
	else if (r == 0)
		r = account_commit(h->acc, err);
	h->host->ops->settle(h->host, q->event, r == 0);
	if (r == 0)
		answer_job(h, q);
	h->effects_due = h->steps_due = true;
	if (q->kind == HOOK_TIMER)
		h->timers_at = 0;
	forget(h, q);
	return r;
}

static void
drop_plan(struct hook_plan *p)
{
	for (size_t i = 0; i < p->n_ops; i++)
		if (p->op[i].fd >= 0)
			close(p->op[i].fd);
}

static int
take_answers(struct hooks *h, struct err *err)
{
	struct hook_plan from;

	while (h->host->ops->step(h->host, &from)) {
		struct asked *q = find_asked(h, from.event);

		if (q == NULL) {
			drop_plan(&from);
			continue;
		}
		plan_take(&q->plan, &from);
		q->answered = true;
		spread_faults(q);
		if (!q->kept && finish(h, q, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < h->n_asked; i++) {
		struct asked *q = h->asked[i];

		if (q->answered || clock_now() < q->deadline)
			continue;
		give_up(h->acc->conf, q);
		if (!q->kept && finish(h, q, err) < 0)
			return -1;
		i = (size_t)-1;
	}
	return 0;
}

/* ---- waiting --------------------------------------------------------------------- */

size_t
hooks_waiters(const struct account *acc, struct waiter *w, size_t cap)
{
	const struct hooks *h = acc->hooks;

	return h != NULL && h->host != NULL ?
	    h->host->ops->waiters(h->host, w, cap) : 0;
}

static usec
earlier(usec a, usec b)
{
	return a < b ? a : b;
}

/* Until something is heard of the host or the broker, or it is ${deadline}. */
static int
wait_once(struct hooks *h, usec deadline, struct err *err)
{
	struct waiter w[HOOKS_WAITERS + 1];
	size_t n = hooks_waiters(h->acc, w, HOOKS_WAITERS);

	w[n++] = h->broker.waiter(h->broker.daemon);
	deadline = earlier(deadline, h->host->ops->deadline(h->host));
	return wait_any(w, n, deadline, err) < 0 ? -1 : 0;
}

static int
wait_for(struct hooks *h, struct asked *const *v, size_t n, struct err *err)
{
	for (;;) {
		usec deadline = 0;

		if (take_answers(h, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (!v[i]->answered && v[i]->deadline > deadline)
				deadline = v[i]->deadline;
		if (deadline == 0)
			return 0;
		if (wait_once(h, deadline, err) < 0)
			return -1;
	}
}

/* ---- mail that arrives --------------------------------------------------------------- */

struct incoming {
	struct asked	**asked;
	size_t		  n, cap;
};

static int
ask_incoming(struct hooks *h, struct arrivals *a, size_t from, size_t n,
    struct asked **out, struct err *err)
{
	struct hook_event ev = { .kind = HOOK_INCOMING,
	    .mailbox = str_z(a->f->name) };
	const char *origin = is_initial(h, a->f) ? "initial" : "server";
	struct batch b = { .n = 0 };
	int r = 0;

	for (size_t i = from; i < from + n && r == 0; i++) {
		a->v[i].row = store_msg_id(h->acc->store, err);
		r = a->v[i].row == 0 ? -1 :
		    batch_add_arrival(&b, a, &a->v[i], origin, err);
	}
	ev.deadline = clock_in(longest_deadline(h->acc->conf) *
	    (1 + (usec)n / 8));
	if (r == 0) {
		*out = ask(h, &ev, &b);
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
		default:
			break;
		}
		if (r < 0)
			return -1;
	}
	return 0;
}

int
hooks_incoming(struct arrivals *a, struct err *err)
{
	struct hooks *h = a->acc->hooks;
	struct incoming *in;

	if (h == NULL || !wanted_in(h, HOOK_INCOMING, a->f))
		return 0;
	in = a->incoming = xcalloc(1, sizeof(*in));
	for (size_t i = 0; i < a->n; i += HOOK_BATCH) {
		size_t n = a->n - i < HOOK_BATCH ? a->n - i : HOOK_BATCH;

		in->asked = array_room(in->asked, in->n, &in->cap,
		    sizeof(*in->asked));
		if (ask_incoming(h, a, i, n, &in->asked[in->n], err) < 0)
			return -1;
		in->n++;
	}
	if (wait_for(h, in->asked, in->n, err) < 0)
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
hooks_incoming_write(struct arrivals *a, struct err *err)
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
hooks_incoming_end(struct arrivals *a, bool committed)
{
	struct hooks *h = a->acc->hooks;
	struct incoming *in = a->incoming;

	if (in == NULL)
		return;
	for (size_t i = 0; i < in->n; i++) {
		if (in->asked[i]->answered)
			h->host->ops->settle(h->host, in->asked[i]->event,
			    committed);
		forget(h, in->asked[i]);
	}
	free(in->asked);
	free(in);
	a->incoming = NULL;
	h->effects_due = h->steps_due = true;
}

/* ---- deletions ----------------------------------------------------------------------- */

int
hooks_removing(struct account *acc, struct folder *f, const int64_t *row,
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
	if (!hooks_want(acc, HOOK_REMOVING) || n == 0)
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
	ev.deadline = clock_in(longest_deadline(acc->conf));
	q = ask(h, &ev, &b);
	q->kept = true;
	batch_clear(&b);
	if (wait_for(h, &q, 1, err) < 0)
		return -1;
	for (size_t i = 0; i < q->plan.n_ops && *why == NULL; i++)
		if (q->plan.op[i].kind == OPK_HOLD && q->plan.op[i].n_args > 0)
			*why = str_dup(q->plan.op[i].arg[0]);
	return finish(h, q, err);
}

/* ---- what waits to be told --------------------------------------------------------------- */

static void
show_change(struct batch *b, const struct script_event *e)
{
	struct hook_msg *m = &b->msg[b->n - 1];

	m->sys_added = e->sys_in;
	m->sys_removed = e->sys_out;
	m->added = batch_words(b, e->kw_in);
	m->removed = batch_words(b, e->kw_out);
	if (e->kind == HOOK_MOVED)
		m->from = batch_keep(b, e->detail);
	if (e->kind == HOOK_DELIVERED)
		m->mailbox = batch_keep(b, e->mailbox);
}

/* What is gone has no row: what the event says is all there is. */
static void
show_removed(struct batch *b, const struct script_event *e)
{
	struct hook_msg *m = &b->msg[b->n++];

	*m = (struct hook_msg){ .id = e->msg, .fd = -1,
	    .mailbox = batch_keep(b, e->mailbox),
	    .origin = batch_keep(b, e->origin) };
	m->field[HOOK_MESSAGE_ID] = batch_keep(b, e->detail);
}

static int
add_event(struct hooks *h, struct batch *b, const struct script_event *e,
    struct err *err)
{
	char origin[80];
	int got;

	if (e->kind == HOOK_REMOVED) {
		show_removed(b, e);
		return 0;
	}
	snprintf(origin, sizeof(origin), "%.*s", STR_ARG(e->origin));
	got = batch_add_row(b, h->acc, e->msg, origin, true, err);
	if (got > 0)
		show_change(b, e);
	return got < 0 ? -1 : 0;
}

static void
ask_folder(struct hooks *h, const struct script_event *e)
{
	struct str old = e->detail, what = str_split(&old, ' ');
	struct hook_event ev = { .kind = HOOK_FOLDER, .mailbox = e->mailbox,
	    .what = what, .arg = &old, .n_args = old.n > 0,
	    .deadline = clock_in(USEC_S(EVENT_S)) };

	ask(h, &ev, NULL)->seq = e->seq;
}

static int
drop_events(struct hooks *h, int64_t seq, struct err *err)
{
	if (account_begin(h->acc, err) < 0)
		return -1;
	if (store_event_drop(h->acc->store, seq, err) < 0) {
		store_rollback(h->acc->store);
		return -1;
	}
	return account_commit(h->acc, err);
}

/* In the order in which it happened: one batch at a time, all of one kind. */
static int
ask_events(struct hooks *h, struct err *err)
{
	struct hook_event ev = { .deadline = clock_in(USEC_S(EVENT_S)) };
	struct batch b = { .n = 0 };
	struct script_event e;
	int64_t at = 0, last = 0;
	int got, r = 0;

	for (size_t i = 0; i < h->n_asked; i++)
		if (h->asked[i]->seq != 0)
			return 0;
	while (r == 0 && b.n < HOOK_BATCH &&
	    (got = store_event_next(h->acc->store, &at, &e, err)) != 0) {
		if (got < 0) {
			r = -1;
		} else if (e.kind == HOOK_FOLDER) {
			if (last == 0)
				ask_folder(h, &e);
			break;
		} else if (last != 0 && (e.kind != ev.kind ||
		    e.depth != ev.depth)) {
			break;
		} else {
			ev.kind = (enum hook_kind)e.kind;
			ev.depth = e.depth;
			last = e.seq;
			r = add_event(h, &b, &e, err);
		}
	}
	if (r == 0 && b.n > 0)
		ask(h, &ev, &b)->seq = last;
	else if (r == 0 && last != 0)
		r = drop_events(h, last, err);	/* of messages that are gone */
	batch_clear(&b);
	return r;
}

/* ---- debts -------------------------------------------------------------------------------- */

static usec
owed_wait(unsigned tries)
{
	usec wait = USEC_S(OWED_S) << (tries < 10 ? tries : 10);

	return wait < USEC_S(OWED_MOST_S) ? wait : USEC_S(OWED_MOST_S);
}

static int
drop_owed(struct hooks *h, struct str plugin, int64_t msg, struct err *err)
{
	if (account_begin(h->acc, err) < 0)
		return -1;
	if (store_owed_remove(h->acc->store, plugin, msg, err) < 0) {
		store_rollback(h->acc->store);
		return -1;
	}
	return account_commit(h->acc, err);
}

static int
ask_owed_of(struct hooks *h, const char *plugin, bool now, struct err *err)
{
	struct hook_event ev = { .kind = HOOK_INCOMING, .only = plugin };
	struct batch b = { .n = 0 };
	struct script_owed o;
	int64_t at = 0;
	int got = 0, r = 0;

	while (r == 0 && b.n < HOOK_BATCH && (got = store_owed_next(
	    h->acc->store, str_z(plugin), &at, &o, err)) > 0) {
		usec due = o.when + owed_wait(o.tries);
		usec in = due - clock_wall();

		if (!now && o.when != 0 && in > 0) {
			h->owed_at = earlier(h->owed_at, clock_in(in));
			continue;
		}
		r = batch_add_row(&b, h->acc, o.msg, "replay", true, err);
		if (r == 0)
			r = drop_owed(h, str_z(plugin), at, err);
		r = r < 0 ? -1 : 0;
	}
	if (got < 0)
		r = -1;
	ev.deadline = clock_in(longest_deadline(h->acc->conf) *
	    (1 + (usec)b.n / 8));
	if (r == 0 && b.n > 0)
		(void)ask(h, &ev, &b);
	batch_clear(&b);
	return r;
}

static int
ask_owed(struct hooks *h, struct err *err)
{
	struct hook_info info;

	if (clock_now() < h->owed_at)
		return 0;
	h->owed_at = clock_in(USEC_S(OWED_S));
	for (size_t i = 0; h->host->ops->info(h->host, i, &info); i++) {
		if (info.state != HOOK_OK ||
		    is_asked(h, HOOK_INCOMING, info.name, NULL))
			continue;
		if (ask_owed_of(h, info.name, h->owed_now, err) < 0)
			return -1;
	}
	h->owed_now = false;
	return 0;
}

/* ---- the clock ---------------------------------------------------------------------------- */

static int
put_timer(struct hooks *h, const char *plugin, const char *spec, int64_t last,
    struct err *err)
{
	if (account_begin(h->acc, err) < 0)
		return -1;
	if (store_timer_put(h->acc->store, str_z(plugin), str_z(spec), last,
	    err) < 0) {
		store_rollback(h->acc->store);
		return -1;
	}
	return account_commit(h->acc, err);
}

static int
run_timer(struct hooks *h, const char *plugin, const struct hook_timer *t,
    struct err *err)
{
	struct hook_event ev = { .kind = HOOK_TIMER, .only = plugin,
	    .what = str_z(t->spec), .deadline = clock_in(USEC_S(EVENT_S)) };
	int64_t last, due, now = clock_wall() / 1000000;
	struct timer timer;
	struct err bad;

	if (timer_parse(ev.what, &timer, &bad) < 0 ||
	    is_asked(h, HOOK_TIMER, plugin, t->spec))
		return 0;
	if (store_timer_get(h->acc->store, str_z(plugin), ev.what, &last,
	    err) < 0)
		return -1;
	due = last != 0 ? timer_next(&timer, last) : 0;
	if (last != 0 && due <= now && (t->catch_up || now - due < EVENT_S)) {
		(void)ask(h, &ev, NULL);
		return 0;
	}
	/* The first interval begins when the timer is first seen; what was missed
	 * and is not to be caught up counts as run. */
	if (due <= now) {
		if (put_timer(h, plugin, t->spec, now, err) < 0)
			return -1;
		due = timer_next(&timer, now);
	}
	if (due - now < TIMER_MOST_S)
		h->timers_at = earlier(h->timers_at,
		    clock_in(USEC_S(due - now)));
	return 0;
}

/* Scripts are loaded, and loaded anew, when it suits them. */
static size_t
count_timers(struct hooks *h)
{
	struct hook_info info;
	size_t n = 0;

	for (size_t i = 0; h->host->ops->info(h->host, i, &info); i++)
		n += info.state == HOOK_OK ? info.n_timers : 0;
	return n;
}

static int
run_timers(struct hooks *h, struct err *err)
{
	struct hook_info info;
	size_t n = count_timers(h);

	if (n != h->n_timers)
		h->timers_at = 0;
	h->n_timers = n;
	if (clock_now() < h->timers_at)
		return 0;
	h->timers_at = clock_in(USEC_S(TIMER_MOST_S));
	for (size_t i = 0; h->host->ops->info(h->host, i, &info); i++)
		for (size_t k = 0; k < info.n_timers; k++)
			if (info.state == HOOK_OK && run_timer(h, info.name,
			    &info.timer[k], err) < 0)
				return -1;
	return 0;
}

static void
run_settled(struct hooks *h)
{
	if (clock_now() < h->settle_at)
		return;
	h->settle_at = USEC_NEVER;
	if (wanted(h, HOOK_SETTLED))
		hooks_say(h->acc, HOOK_SETTLED, "", 0);
}

void
hooks_say(struct account *acc, enum hook_kind kind, const char *what,
    int64_t since)
{
	struct hook_event ev = { .kind = kind, .what = str_z(what),
	    .since = since, .deadline = clock_in(USEC_S(EVENT_S)) };

	if (hooks_want(acc, kind))
		(void)ask(acc->hooks, &ev, NULL);
}

/* ---- between rounds --------------------------------------------------------------------------- */

int
hooks_run(struct account *acc, struct err *err)
{
	struct hooks *h = acc->hooks;

	if (h == NULL || h->host == NULL || acc->dry_run)
		return 0;
	if (!h->started) {
		h->started = true;
		if (effects_recover(h, err) < 0)
			return -1;
	}
	if (take_answers(h, err) < 0 ||
	    (h->steps_due && steps_run(h, err) < 0) ||
	    ask_events(h, err) < 0 || ask_owed(h, err) < 0 ||
	    run_timers(h, err) < 0)
		return -1;
	run_settled(h);
	return effects_run(h, err);
}

usec
hooks_deadline(const struct account *acc)
{
	const struct hooks *h = acc->hooks;
	usec t;

	if (h == NULL || h->host == NULL)
		return USEC_NEVER;
	t = earlier(h->host->ops->deadline(h->host), h->settle_at);
	t = earlier(t, earlier(h->effects_at, h->owed_at));
	t = earlier(t, h->timers_at);
	for (size_t i = 0; i < h->n_asked; i++)
		t = earlier(t, h->asked[i]->deadline);
	return h->effects_due ? 0 : t;
}

static bool
busy(const struct hooks *h)
{
	return h->n_asked > 0 || effects_open(h);
}

int
hooks_finish(struct account *acc, usec deadline, struct err *err)
{
	struct hooks *h = acc->hooks;

	if (h == NULL || h->host == NULL)
		return 0;
	for (;;) {
		if (hooks_run(acc, err) < 0)
			return -1;
		if (!busy(h) || clock_now() >= deadline)
			return 0;
		if (wait_once(h, deadline, err) < 0)
			return -1;
	}
}

/* ---- people ask -------------------------------------------------------------------------------- */

void
hooks_command(struct account *acc, int64_t job, const char *plugin,
    const char *name, const struct str *arg, size_t n_args, const int64_t *row,
    size_t n_rows)
{
	struct hook_event ev = { .kind = HOOK_COMMAND, .only = plugin,
	    .what = str_z(name), .arg = arg, .n_args = n_args,
	    .deadline = clock_in(USEC_S(EVENT_S)) };
	struct batch b = { .n = 0 };
	struct err none;

	for (size_t i = 0; i < n_rows && b.n < HOOK_BATCH; i++)
		(void)batch_add_row(&b, acc, row[i], "client", true, &none);
	ask(acc->hooks, &ev, &b)->job = job;
	batch_clear(&b);
}

bool
hooks_answered(struct account *acc, struct hooks_answer *a)
{
	struct hooks *h = acc->hooks;

	if (h == NULL || h->n_answers == 0)
		return false;
	*a = h->answer[0];
	memmove(&h->answer[0], &h->answer[1], --h->n_answers *
	    sizeof(*h->answer));
	return true;
}

/* All of them are owed, as of now: what is owed is asked about in batches. */
int
hooks_replay(struct account *acc, const char *plugin, const char *mailbox,
    int64_t since, size_t *n, struct err *err)
{
	struct script_query q = { .since = since };
	struct script_owed o = { .plugin = str_z(plugin), .why = STR("asked") };
	int64_t after = 0;
	struct msg_row row;
	int got = 0;

	for (size_t i = 0; i < acc->n_folders; i++)
		if (strcmp(acc->folder[i]->name, mailbox) == 0)
			q.folder = acc->folder[i]->id;
	*n = 0;
	if (q.folder == 0)
		return err_set(err, ERR_FOLDER, "command.no-such-folder",
		    "no folder %s", mailbox);
	if (account_begin(acc, err) < 0)
		return -1;
	while ((got = store_search(acc->store, &q, after, &row, err)) > 0) {
		after = o.msg = row.id;
		if (store_owed_put(acc->store, &o, err) < 0)
			break;
		(*n)++;
	}
	if (got != 0) {
		store_rollback(acc->store);
		return -1;
	}
	acc->hooks->owed_at = 0;
	return account_commit(acc, err);
}

void
hooks_resume(struct account *acc, const char *plugin)
{
	struct hooks *h = acc->hooks;

	if (h == NULL || h->host == NULL)
		return;
	h->host->ops->resume(h->host, plugin);
	h->owed_now = true;
	h->owed_at = 0;
}

bool
hooks_status(struct account *acc, size_t i, struct hooks_status *s)
{
	struct hooks *h = acc->hooks;
	struct err none;

	if (h == NULL || h->host == NULL ||
	    !h->host->ops->info(h->host, i, &s->info))
		return false;
	if (store_owed_count(acc->store, str_z(s->info.name), &s->owed,
	    &none) < 0)
		s->owed = 0;
	return true;
}
