/*
 * pair.h — what looks like a deletion here and a new message there may be one
 * message that moved.  Pairing comes before the decision, over all folders that
 * a round has read.
 */
#ifndef ENGINE_PAIR_H
#define ENGINE_PAIR_H

#include <stddef.h>

#include "base/err.h"
#include "engine/account.h"

/* Over the ${n} folders that were read:
 *	a new file whose row lost its file elsewhere	-> .from, a move
 *	a new file that the server has elsewhere	-> .from and .copy
 *	a fresh message with the content of a new file	-> both on one row
 *	a fresh message that a tombstone describes	-> the file is renamed
 * Headers are fetched only where something could match.  With dry_run nothing is
 * changed, and moves on the server are not looked for. */
int	pair_changes(struct account *acc, struct folder **f, size_t n,
	    struct err *err);

/* What is left of deletions on the server becomes tombstones: the rows keep their
 * files a while, for the message may show up in another folder yet.  Joins a
 * transaction, which the caller ends. */
int	pair_bury(struct account *acc, struct folder *f, struct err *err);

#endif
