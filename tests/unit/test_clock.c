/* test_clock.c — deadlines and waits. */
#include "cmocka_all.h"

#include "base/attr.h"
#include "base/clock.h"

static void
waits_double_up_to_the_most(void **state)
{
	static const struct {
		usec		first;
		unsigned	times;
		usec		most, wait;
	} t[] = {
		{ 1, 0, 900, 1 }, { 1, 1, 900, 2 }, { 1, 9, 900, 512 },
		{ 1, 10, 900, 900 }, { 1, UINT32_MAX, 900, 900 },
		{ 60, 5, 3600, 1920 }, { 60, 6, 3600, 3600 },
		{ 7, 3, 5, 5 }, { 0, UINT16_MAX, 5, 0 },
		{ 3, UINT32_MAX, USEC_NEVER, USEC_NEVER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(clock_doubled(t[i].first, t[i].times, t[i].most),
		    t[i].wait);
}

static void
the_earlier_of_two_deadlines(void **state)
{
	(void)state;
	assert_int_equal(clock_earlier(1, 2), 1);
	assert_int_equal(clock_earlier(USEC_NEVER, 2), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_double_up_to_the_most),
		cmocka_unit_test(the_earlier_of_two_deadlines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
