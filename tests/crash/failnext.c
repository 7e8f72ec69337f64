/*
 * failnext.c — LD_PRELOAD: the n-th allocation of a process tree fails, or the n-th
 * step of a statement of the state database.
 *
 * FAILNEXT_COUNTER is a file that all its processes count in (8 bytes);
 * FAILNEXT_AT the number that fails, 0: none, only count; FAILNEXT_OF what:
 * "allocation" or "statement".
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

/* glibc's own, behind the names that we take. */
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t n);
/* SQLite's. */
struct sqlite3_stmt;
extern const char *sqlite3_sql(struct sqlite3_stmt *st) __attribute__((weak));
int sqlite3_step(struct sqlite3_stmt *st);

enum { IOERR = 10 };	/* SQLITE_IOERR */

static _Atomic uint64_t *counter;
static uint64_t at;
static bool of_statements;

__attribute__((constructor)) static void
init(void)
{
	const char *path = getenv("FAILNEXT_COUNTER"), *n = getenv("FAILNEXT_AT");
	const char *of = getenv("FAILNEXT_OF");
	if (path == NULL || n == NULL)
		return;
	of_statements = of != NULL && strcmp(of, "statement") == 0;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*counter)) != 0)
		return;
	void *p = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	close(fd);
	at = strtoull(n, NULL, 10);
	if (p != MAP_FAILED)
		counter = p;
}

static bool
is_next(void)
{
	return counter != NULL && atomic_fetch_add(counter, 1) + 1 == at;
}

static bool
fails(void)
{
	if (of_statements || !is_next())
		return false;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

/* A transaction can be given up on any disk. */
int
sqlite3_step(struct sqlite3_stmt *st)
{
	static int (*real)(struct sqlite3_stmt *);
	/* NULL of one of SQLite's own. */
	const char *sql = of_statements ? sqlite3_sql(st) : NULL;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "sqlite3_step");
	if (sql != NULL && strcmp(sql, "ROLLBACK") != 0 && is_next())
		return IOERR;
	return real(st);
}
