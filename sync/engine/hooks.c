/*
 * hooks.c — events to the host, plans from it.  Called by the worker between rounds,
 * and by those that ask at once; waits only in hooks_wait_for() and hooks_finish().
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

enum { GRACE_S = 5, COMMAND_S = 60 };

static const usec default_patience = USEC_S(10);

/* ---- making ---------------------------------------------------------- */

struct hooks *
hooks_new(struct account *acc, const struct hook_broker *broker, struct err *err)
{
	struct hooks *h;
	char *first;

	if (store_get(acc->store, HOOKS_FIRST, &first, err) < 0)
		return NULL;
	h = xcalloc(1, sizeof(*h));
	h->acc = acc;
	h->broker = *broker;
	h->first_folders = first != NULL ? atoll(first) : 0;
	free(first);
	h->settle_at = USEC_NEVER;
	h->effects_due = h->steps_due = true;
	buf_init(&h->value, SCRIPT_VALUE_MAX);
	message_world(h);
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

/* ---- asking ---------------------------------------------------------- */

usec
hooks_patience(const struct account_conf *conf)
{
	usec most = 0;

	for (size_t i = 0; i < conf->n_plugins; i++)
		if (conf->plugin[i].limits.deadline > most)
			most = conf->plugin[i].limits.deadline;
	return most > 0 ? most : default_patience;
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

struct asked *
hooks_ask(struct hooks *h, struct hook_event *ev, const struct batch *b)
{
	struct asked *q = asked_new(h, ev, b);

	h->host->ops->ask(h->host, ev);
	return q;
}

void
hooks_forget(struct hooks *h, struct asked *q)
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
bool
hooks_is_asked(const struct hooks *h, enum hook_kind kind, const char *only,
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

/* ---- answers --------------------------------------------------------- */

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
		r = store_event_drop(s, q->queue, q->seq, err);
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

int
hooks_end(struct hooks *h, struct asked *q, struct err *err)
{
	int r;

	plan_check(&q->plan, h->acc->conf, q->kind);
	r = account_begin(h->acc, err);
	if (r == 0)
		r = account_end(h->acc, write_answer(h, q, err), err);
	h->host->ops->settle(h->host, q->event, r == 0);
	if (r == 0)
		answer_job(h, q);
	h->effects_due = h->steps_due = true;
	if (q->kind == HOOK_TIMER)
		h->timers_at = 0;
	hooks_forget(h, q);
	return r;
}

static void
drop_plan(struct hook_plan *p)
{
	for (size_t i = 0; i < p->n_ops; i++)
		if (p->op[i].fd >= 0)
			close(p->op[i].fd);
}

int
hooks_step(struct hooks *h, struct err *err)
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
		if (!q->kept && hooks_end(h, q, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < h->n_asked; i++) {
		struct asked *q = h->asked[i];

		if (q->answered || clock_now() < q->deadline)
			continue;
		give_up(h->acc->conf, q);
		if (!q->kept && hooks_end(h, q, err) < 0)
			return -1;
		i = (size_t)-1;
	}
	return 0;
}

/* ---- waiting --------------------------------------------------------- */

size_t
hooks_waiters(const struct account *acc, struct waiter *w, size_t cap)
{
	const struct hooks *h = acc->hooks;

	return h != NULL && h->host != NULL ?
	    h->host->ops->waiters(h->host, w, cap) : 0;
}

/* Until something is heard of the host or the broker, or it is ${deadline}. */
static int
wait_once(struct hooks *h, usec deadline, struct err *err)
{
	struct waiter w[HOOKS_WAITERS + 1];
	size_t n = hooks_waiters(h->acc, w, HOOKS_WAITERS);

	w[n++] = h->broker.waiter(h->broker.daemon);
	deadline = clock_earlier(deadline, h->host->ops->deadline(h->host));
	return wait_any(w, n, deadline, err) < 0 ? -1 : 0;
}

void
hooks_extend(struct hooks *h, struct asked *const *v, size_t n, usec by)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i]->answered)
			continue;
		v[i]->deadline += by;
		h->host->ops->extend(h->host, v[i]->event, by);
	}
}

