/*
 * whole.h — is the state file whole?  What the file system says of it before SQLite
 * touches it, and what all of its pages say, as often as that is worth the time.
 */
#ifndef STORE_WHOLE_H
#define STORE_WHOLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"

struct store;

struct whole {
	off_t	size;		/* bytes; 0: there was none */
	bool	log;		/* the last writer did not close it */
	bool	all;		/* every page was read */
};

/* Look at the file of ${path}, which is made if there is none, and is made nobody
 * else's.  -1 with ERR_LOCAL store.permission, or state.corrupt when it was cut
 * short. */
int	whole_look(const char *path, struct whole *w, struct err *err) MUST_CHECK;
/* Every page, if the file is small, was not closed, or was not read for a week;
 * else what SQLite sees when it opens a file, so that opening stays cheap.  -1
 * with ERR_LOCAL state.corrupt.  Changes nothing. */
int	whole_check(struct store *s, struct whole *w, struct err *err) MUST_CHECK;
/* Remember that all was read; not of a small file, that is read each time. */
int	whole_note(struct store *s, const struct whole *w, struct err *err)
	    MUST_CHECK;

#endif
