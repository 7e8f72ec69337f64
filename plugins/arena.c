/* arena.c — blocks in a list; the last one is being filled. */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BLOCK = 4000 };

struct arena_block {
	struct arena_block	*before;
	size_t			 n;
	max_align_t		 room[];
};

void *
arena_get(struct arena *a, size_t n)
{
	size_t size;
	char *p;

	must(size_add(n, sizeof(max_align_t) - 1, &size));
	size -= size % sizeof(max_align_t);
	if (size > a->left) {
		size_t room = size > BLOCK ? size : BLOCK;
		struct arena_block *b = xcalloc(1, sizeof(*b) + room);

		b->before = a->last;
		b->n = room;
		a->last = b;
		a->left = room;
	}
	p = (char *)a->last->room + (a->last->n - a->left);
	a->left -= size;
	a->total += size;
	return p;
}

void *
arena_room(struct arena *a, void *v, size_t n, size_t *cap, size_t size)
{
	void *more;

	if (n < *cap)
		return v;
	*cap = *cap == 0 ? 8 : *cap * 2;
	more = arena_get(a, *cap * size);
	if (n > 0)
		memcpy(more, v, n * size);
	return more;
}

struct str
arena_str(struct arena *a, struct str s)
{
	char *p = arena_get(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

void
arena_clear(struct arena *a)
{
	while (a->last != NULL) {
		struct arena_block *b = a->last;

		a->last = b->before;
		free(b);
	}
	*a = (struct arena){ 0 };
}
