/* uidset.c — UIDs as sorted, disjoint ranges. */
#include "base/uidset.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/sorted.h"

enum { LATE_MIN = 64 };

void
uidset_init(struct uidset *s)
{
	*s = (struct uidset){ 0 };
}

void
uidset_clear(struct uidset *s)
{
	free(s->r);
	uidset_init(s);
}

static int
of_end(const void *v, const void *range)
{
	uint32_t a = *(const uint32_t *)v, b = ((const struct uidrange *)range)->hi;

	return (a > b) - (a < b);
}

/* Index of the first range whose end is at or past ${v}. */
static size_t
lower_bound(const struct uidset *s, uint32_t v)
{
	/* Servers answer in ascending order: look at the end first. */
	if (s->n == 0 || s->r[s->n - 1].hi < v)
		return s->n;
	return sorted_at(&v, s->r, s->n, sizeof(*s->r), of_end);
}

/* Either way round, and without 0; false: nothing is left. */
static bool
put_right(uint32_t *lo, uint32_t *hi)
{
	if (*lo > *hi) {
		uint32_t t = *lo;

		*lo = *hi;
		*hi = t;
	}
	if (*lo == 0)
		*lo = 1;
	return *hi != 0;
}

void
uidset_add(struct uidset *s, uint32_t lo, uint32_t hi)
{
	size_t first, last;

	must(s->n_late == 0);
	if (!put_right(&lo, &hi))
		return;
	/* The ranges that touch [lo-1, hi+1] become one. */
	first = last = lower_bound(s, lo > 1 ? lo - 1 : lo);
	while (last < s->n &&
	    s->r[last].lo <= (hi < UINT32_MAX ? hi + 1 : hi)) {
		if (s->r[last].lo < lo)
			lo = s->r[last].lo;
		if (s->r[last].hi > hi)
			hi = s->r[last].hi;
		last++;
	}
	if (first == last) {
		s->r = array_room(s->r, s->n, &s->cap, sizeof(*s->r));
		memmove(&s->r[first + 1], &s->r[first],
		    (s->n - first) * sizeof(*s->r));
		s->n++;
	} else if (last - first > 1) {
		memmove(&s->r[first + 1], &s->r[last],
		    (s->n - last) * sizeof(*s->r));
		s->n -= last - first - 1;
	}
	s->r[first] = (struct uidrange){ lo, hi };
}

void
uidset_collect(struct uidset *s, uint32_t lo, uint32_t hi)
{
	if (!put_right(&lo, &hi))
		return;
	if (s->n_late == 0 && (s->n == 0 || s->r[s->n - 1].lo <= lo)) {
		uidset_add(s, lo, hi);
		return;
	}
	/* The same ones again and again take no more room than a set does. */
	if (s->n_late >= LATE_MIN && s->n_late >= s->n)
		uidset_settle(s);
	s->r = array_room(s->r, s->n + s->n_late, &s->cap, sizeof(*s->r));
	s->r[s->n + s->n_late++] = (struct uidrange){ lo, hi };
}

static int
by_lo(const void *a, const void *b)
{
	const struct uidrange *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

void
uidset_settle(struct uidset *s)
{
	size_t n = s->n + s->n_late;

	if (s->n_late == 0)
		return;
	qsort(s->r, n, sizeof(*s->r), by_lo);
	s->n = s->n_late = 0;
	/* In ascending order, what is written is never ahead of what is read. */
	for (size_t i = 0; i < n; i++)
		uidset_add(s, s->r[i].lo, s->r[i].hi);
}

bool
uidset_has(const struct uidset *s, struct uid uid)
{
	size_t i;

	must(s->n_late == 0);
	i = lower_bound(s, uid.v);
	return i < s->n && s->r[i].lo <= uid.v;
}

uint64_t
uidset_count(const struct uidset *s)
{
	uint64_t n = 0;

	must(s->n_late == 0);
	for (size_t i = 0; i < s->n; i++)
		n += (uint64_t)s->r[i].hi - s->r[i].lo + 1;
	return n;
}

int
uidset_parse(struct uidset *s, struct str text, size_t max_ranges)
{
	if (text.n == 0)
		return -1;
	while (text.p != NULL) {
		struct str item = str_split(&text, ',');
		struct str lo = str_split(&item, ':');
		uint32_t a, b;

		if (!num_u32(lo, 1, UINT32_MAX, &a))
			return -1;
		b = a;
		if (item.p != NULL && !num_u32(item, 1, UINT32_MAX, &b))
			return -1;
		uidset_add(s, a, b);
		if (s->n > max_ranges)
			return -1;
	}
	return 0;
}

int
uidset_print(const struct uidset *s, size_t *from, size_t max, struct buf *out)
{
	size_t start = out->n;

	must(s->n_late == 0);
	for (; *from < s->n; (*from)++) {
		const struct uidrange *r = &s->r[*from];
		const char *comma = out->n > start ? "," : "";

		if (out->n > start && out->n - start + 22 > max)
			return 0;
		if (r->lo == r->hi ?
		    buf_fmt(out, "%s%u", comma, r->lo) < 0 :
		    buf_fmt(out, "%s%u:%u", comma, r->lo, r->hi) < 0)
			return -1;
	}
	return 0;
}

bool
uidset_next(const struct uidset *s, size_t *at, struct uid *uid)
{
	must(s->n_late == 0);
	if (*at >= s->n)
		return false;
	if (uid->v < s->r[*at].lo) {
		uid->v = s->r[*at].lo;
		return true;
	}
	if (uid->v < s->r[*at].hi) {
		uid->v++;
		return true;
	}
	if (++*at >= s->n)
		return false;
	uid->v = s->r[*at].lo;
	return true;
}
