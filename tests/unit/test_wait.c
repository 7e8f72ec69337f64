/* test_wait.c — the clock, and the one place that waits. */
#include "cmocka_all.h"

#include <stdlib.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/wait.h"

/* ---- the clock -------------------------------------------------------- */

static void
dates_are_written_as_utc(void **state)
{
	static const struct {
		int64_t		 us;
		const char	*want;
	} t[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 1763873210999999, "2025-11-23T04:46:50Z" },
		{ 4102444800000000, "2100-01-01T00:00:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char out[32];

		clock_iso(t[i].us, out);
		assert_string_equal(out, t[i].want);
	}
}

static void
a_deadline_does_not_overflow(void **state)
{
	usec now = clock_now(), then = clock_in(USEC_S(1));

	(void)state;
	assert_true(then >= now + USEC_S(1));
	assert_true(clock_in(USEC_NEVER) == USEC_NEVER);
	assert_true(clock_now() >= now);
	/* Later than these lines were written, before anybody reads them. */
	assert_true(clock_wall() > 1700000000000000);
}

/* ---- waiting ---------------------------------------------------------- */

struct pipes {
	int a[2], b[2];
};

static int
open_pipes(void **state)
{
	struct pipes *p = xcalloc(1, sizeof(*p));

	*state = p;
	return pipe(p->a) < 0 || pipe(p->b) < 0 ? -1 : 0;
}

static int
close_pipes(void **state)
{
	struct pipes *p = *state;

	wait_cancel_fd(-1);
	for (int i = 0; i < 2; i++) {
		close(p->a[i]);
		close(p->b[i]);
	}
	free(p);
	return 0;
}

static void
what_is_ready_is_told(void **state)
{
	struct pipes *p = *state;
	struct waiter w[] = {
		{ p->a[0], WAIT_READ, 9 }, { p->b[0], WAIT_READ, 9 },
		{ p->b[1], WAIT_WRITE, 9 }, { -1, WAIT_READ, 9 },
		{ p->a[0], 0, 9 },
	};
	struct err err;

	assert_int_equal(write(p->a[1], "x", 1), 1);
	assert_int_equal(wait_any(w, ARRAY_LEN(w), clock_in(USEC_S(5)), &err),
	    2);
	assert_int_equal(w[0].got, WAIT_READ);
	assert_int_equal(w[1].got, 0);
	assert_int_equal(w[2].got, WAIT_WRITE);
	assert_int_equal(w[3].got, 0);
	assert_int_equal(w[4].got, 0);
}

static void
a_deadline_ends_the_wait_and_not_before(void **state)
{
	struct pipes *p = *state;
	struct waiter w = { p->a[0], WAIT_READ, 9 };
	usec until = clock_in(USEC_MS(20));
	struct err err;

	assert_int_equal(wait_any(&w, 1, until, &err), 0);
	assert_true(clock_now() >= until);
	assert_int_equal(w.got, 0);
	/* One that has passed looks once. */
	assert_int_equal(wait_any(&w, 1, 0, &err), 0);
	assert_int_equal(write(p->a[1], "x", 1), 1);
	assert_int_equal(wait_any(&w, 1, 0, &err), 1);
	assert_int_equal(wait_any(NULL, 0, 0, &err), 0);
}

static void
a_hang_up_counts_as_ready(void **state)
{
	struct pipes *p = *state;
	struct waiter w = { p->a[0], WAIT_READ, 0 };
	struct err err;

	close(p->a[1]);
	assert_int_equal(wait_any(&w, 1, clock_in(USEC_S(5)), &err), 1);
	assert_true(w.got & WAIT_READ);
	p->a[1] = dup(p->a[0]);
}

static void
a_request_to_stop_comes_first(void **state)
{
	struct pipes *p = *state;
	struct waiter w = { p->a[0], WAIT_READ, 0 };
	struct err err;

	wait_cancel_fd(p->b[0]);
	assert_int_equal(write(p->a[1], "x", 1), 1);
	assert_int_equal(wait_any(&w, 1, clock_in(USEC_S(5)), &err), 1);
	assert_int_equal(write(p->b[1], "x", 1), 1);
	assert_int_equal(wait_any(&w, 1, clock_in(USEC_S(5)), &err), -1);
	assert_int_equal(err.class, ERR_CANCEL);
	/* It stays asked for. */
	assert_int_equal(wait_any(NULL, 0, 0, &err), -1);
	wait_cancel_fd(-1);
	assert_int_equal(wait_any(&w, 1, 0, &err), 1);
}

