/*
 * head.h — the header of a message as a list of fields (RFC 5322 section 2.2).
 *
 * Nothing is copied: fields point into the bytes.  What is not a field (an mbox
 * "From " line, noise) is passed over, as every mail program does; the header ends
 * at the first empty line.  LF and CRLF are both line ends.
 */
#ifndef PLUGINS_HEAD_H
#define PLUGINS_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "base/str.h"

enum { HEAD_MAX = 256 << 10, HEAD_FIELDS_MAX = 2000 };

struct head_field {
	struct str	name;
	struct str	raw;	/* after the colon, folded, without the line end */
	unsigned	key;	/* of the name, without case: compares fast */
};

struct head {
	struct head_field	*field;		/* in the arena */
	size_t			 n;
	size_t			 size;		/* bytes with the empty line */
	bool			 ended;		/* the empty line was there */
};

/* Scan ${bytes}, which must live as long as ${h}; more fields than the maximum
 * are left out. */
void	head_scan(struct head *h, struct str bytes, struct arena *a);
/* The ${i}-th field called ${name}, from the top; NULL past the last. */
const struct head_field *head_find(const struct head *h, struct str name, size_t i);
/* Its value on one line, white space around it gone, otherwise as it stands. */
struct str head_unfold(struct str raw, struct arena *a);
/* The value of the first such field, unfolded; STR_NONE: absent. */
struct str head_get(const struct head *h, struct str name, struct arena *a);

#endif
