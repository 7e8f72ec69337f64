/*
 * hash.h — SHA-256 of a message, by libcrypto (the digest is the one thing that
 * base takes from a library).  A message's identity is computed over its bytes
 * with every CRLF folded to LF, so that the same message has the same hash on
 * the wire and on disk, whatever its line endings there.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct hash {
	uint8_t	b[32];
};

/* Before anybody uses OpenSSL, in whatever layer: its memory is ours (mem.h), for
 * where it gets none it follows null pointers, or takes a failure for another. */
void	hash_begin(void);

/* The identity of one message, computed while its bytes stream by. */
struct msgid_hash {
	struct hash	head;	/* up to and without the empty line */
	struct hash	all;
	struct hash	wire;	/* with every bare LF as CRLF; zero unless
				 * hasher_want_wire() */
	uint64_t	wire_size;	/* so many bytes that form has */
};

struct hasher;

struct hasher	*hasher_new(void);
void		 hasher_free(struct hasher *h);
/* Compute .wire as well, from the next message on. */
void		 hasher_want_wire(struct hasher *h);
/* The next bytes, in any portions. */
void		 hasher_add(struct hasher *h, const void *p, size_t n);
/* Finish, and be ready for the next message. */
void		 hasher_end(struct hasher *h, struct msgid_hash *out);
/* MD5 of both, one after the other, in hexadecimal: for APOP, which is what it
 * is. */
void		 hash_md5_hex(struct str a, struct str b, char out[33]);
/* As 64 digits, and back; false when they are not that. */
void		 hash_hex(const struct hash *h, char out[65]);
bool		 hash_from_hex(struct str hex, struct hash *out);
bool		 hash_eq(const struct hash *a, const struct hash *b);

#endif
