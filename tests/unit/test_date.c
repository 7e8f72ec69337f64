/* test_date.c — INTERNALDATE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "imap/parse.h"

static void
dates_are_read(void **state)
{
	static const struct {
		const char	*text;
		int64_t		 seconds;
	} rows[] = {
		{ "17-Jul-1996 02:44:25 -0700", 837596665 },
		{ "01-Jan-1970 00:00:00 +0000", 0 },
		{ " 1-Jan-1970 01:00:00 +0100", 0 },
		{ "1-jan-1970 05:30:00 +0530", 0 },
		{ "31-Dec-1969 23:59:59 +0000", -1 },
		{ "29-Feb-2000 12:00:00 +0000", 951825600 },
		{ "31-Dec-2016 23:59:60 +0000", 1483228800 },
		{ "19-Jan-2038 03:14:08 +0000", INT64_C(2147483648) },
		{ "31-Dec-9999 23:59:59 +0000", INT64_C(253402300799) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t t = -2;

		assert_true(imap_date_parse(str_z(rows[i].text), &t));
		assert_int_equal(t, rows[i].seconds);
	}
}

static void
what_is_no_date_is_refused(void **state)
{
	static const char *const rows[] = {
		"", "17-Jul-1996", "17-Jul-1996 02:44:25",
		"00-Jan-0000 00:00:00 +0000", "32-Jan-2000 00:00:00 +0000",
		"30-Feb-2000 00:00:00 +0000", "29-Feb-1900 00:00:00 +0000",
		"17-Foo-1996 02:44:25 -0700", "17-Jul-96x 02:44:25 -0700",
		"17-Jul-1996 24:00:00 +0000", "17-Jul-1996 00:60:00 +0000",
		"17-Jul-1996 00:00:61 +0000", "17-Jul-1996 00:00:00 0000",
		"17-Jul-1996 00:00:00 +00:00", "17-Jul-1996 00:00:00 +0099",
		"17-Jul-1996 00:00:00 +9900", "17-Jul-19960 00:00:00 +0000",
		"017-Jul-1996 00:00:00 +0000", "17-Jul-1996 00:00:00 +0000 x",
		"-1-Jul-1996 00:00:00 +0000",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t t = 42;

		if (imap_date_parse(str_z(rows[i]), &t))
			fail_msg("%s was taken", rows[i]);
		assert_int_equal(t, 42);
	}
}

static void
dates_are_printed_in_utc(void **state)
{
	char z[32];

	(void)state;
	imap_date_print(0, z);
	assert_string_equal(z, "01-Jan-1970 00:00:00 +0000");
	imap_date_print(837596665, z);
	assert_string_equal(z, "17-Jul-1996 09:44:25 +0000");
	imap_date_print(INT64_MIN, z);
	assert_string_equal(z, "01-Jan-0001 00:00:00 +0000");
	imap_date_print(INT64_MAX, z);
	assert_string_equal(z, "31-Dec-9999 23:59:59 +0000");
}

static void
what_is_printed_reads_back(void **state)
{
	(void)state;
	for (int64_t t = -62135596800; t < 253402300799; t += 86399 * 997) {
		int64_t again;
		char z[32];

		imap_date_print(t, z);
		assert_true(imap_date_parse(str_z(z), &again));
		assert_int_equal(again, t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_read),
		cmocka_unit_test(what_is_no_date_is_refused),
		cmocka_unit_test(dates_are_printed_in_utc),
		cmocka_unit_test(what_is_printed_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
