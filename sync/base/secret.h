/*
 * secret.h — a password or token in locked memory that a core dump leaves out,
 * zeroed when cleared.  Nothing prints it: take the bytes with secret_peek() at
 * the one place that sends them.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { SECRET_MAX = 16384 };	/* an OAuth access token may take some KiB */

struct secret {
	char	*page;	/* NULL: empty */
	size_t	 n;
};

/* A copy of ${s}, which the caller should wipe; -1 when longer than SECRET_MAX. */
int		secret_set(struct secret *secret, struct str s);
void		secret_clear(struct secret *secret);
/* The bytes, NUL-terminated, borrowed until the next call on ${secret}. */
struct str	secret_peek(const struct secret *secret);
/* Does ${text} repeat it (the first 64 bytes of it), as it is, quoted, or in base64
 * of that and anything around it?  One of less than four bytes is not looked for: it may be
 * anywhere. */
bool		secret_in(const struct secret *secret, struct str text);

#endif
