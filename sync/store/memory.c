/* memory.c — what SQLite wants to know of an allocator. */
#include "store/memory.h"

#include <malloc.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "base/mem.h"

static void *
get(int n)
{
	return xmalloc((size_t)n);
}

static void *
resize(void *p, int n)
{
	return xreallocarray(p, 1, (size_t)n);
}

static int
size_of(void *p)
{
	return (int)malloc_usable_size(p);
}

static int
round_up(int n)
{
	return (n + 7) & ~7;
}

static int
begin(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void
end(void *arg)
{
	(void)arg;
}

void
memory_begin(void)
{
	static const sqlite3_mem_methods ours = { get, free, resize, size_of,
	    round_up, begin, end, NULL };

	/* Refused once it is in use. */
	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
	/* Nobody asks how much it is: that would be counted under a lock. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
