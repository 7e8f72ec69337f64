/* change.c — the lists that a round fills and empties. */
#include "engine/change.h"

#include <stdlib.h>

#include "base/mem.h"

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

struct change *
work_find(struct work *w, int64_t msg)
{
	struct change key = { .msg = msg };

	if (w->n == 0)
		return NULL;
	return bsearch(&key, w->change, w->n, sizeof(key), by_msg);
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
