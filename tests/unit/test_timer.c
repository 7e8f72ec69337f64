/* test_timer.c — when a script wants to be called. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/attr.h"
#include "engine/timer.h"

static int
utc(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

static void
the_next_time_follows_from_the_last(void **state)
{
	/* 2026-03-02 is a Monday. */
	static const struct {
		const char	*spec;
		const char	*last, *next;
	} cases[] = {
		{ "every 15m", "2026-03-02 10:00:00", "2026-03-02 10:15:00" },
		{ "every 30s", "2026-03-02 10:00:00", "2026-03-02 10:00:30" },
		{ "daily 03:30", "2026-03-02 03:29:59", "2026-03-02 03:30:00" },
		{ "daily 03:30", "2026-03-02 03:30:00", "2026-03-03 03:30:00" },
		{ "cron 0 4 * * 1", "2026-03-02 04:00:00", "2026-03-09 04:00:00" },
		{ "cron 0 4 * * 7", "2026-03-02 04:00:00", "2026-03-08 04:00:00" },
		{ "cron */20 * * * *", "2026-03-02 10:20:00",
		    "2026-03-02 10:40:00" },
		{ "cron 5,10 8-9 * * *", "2026-03-02 08:10:00",
		    "2026-03-02 09:05:00" },
		{ "cron 0 0 29 2 *", "2026-03-02 10:00:00",
		    "2028-02-29 00:00:00" },
		/* Either day is enough when both are given. */
		{ "cron 0 0 15 * 1", "2026-03-09 00:00:00",
		    "2026-03-15 00:00:00" },
		{ "cron 0 0 31 12 *", "2026-12-31 00:00:00",
		    "2027-12-31 00:00:00" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tm tm = { 0 };
		struct timer t;
		struct err err;
		char got[32];
		time_t last, next;

		assert_non_null(strptime(cases[i].last, "%Y-%m-%d %H:%M:%S", &tm));
		last = timegm(&tm);
		assert_int_equal(timer_parse(str_z(cases[i].spec), &t, &err), 0);
		next = timer_next(&t, last);
		strftime(got, sizeof(got), "%Y-%m-%d %H:%M:%S", gmtime(&next));
		if (strcmp(got, cases[i].next) != 0)
			fail_msg("%s after %s: %s", cases[i].spec, cases[i].last,
			    got);
	}
}

static void
what_never_comes_is_never(void **state)
{
	struct timer t;
	struct err err;

	(void)state;
	assert_int_equal(timer_parse(STR("cron 0 0 31 2 *"), &t, &err), 0);
	assert_true(timer_next(&t, 0) == INT64_MAX);
}

static void
what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = { "", "every", "every 0m", "every m",
	    "every 5x", "every -5m", "daily", "daily 24:00", "daily 3",
	    "cron", "cron * * * *", "cron * * * * * *", "cron 60 * * * *",
	    "cron 5-1 * * * *", "cron a * * * *", "cron */0 * * * *",
	    "cron 1,,2 * * * *", "hourly" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct timer t;
		struct err err = { 0 };

		if (timer_parse(str_z(bad[i]), &t, &err) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_string_equal(err.code, "config.bad-value");
	}
}

/* ---- whose turn it is -------------------------------------------------- */

static int64_t
moment(const char *text)
{
	struct tm tm = { 0 };

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return (int64_t)timegm(&tm);
}

static void
jitter_is_of_an_account_and_stays_so(void **state)
{
	bool seen[TIMER_JITTER_S] = { false };
	size_t n = 0;
	char name[32];

	(void)state;
	for (int i = 0; i < 400; i++) {
		int64_t j;

		snprintf(name, sizeof(name), "account%d", i);
		j = timer_jitter(name, "ann", "archive");
		assert_true(j >= 0 && j < TIMER_JITTER_S);
		assert_true(j == timer_jitter(name, "ann", "archive"));
		seen[j] = true;
	}
	for (size_t i = 0; i < TIMER_JITTER_S; i++)
		n += seen[i];
	assert_int_equal(n, TIMER_JITTER_S);
	/* Each of the three counts, and one that is not there is none. */
	assert_true(timer_jitter("a", "b", "c") != timer_jitter("b", "b", "c") ||
	    timer_jitter("a", "b", "c") != timer_jitter("a", "c", "c") ||
	    timer_jitter("a", "b", "c") != timer_jitter("a", "b", "d"));
	assert_true(timer_jitter("a", NULL, "c") == timer_jitter("a", "", "c"));
}

