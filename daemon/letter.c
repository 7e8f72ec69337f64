/*
 * letter.c — problems as a mail to a person.  What servers and scripts said stands
 * in it: no control character of theirs gets through, and nothing of it into the
 * header but an account's name.
 */
#include "letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "js.h"
#include "text.h"

/* Well below what a line of mail may have (RFC 5322 section 2.1.1). */
enum { LINE_MAX_BYTES = 900 };

static int
put_date(struct buf *out, const struct letter *l)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)(l->now / 1000000) + l->gmtoff;
	long minutes = (l->gmtoff < 0 ? -l->gmtoff : l->gmtoff) / 60;
	struct tm tm;

	gmtime_r(&t, &tm);
	return buf_fmt(out, "Date: %.3s, %d %.3s %d %02d:%02d:%02d %c%02ld%02ld\n",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    l->gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
			return false;
	return true;
}

/* Names in other letters than these would have to be encoded. */
static int
put_subject(struct buf *out, const json_t *batch)
{
	const char *title = js_get(json_array_get(batch, 0), "title");

	if (json_array_size(batch) > 1)
		return buf_fmt(out, "Subject: syncd: %zu problems need you\n",
		    json_array_size(batch));
	return buf_fmt(out, "Subject: syncd: %s needs you\n",
	    title != NULL && strlen(title) < 60 && is_ascii(title) ? title :
	    "an account");
}

static int
put_header(struct buf *out, const struct letter *l, const json_t *batch)
{
	char to[512];

	text_plain(l->to, to, sizeof(to));
	if (buf_fmt(out, "From: syncd <%s@%s>\nTo: %s\n", l->user, l->host,
	    to) < 0 || put_subject(out, batch) < 0 || put_date(out, l) < 0)
		return -1;
	return buf_fmt(out, "Message-ID: <syncd.%" PRId64 ".%" PRIu64 "@%s>\n"
	    "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n\n", l->now, l->id, l->host);
}

static int
put_problem(struct buf *out, const json_t *event)
{
	const json_t *problem = json_object_get(event, "problem");
	const char *remedy = js_get(problem, "remedy");
	char title[128], code[64], text[LINE_MAX_BYTES];

	text_plain(js_get(event, "title"), title, sizeof(title));
	text_plain(js_get(problem, "code"), code, sizeof(code));
	text_plain(js_get(problem, "message"), text, sizeof(text) - 256);
	if (buf_fmt(out, "%s: %s [%s]\n", title, text, code) < 0)
		return -1;
	if (remedy == NULL || remedy[0] == '\0')
		return buf_fmt(out, "\n");
	text_plain(remedy, text, sizeof(text));
	return buf_fmt(out, "  = help: %s\n\n", text);
}

int
letter_write(struct buf *out, const struct letter *l, const json_t *batch)
{
	json_t *event;
	size_t i;

	if (put_header(out, l, batch) < 0)
		return -1;
	json_array_foreach(batch, i, event)
		if (put_problem(out, event) < 0)
			return -1;
	return buf_fmt(out, "How things stand: syncd status\n"
	    "What the word in brackets means: syncd explain WORD\n");
}
