/* change.c — the lists that a round fills and empties. */
#include "engine/change.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/sorted.h"
#include "store/store.h"

struct change *
work_add(struct work *w)
{
	w->change = array_room(w->change, w->n, &w->cap, sizeof(*w->change));
	w->change[w->n] = (struct change){ 0 };
	return &w->change[w->n++];
}

static int
by_msg(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return (x->msg > y->msg) - (x->msg < y->msg);
}

void
work_sort(struct work *w)
{
	if (w->n > 1)
		qsort(w->change, w->n, sizeof(*w->change), by_msg);
}

void
work_leave(struct work *w, struct change *c)
{
	c->done = c->waits = w->failed = true;
}

struct change *
work_find(struct work *w, int64_t msg)
{
	const struct change key = { .msg = msg };

	return sorted_find(&key, w->change, w->n, sizeof(key), by_msg);
}

void
work_clear(struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->change[i].file);
		free(w->change[i].content);
	}
	free(w->change);
	free(w->fresh);
	*w = (struct work){ 0 };
}

static int
of_uid(const void *uid, const void *seen)
{
	uint32_t a = *(const uint32_t *)uid, b = ((const struct seen *)seen)->uid;

	return (a > b) - (a < b);
}

struct seen *
work_fresh(const struct work *w, struct uid uid)
{
	return sorted_find(&uid.v, w->fresh, w->n_fresh, sizeof(*w->fresh),
	    of_uid);
}

enum known
row_known(const struct msg_row *row)
{
	switch (row->stage) {
	case ST_GONE_REMOTE:
		return KNOWN_LOCAL_ONLY;
	case ST_GONE_LOCAL:
		return KNOWN_REMOTE_ONLY;
	case ST_REFUSED:
		/* The side that would not take it never had it. */
		return row->unique.n > 0 ? KNOWN_LOCAL_ONLY : KNOWN_REMOTE_ONLY;
	case ST_PRESENT:
		/* The server renumbered: only its content says which message
		 * it is. */
		return row->uid.v == 0 ? KNOWN_NOT : KNOWN_BOTH;
	default:
		return KNOWN_BOTH;
	}
}

bool
row_in_flight(const struct msg_row *row)
{
	return row->stage == ST_LANDING || row->stage == ST_APPENDING ||
	    row->stage == ST_MOVING || row->stage == ST_REPLACED;
}
