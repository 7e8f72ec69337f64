/*
 * follow.h — a message that the server moved: its file follows.
 */
#ifndef ENGINE_FOLLOW_H
#define ENGINE_FOLLOW_H

#include "base/err.h"
#include "base/hash.h"
#include "engine/account.h"
#include "store/store.h"

/* A file that a client moved as well. */
struct moved {
	int64_t		 was;		/* the row that it used to be */
	size_t		 at;		/* which of several is taken first */
	struct folder	*folder;
	struct change	*change;
};

/* All of those, by row. */
struct follow {
	struct moved	*moved;
	size_t		 n, cap;
};

/* Whatever changes there are is known: none may be added before follow_end(). */
void	follow_begin(struct account *acc, struct follow *fo);
void	follow_end(struct follow *fo);

/* The row that a fresh message used to be, elsewhere: by the server's id of it, or
 * by its header; either may be none.  1: found, 0, -1. */
int	follow_find(struct account *acc, struct str objid,
	    const struct hash *head, uint64_t wire_size, struct msg_row *row,
	    struct err *err);
/* May it have been one that is left for another round, or one in a folder that could
 * not be read (unread.h), and was changed here?  1, 0, -1. */
int	follow_later(struct account *acc, struct str objid,
	    const struct hash *head, uint64_t wire_size, struct err *err);
/* Rename the file of ${row} into ${to}, where the server has it as ${m}.  1: done, in
 * a transaction that it joins and the caller ends, or left for another time; 0: it
 * cannot be followed; -1. */
int	follow_move(struct account *acc, struct folder *to,
	    const struct follow *fo, const struct seen *m, struct msg_row *row, struct str objid,
	    struct err *err);

#endif