static void
what_is_in_doubt_ends_unless_it_is_answered(void **state)
{
	struct pipes *p = *state;
	struct waiter w = { p->a[0], WAIT_READ, 0 };
	struct err err;
	char byte;

	assert_int_equal(fcntl(p->b[0], F_SETFL, O_NONBLOCK), 0);
	wait_doubt_fd(p->b[0], USEC_MS(20));
	assert_int_equal(write(p->b[1], "x", 1), 1);
	assert_int_equal(wait_any(&w, 1, clock_in(USEC_S(60)), &err), -1);
	assert_int_equal(err.class, ERR_RETRY);
	assert_string_equal(err.code, "net.changed");
	/* Once. */
	assert_int_equal(wait_any(&w, 1, clock_in(USEC_MS(30)), &err), 0);
	/* Across several waits, and not when something comes. */
	assert_int_equal(write(p->b[1], "x", 1), 1);
	assert_int_equal(wait_any(&w, 1, clock_in(USEC_MS(1)), &err), 0);
	assert_int_equal(write(p->a[1], "x", 1), 1);
	assert_int_equal(wait_any(&w, 1, clock_in(USEC_S(60)), &err), 1);
	assert_int_equal(read(p->a[0], &byte, 1), 1);
	assert_int_equal(wait_any(&w, 1, clock_in(USEC_MS(30)), &err), 0);
	/* About one of several: others do not answer for it, nor wait for it. */
	wait_doubt_about(p->a[1]);
	assert_int_equal(write(p->b[1], "x", 1), 1);
	assert_int_equal(wait_any(&w, 1, clock_in(USEC_MS(30)), &err), 0);
	struct waiter two[] = { w, { p->a[1], WAIT_READ, 0 } };
	assert_int_equal(write(p->a[1], "x", 1), 1);
	assert_int_equal(wait_any(two, 2, clock_in(USEC_S(60)), &err), -1);
	assert_string_equal(err.code, "net.changed");
	assert_int_equal(wait_any(two, 2, clock_in(USEC_S(60)), &err), 1);
	wait_doubt_about(-1);
	wait_doubt_fd(-1, 0);
}

static void
many_are_waited_for_as_well(void **state)
{
	enum { MANY = 500 };
	struct waiter *w = xcalloc(MANY, sizeof(*w));
	struct pipes *p = *state;
	struct err err;

	for (size_t i = 0; i < MANY; i++)
		w[i] = (struct waiter){ p->a[0], WAIT_READ, 0 };
	w[MANY - 1].fd = p->b[0];
	wait_cancel_fd(p->a[0]);
	assert_int_equal(write(p->b[1], "x", 1), 1);
	assert_int_equal(wait_any(w, MANY, clock_in(USEC_S(5)), &err), 1);
	assert_int_equal(w[MANY - 1].got, WAIT_READ);
	assert_int_equal(w[0].got, 0);
	free(w);
}

static void
more_than_files_may_be_open_if_most_are_none(void **state)
{
	enum { MANY = 500 };
	struct waiter *w = xcalloc(MANY, sizeof(*w));
	struct rlimit was, small = { .rlim_cur = 64 };
	struct pipes *p = *state;
	struct err err;

	for (size_t i = 0; i < MANY; i++)
		w[i] = (struct waiter){ i % 2 == 0 ? -1 : p->b[0], 0, 0 };
	w[MANY - 2] = (struct waiter){ p->b[0], WAIT_READ, 0 };
	assert_int_equal(write(p->b[1], "x", 1), 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	small.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	assert_int_equal(wait_any(w, MANY, clock_in(USEC_S(5)), &err), 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(w[MANY - 2].got, WAIT_READ);
	assert_int_equal(w[MANY - 1].got, 0);
	free(w);
}

#define WITH_PIPES(f)	cmocka_unit_test_setup_teardown(f, open_pipes, close_pipes)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_written_as_utc),
		cmocka_unit_test(a_deadline_does_not_overflow),
		WITH_PIPES(what_is_ready_is_told),
		WITH_PIPES(a_deadline_ends_the_wait_and_not_before),
		WITH_PIPES(a_hang_up_counts_as_ready),
		WITH_PIPES(a_request_to_stop_comes_first),
		WITH_PIPES(what_is_in_doubt_ends_unless_it_is_answered),
		WITH_PIPES(many_are_waited_for_as_well),
		WITH_PIPES(more_than_files_may_be_open_if_most_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
