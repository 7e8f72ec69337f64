/* mdate.c — dates, by hand: strptime(3) is bound to the locale. */
#include "mdate.h"

#include <string.h>
#include <time.h>

#include "base/num.h"

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
static const char days[] = "sunmontuewedthufrisat";

static int
index_of(struct str word, const char *table, int n)
{
	if (word.n < 3)
		return -1;
	for (int i = 0; i < n; i++) {
		if (str_ieq(str_head(word, 3), (struct str){ table + 3 * i, 3 }))
			return i;
	}
	return -1;
}

/* The next word; blanks, commas and comments are what separates. */
static struct str
next_word(struct str *s)
{
	struct str word;
	unsigned depth = 0;
	size_t i = 0;

	for (; i < s->n; i++) {
		char c = s->p[i];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && strchr(" \t\r\n,", c) == NULL)
			break;
	}
	*s = str_from(*s, i);
	for (i = 0; i < s->n && strchr(" \t\r\n,(", s->p[i]) == NULL; i++)
		;
	word = str_head(*s, i);
	*s = str_from(*s, i);
	return word;
}

/* "08:00" or "08:00:30"; fractions are cut. */
static bool
clock_time(struct str s, struct tm *tm)
{
	struct str h = str_split(&s, ':'), m = str_split(&s, ':');
	uint32_t hour, min, sec = 0;

	s = str_head(s, str_find(s, '.'));
	if (!num_u32(h, 0, 24, &hour) || !num_u32(m, 0, 59, &min) ||
	    (s.n > 0 && !num_u32(s, 0, 60, &sec)))
		return false;
	tm->tm_hour = (int)hour;
	tm->tm_min = (int)min;
	tm->tm_sec = (int)sec;
	return true;
}

/* "+0100", "GMT", "EST"; unknown names are UTC (RFC 5322 section 4.3). */
static int64_t
zone(struct str s)
{
	static const struct {
		const char	*name;
		int		 hours;
	} named[] = {
		{ "EST", -5 }, { "EDT", -4 }, { "CST", -6 }, { "CDT", -5 },
		{ "MST", -7 }, { "MDT", -6 }, { "PST", -8 }, { "PDT", -7 },
	};
	uint32_t n;

	if (s.n == 5 && (s.p[0] == '+' || s.p[0] == '-') &&
	    num_u32(str_from(s, 1), 0, 9959, &n)) {
		int64_t sec = (int64_t)(n / 100 * 3600 + n % 100 * 60);

		return s.p[0] == '-' ? -sec : sec;
	}
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		if (str_ieq(s, str_z(named[i].name)))
			return named[i].hours * 3600;
	}
	return 0;
}

/* Two digits are 1950-2049, three are 1900 and more (RFC 5322 section 4.3). */
static bool
year(struct str s, struct tm *tm)
{
	uint32_t y;

	if (!num_u32(s, 0, 9999, &y))
		return false;
	if (s.n == 2)
		y += y < 50 ? 2000 : 1900;
	else if (s.n == 3)
		y += 1900;
	tm->tm_year = (int)y - 1900;
	return true;
}

bool
mdate_parse(struct str s, int64_t *t)
{
	struct tm tm = { 0 };
	struct str word = next_word(&s), mon, clock;
	uint32_t day;

	if (index_of(word, days, 7) >= 0)
		word = next_word(&s);
	mon = next_word(&s);
	/* asctime(3): the month comes first, the year last. */
	if (index_of(word, months, 12) >= 0) {
		struct str swap = word;

		word = mon;
		mon = swap;
		clock = next_word(&s);
		if (!clock_time(clock, &tm) || !year(next_word(&s), &tm))
			return false;
	} else {
		if (!year(next_word(&s), &tm) || !clock_time(next_word(&s), &tm))
			return false;
	}
	tm.tm_mon = index_of(mon, months, 12);
	if (tm.tm_mon < 0 || !num_u32(word, 1, 31, &day))
		return false;
	tm.tm_mday = (int)day;
	*t = (int64_t)timegm(&tm) - zone(next_word(&s));
	return true;
}

static bool
number_and_unit(struct str *s, uint32_t *n, struct str *unit)
{
	size_t i = 0, j;

	while (i < s->n && s->p[i] >= '0' && s->p[i] <= '9')
		i++;
	for (j = i; j < s->n && (s->p[j] < '0' || s->p[j] > '9'); j++)
		;
	if (!num_u32(str_head(*s, i), 0, UINT32_MAX, n))
		return false;
	*unit = str_trim(str_from(str_head(*s, j), i));
	*s = str_from(*s, j);
	return true;
}

