/*
 * like.c — both heaps are sorted by what is compared, and walked side by side.
 * Hostile sizes and dates cost no more than that.
 */
#include "engine/like.h"

#include <stdlib.h>
#include <string.h>

/* A run of equal ones in each heap. */
struct runs {
	struct like	**a, **b;
	size_t		  n_a, n_b;
};

typedef int order(const void *, const void *);

static int
cmp_size(const void *a, const void *b)
{
	const struct like *x = *(struct like *const *)a;
	const struct like *y = *(struct like *const *)b;

	return (x->size > y->size) - (x->size < y->size);
}

static int
cmp_date(const void *a, const void *b)
{
	const struct like *x = *(struct like *const *)a;
	const struct like *y = *(struct like *const *)b;

	return (x->date > y->date) - (x->date < y->date);
}

static int
by_size_date(const void *a, const void *b)
{
	int c = cmp_size(a, b);

	return c != 0 ? c : cmp_date(a, b);
}

static int
cmp_key(const void *a, const void *b)
{
	const struct like *x = *(struct like *const *)a;
	const struct like *y = *(struct like *const *)b;

	return memcmp(x->key.b, y->key.b, sizeof(x->key.b));
}

static int
by_size_key(const void *a, const void *b)
{
	int c = cmp_size(a, b);

	return c != 0 ? c : cmp_key(a, b);
}

static int
by_size_date_key(const void *a, const void *b)
{
	int c = by_size_date(a, b);

	return c != 0 ? c : cmp_key(a, b);
}

/* Those that can take part go to the front; how many. */
static size_t
sift(struct like **v, size_t n, enum like_by by, bool dated)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		struct like *m = v[i];

		if (m->mate != NULL || (by != LIKE_NONE && m->by != by) ||
		    (dated && m->date == LIKE_NO_DATE))
			continue;
		v[i] = v[k];
		v[k++] = m;
	}
	return k;
}

static size_t
run_length(struct like **v, size_t n, order *cmp)
{
	size_t k = 1;

	while (k < n && cmp(&v[0], &v[k]) == 0)
		k++;
	return k;
}

/* The next runs of equal ones, which are taken off; false: no more. */
static bool
next_runs(struct runs *left, struct runs *out, order *cmp)
{
	while (left->n_a > 0 && left->n_b > 0) {
		int c = cmp(left->a, left->b);

		if (c == 0) {
			*out = (struct runs){ left->a, left->b,
			    run_length(left->a, left->n_a, cmp),
			    run_length(left->b, left->n_b, cmp) };
			left->a += out->n_a;
			left->n_a -= out->n_a;
			left->b += out->n_b;
			left->n_b -= out->n_b;
			return true;
		}
		if (c < 0) {
			left->a++;
			left->n_a--;
		} else {
			left->b++;
			left->n_b--;
		}
	}
	return false;
}

static void
sort(struct like **v, size_t n, order *cmp)
{
	if (n > 1)
		qsort(v, n, sizeof(*v), cmp);
}

size_t
like_seek(struct like **a, size_t n_a, struct like **b, size_t n_b,
    enum like_by by, bool dated)
{
	order *cmp = dated ? by_size_date : cmp_size;
	struct runs left = { a, b, 0, 0 }, run;
	size_t n = 0;

	for (size_t i = 0; i < n_a; i++)
		a[i]->wanted = false;
	for (size_t i = 0; i < n_b; i++)
		b[i]->wanted = false;
	left.n_a = sift(a, n_a, LIKE_NONE, dated);
	left.n_b = sift(b, n_b, by, dated);
	sort(a, left.n_a, cmp);
	sort(b, left.n_b, cmp);
	while (next_runs(&left, &run, cmp)) {
		for (size_t i = 0; i < run.n_a; i++)
			run.a[i]->wanted = true;
		for (size_t i = 0; i < run.n_b; i++)
			run.b[i]->wanted = true;
		n += run.n_a;
	}
	return n;
}

static void
pair(struct like *a, struct like *b)
{
	a->mate = b;
	b->mate = a;
}

/* All of them are alike: those of one date first, then in any order. */
static void
pair_run(const struct runs *run)
{
	struct runs left = *run, same;

	sort(run->a, run->n_a, cmp_date);
	sort(run->b, run->n_b, cmp_date);
	while (next_runs(&left, &same, cmp_date))
		for (size_t i = 0; i < same.n_a && i < same.n_b; i++)
			pair(same.a[i], same.b[i]);
	for (size_t i = 0, k = 0; i < run->n_a; i++) {
		if (run->a[i]->mate != NULL)
			continue;
		while (k < run->n_b && run->b[k]->mate != NULL)
			k++;
		if (k == run->n_b)
			break;
		pair(run->a[i], run->b[k]);
	}
}

/* A person who changes a draft by a letter changes its date, at least. */
static bool
changed_draft(const struct runs *run)
{
	bool draft = false, dates = false;

	for (size_t i = 0; i < run->n_a; i++) {
		draft = draft || run->a[i]->draft;
		dates = dates || run->a[i]->date != run->a[0]->date;
	}
	for (size_t i = 0; i < run->n_b; i++) {
		draft = draft || run->b[i]->draft;
		dates = dates || run->b[i]->date != run->a[0]->date;
	}
	return draft && dates;
}

/* One header, one size, and the same content as well: any of them will do. */
static bool
all_the_same(const struct runs *run)
{
	for (size_t i = 1; i < run->n_b; i++)
		if (run->b[0]->all == NULL || run->b[i]->all == NULL ||
		    !hash_eq(run->b[0]->all, run->b[i]->all))
			return false;
	return true;
}

static bool
is_proof(const struct runs *run, enum like_by by)
{
	switch (by) {
	case LIKE_MSGID:
		return run->n_a == 1 && run->n_b == 1;
	case LIKE_HEAD:
		return run->n_a <= run->n_b && all_the_same(run) &&
		    !changed_draft(run);
	default:
		return true;
	}
}

void
like_match(struct like **a, size_t n_a, struct like **b, size_t n_b,
    enum like_by by)
{
	bool dated = by == LIKE_OBJID || by == LIKE_MSGID;
	order *cmp = dated ? by_size_date_key : by_size_key;
	struct runs left = { a, b, 0, 0 }, run;

	left.n_a = sift(a, n_a, by, dated);
	left.n_b = sift(b, n_b, by, dated);
	sort(a, left.n_a, cmp);
	sort(b, left.n_b, cmp);
	while (next_runs(&left, &run, cmp)) {
		if (is_proof(&run, by)) {
			pair_run(&run);
			continue;
		}
		for (size_t i = 0; by == LIKE_HEAD && i < run.n_a; i++)
			run.a[i]->doubt = true;
		for (size_t i = 0; by == LIKE_HEAD && i < run.n_b; i++)
			run.b[i]->doubt = true;
	}
}
