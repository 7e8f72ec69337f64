/*
 * like.h — which messages of two heaps are the same ones: what the server has,
 * and what is here.  Pure: no I/O, no clock.
 *
 * What is proof, cheapest first:
 *
 *	LIKE_OBJID	the server's id of the message (RFC 8474 EMAILID, X-GM-MSGID,
 *			X-GUID), its size and its INTERNALDATE.  The id alone is
 *			not enough: a server that was built anew may count from
 *			the beginning.
 *	LIKE_MSGID	Message-ID, size and INTERNALDATE, when no other message on
 *			either side has all three.  Two deliveries of one mail
 *			(an alias, a list and a copy) may arrive within a second
 *			and differ in a Received line only: then there are two
 *			somewhere, and the header decides.
 *	LIKE_HEAD	the hash of the whole header, and the size.  Also for those
 *			whose date was lost on the way.
 *	LIKE_ALL	the hash of the message: where the header is not proof.
 *
 * The header is not proof where files here have one header and one size, and are
 * not the same; where the server has more of them than there are files, so that
 * the question is which; and for drafts of different dates, of which one may have
 * been changed by a letter.  Nothing else pairs: one that is fetched twice can be
 * deleted, one that was taken for another is lost.
 *
 * What remains is one case: of two deliveries that are alike in Message-ID, size
 * and second, one was deleted here and the other there since both sides were last
 * equal, and the state was lost or the server renumbered as well.  They count as
 * the same mail then, which they are to anybody but their Received lines.
 *
 * Sizes are those of the wire form, RFC822.SIZE.
 */
#ifndef ENGINE_LIKE_H
#define ENGINE_LIKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

/* What .key holds.  Both heaps are given the next kind of key when what the last
 * one could pair has been paired. */
enum like_by { LIKE_NONE, LIKE_OBJID, LIKE_MSGID, LIKE_HEAD, LIKE_ALL };

#define LIKE_NO_DATE	INT64_MIN

struct like {
	uint64_t	 size;
	int64_t		 date;		/* seconds; LIKE_NO_DATE: not known */
	struct hash	 key;
	enum like_by	 by;		/* LIKE_NONE: there is no key */
	const struct hash *all;		/* of the whole, of a file; or NULL */
	bool		 draft;
	bool		 wanted;	/* like_seek(): its key is of use */
	bool		 doubt;		/* like_match(): LIKE_ALL must decide */
	struct like	*mate;		/* the same message; NULL: not found yet */
};

/* A heap is an array of pointers, which stay; its order is changed. */

/* Mark as .wanted those of both heaps that have no mate, and one of the same size
 * in the other heap that has none, either; with ${dated}, of the same date.  Of
 * ${b}, only those with a key ${by} count (LIKE_NONE: all).  How many of ${a}. */
size_t	like_seek(struct like **a, size_t n_a, struct like **b, size_t n_b,
	    enum like_by by, bool dated);
/* Pair what has a key of that kind on both sides and no mate: ${a} is the server's
 * heap, ${b} is what is here. */
void	like_match(struct like **a, size_t n_a, struct like **b, size_t n_b,
	    enum like_by by);

#endif
