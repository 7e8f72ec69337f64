/* parse.c — POP3's answers.  Pure functions of the bytes. */
#include "pop3/parse.h"

#include "base/num.h"

enum at { AT_LINE, AT_DOT, AT_DOT_CR, AT_TEXT };
/* LINES_ANY: as the first one ends. */
enum lines { LINES_CRLF, LINES_ANY, LINES_LF };

#define BARE_END	STR(".\r\n")

void
pop3_reader_init(struct pop3_reader *r, uint64_t max_message)
{
	*r = (struct pop3_reader){ .max_message = max_message };
}

void
pop3_reader_expect(struct pop3_reader *r, enum pop3_part part)
{
	r->part = part;
	r->at = AT_LINE;
	r->n = 0;
	r->cr = r->bare = false;
	r->lines = r->lf_status ? LINES_ANY : LINES_CRLF;
}

/* ---- lines ------------------------------------------------------------ */

static int
status_line(struct str line, struct pop3_item *out, struct err *err)
{
	size_t close;

	out->kind = POP3_STATUS;
	if (str_istarts(line, STR("+OK"))) {
		out->status = POP3_OK;
		line = str_from(line, 3);
	} else if (str_istarts(line, STR("-ERR"))) {
		out->status = POP3_ERR;
		line = str_from(line, 4);
	} else if (str_starts(line, STR("+")) &&
	    (line.n == 1 || line.p[1] == ' ')) {
		out->status = POP3_GO_ON;
		line = str_from(line, 1);
	} else {
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "the server answers neither +OK nor -ERR: %.*s",
		    STR_ARG(str_head(line, 60)));
	}
	out->text = str_trim(line);
	close = str_find(out->text, ']');
	if (str_starts(out->text, STR("[")) && close < out->text.n) {
		out->code = str_head(str_from(out->text, 1), close - 1);
		out->text = str_trim(str_from(out->text, close + 1));
	}
	return 0;
}

static int
line_item(struct pop3_reader *r, struct str in, size_t *eaten,
    struct pop3_item *out, struct err *err)
{
	size_t lf = str_find(in, '\n');
	struct str line = str_head(in, lf);

	if (line.n > POP3_LINE_MAX)
		return err_set(err, ERR_PROTO, "proto.line-too-long",
		    "the server sent a line of more than %d bytes",
		    POP3_LINE_MAX);
	if (lf == in.n)
		return 0;
	*eaten = lf + 1;
	if (r->part == POP3_PART_STATUS)
		r->lf_status = !str_ends(line, STR("\r"));
	if (str_ends(line, STR("\r")))
		line.n--;
	if (r->part == POP3_PART_STATUS)
		return status_line(line, out, err);
	if (str_eq(line, STR("."))) {
		out->kind = POP3_END;
		pop3_reader_expect(r, POP3_PART_STATUS);
		return 0;
	}
	out->kind = POP3_LINE;
	out->text = str_starts(line, STR(".")) ? str_from(line, 1) : line;
	return 0;
}

/* ---- messages --------------------------------------------------------- */

/* How much of the end of ${in} may turn out to be a bare end: a prefix of ".\r\n"
 * behind a bare LF. */
static size_t
held_back(const struct pop3_reader *r, struct str in)
{
	for (size_t n = BARE_END.n; n > 0; n--) {
		size_t at = in.n - n;
		bool bare;

		if (in.n < n || !str_eq(str_from(in, at), str_head(BARE_END, n)))
			continue;
		if (at == 0)
			bare = r->bare;
		else if (in.p[at - 1] != '\n')
			bare = false;
		else
			bare = at == 1 ? !r->cr : in.p[at - 2] != '\r';
		if (bare)
			return n;
	}
	return 0;
}

/* The end of a line (CRLF) that a dot follows, or the end of ${in}; *line: it is
 * the end of a line. */
