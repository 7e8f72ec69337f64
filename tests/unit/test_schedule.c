/* test_schedule.c — the hours of a daily schedule. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/attr.h"
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
