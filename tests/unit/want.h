/* want.h — a process that is out of memory. */
#ifndef WANT_H
#define WANT_H

#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/sandbox.h"

/* A sanitizer ends such a process itself, and valgrind has memory of its own. */
static inline bool
memory_is_never_short(void)
{
	return sandbox_is_off() || getenv("SYNCD_VALGRIND") != NULL;
}

/* From now on nothing more can be had, not even a little. */
static inline void
want_memory(void)
{
	enum { AT_MOST = 1 << 20 };
	void *volatile kept;	/* or nothing would be asked for */
	int n = 0;

	(void)setrlimit(RLIMIT_DATA, &(struct rlimit){ 0, 0 });
	for (size_t size = 1 << 16; size > 0; size /= 2)
		do
			kept = malloc(size);
		while (kept != NULL && n++ < AT_MOST);
}

#endif
