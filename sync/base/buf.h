/*
 * buf.h — a growing byte buffer with a maximum.  Exceeding the maximum is an
 * answer (-1), not an out-of-memory death: what fills it came from outside.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct buf {
	uint8_t	*p;
	size_t	 n;	/* bytes in use */
	size_t	 cap;
	size_t	 max;	/* never grows past this */
};

void		 buf_init(struct buf *b, size_t max);
/* Free the bytes; the buffer may be used again with the same maximum. */
void		 buf_clear(struct buf *b);
/* The same, for secrets: overwritten before.  Give it its room at once, or copies
 * stay where it grew. */
void		 buf_wipe(struct buf *b);
/* Forget the bytes, keep the room. */
void		 buf_reset(struct buf *b);
/* Append; -1 when the maximum would be exceeded (the buffer is unchanged). */
int		 buf_add(struct buf *b, const void *p, size_t n) MUST_CHECK;
int		 buf_add_str(struct buf *b, struct str s) MUST_CHECK;
int		 buf_fmt(struct buf *b, const char *fmt, ...) PRINTF(2, 3) MUST_CHECK;
/* Room for ${n} more bytes at the end, or NULL past the maximum; after writing
 * there, add to b->n. */
uint8_t		*buf_room(struct buf *b, size_t n) MUST_CHECK;
/* Drop the first ${n} bytes. */
void		 buf_drop(struct buf *b, size_t n);
/* The bytes, borrowed until the next call on ${b}. */
struct str	 buf_str(const struct buf *b);
/* The bytes as a NUL-terminated string, which is the caller's to free();
 * the buffer is empty afterwards. */
char		*buf_steal(struct buf *b);

#endif
