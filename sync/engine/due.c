/*
 * due.c — what scripts are to be asked between rounds: what was noted, what is owed,
 * what the clock says.  Waits for the disk only.
 */
#include "engine/hooks_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/account.h"
#include "engine/timer.h"

enum { EVENT_S = 60, OWED_S = 60, OWED_MOST_S = 3600, TIMER_MOST_S = 3600 };

/* ---- what waits to be told ------------------------------------------- */

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

	hooks_ask(h, &ev, NULL)->seq = e->seq;
}

int
due_drop(struct hooks *h, enum event_queue q, int64_t seq, struct err *err)
{
	if (account_begin(h->acc, err) < 0)
		return -1;
	return account_end(h->acc, store_event_drop(h->acc->store, q, seq, err),
	    err);
}

/* In the order in which it happened: one batch at a time, all of one kind. */
int
due_events(struct hooks *h, struct err *err)
{
	struct hook_event ev = { .deadline = clock_in(USEC_S(EVENT_S)) };
	struct batch b = { .n = 0 };
	struct script_event e;
	int64_t at = 0, last = 0;
	int got, r = 0;

	for (size_t i = 0; i < h->n_asked; i++)
		if (h->asked[i]->seq != 0 && h->asked[i]->queue == EVENTS_NOW)
			return 0;
	while (r == 0 && b.n < HOOK_BATCH &&
	    (got = store_event_next(h->acc->store, EVENTS_NOW,
	    &at, &e, err)) != 0) {
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
		hooks_ask(h, &ev, &b)->seq = last;
	else if (r == 0 && last != 0)
		r = due_drop(h, EVENTS_NOW, last, err);	/* of messages that are gone */
	batch_clear(&b);
	return r;
}

/* ---- debts ----------------------------------------------------------- */

static int
drop_owed(struct hooks *h, struct str plugin, int64_t msg, struct err *err)
{
	if (account_begin(h->acc, err) < 0)
		return -1;
	return account_end(h->acc, store_owed_remove(h->acc->store, plugin, msg,
	    err), err);
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
		usec due = o.when + clock_doubled(USEC_S(OWED_S), o.tries,
		    USEC_S(OWED_MOST_S));
		usec in = due - clock_wall();

		if (!now && o.when != 0 && in > 0) {
			h->owed_at = clock_earlier(h->owed_at, clock_in(in));
			continue;
		}
		r = batch_add_row(&b, h->acc, o.msg, "replay", true, err);
		if (r == 0)
			r = drop_owed(h, str_z(plugin), at, err);
		r = r < 0 ? -1 : 0;
	}
	if (got < 0)
		r = -1;
	ev.deadline = clock_in(hooks_patience(h->acc->conf) *
	    (1 + (usec)b.n / 8));
	if (r == 0 && b.n > 0)
		(void)hooks_ask(h, &ev, &b);
	batch_clear(&b);
	return r;
}

int
due_owed(struct hooks *h, struct err *err)
{
	struct hook_info info;

	if (clock_now() < h->owed_at)
		return 0;
	h->owed_at = clock_in(USEC_S(OWED_S));
	for (size_t i = 0; h->host->ops->info(h->host, i, &info); i++) {
		if (info.state != HOOK_OK ||
		    hooks_is_asked(h, HOOK_INCOMING, info.name, NULL))
			continue;
		if (ask_owed_of(h, info.name, h->owed_now, err) < 0)
			return -1;
	}
	h->owed_now = false;
	return 0;
}

/* ---- the clock ------------------------------------------------------- */

static int
put_timer(struct hooks *h, const char *plugin, const char *spec, int64_t last,
    struct err *err)
{
	if (account_begin(h->acc, err) < 0)
		return -1;
	return account_end(h->acc, store_timer_put(h->acc->store, str_z(plugin),
	    str_z(spec), last, err), err);
}

static int
run_timer(struct hooks *h, const char *plugin, const struct hook_timer *t,
    struct err *err)
{
	struct hook_event ev = { .kind = HOOK_TIMER, .only = plugin,
	    .what = str_z(t->spec), .deadline = clock_in(USEC_S(EVENT_S)) };
	int64_t last, due, now = clock_wall() / 1000000;
	const struct account_conf *conf = h->acc->conf;
	struct timer timer;
	struct err bad;

	if (timer_parse(ev.what, &timer, &bad) < 0 ||
	    hooks_is_asked(h, HOOK_TIMER, plugin, t->spec))
		return 0;
	if (store_timer_get(h->acc->store, str_z(plugin), ev.what, &last,
	    err) < 0)
		return -1;
	switch (timer_turn(&timer, last, now, timer_jitter(conf->name, conf->user,
	    plugin), t->catch_up, &due)) {
	case TIMER_RUNS:
		(void)hooks_ask(h, &ev, NULL);
		return 0;
	case TIMER_SKIPS:
		if (put_timer(h, plugin, t->spec, now, err) < 0)
			return -1;
		break;
	case TIMER_WAITS:
		break;
	}
	if (due - now < TIMER_MOST_S)
		h->timers_at = clock_earlier(h->timers_at,
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

int
due_timers(struct hooks *h, struct err *err)
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

void
due_say(struct account *acc, enum hook_kind kind, const char *what,
    int64_t since)
{
	struct hook_event ev = { .kind = kind, .what = str_z(what),
	    .since = since, .deadline = clock_in(USEC_S(EVENT_S)) };

	if (tell_wants(acc, kind))
		(void)hooks_ask(acc->hooks, &ev, NULL);
}

