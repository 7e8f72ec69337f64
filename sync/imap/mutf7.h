/*
 * mutf7.h — mailbox names: modified UTF-7 (RFC 3501 section 5.1.3) to and from
 * UTF-8.  The raw wire name stays the key of a mailbox; this is for paths and
 * for people.
 */
#ifndef IMAP_MUTF7_H
#define IMAP_MUTF7_H

#include "base/buf.h"
#include "base/str.h"

/* To UTF-8.  -1 when ${name} is not the canonical encoding of anything: then
 * its raw bytes are all there is. */
int	mutf7_decode(struct str name, struct buf *utf8) MUST_CHECK;
/* To the wire.  -1 when ${utf8} is not valid UTF-8. */
int	mutf7_encode(struct str utf8, struct buf *name) MUST_CHECK;

#endif
