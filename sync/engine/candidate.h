/*
 * candidate.h — what is here of a folder and waits for its message: new files,
 * rows that lost their number, and what policy kept when the server lost it.  Each
 * may be what a fresh message on the server is.
 */
#ifndef ENGINE_CANDIDATE_H
#define ENGINE_CANDIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "engine/account.h"
#include "engine/like.h"

struct missing;

struct candidate {
	struct like	 like;		/* first; .key as it was asked for last */
	struct change	*change;	/* NULL: kept, a row without a change */
	int64_t		 row;		/* 0: a new file */
	struct hash	 head, all;
};

struct candidates {
	struct candidate *v;
	struct like	**like;		/* of each, in any order */
	size_t		  n, cap;
	bool		  objids;	/* of some, the server's id is known */
};

/* All of ${f}; every new file is read once.  Their keys are LIKE_OBJID. */
int	candidates_collect(struct account *acc, struct folder *f,
	    const struct missing *missing, struct candidates *cs, struct err *err);
/* Give those that are .like.wanted a key of that kind.  The Message-ID of a new
 * file is read from it. */
int	candidates_key(struct account *acc, struct folder *f,
	    struct candidates *cs, enum like_by by, struct err *err);
void	candidates_clear(struct candidates *cs);

/* The entry's key is the hash of that text; of a Message-ID as it stands in a
 * header: none if it is empty, or too long to be one. */
void	like_key(struct like *m, enum like_by by, struct str text);
void	like_key_msgid(struct like *m, const char *msgid);

#endif
