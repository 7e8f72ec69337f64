/*
 * change.h — what happened to files since an indexer asked last.
 *
 * The store keeps where a file was before it was renamed, moved or removed, of
 * the newest 100,000 changes; a message that is new has a larger id than any
 * before it.  Together a mark in both tells everything that changed behind it:
 * the rows of store_change_next() and those of cursor_open_newer().
 *
 * A reader's rows may be younger than the mark it took before: what changes
 * meanwhile is told now and once more with the next mark, never missed.
 */
#ifndef STORE_CHANGE_H
#define STORE_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "store/store.h"

struct change_mark {
	int64_t		seq;		/* of the newest change */
	int64_t		message;	/* the largest id of a message */
};

/* Where the store is now.  What is being put into the Maildir right now counts as
 * not seen yet: its file may not be there. */
int	 store_change_end(struct store *s, struct change_mark *end,
	    struct err *err);
/* 1: all since ${mark} is known; 0: some of it is not kept any more, or the mark
 * is of another store; -1. */
int	 store_change_knows(struct store *s, const struct change_mark *mark,
	    struct err *err);
/* What marks of this store begin with; it is new when the store is made anew.  *name
 * is to free(); NULL: an older syncd made it and none of today wrote to it yet. */
int	 store_change_name(struct store *s, char **name, struct err *err);

struct change_row {
	int64_t		message;
	struct str	path;		/* of the file below the root, before that;
					 * none: it was not there */
};

/* The first behind *seq, which becomes its number.  1, 0 at the end, -1. */
int	 store_change_next(struct store *s, int64_t *seq, struct change_row *row,
	    struct err *err);
/* Messages on disk with a larger id than ${after}. */
struct cursor	*cursor_open_newer(struct store *s, int64_t after);

#endif
