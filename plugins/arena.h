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
/* A copy, NUL-terminated. */
struct str	 arena_str(struct arena *a, struct str s);
void		 arena_clear(struct arena *a);

#endif
