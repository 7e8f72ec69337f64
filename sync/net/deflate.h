/*
 * deflate.h — raw deflate in both directions of one stream (RFC 4978).  Private
 * to stream.c.
 */
#ifndef NET_DEFLATE_H
#define NET_DEFLATE_H

#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct deflate;

struct deflate	*deflate_new(void);
/* NULL is fine. */
void		 deflate_free(struct deflate *d);

/* Compress all of ${in} to the end of ${out}, flushed so that the peer can read
 * every byte of it.  Returns how many bytes were added. */
size_t		 deflate_pack(struct deflate *d, struct str in, struct buf *out);

/* Inflate from ${in}, which is advanced, to ${out}: never more than ${room}
 * bytes at a time, however much they would become.  *${n} is how many; fewer
 * than ${room} means that more input is needed.  -1: ERR_PROTO net.deflate,
 * ERR_RETRY net.closed at the end of the peer's data. */
int		 deflate_unpack(struct deflate *d, struct str *in, void *out,
		    size_t room, size_t *n, struct err *err) MUST_CHECK;

#endif
