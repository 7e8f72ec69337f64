/* timer.c — when a script wants to be called. */
#include "engine/timer.h"

#include <time.h>

#include "base/attr.h"
#include "base/num.h"

enum { EVERY_MIN_S = 1, EVERY_MAX_S = 366 * 86400, LOOK_AHEAD_DAYS = 4 * 366 };

static int
bad(struct str spec, struct err *err)
{
	return err_set(err, ERR_CONFIG, "config.bad-value", "\"%.*s\" is not a "
	    "time: every 15m, daily 03:30, cron 0 4 * * 1", STR_ARG(spec));
}

static bool
parse_every(struct str s, struct timer *t)
{
	static const struct { char unit; int64_t s; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
	};
	uint32_t n;

	if (s.n < 2 || !num_u32(str_head(s, s.n - 1), 1, EVERY_MAX_S, &n))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (s.p[s.n - 1] == units[i].unit)
			t->every = n * units[i].s;
	return t->every >= EVERY_MIN_S && t->every <= EVERY_MAX_S;
}

/* "*", "5", "1-5", each with "/2": into the bits lo..hi. */
static bool
parse_range(struct str s, uint32_t lo, uint32_t hi, uint64_t *bits)
{
	struct str step = s, to, from = str_split(&step, '/');
	uint32_t a = lo, b = hi, by = 1;

	if (step.p != NULL && !num_u32(step, 1, 60, &by))
		return false;
	if (!str_eq(from, STR("*"))) {
		to = from;
		from = str_split(&to, '-');
		if (!num_u32(from, lo, hi, &a))
			return false;
		b = step.p != NULL ? hi : a;
		if (to.p != NULL && !num_u32(to, a, hi, &b))
			return false;
	}
	for (uint32_t i = a; i <= b; i += by)
		*bits |= (uint64_t)1 << i;
	return true;
}

static bool
parse_field(struct str s, uint32_t lo, uint32_t hi, uint64_t *bits)
{
	*bits = 0;
	do {
		struct str part = str_split(&s, ',');

		if (part.n == 0 || !parse_range(part, lo, hi, bits))
			return false;
	} while (s.p != NULL);
	return true;
}

static bool
parse_cron(struct str s, struct timer *t)
{
	static const uint32_t lo[5] = { 0, 0, 1, 1, 0 };
	static const uint32_t hi[5] = { 59, 23, 31, 12, 7 };
	bool star[5];
	uint64_t bits[5];

	for (int i = 0; i < 5; i++) {
		struct str field;

		s = str_trim(s);
		field = str_split(&s, ' ');
		star[i] = field.n > 0 && field.p[0] == '*';
		if (!parse_field(field, lo[i], hi[i], &bits[i]))
			return false;
	}
	t->minutes = bits[0];
	t->hours = (uint32_t)bits[1];
	t->days = (uint32_t)bits[2];
	t->months = (uint32_t)bits[3];
	/* Sunday is 0 and 7. */
	t->weekdays = (uint32_t)(bits[4] | bits[4] >> 7) & 0x7f;
	t->either = !star[2] && !star[4];
	return s.n == 0;
}

static bool
parse_daily(struct str s, struct timer *t)
{
	struct str minute = s, hour = str_split(&minute, ':');
	uint32_t h, m;

	if (!num_u32(hour, 0, 23, &h) || !num_u32(minute, 0, 59, &m))
		return false;
	t->minutes = (uint64_t)1 << m;
	t->hours = (uint32_t)1 << h;
	t->days = t->months = ~(uint32_t)0;
	t->weekdays = 0x7f;
	return true;
}

int
timer_parse(struct str spec, struct timer *t, struct err *err)
{
	struct str rest = spec, word = str_split(&rest, ' ');
	bool good = false;

	*t = (struct timer){ 0 };
	rest = str_trim(rest);
	if (str_eq(word, STR("every")))
		good = parse_every(rest, t);
	else if (str_eq(word, STR("daily")))
		good = parse_daily(rest, t);
	else if (str_eq(word, STR("cron")))
		good = parse_cron(rest, t);
	return good ? 0 : bad(spec, err);
}

static bool
on_day(const struct timer *t, const struct tm *tm)
{
	bool day = t->days >> tm->tm_mday & 1;
	bool weekday = t->weekdays >> tm->tm_wday & 1;

	if (!(t->months >> (tm->tm_mon + 1) & 1))
		return false;
	return t->either ? day || weekday : day && weekday;
}

/* The first minute of that day, from ${tm} on; -1: none. */
static int64_t
in_day(const struct timer *t, struct tm *tm, int64_t after)
{
	for (int hour = tm->tm_hour; hour < 24; hour++)
		for (int minute = 0; minute < 60; minute++) {
			struct tm at = *tm;
			int64_t when;

			if (!(t->hours >> hour & 1) || !(t->minutes >> minute & 1))
				continue;
			at.tm_hour = hour;
			at.tm_min = minute;
			at.tm_sec = 0;
			at.tm_isdst = -1;
			when = mktime(&at);
			if (when > after)
				return when;
		}
	return -1;
}

int64_t
timer_next(const struct timer *t, int64_t last)
{
	time_t from = last;
	struct tm tm;

	if (t->every > 0)
		return last + t->every;
	if (localtime_r(&from, &tm) == NULL)
		return INT64_MAX;
	for (int day = 0; day < LOOK_AHEAD_DAYS; day++) {
		int64_t when = on_day(t, &tm) ? in_day(t, &tm, last) : -1;

		if (when >= 0)
			return when;
		tm.tm_mday++;
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		tm.tm_isdst = -1;
		(void)mktime(&tm);
	}
	return INT64_MAX;
}

int64_t
timer_jitter(const char *account, const char *user, const char *plugin)
{
	const char *texts[] = { account, user, plugin };
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (const char *s = texts[i]; s != NULL && *s != '\0'; s++)
			sum = (sum ^ (unsigned char)*s) * 16777619u;
	return sum % TIMER_JITTER_S;
}

static int64_t
due_after(const struct timer *t, int64_t last, int64_t jitter)
{
	int64_t next = timer_next(t, last);

	return t->every > 0 || next == INT64_MAX ? next : next + jitter;
}

enum timer_turn
timer_turn(const struct timer *t, int64_t last, int64_t now, int64_t jitter,
    bool catch_up, int64_t *due)
{
	/* The clock was ahead then, and was set: it begins anew. */
	if (last - now > TIMER_AHEAD_S) {
		*due = due_after(t, now, jitter);
		return TIMER_SKIPS;
	}
	*due = last != 0 ? due_after(t, last, jitter) : now;
	if (*due > now)
		return TIMER_WAITS;
	if (last != 0 && (catch_up || now - *due < TIMER_LATE_S))
		return TIMER_RUNS;
	*due = due_after(t, now, jitter);
	return TIMER_SKIPS;
}
