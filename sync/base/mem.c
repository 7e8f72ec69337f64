/* mem.c — allocation that cannot fail, and invariants that must not. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static NORETURN void
die(const char *text)
{
	/* write(2), because stdio may want memory that is not there. */
	ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

	(void)ignored;
	abort();
}

void
must_fail(const char *what, const char *file, int line)
{
	char text[256];

	snprintf(text, sizeof(text), "syncd: bug: must(%s) failed at %s:%d\n",
	    what, file, line);
	die(text);
}

void
no_memory(void)
{
	die("syncd: out of memory\n");
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n > 0 ? n : 1);

	if (p == NULL)
		no_memory();
	return p;
}

void *
xcalloc(size_t count, size_t n)
{
	void *p = calloc(count > 0 ? count : 1, n > 0 ? n : 1);

	if (p == NULL)
		no_memory();
	return p;
}

void *
xreallocarray(void *p, size_t count, size_t n)
{
	size_t bytes;

	if (!size_mul(count, n, &bytes))
		die("syncd: allocation size overflow\n");
	p = realloc(p, bytes > 0 ? bytes : 1);
	if (p == NULL)
		no_memory();
	return p;
}

char *
xstrdup(const char *z)
{
	size_t n;

	if (z == NULL)
		return NULL;
	n = strlen(z) + 1;
	return memcpy(xmalloc(n), z, n);
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *z;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&z, fmt, ap);
	va_end(ap);
	if (n < 0)
		no_memory();
	return z;
}

void *
array_room(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return p;
	*cap = *cap > 0 ? *cap * 2 : 16;
	return xreallocarray(p, *cap, size);
}

bool
size_add(size_t a, size_t b, size_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

bool
size_mul(size_t a, size_t b, size_t *product)
{
	return !__builtin_mul_overflow(a, b, product);
}