bool
mdate_duration(struct str s, int64_t *seconds)
{
	static const struct {
		char	unit;
		int64_t	seconds;
	} units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 7 * 86400 }, { 'y', 365 * 86400 },
	};
	bool first = true;
	int64_t sum = 0;

	s = str_trim(s);
	if (s.n == 0)
		return false;
	while (s.n > 0) {
		struct str unit;
		uint32_t n;
		size_t i = 0;

		if (!number_and_unit(&s, &n, &unit) || unit.n > 1 ||
		    (unit.n == 0 && (s.n > 0 || !first)))
			return false;
		first = false;
		while (unit.n == 1 && i < ARRAY_LEN(units) &&
		    units[i].unit != unit.p[0])
			i++;
		if (i == ARRAY_LEN(units))
			return false;
		if (__builtin_add_overflow(sum, (int64_t)n *
		    (unit.n == 0 ? 1 : units[i].seconds), &sum))
			return false;
	}
	*seconds = sum;
	return true;
}

bool
mdate_size(struct str s, int64_t *bytes)
{
	static const char letters[] = "kmgt";
	struct str rest = str_trim(s), unit;
	uint32_t whole, tenths = 0;
	int64_t scale = 1;

	if (!number_and_unit(&rest, &whole, &unit))
		return false;
	if (unit.n == 1 && unit.p[0] == '.') {
		if (!num_u32(str_head(rest, 1), 0, 9, &tenths))
			return false;
		unit = str_from(rest, 1);
		rest.n = 0;
	}
	if (rest.n > 0)
		return false;
	if (unit.n > 0 && (unit.p[unit.n - 1] | 0x20) == 'b')
		unit.n--;
	if (unit.n > 1 && (unit.p[unit.n - 1] | 0x20) == 'i')
		unit.n--;
	if (unit.n > 0) {
		const char *at = memchr(letters, unit.p[0] | 0x20, 4);

		if (at == NULL || unit.n > 1)
			return false;
		scale = (int64_t)1 << 10 * (at - letters + 1);
	}
	return !__builtin_mul_overflow(whole, scale, bytes) &&
	    !__builtin_add_overflow(*bytes, tenths * scale / 10, bytes);
}

enum { MORNING = 8 };

/* Local time; ${tm} may be out of range, mktime() mends it. */
static int64_t
local(struct tm tm)
{
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

static bool
day_and_time(struct str s, int64_t *t)
{
	struct str date = str_split(&s, s.n > 10 && s.p[10] == 'T' ? 'T' : ' ');
	struct str y = str_split(&date, '-'), m = str_split(&date, '-');
	struct tm tm = { 0 };
	uint32_t v[3];

	if (y.n != 4 || !num_u32(y, 1970, 9999, &v[0]) ||
	    !num_u32(m, 1, 12, &v[1]) || !num_u32(date, 1, 31, &v[2]))
		return false;
	if (s.n > 0 && !clock_time(str_trim(s), &tm))
		return false;
	tm.tm_year = (int)v[0] - 1900;
	tm.tm_mon = (int)v[1] - 1;
	tm.tm_mday = (int)v[2];
	*t = local(tm);
	return true;
}

bool
mdate_moment(struct str s, int64_t now, int64_t *t)
{
	time_t here = (time_t)now;
	struct tm tm, at;
	int64_t seconds;
	int weekday;

	s = str_trim(s);
	localtime_r(&here, &tm);
	at = tm;
	at.tm_hour = MORNING;
	at.tm_min = at.tm_sec = 0;
	weekday = index_of(s, days, 7);
	if (str_ieq(s, STR("now"))) {
		*t = now;
	} else if (mdate_duration(s, &seconds)) {
		*t = now + seconds;
	} else if (str_ieq(s, STR("today"))) {
		at.tm_hour = 0;
		*t = local(at);
	} else if (str_ieq(s, STR("tomorrow"))) {
		at.tm_mday++;
		*t = local(at);
	} else if (weekday >= 0) {
		at.tm_mday += (weekday - tm.tm_wday + 6) % 7 + 1;
		*t = local(at);
	} else if (clock_time(s, &at)) {
		if (local(at) <= now)
			at.tm_mday++;
		*t = local(at);
	} else {
		return day_and_time(s, t);
	}
	return true;
}
