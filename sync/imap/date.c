/* date.c — INTERNALDATE, both ways. */
#include "imap/parse.h"

#include <stdio.h>
#include <time.h>

#include "base/num.h"

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static const int64_t oldest = -62135596800;	/* 0001-01-01 00:00:00 */
static const int64_t newest = 253402300799;	/* 9999-12-31 23:59:59 */

/* A number of at most ${digits} digits that ${end} follows. */
static bool
field(struct str *s, char end, uint32_t min, uint32_t max, size_t digits, int *n)
{
	size_t at = str_find(*s, end);
	uint32_t v;

	if (at == s->n || at > digits || !num_u32(str_head(*s, at), min, max, &v))
		return false;
	*s = str_from(*s, at + 1);
	*n = (int)v;
	return true;
}

static bool
month(struct str *s, int *n)
{
	if (s->n < 4 || s->p[3] != '-')
		return false;
	for (int i = 0; i < 12; i++)
		if (str_ieq(str_head(*s, 3), (struct str){ months + 3 * i, 3 })) {
			*s = str_from(*s, 4);
			*n = i;
			return true;
		}
	return false;
}

/* "-0700" to seconds. */
static bool
zone(struct str s, int64_t *seconds)
{
	uint32_t n;

	if (s.n != 5 || (s.p[0] != '+' && s.p[0] != '-') ||
	    !num_u32(str_from(s, 1), 0, 2400, &n) || n % 100 > 59)
		return false;
	*seconds = (int64_t)(n / 100 * 3600 + n % 100 * 60);
	if (s.p[0] == '-')
		*seconds = -*seconds;
	return true;
}

bool
imap_date_parse(struct str text, int64_t *seconds)
{
	struct tm tm = { 0 };
	int64_t offset;

	text = str_trim(text);
	if (!field(&text, '-', 1, 31, 2, &tm.tm_mday) ||
	    !month(&text, &tm.tm_mon) ||
	    !field(&text, ' ', 1, 9999, 4, &tm.tm_year) ||
	    !field(&text, ':', 0, 23, 2, &tm.tm_hour) ||
	    !field(&text, ':', 0, 59, 2, &tm.tm_min) ||
	    !field(&text, ' ', 0, 60, 2, &tm.tm_sec) ||
	    !zone(text, &offset))
		return false;
	tm.tm_year -= 1900;
	struct tm given = tm;
	time_t t = timegm(&tm);

	/* timegm() takes 31-Feb for 3-Mar; a leap second may roll over. */
	if (given.tm_sec < 60 && tm.tm_mday != given.tm_mday)
		return false;
	*seconds = (int64_t)t - offset;
	return true;
}

void
imap_date_print(int64_t seconds, char out[32])
{
	time_t t = (time_t)(seconds < oldest ? oldest :
	    seconds > newest ? newest : seconds);
	struct tm tm;

	gmtime_r(&t, &tm);
	snprintf(out, 32, "%02u-%.3s-%04u %02u:%02u:%02u +0000",
	    (unsigned)tm.tm_mday % 100, months + 3 * tm.tm_mon,
	    (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
	    (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}
