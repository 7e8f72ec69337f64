/*
 * sorted.h — where something stands in a sorted array, or would.  As with bsearch(),
 * ${cmp} is given ${key} and an element, but ${v} may be NULL when ${n} is 0, and of
 * equals it is the first that is found.
 */
#ifndef BASE_SORTED_H
#define BASE_SORTED_H

#include <stddef.h>

typedef int sorted_cmp(const void *key, const void *element);

/* The index of the first element that is not less than ${key}, or ${n}. */
static inline size_t
sorted_at(const void *key, const void *v, size_t n, size_t size, sorted_cmp *cmp)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cmp(key, (const char *)v + mid * size) > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The first element that equals ${key}, or NULL. */
static inline void *
sorted_find(const void *key, const void *v, size_t n, size_t size, sorted_cmp *cmp)
{
	size_t i = sorted_at(key, v, n, size, cmp);
	const char *at = i < n ? (const char *)v + i * size : NULL;

	return at != NULL && cmp(key, at) == 0 ? (void *)at : NULL;
}

#endif
