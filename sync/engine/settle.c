/*
 * settle.c — one event for a burst of changes, told when nothing has changed for a
 * moment: scripts index then, and notify.
 *
 * What changed is noted with the change, in a queue of its own, and leaves it when
 * the scripts have answered: a kill in between costs nothing.  Waits for the disk
 * only.
 */
#include "engine/hooks_impl.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/account.h"

enum { SETTLE_S = 2, SETTLE_MOST_S = 30, SETTLED_S = 900 };

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

int
settle_note(struct hooks *h, const struct script_event *e, bool wanted,
    struct err *err)
{
	struct script_event later = *e;

	burst(h);
	if (!wanted)
		return 0;
	later.queue = EVENTS_LATER;
	return store_event_add(h->acc->store, &later, err);
}

int
settle_recover(struct hooks *h, struct err *err)
{
	struct script_event e;
	int64_t at = 0;
	int got = store_event_next(h->acc->store, EVENTS_LATER, &at, &e, err);

	if (got > 0)
		burst(h);
	return got < 0 ? -1 : 0;
}

/* Is there something to be told once it is quiet? */
static bool
waits(const struct hooks *h)
{
	return h->settle_at != USEC_NEVER;
}

/* ---- what changed ---------------------------------------------------- */

/* All that is to be told in one event. */
struct burst {
	struct batch	 b;
	struct str	*box;
	size_t		 n_boxes, cap_boxes;
	int64_t		 last;		/* of the queue, or 0 */
	bool		 part;		/* there is more */
};

static bool
has_word(struct hook_words w, struct str word)
{
	for (size_t i = 0; i < w.n; i++)
		if (str_eq(w.v[i], word))
			return true;
	return false;
}

/* The words of ${a} that are not in ${b}. */
static struct hook_words
words_minus(struct batch *b, struct hook_words a, struct hook_words minus)
{
	struct str *v = batch_room(b, a.n * sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < a.n; i++)
		if (!has_word(minus, a.v[i]))
			v[n++] = a.v[i];
	return (struct hook_words){ v, n };
}

static struct hook_words
words_plus(struct batch *b, struct hook_words a, struct hook_words plus)
{
	struct str *v = batch_room(b, (a.n + plus.n) * sizeof(*v));
	size_t n = 0;

	for (; n < a.n; n++)
		v[n] = a.v[n];
	for (size_t i = 0; i < plus.n; i++)
		if (!has_word(a, plus.v[i]))
			v[n++] = plus.v[i];
	return (struct hook_words){ v, n };
}

/* One more change of a message: what came and went again did not change. */
static void
add_change(struct batch *b, struct hook_msg *m, const struct script_event *e)
{
	struct hook_words in = batch_words(b, e->kw_in);
	struct hook_words out = batch_words(b, e->kw_out);
	struct hook_words added = words_minus(b, m->added, out);
	struct hook_words removed = words_minus(b, m->removed, in);
	uint32_t sys_in = e->sys_in & ~m->sys_removed;
	uint32_t sys_out = e->sys_out & ~m->sys_added;

	in = words_minus(b, in, m->removed);
	out = words_minus(b, out, m->added);
	m->added = words_plus(b, added, in);
	m->removed = words_plus(b, removed, out);
	m->sys_added = (m->sys_added & ~e->sys_out) | sys_in;
	m->sys_removed = (m->sys_removed & ~e->sys_in) | sys_out;
}

static struct hook_msg *
shown(struct batch *b, int64_t msg)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->msg[i].id == msg)
			return &b->msg[i];
	return NULL;
}

static void
add_box(struct burst *bu, struct str name)
{
	if (name.n == 0 || has_word((struct hook_words){ bu->box, bu->n_boxes },
	    name))
		return;
	bu->box = array_room(bu->box, bu->n_boxes, &bu->cap_boxes,
	    sizeof(*bu->box));
	bu->box[bu->n_boxes++] = batch_keep(&bu->b, name);
}

/* 1: it is in the burst; 0: the burst is full; -1. */
static int
add(struct hooks *h, struct burst *bu, const struct script_event *e,
    struct err *err)
{
	struct hook_msg *m = shown(&bu->b, e->msg);
	int got = 1;

	if (m == NULL && e->msg != 0 && e->kind != HOOK_REMOVED) {
		if (bu->b.n == HOOK_BATCH)
			return 0;
		got = batch_add_row(&bu->b, h->acc, e->msg, "client", true, err);
		m = got > 0 ? &bu->b.msg[bu->b.n - 1] : NULL;
	}
	if (got < 0)
		return -1;
	if (m != NULL && e->kind == HOOK_FLAGS)
		add_change(&bu->b, m, e);
	add_box(bu, e->mailbox);
	if (e->kind == HOOK_MOVED)
		add_box(bu, e->detail);
	bu->last = e->seq;
	return 1;
}

static int
gather(struct hooks *h, struct burst *bu, struct err *err)
{
	struct script_event e;
	int64_t at = 0;
	int got;

	while ((got = store_event_next(h->acc->store, EVENTS_LATER, &at, &e,
	    err)) > 0) {
		int r = add(h, bu, &e, err);

		if (r < 0)
			return -1;
		if (r == 0 || bu->n_boxes == HOOK_ARGS_MAX) {
			bu->part = true;
			return 0;
		}
	}
	return got;
}

static void
ask(struct hooks *h, const struct burst *bu)
{
	struct hook_event ev = { .kind = HOOK_SETTLED, .arg = bu->box,
	    .n_args = bu->n_boxes, .deadline = clock_in(USEC_S(SETTLED_S)) };
	struct asked *q = hooks_ask(h, &ev, &bu->b);

	q->seq = bu->last;
	q->queue = EVENTS_LATER;
}

/* Those who want it may have been unloaded since. */
static int
forget(struct hooks *h, struct err *err)
{
	return due_drop(h, EVENTS_LATER, INT64_MAX, err);
}

int
settle_run(struct hooks *h, bool now, struct err *err)
{
	struct burst bu = { .last = 0 };
	int r;

	if (!waits(h) || (!now && clock_now() < h->settle_at) ||
	    hooks_is_asked(h, HOOK_SETTLED, NULL, NULL))
		return 0;
	if (!tell_wanted(h, HOOK_SETTLED)) {
		h->settle_at = USEC_NEVER;
		return forget(h, err);
	}
	r = gather(h, &bu, err);
	if (r == 0) {
		ask(h, &bu);
		/* The rest follows at once when this is answered. */
		h->settle_at = bu.part ? clock_now() : USEC_NEVER;
	}
	free(bu.box);
	batch_clear(&bu.b);
	return r;
}
