/* sets.c — number sets as servers print them. */
#include "imap/sets.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"

enum { ROOM_KEPT = 4096 };	/* ranges, between responses */

void
sets_init(struct sets *s)
{
	*s = (struct sets){ 0 };
}

void
sets_clear(struct sets *s)
{
	free(s->r);
	free(s->src);
	free(s->dst);
	uidset_clear(&s->set);
	sets_init(s);
}

void
sets_begin(struct sets *s)
{
	if (s->cap > ROOM_KEPT) {
		free(s->r);
		s->r = NULL;
		s->cap = 0;
	}
	s->n = 0;
	uidset_clear(&s->set);
}

void
sets_put(struct sets *s, uint32_t a, uint32_t b)
{
	uint32_t lo = a < b ? a : b, hi = a < b ? b : a;

	if (hi == 0)
		return;
	if (lo == 0)
		lo = 1;
	if (s->n > 0 && s->r[s->n - 1].hi + (uint64_t)1 == lo) {
		s->r[s->n - 1].hi = hi;
		return;
	}
	s->r = array_room(s->r, s->n, &s->cap, sizeof(*s->r));
	s->r[s->n++] = (struct uidrange){ lo, hi };
}

bool
sets_text(struct sets *s, struct str text)
{
	if (text.n == 0)
		return false;
	while (text.p != NULL) {
		struct str item = str_split(&text, ',');
		struct str first = str_split(&item, ':');
		uint32_t a, b;

		if (!num_u32(first, 0, UINT32_MAX, &a))
			return false;
		b = a;
		if (item.p != NULL && !num_u32(item, 0, UINT32_MAX, &b))
			return false;
		sets_put(s, a, b);
	}
	return true;
}

const struct uidset *
sets_end(struct sets *s)
{
	for (size_t i = 0; i < s->n; i++)
		uidset_collect(&s->set, s->r[i].lo, s->r[i].hi);
	uidset_settle(&s->set);
	return &s->set;
}

/* All numbers of ${text} in its order.  RFC 4315: a range means ascending
 * order, whichever way round it is written. */
static uint32_t *
expand(struct sets *s, struct str text, size_t *n)
{
	uint64_t total = 0;
	uint32_t *v;

	sets_begin(s);
	if (!sets_text(s, text))
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		total += (uint64_t)s->r[i].hi - s->r[i].lo + 1;
	if (total == 0 || total > SETS_PAIRS_MAX)
		return NULL;
	v = xreallocarray(NULL, (size_t)total, sizeof(*v));
	*n = 0;
	for (size_t i = 0; i < s->n; i++)
		for (uint64_t u = s->r[i].lo; u <= s->r[i].hi; u++)
			v[(*n)++] = (uint32_t)u;
	return v;
}

bool
sets_pairs(struct sets *s, const struct str *src, struct str dst,
    struct uidpairs *pairs)
{
	size_t n_src = 0, n_dst = 0;

	free(s->src);
	free(s->dst);
	s->src = src != NULL ? expand(s, *src, &n_src) : NULL;
	s->dst = expand(s, dst, &n_dst);
	if (s->dst == NULL || (src != NULL && n_src != n_dst))
		return false;
	*pairs = (struct uidpairs){ .src = s->src, .dst = s->dst, .n = n_dst };
	return true;
}
