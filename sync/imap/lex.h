/*
 * lex.h — a cursor over one collected response line (RFC 9051 section 9).  The
 * literals of the line are known by position, not by what the bytes look like:
 * nothing inside a literal can be taken for syntax.  Nothing here fails hard: a
 * function that does not find what it wants says false and stays where it was,
 * unless said otherwise.
 */
#ifndef IMAP_LEX_H
#define IMAP_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* A literal in a line; its header ("{5}" and the line end) is not kept. */
struct literal {
	size_t		at;	/* where its bytes are, or would be */
	size_t		n;	/* how many of them are in the line */
	uint64_t	size;	/* as announced */
	bool		streamed;	/* a BODY[], or too long: it went by, n is 0 */
};

struct lex {
	struct str		 line;
	const struct literal	*lit;	/* those not yet passed */
	size_t			 n_lit;
	size_t			 pos;
	char			*scratch;	/* room for line.n bytes, used up */
	uint64_t		 skipped;	/* items that made no sense */
	const char		*broken;	/* error code: drop the line's sender */
};

enum { LEX_END = -1, LEX_LITERAL = 256 };	/* not a byte */

/* The next byte, LEX_LITERAL or LEX_END. */
int	lex_peek(const struct lex *lx);
/* Pass byte ${c} if it is next. */
bool	lex_byte(struct lex *lx, char c);
/* Pass spaces, any number of them. */
void	lex_blank(struct lex *lx);
/* All bytes up to one of ${stops}, a literal or the end; may be empty. */
struct str lex_until(struct lex *lx, const char *stops);
/* An atom-like word: up to a space or parenthesis. */
struct str lex_word(struct lex *lx);
/* NULL when no literal is next. */
const struct literal *lex_literal(struct lex *lx);
/* A quoted string or a literal that is in the line, unescaped. */
bool	lex_string(struct lex *lx, struct str *s);
/* The same, or a word that is not empty. */
bool	lex_astring(struct lex *lx, struct str *s);
/* A string; NIL is true with s->p == NULL. */
bool	lex_nstring(struct lex *lx, struct str *s);
/* Digits that a space, parenthesis or the end follows. */
bool	lex_number(struct lex *lx, uint64_t min, uint64_t max, uint64_t *n);
/* A FETCH item's name with section and origin: "BODY[HEADER]<0>"; empty when
 * there is none, or none that could be ours. */
struct str lex_item(struct lex *lx);
/* Pass a quoted string. */
bool	lex_skip_quoted(struct lex *lx);
/* Pass one value of any kind (none before ')').  False, somewhere inside, at the
 * end of the line or, with ->broken, below READ_DEPTH_MAX. */
bool	lex_skip(struct lex *lx);
/* All that is left, without spaces around it. */
struct str lex_rest(const struct lex *lx);
/* ${s} in upper case, living as long as the line. */
struct str lex_upper(struct lex *lx, struct str s);

#endif