int
hooks_wait_for(struct hooks *h, struct asked *const *v, size_t n, struct err *err)
{
	for (;;) {
		usec deadline = 0;

		if (hooks_step(h, err) < 0)
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

bool
hooks_loading(const struct account *acc)
{
	const struct hooks *h = acc->hooks;

	return h != NULL && h->host != NULL &&
	    h->host->ops->kinds(h->host) == ((uint64_t)1 << HOOK_KINDS) - 1;
}

int
hooks_want_surely(struct account *acc, enum hook_kind kind, struct err *err)
{
	struct hooks *h = acc->hooks;
	usec deadline;

	if (!tell_wants(acc, kind))
		return 0;
	deadline = clock_in(hooks_patience(acc->conf));
	for (;;) {
		if (hooks_step(h, err) < 0)
			return -1;
		if (!hooks_loading(acc) || clock_now() >= deadline)
			break;
		if (wait_once(h, deadline, err) < 0)
			return -1;
	}
	return !hooks_loading(acc) && tell_wanted(h, kind);
}

/* ---- between rounds -------------------------------------------------- */

int
hooks_run(struct account *acc, struct err *err)
{
	struct hooks *h = acc->hooks;

	if (h == NULL || h->host == NULL || acc->dry_run)
		return 0;
	if (!h->started) {
		h->started = true;
		if (effects_recover(h, err) < 0 || settle_recover(h, err) < 0)
			return -1;
	}
	if (hooks_step(h, err) < 0 || search_run(h, err) < 0 ||
	    (h->steps_due && steps_run(h, err) < 0) ||
	    due_events(h, err) < 0 || due_owed(h, err) < 0 ||
	    due_timers(h, err) < 0)
		return -1;
	if (settle_run(h, false, err) < 0)
		return -1;
	return effects_run(h, err);
}

usec
hooks_deadline(const struct account *acc)
{
	const struct hooks *h = acc->hooks;
	usec t;

	if (h == NULL || h->host == NULL)
		return USEC_NEVER;
	t = clock_earlier(h->host->ops->deadline(h->host), h->settle_at);
	t = clock_earlier(t, clock_earlier(h->effects_at, h->owed_at));
	t = clock_earlier(t, h->timers_at);
	for (size_t i = 0; i < h->n_asked; i++)
		t = clock_earlier(t, h->asked[i]->deadline);
	return h->effects_due || h->steps_due ? 0 : t;
}

static bool
busy(const struct hooks *h)
{
	return h->n_asked > 0 || effects_open(h) || h->steps_due;
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
		if (clock_now() >= deadline)
			return 0;
		/* Nobody is here later, when it has been quiet for a while. */
		if (!busy(h) && !account_dirty(acc) && settle_run(h, true, err) < 0)
			return -1;
		if (!busy(h))
			return 0;
		if (!h->steps_due && wait_once(h, deadline, err) < 0)
			return -1;
	}
}

/* ---- people ask ------------------------------------------------------ */

void
hooks_command(struct account *acc, int64_t job, const char *plugin,
    const char *name, const struct str *arg, size_t n_args, const int64_t *row,
    size_t n_rows)
{
	struct hook_event ev = { .kind = HOOK_COMMAND, .only = plugin,
	    .what = str_z(name), .arg = arg, .n_args = n_args,
	    .deadline = clock_in(USEC_S(COMMAND_S)) };
	struct batch b = { .n = 0 };
	struct err none;

	for (size_t i = 0; i < n_rows && b.n < HOOK_BATCH; i++)
		(void)batch_add_row(&b, acc, row[i], "client", true, &none);
	hooks_ask(acc->hooks, &ev, &b)->job = job;
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
	if (got == 0)
		acc->hooks->owed_at = 0;
	return account_end(acc, got == 0 ? 0 : -1, err);
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

void
hooks_reload(struct account *acc, const char *plugin)
{
	struct hooks *h = acc->hooks;

	h->host->ops->reload(h->host, plugin);
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
