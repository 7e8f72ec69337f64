/*
 * parse.h — what a POP3 server says, piece by piece (RFC 1939 section 3).
 *
 * A reader takes bytes in any portions and gives out status lines, the lines of
 * a list, or the bytes of a message as they were before dot-stuffing; nothing is
 * copied, and a message is never held.  Whoever asked says what an answer has
 * beyond its status line.
 *
 * A message ends with CRLF "." CRLF and nothing else: a bare LF begins no line,
 * or a message could forge its own end and the answers that follow.  But there are
 * servers that know no CR at all: where the status line and the first line of the
 * message both end with LF alone, every LF ends a line, and is given out as CRLF.
 */
#ifndef POP3_PARSE_H
#define POP3_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { POP3_LINE_MAX = 8192 };

enum pop3_status { POP3_OK, POP3_ERR, POP3_GO_ON };

enum pop3_item_kind {
	POP3_MORE,	/* more bytes are needed */
	POP3_STATUS,	/* .status, .code, .text */
	POP3_LINE,	/* of a list: .text */
	POP3_DATA,	/* of a message: .text */
	POP3_END	/* the dot that ends a list or a message */
};

struct pop3_item {
	enum pop3_item_kind	kind;
	enum pop3_status	status;
	struct str		code;	/* "IN-USE" (RFC 2449, 3206), or none */
	struct str		text;
};

enum pop3_part { POP3_PART_STATUS, POP3_PART_LIST, POP3_PART_MESSAGE };

struct pop3_reader {
	enum pop3_part	part;
	uint64_t	max_message;
	uint64_t	n;		/* bytes of this message so far */
	unsigned	at;		/* where in the line: parse.c */
	bool		cr;		/* the last byte of the text was CR */
	bool		bare;		/* ... was LF without CR before it */
	bool		lf_status;	/* the status line ended with LF alone */
	unsigned	lines;		/* what ends one here: parse.c */
};

void	pop3_reader_init(struct pop3_reader *r, uint64_t max_message);
/* After a POP3_STATUS: what follows it. */
void	pop3_reader_expect(struct pop3_reader *r, enum pop3_part part);

/* The next item of ${in}, which borrows from it; *eaten bytes are done with.
 * -1: ERR_PROTO, and the connection is over. */
int	pop3_read(struct pop3_reader *r, struct str in, size_t *eaten,
	    struct pop3_item *out, struct err *err);

/* All that is left is a dot after a bare LF: the end, by a server that does not
 * repair messages without a final CRLF, or text.  Only waiting can tell. */
bool	pop3_reader_doubts(const struct pop3_reader *r, struct str in);

/* "3 120" or "3 some id": the number of a message and the rest, as it stands. */
bool	pop3_listed(struct str line, uint32_t *number, struct str *rest);
/* "2 320", what STAT says: so many messages, so many bytes. */
bool	pop3_maildrop(struct str text, uint32_t *messages, uint64_t *bytes);

#endif
