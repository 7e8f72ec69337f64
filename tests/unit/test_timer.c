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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_time_follows_from_the_last),
		cmocka_unit_test(what_never_comes_is_never),
		cmocka_unit_test(what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests(tests, utc, NULL);
}
