/*
 * mime.h — bodies and parts of a message, by GMime, and nothing else by it.
 *
 * A message is parsed when a body or part is first asked for, from its descriptor,
 * so that its size does not matter.  Texts are capped.
 */
#ifndef PLUGINS_MIME_H
#define PLUGINS_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "arena.h"
#include "base/buf.h"
#include "base/str.h"

struct mime;
struct msg;

enum { MIME_TEXT_MAX = 1 << 20, MIME_PARTS_MAX = 1000, MIME_HASH_MAX = 65 };

/* The parsed message, parsed if it was not; never NULL. */
struct mime	*mime_of(struct msg *m);
void		 mime_free(struct mime *m);

size_t		 mime_parts(const struct mime *m);
struct str	 mime_type(struct mime *m, size_t i, struct arena *a);
/* The last component, without control bytes; STR_NONE: it has none. */
struct str	 mime_filename(struct mime *m, size_t i, struct arena *a);
/* Is it one: not inline text without a name? */
bool		 mime_is_attachment(struct mime *m, size_t i);
struct str	 mime_charset(struct mime *m, size_t i, struct arena *a);
/* The ${n}-th parameter of its Content-Type; false past the last. */
bool		 mime_param(struct mime *m, size_t i, size_t n, struct str *name,
		    struct str *value, struct arena *a);
/* Its content, decoded; -1: longer than the buffer's maximum. */
int		 mime_bytes(struct mime *m, size_t i, struct buf *out);
struct str	 mime_part_text(struct mime *m, size_t i, struct arena *a);

struct str	 mime_text(struct mime *m, struct arena *a);
struct str	 mime_html(struct mime *m, struct arena *a);
/* SHA-256 of what follows the header, in hexadecimal; line ends and white space
 * before them do not count, because they change on the way. */
void		 mime_body_hash(int fd, size_t header_size, char hex[MIME_HASH_MAX]);

/* Start the library, before the sandbox. */
void		 mime_start(void);

#endif
