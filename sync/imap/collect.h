/*
 * collect.h — bytes to response lines: the framing of IMAP (RFC 9051 section
 * 2.2.2, 4.3).  A line is collected with its literals in place; only the literal
 * of a FETCH's BODY[] goes by in pieces.  All sizes are capped here, before
 * anything is stored; an error is the end of the connection.
 */
#ifndef IMAP_COLLECT_H
#define IMAP_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "imap/lex.h"

enum collect_state {
	COLLECT_START,	/* between responses */
	COLLECT_TEXT,
	COLLECT_KEEP,	/* inside a literal that is kept */
	COLLECT_STREAM,	/* inside a BODY[] */
	COLLECT_DROP,	/* inside another that is too long to be kept */
	COLLECT_AFTER	/* at the byte after a literal */
};

enum collect_got {
	COLLECT_MORE,	/* all input is taken */
	COLLECT_LINE,	/* ->line and ->lit are complete until the next call */
	COLLECT_BODY,	/* a BODY[] begins: the last of ->lit */
	COLLECT_DATA	/* bytes of it, which are part of the input */
};

struct collect {
	struct buf		 line;
	struct literal		*lit;
	size_t			 n_lit, cap_lit;
	size_t			 n_kept;	/* literal bytes in the line */
	size_t			 tail;	/* where the text after a literal begins */
	uint64_t		 left;	/* bytes of the literal to come */
	enum collect_state	 state;
	bool			 streamed;	/* this line had its BODY[] */
	bool			 trusted;	/* signed in: bodies, larger caps */
	uint64_t		 n_untrusted;	/* bytes taken before that */
	uint64_t		 max_body;
};

void	collect_init(struct collect *c, uint64_t max_body);
void	collect_clear(struct collect *c);
/* Take bytes off the front of ${in}, *eaten of them, until there is one thing to
 * report.  0, or -1 with ERR_PROTO. */
int	collect_step(struct collect *c, struct str in, size_t *eaten,
	    enum collect_got *got, struct str *data, struct err *err) MUST_CHECK;

#endif
