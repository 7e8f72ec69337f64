/* collect.c — bytes to response lines, literals and all. */
#include "imap/collect.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "imap/cond.h"
#include "imap/parse.h"

enum {
	LITERALS_MAX	= 1024,		/* in one line */
	HEAD_BYTES	= 64,		/* tell what a response is */
	ROOM_KEPT	= 256 << 10	/* of the line buffer, between lines */
};

void
collect_init(struct collect *c, uint64_t max_body)
{
	*c = (struct collect){ .max_body = max_body };
	buf_init(&c->line, READ_LINE_MAX + READ_LITERAL_MAX);
}

void
collect_clear(struct collect *c)
{
	buf_clear(&c->line);
	free(c->lit);
	collect_init(c, c->max_body);
}

static void
next_line(struct collect *c)
{
	if (c->line.cap > ROOM_KEPT)
		buf_clear(&c->line);
	else
		buf_reset(&c->line);
	c->n_lit = 0;
	c->n_kept = 0;
	c->tail = 0;
	c->streamed = false;
}

static struct str
blank_off(struct str s)
{
	while (s.n > 0 && s.p[0] == ' ')
		s = str_from(s, 1);
	return s;
}

/* The first word of ${s}, which is cut off. */
static struct str
word_off(struct str *s)
{
	size_t n = 0;

	*s = blank_off(*s);
	while (n < s->n && memchr(" ([", s->p[n], 3) == NULL)
		n++;
	struct str word = str_head(*s, n);

	*s = blank_off(str_from(*s, n));
	return word;
}

/* Does the line begin as "* 12 FETCH (" does?  It is asked while the line still
 * grows, so only what will not change any more may matter; and nothing that is
 * inside a literal. */
static bool
is_fetch(const struct collect *c)
{
	struct str head = str_head(buf_str(&c->line), HEAD_BYTES);
	struct str number;

	if (c->n_lit > 0)
		head = str_head(head, c->lit[0].at);
	if (!str_starts(head, STR("*")))
		return false;
	head = str_from(head, 1);
	number = word_off(&head);
	if (number.n == 0 || memchr("-0123456789", number.p[0], 11) == NULL)
		return false;
	struct str word = word_off(&head);

	return (str_ieq(word, STR("FETCH")) || str_ieq(word, STR("UIDFETCH"))) &&
	    str_starts(head, STR("("));
}

/*
 * May "{5}" at the end of ${line} be a literal?  In the text that a status
 * response has for people it is text; in a response code it is one still.
 */
static bool
may_have_literal(struct str line)
{
	bool data = str_starts(line, STR("*"));
	bool bare_code = str_starts(line, STR("["));
	enum cond cond;

	if (str_starts(line, STR("+")))
		return false;
	if (data)
		line = str_from(line, 1);
	else if (!bare_code)
		word_off(&line);
	if (!bare_code && !cond_word(word_off(&line), &cond))
		return data;
	return str_starts(line, STR("[")) && str_find(line, ']') == line.n;
}

/* Does the text before a literal say that it is the whole message? */
static bool
names_body(struct str text)
{
	static const char *const names[] = { "BODY[]", "BODY[]<0>", "RFC822" };

	while (text.n > 0 && text.p[text.n - 1] == ' ')
		text.n--;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str name = str_z(names[i]);

		if (text.n < name.n)
			continue;
		size_t at = text.n - name.n;

		if (str_ieq(str_from(text, at), name) &&
		    (at == 0 || strchr(" (", text.p[at - 1]) != NULL))
			return true;
	}
	return false;
}

/* Is there a literal's header, "{5}", "~{5}" or "{5+}", at the end of the
 * text?  Cut it off, leaving its digits in ${digits}. */
static bool
cut_header(struct collect *c, struct str *digits)
{
	const char *p = (const char *)c->line.p;
	size_t n = c->line.n, end;

	if (n == c->tail || p[--n] != '}')
		return false;
	if (n > c->tail && p[n - 1] == '+')
		n--;
	end = n;
	while (n > c->tail && p[n - 1] >= '0' && p[n - 1] <= '9')
		n--;
	if (n == end || n == c->tail || p[n - 1] != '{')
		return false;
	*digits = (struct str){ p + n, end - n };
	n--;
	if (n > c->tail && p[n - 1] == '~')
		n--;
	if (!may_have_literal((struct str){ p, n }))
		return false;
	c->line.n = n;
	return true;
}

static int
too_big(struct err *err, struct str digits)
{
	return err_set(err, ERR_PROTO, "proto.literal-too-big",
	    "server announces a literal of %.*s bytes", (int)(digits.n < 24 ?
	    digits.n : 24), digits.p);
}

static int
begin_literal(struct collect *c, struct str digits, enum collect_got *got,
    struct err *err)
{
	uint64_t size;

	if (!num_u64(digits, 0, UINT64_MAX, &size))
		return too_big(err, digits);
	if (c->n_lit == LITERALS_MAX)
		return err_set(err, ERR_PROTO, "proto.line-too-long",
		    "more than %d literals in a response", LITERALS_MAX);
	bool fetch = c->trusted && is_fetch(c);
	bool named = fetch && names_body(str_from(buf_str(&c->line), c->tail));
	bool body = named && !c->streamed;
	/* A header of megabytes is legal: it goes by, and counts as not told. */
	bool dropped = fetch && !named && size > READ_LITERAL_MAX - c->n_kept;

