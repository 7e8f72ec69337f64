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

static void
what_a_server_asks_for(void **state)
{
	static const struct {
		const char	*said;
		usec		 want;
	} t[] = {
		{ "the server is asked too much: Request is throttled. Suggested "
		    "Backoff Time: 9000 milliseconds", USEC_S(9) },
		{ "suggested backoff time: 0 milliseconds", 0 },
		{ "Backoff Time: 86400000 milliseconds", USEC_S(300) },
		{ "Backoff Time: 18446744073709551615 milliseconds", USEC_S(300) },
		{ "Backoff Time: 99999999999999999999 milliseconds", 0 },
		{ "Backoff Time: -9 milliseconds", 0 },
		{ "Backoff Time: 9 hours", 0 },
		{ "Backoff Time: ", 0 },
		{ "Request is throttled", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(retry_asked(t[i].said), t[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits),
		cmocka_unit_test(waits_differ),
		cmocka_unit_test(what_a_server_asks_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
