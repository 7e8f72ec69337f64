/* arena.h — memory that is given back all at once, at the end of an event. */
#ifndef PLUGINS_ARENA_H
#define PLUGINS_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct arena {
	struct arena_block	*last;
	size_t			 left;	/* bytes free in it */
	size_t			 total;	/* bytes given out */
};

/* ${n} bytes, zeroed; they live until arena_clear().  A zeroed arena is empty. */
void		*arena_get(struct arena *a, size_t n);
/* ${v}, which holds ${n} of ${size} bytes and has room for *cap, with room for one more:
 * it may be another now, and the old one is not used any more.  First for eight. */
void		*arena_room(struct arena *a, void *v, size_t n, size_t *cap, size_t size);
/* A copy, NUL-terminated. */
struct str	 arena_str(struct arena *a, struct str s);
void		 arena_clear(struct arena *a);

#endif
