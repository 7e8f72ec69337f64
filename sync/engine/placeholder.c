/* placeholder.c — "it is there, and it is too big". */
#include "engine/placeholder.h"

#include <stdio.h>
#include <time.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/mem.h"

enum { FIELD_MAX = 900, TEXT_MAX = 8192 };

/* A field of the other message; cut, so that the line keeps to the rules. */
static void
field(struct buf *out, const char *name, const char *value)
{
	must(buf_fmt(out, "%s: %.*s\r\n", name, FIELD_MAX, value) == 0);
}

static void
date_field(struct buf *out, int64_t date)
{
	time_t t = (time_t)date;
	char text[64];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	field(out, "Date", text);
}

struct arrival *
placeholder_add(struct arrivals *a, const struct header *header, uint64_t size,
    int64_t date, struct err *err)
{
	CLEANUP(buf_clear) struct buf text;

	buf_init(&text, TEXT_MAX);
	field(&text, "From", header->from != NULL ? header->from :
	    "syncd <syncd@localhost>");
	field(&text, "Subject", header->subject != NULL ? header->subject :
	    "(a message that is too big)");
	date_field(&text, date);
	must(buf_fmt(&text, "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "This message was not fetched: it has %.1f MB, which is more than\r\n"
	    "limits.max_message_size.  It is on the server as it was.\r\n",
	    (double)size / 1e6) == 0);
	if (land_begin(a, err) < 0 || land_data(a, buf_str(&text), err) < 0)
		return NULL;
	return land_end(a, date, err);
}
