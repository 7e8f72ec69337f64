/*
 * uidset.h — a set of UIDs as sorted, disjoint ranges.  A server's "1:4294967295"
 * costs one range and is never expanded (RFC 9051 sequence-set, RFC 7162
 * section 5.1).
 */
#ifndef BASE_UIDSET_H
#define BASE_UIDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/types.h"

struct uidrange {
	uint32_t	lo, hi;		/* inclusive, 1 <= lo <= hi */
};

struct uidset {
	struct uidrange	*r;
	size_t		 n, cap;
	size_t		 n_late;	/* behind those: collected, not settled */
};

void	 uidset_init(struct uidset *s);
void	 uidset_clear(struct uidset *s);
/* Add [lo, hi]; adding in ascending order is O(1), in another O(n).  0 is ignored. */
void	 uidset_add(struct uidset *s, uint32_t lo, uint32_t hi);
/* Add many in whatever order, O(log n) each; before the set is used for anything
 * else, it is to be settled. */
void	 uidset_collect(struct uidset *s, uint32_t lo, uint32_t hi);
void	 uidset_settle(struct uidset *s);
bool	 uidset_has(const struct uidset *s, struct uid uid);
/* How many UIDs. */
uint64_t uidset_count(const struct uidset *s);
/* Parse "1:5,7"; a range may be reversed; "*" and 0 are refused.  -1 when
 * ${text} is not a sequence-set or has more than ${max_ranges}. */
int	 uidset_parse(struct uidset *s, struct str text, size_t max_ranges) MUST_CHECK;
/* Print ranges from index *${from} on into ${out}, at most ${max} bytes, and
 * advance *${from}; at least one range is printed.  Commands are split so. */
int	 uidset_print(const struct uidset *s, size_t *from, size_t max,
	    struct buf *out) MUST_CHECK;
/* Visit each UID in ascending order: uid.v = 0 starts; false at the end.
 * ${at} is the visitor's own state, 0 at the start. */
bool	 uidset_next(const struct uidset *s, size_t *at, struct uid *uid);

#endif
