/* lex.c — a cursor over one collected response line. */
#include "imap/lex.h"

#include "base/num.h"
#include "imap/parse.h"

/* Where the run of plain text at the cursor ends. */
static size_t
text_end(const struct lex *lx)
{
	return lx->n_lit > 0 ? lx->lit->at : lx->line.n;
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static struct str
slice(const struct lex *lx, size_t from)
{
	return (struct str){ lx->line.p + from, lx->pos - from };
}

int
lex_peek(const struct lex *lx)
{
	if (lx->pos < text_end(lx))
		return (unsigned char)lx->line.p[lx->pos];
	return lx->n_lit > 0 ? LEX_LITERAL : LEX_END;
}

bool
lex_byte(struct lex *lx, char c)
{
	if (lex_peek(lx) != (unsigned char)c)
		return false;
	lx->pos++;
	return true;
}

void
lex_blank(struct lex *lx)
{
	while (lex_byte(lx, ' '))
		;
}

struct str
lex_until(struct lex *lx, const char *stops)
{
	size_t from = lx->pos, end = text_end(lx);

	while (lx->pos < end && !is_one_of(lx->line.p[lx->pos], stops))
		lx->pos++;
	return slice(lx, from);
}

struct str
lex_word(struct lex *lx)
{
	return lex_until(lx, " ()");
}

const struct literal *
lex_literal(struct lex *lx)
{
	const struct literal *lit = lx->lit;

	if (lex_peek(lx) != LEX_LITERAL)
		return NULL;
	lx->pos = lit->at + lit->n;
	lx->lit++;
	lx->n_lit--;
	return lit;
}

static bool
is_escape(const struct lex *lx, size_t i, size_t end)
{
	return lx->line.p[i] == '\\' && i + 1 < end &&
	    is_one_of(lx->line.p[i + 1], "\"\\");
}

/* The closing quote of the string that opens at the cursor.  Some servers do
 * not escape quotes inside: one that nothing may follow does not close. */
static bool
quoted_end(const struct lex *lx, size_t *close)
{
	size_t end = text_end(lx);

	for (size_t i = lx->pos + 1; i < end; i++) {
		if (is_escape(lx, i, end)) {
			i++;
			continue;
		}
		if (lx->line.p[i] != '"')
			continue;
		if (i + 1 == end || is_one_of(lx->line.p[i + 1], " )]")) {
			*close = i;
			return true;
		}
	}
	return false;
}

static bool
quoted(struct lex *lx, struct str *s)
{
	size_t from = lx->pos + 1, close, n = 0;

	if (!quoted_end(lx, &close))
		return false;
	lx->pos = close + 1;
	*s = (struct str){ lx->line.p + from, close - from };
	if (memchr(s->p, '\\', s->n) == NULL)
		return true;
	for (size_t i = from; i < close; i++) {
		if (is_escape(lx, i, close))
			i++;
		lx->scratch[n++] = lx->line.p[i];
	}
	*s = (struct str){ lx->scratch, n };
	lx->scratch += n;
	return true;
}

bool
lex_string(struct lex *lx, struct str *s)
{
	int c = lex_peek(lx);

	if (c == '"')
		return quoted(lx, s);
	if (c != LEX_LITERAL || lx->lit->streamed)
		return false;
	*s = (struct str){ lx->line.p + lx->lit->at, lx->lit->n };
	lex_literal(lx);
	return true;
}

bool
lex_astring(struct lex *lx, struct str *s)
{
	if (lex_string(lx, s))
		return true;
	if (lex_peek(lx) == '"')
		return false;
	*s = lex_word(lx);
	return s->n > 0;
}

bool
lex_nstring(struct lex *lx, struct str *s)
{
	size_t from = lx->pos;

	if (lex_string(lx, s))
		return true;
	if (str_ieq(lex_word(lx), STR("NIL"))) {
		*s = STR_NONE;
		return true;
	}
	lx->pos = from;
	return false;
}

bool
lex_number(struct lex *lx, uint64_t min, uint64_t max, uint64_t *n)
{
	size_t from = lx->pos;

	if (num_u64(lex_word(lx), min, max, n))
		return true;
	lx->pos = from;
	return false;
}

/* Pass "[...]" with whatever is inside.  False when something is that we
 * never ask for. */
static bool
section(struct lex *lx)
{
	bool plain = true;

	while (!lex_byte(lx, ']')) {
		int c = lex_peek(lx);

		if (c == LEX_END)
			return false;
		if (c == LEX_LITERAL) {
			lex_literal(lx);
			plain = false;
		} else {
			lx->pos++;
		}
	}
	return plain;
}

struct str
lex_item(struct lex *lx)
{
	size_t from = lx->pos;
	bool plain = true;

	lex_until(lx, " ()[\"");
	if (lex_byte(lx, '['))
		plain = section(lx);
	if (lex_byte(lx, '<')) {
		lex_until(lx, "> ()");
		lex_byte(lx, '>');
	}
	return plain ? slice(lx, from) : STR_NONE;
}

bool
lex_skip_quoted(struct lex *lx)
{
	size_t close;

	if (lex_peek(lx) != '"' || !quoted_end(lx, &close))
		return false;
	lx->pos = close + 1;
	return true;
}

bool
lex_skip(struct lex *lx)
{
	size_t depth = 0;

	do {
		int c = lex_peek(lx);

		if (c == LEX_END)
			return false;
		if (c == LEX_LITERAL) {
			lex_literal(lx);
		} else if (c == '"') {
			if (!lex_skip_quoted(lx))
				return false;
		} else if (c == '(') {
			if (++depth > READ_DEPTH_MAX) {
				lx->broken = "proto.too-deep";
				return false;
			}
			lx->pos++;
		} else if (c == ')') {
			if (depth == 0)
				return true;
			depth--;
			lx->pos++;
		} else if (c == ' ') {
			lx->pos++;
		} else {
			lex_word(lx);
		}
	} while (depth > 0);
	return true;
}

struct str
lex_rest(const struct lex *lx)
{
	struct str s = str_from(lx->line, lx->pos);

	while (s.n > 0 && s.p[0] == ' ')
		s = str_from(s, 1);
	while (s.n > 0 && s.p[s.n - 1] == ' ')
		s.n--;
	return s;
}

struct str
lex_upper(struct lex *lx, struct str s)
{
	char *up = lx->scratch;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		up[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	lx->scratch += s.n;
	return (struct str){ up, s.n };
}
