/* candidate.c — files that wait for their message, sorted by header. */
#include "engine/candidate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/local.h"

static int
by_head(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return memcmp(x->head.b, y->head.b, sizeof(x->head.b));
}

int
candidates_collect(struct candidates *cs, struct folder *f, struct err *err)
{
	for (size_t i = 0; i < f->work.n; i++) {
		struct change *c = &f->work.change[i];
		int got;

		if (c->known != KNOWN_NOT || c->local != SIDE_PRESENT || c->done)
			continue;
		got = local_digest(f, c, err);
		if (got < 0 && err->class != ERR_MSG)
			return -1;
		if (got <= 0)
			continue;
		cs->v = array_room(cs->v, cs->n, &cs->cap, sizeof(*cs->v));
		cs->v[cs->n++] = (struct candidate){ .head = c->content->id.head,
		    .wire_size = c->content->wire_size, .change = c };
	}
	if (cs->n > 1)
		qsort(cs->v, cs->n, sizeof(*cs->v), by_head);
	return 0;
}

struct candidate *
candidates_find(struct candidates *cs, const struct hash *head, uint64_t size)
{
	size_t lo = 0, hi = cs->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(cs->v[mid].head.b, head->b, sizeof(head->b)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < cs->n && hash_eq(&cs->v[lo].head, head); lo++)
		if (!cs->v[lo].used && cs->v[lo].wire_size == size)
			return &cs->v[lo];
	return NULL;
}

void
candidates_clear(struct candidates *cs)
{
	free(cs->v);
	*cs = (struct candidates){ 0 };
}