	if (size > (body || dropped ? c->max_body : READ_LITERAL_MAX - c->n_kept) ||
	    (!c->trusted && size > READ_PREAUTH_MAX))
		return too_big(err, digits);

	c->lit = array_room(c->lit, c->n_lit, &c->cap_lit, sizeof(*c->lit));
	c->lit[c->n_lit++] = (struct literal){
		.at = c->line.n,
		.n = body || dropped ? 0 : (size_t)size,
		.size = size,
		.streamed = body || dropped,
	};
	c->left = size;
	if (body) {
		c->streamed = true;
		*got = COLLECT_BODY;
	} else if (!dropped) {
		c->n_kept += (size_t)size;
	}
	c->state = size == 0 ? COLLECT_AFTER : body ? COLLECT_STREAM :
	    dropped ? COLLECT_DROP : COLLECT_KEEP;
	return 0;
}

static int
add_text(struct collect *c, struct str text, struct err *err)
{
	size_t n = c->line.n - c->n_kept + text.n;

	if (n > READ_LINE_MAX || buf_add_str(&c->line, text) < 0 ||
	    (n > READ_FETCH_MAX && is_fetch(c)))
		return err_set(err, ERR_PROTO, "proto.line-too-long",
		    "a response does not end after %zu bytes", n);
	return 0;
}

/* Take text up to the line end.  The line is complete unless it ends in a
 * literal's header. */
static int
take_text(struct collect *c, struct str in, size_t *used,
    enum collect_got *got, struct err *err)
{
	size_t n = str_find(in, '\n');
	struct str digits;

	*used = n < in.n ? n + 1 : n;
	if (add_text(c, str_head(in, n), err) < 0)
		return -1;
	if (n == in.n)
		return 0;
	while (c->line.n > c->tail && c->line.p[c->line.n - 1] == '\r')
		c->line.n--;
	if (cut_header(c, &digits))
		return begin_literal(c, digits, got, err);
	c->state = COLLECT_START;
	*got = COLLECT_LINE;
	return 0;
}

/* NULs, blank lines and spaces before a response mean nothing. */
static size_t
take_start(struct collect *c, struct str in)
{
	size_t n = 0;

	while (n < in.n && memchr("\0\r\n ", in.p[n], 4) != NULL)
		n++;
	if (n < in.n)
		c->state = COLLECT_TEXT;
	return n;
}

static int
take_literal(struct collect *c, struct str in, size_t *used, struct err *err)
{
	*used = c->left < in.n ? (size_t)c->left : in.n;
	c->left -= *used;
	if (c->state == COLLECT_KEEP && buf_add(&c->line, in.p, *used) < 0)
		return err_set(err, ERR_PROTO, "proto.line-too-long",
		    "a response does not end");
	if (c->left == 0)
		c->state = COLLECT_AFTER;
	return 0;
}

/* A literal that was longer or shorter than announced shows here: going on
 * would take message text for responses. */
static int
check_after(struct collect *c, char next, struct err *err)
{
	if (memchr(" )]\r\n", next, 5) == NULL)
		return err_set(err, ERR_PROTO, "proto.literal-length",
		    "a literal is not as long as the server announced");
	c->tail = c->line.n;
	c->state = COLLECT_TEXT;
	return 0;
}

static int
take(struct collect *c, struct str in, size_t *used, enum collect_got *got,
    struct str *data, struct err *err)
{
	*used = 0;
	switch (c->state) {
	case COLLECT_START:
		*used = take_start(c, in);
		return 0;
	case COLLECT_TEXT:
		return take_text(c, in, used, got, err);
	case COLLECT_KEEP:
	case COLLECT_DROP:
		return take_literal(c, in, used, err);
	case COLLECT_STREAM:
		if (take_literal(c, in, used, err) < 0)
			return -1;
		*data = str_head(in, *used);
		*got = COLLECT_DATA;
		return 0;
	case COLLECT_AFTER:
		return check_after(c, in.p[0], err);
	}
	return 0;
}

/* What may be taken of ${in} now: all, or before signing in what the allowance
 * has left. */
static struct str
allowed(const struct collect *c, struct str in)
{
	if (c->trusted)
		return in;
	return str_head(in, READ_PREAUTH_MAX - (size_t)c->n_untrusted);
}

int
collect_step(struct collect *c, struct str in, size_t *eaten,
    enum collect_got *got, struct str *data, struct err *err)
{
	*eaten = 0;
	*got = COLLECT_MORE;
	if (c->state == COLLECT_START)
		next_line(c);
	while (*eaten < in.n && *got == COLLECT_MORE) {
		struct str part = allowed(c, str_from(in, *eaten));
		size_t used;

		if (part.n == 0)
			return err_set(err, ERR_PROTO, "proto.preauth-flood",
			    "more than %d bytes before signing in",
			    READ_PREAUTH_MAX);
		if (take(c, part, &used, got, data, err) < 0)
			return -1;
		*eaten += used;
		if (!c->trusted)
			c->n_untrusted += used;
	}
	return 0;
}
