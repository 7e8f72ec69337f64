/* query.c — the text of a SEARCH for people and scripts. */
#include "imap/query.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "imap/lane_impl.h"
#include "imap/mutf7.h"
#include "imap/parse.h"

enum shape { TEXT, FIELD, WORD, DAY, SIZE, BARE };

static const struct {
	const char	*name;
	enum shape	 shape;
} keys[IMAP_KEYS] = {
	[IMAP_KEY_FROM] = { "FROM", TEXT },
	[IMAP_KEY_TO] = { "TO", TEXT },
	[IMAP_KEY_CC] = { "CC", TEXT },
	[IMAP_KEY_BCC] = { "BCC", TEXT },
	[IMAP_KEY_SUBJECT] = { "SUBJECT", TEXT },
	[IMAP_KEY_BODY] = { "BODY", TEXT },
	[IMAP_KEY_HEADER] = { "HEADER", FIELD },
	[IMAP_KEY_KEYWORD] = { "KEYWORD", WORD },
	[IMAP_KEY_SINCE] = { "SINCE", DAY },
	[IMAP_KEY_BEFORE] = { "BEFORE", DAY },
	[IMAP_KEY_SENTSINCE] = { "SENTSINCE", DAY },
	[IMAP_KEY_SENTBEFORE] = { "SENTBEFORE", DAY },
	[IMAP_KEY_LARGER] = { "LARGER", SIZE },
	[IMAP_KEY_SMALLER] = { "SMALLER", SIZE },
	[IMAP_KEY_SEEN] = { "SEEN", BARE },
	[IMAP_KEY_UNSEEN] = { "UNSEEN", BARE },
	[IMAP_KEY_FLAGGED] = { "FLAGGED", BARE },
	[IMAP_KEY_UNFLAGGED] = { "UNFLAGGED", BARE },
	[IMAP_KEY_ANSWERED] = { "ANSWERED", BARE },
	[IMAP_KEY_UNANSWERED] = { "UNANSWERED", BARE },
	[IMAP_KEY_DRAFT] = { "DRAFT", BARE },
	[IMAP_KEY_UNDRAFT] = { "UNDRAFT", BARE },
};

/* ---- what may be asked ------------------------------------------------ */

/* What has no name in modified UTF-7 is no UTF-8. */
static bool
is_utf8(struct str s)
{
	CLEANUP(buf_clear) struct buf name;

	buf_init(&name, 8 * IMAP_TEXT_MAX);
	return mutf7_encode(s, &name) == 0;
}

static bool
is_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.n <= IMAP_TEXT_MAX && is_utf8(s);
}

/* Printable ASCII without blanks and without what is in ${not}. */
static bool
is_word(struct str s, const char *not)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || strchr(not, s.p[i]) != NULL)
			return false;
	return s.n > 0 && s.n <= IMAP_TEXT_MAX;
}

bool
imap_term_ok(const struct imap_term *t)
{
	if (t->key < 0 || t->key >= IMAP_KEYS)
		return false;
	switch (keys[t->key].shape) {
	case TEXT:
		return t->text.n > 0 && is_text(t->text);
	case FIELD:
		return is_word(t->field, ":") && is_text(t->text);
	case WORD:
		return is_word(t->text, "(){%*\"\\]");
	case SIZE:
		return t->n >= 0 && t->n <= UINT32_MAX;
	case DAY:
	case BARE:
		break;
	}
	return true;
}

/* ---- how it is asked -------------------------------------------------- */

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7f)
			return false;
	return true;
}

static void
put_term(struct imap_lane *il, struct command *c, const struct imap_term *t)
{
	char date[32];

	send_put(c, "%s", keys[t->key].name);
	switch (keys[t->key].shape) {
	case FIELD:
		send_put(c, " ");
		send_string(il, c, t->field);
		/* FALLTHROUGH */
	case TEXT:
		send_put(c, " ");
		send_string(il, c, t->text);
		break;
	case WORD:
		send_put(c, " %.*s", STR_ARG(t->text));
		break;
	case DAY:
		imap_date_print(t->n, date);
		send_put(c, " %.11s", date);
		break;
	case SIZE:
		send_put(c, " %" PRId64, t->n);
		break;
	case BARE:
		break;
	}
}

/* RFC 6855: with UTF8=ACCEPT there is one charset, and it is not named. */
static bool
names_charset(const struct imap_lane *il, const struct imap_term *term, size_t n)
{
	for (size_t i = 0; i < n && !il->server.utf8; i++)
		if (!is_ascii(term[i].text))
			return true;
	return false;
}

uint32_t
imap_search_terms(struct lane *ln, const struct imap_term *term, size_t n)
{
	struct imap_lane *il = imap_impl(ln);
	struct command *c = send_new(il, send_request(il), CMD_PLAIN);

	send_put(c, "UID SEARCH%s%s",
	    imap_can(ln, CAP_ESEARCH) ? " RETURN (ALL COUNT)" : "",
	    names_charset(il, term, n) ? " CHARSET UTF-8" : "");
	if (n == 0)
		send_put(c, " ALL");
	for (size_t i = 0; i < n; i++) {
		must(imap_term_ok(&term[i]));
		send_put(c, " ");
		/* OR takes two keys: OR a OR b c. */
		if (i + 1 < n && term[i + 1].group == term[i].group)
			send_put(c, "OR ");
		put_term(il, c, &term[i]);
	}
	send_submit(il, c);
	return c->req->number;
}
