/* test_schedule.c — the hours of a daily schedule. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/attr.h"
#include "base/clock.h"
#include "schedule.h"

static int64_t
at(const char *text)
{
	struct tm tm = { .tm_isdst = -1 };

	assert_int_equal(sscanf(text, "%d-%d-%d %d:%d", &tm.tm_year, &tm.tm_mon,
	    &tm.tm_mday, &tm.tm_hour, &tm.tm_min), 5);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (int64_t)mktime(&tm) * 1000000;
}

static void
windows(void **state)
{
	static const struct {
		const char	*name;
		int		 from, until;
		const char	*now;
		bool		 inside;
		const char	*begin, *end;
	} t[] = {
		{ "before it", 120, 300, "2026-11-29 01:00", true,
		    "2026-11-29 02:00", "2026-11-29 05:00" },
		{ "in it", 120, 300, "2026-11-29 03:10", true,
		    "2026-11-29 03:10", "2026-11-29 05:00" },
		{ "after a turn in it", 120, 300, "2026-11-29 03:10", false,
		    "2026-11-30 02:00", "2026-11-30 05:00" },
		{ "after it", 120, 300, "2026-12-31 05:00", true,
		    "2027-01-01 02:00", "2027-01-01 05:00" },
		{ "past midnight", 1380, 120, "2026-11-29 01:00", true,
		    "2026-11-29 01:00", "2026-11-29 02:00" },
		{ "past midnight, after a turn", 1380, 120, "2026-11-29 01:00",
		    false, "2026-11-29 23:00", "2026-11-30 02:00" },
		{ "a moment", 150, 150, "2026-11-29 02:30", true,
		    "2026-11-30 02:30", "2026-11-30 02:30" },
		{ "a day of 23 hours", 240, 300, "2026-03-28 12:00", false,
		    "2026-03-29 04:00", "2026-03-29 05:00" },
		{ "a day of 25 hours", 240, 300, "2026-10-24 12:00", false,
		    "2026-10-25 04:00", "2026-10-25 05:00" },
	};

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct account_conf conf = { .schedule = { .daily = true,
		    .from = t[i].from, .until = t[i].until } };
		int64_t from, until;

		schedule_window(&conf, at(t[i].now), t[i].inside, &from, &until);
		if (from != at(t[i].begin) || until != at(t[i].end))
			fail_msg("%s: %lld to %lld s from now", t[i].name,
			    (long long)(from - at(t[i].now)) / 1000000,
			    (long long)(until - at(t[i].now)) / 1000000);
	}
}

static int
minute_of_day(int64_t wall)
{
	time_t t = (time_t)(wall / 1000000);
	struct tm tm;

	localtime_r(&t, &tm);
	return tm.tm_hour * 60 + tm.tm_min;
}

/* A turn in two hours; it was set when the clock was another one. */
static void
clock_that_was_set(void **state)
{
	static const struct {
		const char	*name;
		bool		 daily;
		int		 set_min;	/* by so much, since */
		int		 due_min;	/* from now, as it was set then */
		int		 want_min;	/* from now; 0: now */
	} t[] = {
		{ "not set", true, 0, 120, 120 },
		{ "kept right", true, 0, 119, 119 },
		{ "forward", true, 480, 600, 120 },
		{ "forward by years", true, 50 * 365 * 1440, 1400, 120 },
		{ "back", true, -480, 60, 120 },
		{ "back by years", true, -10 * 365 * 1440, 5, 120 },
		{ "past the turn", true, 20, 10, 0 },
		{ "long past the turn", true, 300, 10, 120 },
		{ "no daily one", false, 480, 600, 600 },
	};

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		int at_minute = minute_of_day(clock_wall() + USEC_S(7200));
		struct account_conf conf = { .name = (char[]){ "a" }, .enabled = true,
		    .schedule = { .daily = t[i].daily, .every = USEC_S(86400),
		    .from = at_minute, .until = at_minute } };
		struct account a = { .name = conf.name, .conf = &conf,
		    .due = clock_in(USEC_S(60) * t[i].due_min),
		    .due_ahead = clock_wall() - clock_now() -
		    USEC_S(60) * t[i].set_min };
		struct jobs jobs = { 0 };
		int64_t off;

		condition_init(&a.condition, &conf);
		schedule_step(&a, &jobs);
		assert_int_equal(jobs.n, t[i].want_min == 0);
		off = a.due - clock_in(USEC_S(60) * (t[i].want_min != 0 ?
		    t[i].want_min : 120));
		if (llabs(off) > USEC_S(90))
			fail_msg("%s: the turn is %lld s off", t[i].name,
			    (long long)off / 1000000);
		condition_clear(&a.condition);
		jobs_clear(&jobs);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows),
		cmocka_unit_test(clock_that_was_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
