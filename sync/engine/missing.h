/*
 * missing.h — messages that the server had, and that it may have moved: rows that
 * a fresh message in any folder may turn out to be.
 */
#ifndef ENGINE_MISSING_H
#define ENGINE_MISSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "engine/account.h"

struct missed {
	int64_t		row, folder;
	uint64_t	size;		/* wire form */
	int64_t		date;
	struct hash	objid;		/* of the server's id */
	bool		has_objid;
	bool		kept;		/* policy kept it when the server lost it */
	bool		nameless;	/* the server's id is not known (we uploaded
					 * it), or is another by now */
};

struct missing {
	struct missed	*v;		/* by size */
	size_t		 n, cap;
};

/* Over the ${n} folders that were read.  missing_clear() in any case. */
int	missing_find(struct account *acc, struct folder **f, size_t n,
	    struct missing *m, struct err *err);
void	missing_clear(struct missing *m);
/* May a message of that size be one of them that only its header tells?  With
 * ${objids}, the server tells its ids of messages. */
bool	missing_size(const struct missing *m, uint64_t size, bool objids);

#endif
