/* text.c — words and numbers for people. */
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/num.h"

int
text_since(const char *text, int64_t *wall)
{
	static const char units[] = "smhdw";
	static const int64_t seconds[] = { 1, 60, 3600, 86400, 604800 };
	struct str s = str_z(text);
	struct tm tm = { 0 };
	const char *unit, *end;
	uint64_t n;

	unit = s.n > 1 ? strchr(units, s.p[s.n - 1]) : NULL;
	if (unit != NULL && num_u64(str_head(s, s.n - 1), 0, 100000, &n)) {
		*wall = clock_wall() -
		    (int64_t)n * seconds[unit - units] * 1000000;
		return 0;
	}
	end = strptime(text, "%Y-%m-%d", &tm);
	if (end != NULL && *end == 'T')
		end = strptime(end, "T%H:%M:%SZ", &tm);
	if (end == NULL || *end != '\0')
		return -1;
	*wall = (int64_t)timegm(&tm) * 1000000;
	return 0;
}

/* C0, DEL, and in UTF-8 the C1 controls: U+0080 to U+009F. */
static size_t
control_bytes(const unsigned char *p)
{
	if (*p < 0x20 || *p == 0x7f)
		return 1;
	return p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0 ? 2 : 0;
}

void
text_put(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (p != NULL && *p != '\0') {
		size_t n = control_bytes(p);

		putchar(n > 0 ? '?' : *p);
		p += n > 0 ? n : 1;
	}
}

void
text_plain(const char *text, char *out, size_t cap)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t at = 0;

	while (p != NULL && *p != '\0' && at + 1 < cap) {
		size_t n = control_bytes(p);

		out[at++] = n > 0 ? '?' : (char)*p;
		p += n > 0 ? n : 1;
	}
	out[at] = '\0';
}

void
text_when(int64_t wall, char *out, size_t cap)
{
	time_t t = (time_t)(wall / 1000000);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, cap, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, cap, "-");
}

int64_t
text_age(const char *iso)
{
	struct tm tm = { 0 };
	int64_t s;

	if (iso == NULL || strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
		return -1;
	s = clock_wall() / 1000000 - (int64_t)timegm(&tm);
	return s > 0 ? s : 0;
}

void
text_span(int64_t s, char *out, size_t cap)
{
	int64_t days = s / 86400, hours = s / 3600 % 24, minutes = s / 60 % 60;

	if (s < 60)
		snprintf(out, cap, "%" PRId64 " s", s);
	else if (s < 3600)
		snprintf(out, cap, "%" PRId64 " min", minutes);
	else if (days == 0)
		snprintf(out, cap, "%02" PRId64 ":%02" PRId64, hours, minutes);
	else
		snprintf(out, cap, "%" PRId64 "d %02" PRId64 ":%02" PRId64, days,
		    hours, minutes);
}

void
text_count(uint64_t n, char *out, size_t cap)
{
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n);
	size_t at = 0;

	for (size_t i = 0; i < len && at + 2 < cap; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
}

void
text_bytes(uint64_t n, char *out, size_t cap)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double v = (double)n;
	size_t u = 0;

	while (v >= 999.5 && u + 1 < ARRAY_LEN(units)) {
		v /= 1000;
		u++;
	}
	snprintf(out, cap, v < 9.95 && u > 0 ? "%.1f %s" : "%.0f %s", v, units[u]);
}
