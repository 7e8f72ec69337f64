/* cond.c — status responses and their codes. */
#include "imap/cond.h"

#include "base/attr.h"
#include "base/num.h"

bool
cond_word(struct str word, enum cond *cond)
{
	static const char *const words[] = {
		[COND_OK] = "OK", [COND_NO] = "NO", [COND_BAD] = "BAD",
		[COND_BYE] = "BYE", [COND_PREAUTH] = "PREAUTH",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(word, str_z(words[i]))) {
			*cond = (enum cond)i;
			return true;
		}
	return false;
}

static void
read_modseq(struct resp_cond *c, struct sets *sets)
{
	(void)sets;
	if (!num_u64(c->args, 1, INT64_MAX, &c->modseq.v))
		c->modseq.v = 0;
}

static void
read_number(struct resp_cond *c, struct sets *sets)
{
	(void)sets;
	if (!num_u64(c->args, 0, UINT64_MAX, &c->number))
		c->number = 0;
}

static void
read_star(struct resp_cond *c, struct sets *sets)
{
	struct str args = c->args;

	(void)sets;
	while (args.n >= 2 && !str_starts(args, STR("\\*")))
		args = str_from(args, 1);
	c->star = args.n >= 2;
}

static void
read_modified(struct resp_cond *c, struct sets *sets)
{
	sets_begin(sets);
	if (sets_text(sets, c->args))
		c->modified = sets_end(sets);
}

/* "1000 23221": so many messages at a time, this UID was the last. */
static void
read_limit(struct resp_cond *c, struct sets *sets)
{
	struct str args = c->args;

	(void)sets;
	str_split(&args, ' ');
	if (!num_u64(str_trim(args), 1, UINT32_MAX, &c->number))
		c->number = 0;
}

/* Microsoft sends "[COPYUID 701  ]": that is no pair at all. */
static void
read_copied(struct resp_cond *c, struct sets *sets)
{
	bool append = str_eq(c->code, STR("APPENDUID"));
	struct str args = c->args;
	struct str validity = str_split(&args, ' ');
	struct str src = append ? STR_NONE : str_split(&args, ' ');
	struct str dst = str_split(&args, ' ');
	uint64_t v;

	if (num_u64(validity, 1, UINT64_MAX, &v) &&
	    sets_pairs(sets, append ? NULL : &src, dst, &c->copied))
		c->copied.validity.v = v;
}

static const struct {
	const char	*code;
	void		(*read)(struct resp_cond *, struct sets *);
} codes[] = {
	{ "APPENDUID",		read_copied },
	{ "COPYUID",		read_copied },
	{ "HIGHESTMODSEQ",	read_modseq },
	{ "MESSAGELIMIT",	read_limit },
	{ "MODIFIED",		read_modified },
	{ "PERMANENTFLAGS",	read_star },
	{ "UIDNEXT",		read_number },
	{ "UIDVALIDITY",	read_number },
};

static bool
is_code_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
		    !(c >= '0' && c <= '9') && strchr("-_./+", c) == NULL)
			return false;
	}
	return s.n > 0 && memchr(s.p, '\0', s.n) == NULL;
}

/* Go to the ']' that ends the code.  One in a quoted string or in a list (a
 * flag of that name) does not, unless ${plain}. */
static bool
go_to_end(struct lex *lx, bool plain)
{
	size_t depth = 0;

	for (;;) {
		int c = lex_peek(lx);

		if (c == LEX_END)
			return false;
		if (c == LEX_LITERAL) {
			lex_literal(lx);
			continue;
		}
		if (c == ']' && (plain || depth == 0))
			return true;
		if (c == '"' && !plain) {
			if (!lex_skip_quoted(lx))
				return false;
			continue;
		}
		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		lx->pos++;
	}
}

/* Read "[NAME args]".  What does not look like that is text: Exchange sends
 * "[Error="Microsoft.Exchange..." Proxy=...]". */
static bool
read_code(struct lex *lx, struct resp_cond *c)
{
	struct str name;

	if (!lex_byte(lx, '['))
		return false;
	name = lex_until(lx, " ]");
	if (!is_code_name(name))
		return false;
	struct lex at = *lx;

	if (!go_to_end(lx, false)) {
		*lx = at;
		if (!go_to_end(lx, true))
			return false;
	}
	c->code = lex_upper(lx, name);
	c->args = str_trim((struct str){ lx->line.p + at.pos,
	    lx->pos - at.pos });
	lex_byte(lx, ']');
	return true;
}

void
cond_read(struct lex *lx, struct sets *sets, struct resp_cond *c)
{
	struct lex at;

	lex_blank(lx);
	at = *lx;
	if (!read_code(lx, c))
		*lx = at;
	c->text = lex_rest(lx);
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (str_eq(c->code, str_z(codes[i].code)))
			codes[i].read(c, sets);
}
