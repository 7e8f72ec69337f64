/* buf.c — a growing byte buffer with a maximum. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_clear(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_clear(b);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
}

uint8_t *
buf_room(struct buf *b, size_t n)
{
	size_t need, cap;

	if (!size_add(b->n, n, &need) || need > b->max)
		return NULL;
	if (need <= b->cap)
		return b->p + b->n;
	cap = b->cap > 0 ? b->cap : 256;
	while (cap < need)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	b->p = xreallocarray(b->p, cap, 1);
	b->cap = cap;
	return b->p + b->n;
}

int
buf_add(struct buf *b, const void *p, size_t n)
{
	uint8_t *room;

	if (n == 0)
		return 0;
	room = buf_room(b, n);
	if (room == NULL)
		return -1;
	memcpy(room, p, n);
	b->n += n;
	return 0;
}

int
buf_add_str(struct buf *b, struct str s)
{
	return buf_add(b, s.p, s.n);
}

int
buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	uint8_t *room;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -1;
	/* One more byte for vsnprintf's NUL, which is not counted. */
	room = buf_room(b, (size_t)n + 1);
	if (room == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf((char *)room, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
	return 0;
}

void
buf_drop(struct buf *b, size_t n)
{
	must(n <= b->n);
	b->n -= n;
	if (b->n > 0)
		memmove(b->p, b->p + n, b->n);
}

struct str
buf_str(const struct buf *b)
{
	return (struct str){ (const char *)b->p, b->n };
}

char *
buf_steal(struct buf *b)
{
	char *z = str_dup(buf_str(b));

	buf_clear(b);
	return z;
}
