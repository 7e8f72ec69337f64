/* test_retry.c — how long a worker waits before it connects again. */
#include "cmocka_all.h"

#include "base/attr.h"
#include "retry.h"

/* Around ${s} seconds, a quarter to each side. */
static void
about(usec wait, int s)
{
	if (wait < USEC_S(s) * 3 / 4 || wait > USEC_S(s) * 5 / 4)
		fail_msg("%lld us, not about %d s", (long long)wait, s);
}

static void
waits(void **state)
{
	static const struct {
		const char	*code;
		unsigned	 failures;
		bool		 eager;
		int		 about;		/* seconds */
	} t[] = {
		{ "proto.bye", 0, false, 2 },
		{ "proto.bye", 1, false, 4 },
		{ "proto.bye", 5, false, 64 },
		{ "proto.bye", 9, false, 900 },
		{ "proto.bye", 1000, false, 900 },
		{ "proto.bye", 5, true, 64 },
		{ "net.refused", 0, false, 2 },
		{ "net.refused", 1, false, 3 },
		{ "net.closed", 9, false, 3 },
		{ "net.closed", 10, false, 8 },
		{ "net.refused", 1000, true, 1 },
		{ "net.refused", 1000, false, 60 },
		{ "server.in-use", 0, false, 60 },
		{ "server.in-use", 9, false, 900 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		for (int k = 0; k < 1000; k++)
			about(retry_after(t[i].code, t[i].failures, t[i].eager),
			    t[i].about);
}

/* Many accounts that were cut off at once do not come back at once. */
static void
waits_differ(void **state)
{
	usec first = retry_after("net.refused", 3, false);

	(void)state;
	for (int k = 0; k < 1000 * 1000; k++)
		if (retry_after("net.refused", 3, false) != first)
			return;
	fail_msg("always %lld us", (long long)first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits),
		cmocka_unit_test(waits_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