static const struct {
	const char	*spec, *last, *now;
	int64_t		 jitter;
	bool		 catch_up;
	enum timer_turn	 turn;
	const char	*due;		/* of what waits */
} turns[] = {
	/* Seen for the first time: it begins to wait. */
	{ "daily 03:30", NULL, "2026-03-02 10:00:00", 0, true, TIMER_SKIPS,
	  "2026-03-03 03:30:00" },
	{ "every 15m", NULL, "2026-03-02 10:00:00", 9, true, TIMER_SKIPS,
	  "2026-03-02 10:15:00" },
	/* By the calendar and the jitter; intervals have none. */
	{ "daily 03:30", "2026-03-02 03:30:17", "2026-03-03 03:30:16", 17, true,
	  TIMER_WAITS, "2026-03-03 03:30:17" },
	{ "daily 03:30", "2026-03-02 03:30:17", "2026-03-03 03:30:17", 17, true,
	  TIMER_RUNS, NULL },
	{ "daily 03:30", "2026-03-02 03:30:17", "2026-03-03 03:30:17", 17, false,
	  TIMER_RUNS, NULL },
	{ "every 15m", "2026-03-02 10:00:00", "2026-03-02 10:14:59", 17, true,
	  TIMER_WAITS, "2026-03-02 10:15:00" },
	{ "every 15m", "2026-03-02 10:00:00", "2026-03-02 10:15:00", 17, true,
	  TIMER_RUNS, NULL },
	/* Just ran, a little late: not again in the same minute. */
	{ "cron * * * * *", "2026-03-02 10:00:29", "2026-03-02 10:00:30", 29,
	  true, TIMER_WAITS, "2026-03-02 10:01:29" },
	/* Missed: once, or not at all; and a little late is not missed. */
	{ "daily 03:30", "2026-03-02 03:30:05", "2026-03-06 10:00:00", 5, true,
	  TIMER_RUNS, NULL },
	{ "daily 03:30", "2026-03-02 03:30:05", "2026-03-06 10:00:00", 5, false,
	  TIMER_SKIPS, "2026-03-07 03:30:05" },
	{ "daily 03:30", "2026-03-02 03:30:05", "2026-03-03 03:31:04", 5, false,
	  TIMER_RUNS, NULL },
	{ "daily 03:30", "2026-03-02 03:30:05", "2026-03-03 03:31:05", 5, false,
	  TIMER_SKIPS, "2026-03-04 03:30:05" },
	{ "every 1h", "2026-03-02 03:30:00", "2026-03-06 10:00:00", 5, false,
	  TIMER_SKIPS, "2026-03-06 11:00:00" },
	/* The clock was years ahead, or a little, when it last ran. */
	{ "every 1h", "2031-03-02 03:30:00", "2026-03-06 10:00:00", 5, true,
	  TIMER_SKIPS, "2026-03-06 11:00:00" },
	{ "daily 03:30", "2031-03-02 03:30:05", "2026-03-06 10:00:00", 5, true,
	  TIMER_SKIPS, "2026-03-07 03:30:05" },
	{ "every 1h", "2026-03-06 10:40:00", "2026-03-06 10:00:00", 5, true,
	  TIMER_WAITS, "2026-03-06 11:40:00" },
	/* A clock that was set back waits for what it promised. */
	{ "every 1h", "2026-03-02 10:00:00", "2026-03-02 08:00:00", 0, true,
	  TIMER_WAITS, "2026-03-02 11:00:00" },
};

static void
whose_turn_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(turns); i++) {
		int64_t due, last = turns[i].last != NULL ?
		    moment(turns[i].last) : 0;
		struct timer t;
		struct err err;

		assert_int_equal(timer_parse(str_z(turns[i].spec), &t, &err), 0);
		assert_int_equal(timer_turn(&t, last, moment(turns[i].now),
		    turns[i].jitter, turns[i].catch_up, &due), turns[i].turn);
		if (turns[i].due != NULL && due != moment(turns[i].due))
			fail_msg("case %zu: due %lld", i, (long long)due);
	}
}

/* A year off, then a week of looking once a minute: caught up once, then daily. */
static void
a_missed_run_is_caught_up_once(void **state)
{
	int64_t last = moment("2025-03-02 03:30:07"), due, jitter = 7;
	int64_t now = moment("2026-03-02 10:00:00"), end = now + 7 * 86400;
	struct timer t;
	struct err err;
	unsigned runs = 0;

	(void)state;
	assert_int_equal(timer_parse(STR("daily 03:30"), &t, &err), 0);
	for (; now < end; now += 60) {
		if (timer_turn(&t, last, now, jitter, true, &due) !=
		    TIMER_RUNS)
			continue;
		runs++;
		last = now;
	}
	assert_int_equal(runs, 1 + 7);
}

static void
what_never_comes_waits_for_ever(void **state)
{
	struct timer t;
	struct err err;
	int64_t due;

	(void)state;
	assert_int_equal(timer_parse(STR("cron 0 0 31 2 *"), &t, &err), 0);
	assert_int_equal(timer_turn(&t, 1, 1000, 29, true, &due), TIMER_WAITS);
	assert_true(due == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_time_follows_from_the_last),
		cmocka_unit_test(what_never_comes_is_never),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(jitter_is_of_an_account_and_stays_so),
		cmocka_unit_test(whose_turn_it_is),
		cmocka_unit_test(a_missed_run_is_caught_up_once),
		cmocka_unit_test(what_never_comes_waits_for_ever),
	};

	return cmocka_run_group_tests(tests, utc, NULL);
}
