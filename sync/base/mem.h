/*
 * mem.h — allocation that dies with an obituary instead of returning NULL, and
 * our own invariants.  Sizes that came from a peer are checked against a cap
 * before they get here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

void	*xmalloc(size_t n);
void	*xcalloc(size_t count, size_t n);
/* Room for ${count} elements of ${n} bytes; dies on overflow. */
void	*xreallocarray(void *p, size_t count, size_t n);
/* NULL stays NULL. */
char	*xstrdup(const char *z);
char	*xasprintf(const char *fmt, ...) PRINTF(1, 2);

/* Die as they do, when a library says that it got none. */
void	 no_memory(void) NORETURN;

/* Make room for one more element in a growing array: doubles *cap. */
void	*array_room(void *p, size_t n, size_t *cap, size_t size);

/* a + b and a * b, false on overflow. */
bool	 size_add(size_t a, size_t b, size_t *sum) MUST_CHECK;
bool	 size_mul(size_t a, size_t b, size_t *product) MUST_CHECK;

/* Our own invariant, always compiled in.  Never for bytes from outside. */
#define must(x)		((x) ? (void)0 : must_fail(#x, __FILE__, __LINE__))
void	 must_fail(const char *what, const char *file, int line) NORETURN;

#endif
