/*
 * header.h — the few header fields that the audit log and `why` show, picked out
 * while a message streams by.  Raw as they stand (unfolded, not decoded): they
 * identify, they decide nothing.
 */
#ifndef ENGINE_HEADER_H
#define ENGINE_HEADER_H

#include <stdbool.h>

#include "base/str.h"

struct header {
	char	*subject, *from, *msgid;	/* NULL: absent */
	char	*line;				/* the field being collected */
	size_t	 n;
	bool	 fresh;				/* the last byte ended a line */
	bool	 ended;				/* the empty line has passed */
};

void	header_clear(struct header *h);
/* The next bytes, with CRLF or LF; past the header they cost nothing. */
void	header_add(struct header *h, struct str bytes);
/* No more bytes: the last field counts, too. */
void	header_end(struct header *h);

#endif