static size_t
text_until(const struct pop3_reader *r, struct str in, bool *line)
{
	const char *p = in.p, *end = in.p + in.n, *lf;

	*line = false;
	while ((lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		bool crlf = lf == in.p ? r->cr : lf[-1] == '\r';

		p = lf + 1;
		if (crlf && (p == end || *p == '.')) {
			*line = true;
			break;
		}
		if (p == end)
			break;
	}
	return *line ? (size_t)(p - in.p) : in.n;
}

static int
give(struct pop3_reader *r, struct str text, struct pop3_item *out,
    struct err *err)
{
	r->n += text.n;
	if (r->n > r->max_message)
		return err_set(err, ERR_PROTO, "proto.literal-too-big",
		    "the server does not stop sending a message: more than "
		    "%llu bytes", (unsigned long long)r->max_message);
	out->kind = POP3_DATA;
	out->text = text;
	return 0;
}

/* Lines that end with LF: up to it, then itself. */
static int
lf_item(struct pop3_reader *r, struct str in, size_t *eaten,
    struct pop3_item *out, struct err *err)
{
	size_t n = str_find(in, '\n');
	bool cr;

	if (n == 0) {
		*eaten = 1;
		r->at = AT_LINE;
		cr = r->cr;
		r->cr = false;
		return give(r, cr ? STR("\n") : STR("\r\n"), out, err);
	}
	*eaten = n;
	r->cr = in.p[n - 1] == '\r';
	return give(r, str_head(in, n), out, err);
}

/* The first line may be one that ends with LF. */
static void
learn_lines(struct pop3_reader *r, struct str in)
{
	size_t lf = str_find(in, '\n');

	if (lf < in.n)
		r->lines = (lf == 0 ? r->cr : in.p[lf - 1] == '\r') ?
		    LINES_CRLF : LINES_LF;
}

static int
text_item(struct pop3_reader *r, struct str in, size_t *eaten,
    struct pop3_item *out, struct err *err)
{
	size_t n;
	bool line;

	if (r->lines == LINES_ANY)
		learn_lines(r, in);
	if (r->lines == LINES_LF)
		return lf_item(r, in, eaten, out, err);
	n = in.n - held_back(r, in);
	if (n == 0)
		return 0;
	n = text_until(r, str_head(in, n), &line);
	*eaten = n;
	r->at = line ? AT_LINE : AT_TEXT;
	r->bare = !line && in.p[n - 1] == '\n' &&
	    (n == 1 ? !r->cr : in.p[n - 2] != '\r');
	r->cr = in.p[n - 1] == '\r';
	return give(r, str_head(in, n), out, err);
}

static int
message_item(struct pop3_reader *r, struct str in, size_t *eaten,
    struct pop3_item *out, struct err *err)
{
	if (in.n == 0)
		return 0;
	switch (r->at) {
	case AT_LINE:
		if (in.p[0] != '.')
			break;
		*eaten = 1;
		r->at = AT_DOT;
		return 0;
	case AT_DOT:
		/* Nobody stuffs lines and sends this one: LF alone is an end. */
		if (in.p[0] != '\r' && in.p[0] != '\n')
			break;
		*eaten = 1;
		if (in.p[0] == '\n')
			goto end;
		r->at = AT_DOT_CR;
		return 0;
	case AT_DOT_CR:
		if (in.p[0] == '\n') {
			*eaten = 1;
			goto end;
		}
		r->at = AT_TEXT;
		r->cr = true;
		return give(r, STR("\r"), out, err);
	default:
		break;
	}
	r->at = AT_TEXT;
	return text_item(r, in, eaten, out, err);
end:
	out->kind = POP3_END;
	pop3_reader_expect(r, POP3_PART_STATUS);
	return 0;
}

bool
pop3_reader_doubts(const struct pop3_reader *r, struct str in)
{
	return r->part == POP3_PART_MESSAGE && r->at == AT_TEXT && r->bare &&
	    str_eq(in, BARE_END);
}

int
pop3_read(struct pop3_reader *r, struct str in, size_t *eaten,
    struct pop3_item *out, struct err *err)
{
	*out = (struct pop3_item){ .kind = POP3_MORE };
	*eaten = 0;
	if (r->part == POP3_PART_MESSAGE)
		return message_item(r, in, eaten, out, err);
	return line_item(r, in, eaten, out, err);
}

bool
pop3_listed(struct str line, uint32_t *number, struct str *rest)
{
	/* One server in the wild puts "+OK" before every line. */
	if (str_istarts(line, STR("+OK ")))
		line = str_from(line, 4);
	*rest = str_trim(line);
	if (!num_u32(str_split(rest, ' '), 1, UINT32_MAX, number))
		return false;
	*rest = str_trim(*rest);
	return true;
}

bool
pop3_maildrop(struct str text, uint32_t *messages, uint64_t *bytes)
{
	struct str rest = str_trim(text), n = str_split(&rest, ' ');

	rest = str_trim(rest);
	return num_u32(n, 0, UINT32_MAX, messages) &&
	    num_u64(str_split(&rest, ' '), 0, UINT64_MAX, bytes);
}
