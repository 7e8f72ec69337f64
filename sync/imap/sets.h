/*
 * sets.h — number sets as servers print them (RFC 9051 sequence-set, RFC 4315
 * uid-set) to sets and pairs.  Ranges are collected first and sorted once, so
 * that no order of them is expensive; only COPYUID is ever expanded, capped.
 */
#ifndef IMAP_SETS_H
#define IMAP_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/types.h"
#include "base/uidset.h"
#include "net/lane.h"

enum { SETS_PAIRS_MAX = 1 << 20 };	/* UIDs in one COPYUID */

struct sets {
	struct uidrange	*r;	/* in the server's order */
	size_t		 n, cap;
	struct uidset	 set;	/* what sets_end() gave out */
	uint32_t	*src, *dst;	/* what sets_pairs() gave out */
};

void	sets_init(struct sets *s);
void	sets_clear(struct sets *s);
/* Begin a new set. */
void	sets_begin(struct sets *s);
/* Add [a, b] or [b, a]; 0 is no UID and is left out. */
void	sets_put(struct sets *s, uint32_t a, uint32_t b);
/* Add all of "1:5,7".  0 is left out (Dovecot 2.3.13 sends "0:1"); false on
 * anything that is not such a set. */
bool	sets_text(struct sets *s, struct str text);
/* The set, sorted; borrowed until the next call on ${s}. */
const struct uidset *sets_end(struct sets *s);
/* "304,319:320" and "3956:3958" to pairs; ${src} may be NULL (APPENDUID).
 * False when they are not sets of the same size. */
bool	sets_pairs(struct sets *s, const struct str *src, struct str dst,
	    struct uidpairs *pairs);

#endif
