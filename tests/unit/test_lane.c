/* test_lane.c — several lanes, one wait. */
#include "net/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

/* A lane whose pipe brings one event a byte: 'x' is EV_LOST. */
struct fake {
	struct lane	lane;
	int		fd[2];
	usec		deadline;
	unsigned	ready;		/* events that need no byte */
	unsigned	steps;
	int		*freed;
};

static int
fake_step(struct lane *ln, struct event *ev)
{
	struct fake *fake = (struct fake *)ln;
	char c;

	fake->steps++;
	if (fake->deadline <= clock_now()) {
		fake->deadline = USEC_NEVER;
		*ev = (struct event){ .kind = EV_OVERFLOW };
		return 1;
	}
	if (fake->ready > 0) {
		fake->ready--;
		*ev = (struct event){ .kind = EV_EXISTS, .number = fake->ready };
		return 1;
	}
	struct waiter w = { .fd = fake->fd[0], .want = WAIT_READ };
	struct err err;
	if (wait_any(&w, 1, 0, &err) != 1 || read(fake->fd[0], &c, 1) != 1)
		return 0;
	ev->kind = c == 'x' ? EV_LOST : EV_EXPUNGE;
	return 1;
}

static struct waiter
fake_waiter(const struct lane *ln)
{
	const struct fake *fake = (const struct fake *)ln;

	return (struct waiter){ .fd = fake->fd[0], .want = WAIT_READ };
}

static usec
fake_deadline(const struct lane *ln)
{
	return ((const struct fake *)ln)->deadline;
}

static void
fake_free(struct lane *ln)
{
	struct fake *fake = (struct fake *)ln;

	close(fake->fd[0]);
	close(fake->fd[1]);
	if (fake->freed != NULL)
		++*fake->freed;
	free(fake);
}

static const struct lane_ops fake_ops = {
	.protocol = "fake", .step = fake_step, .waiter = fake_waiter,
	.deadline = fake_deadline, .free = fake_free
};

static struct fake *
add_fake(struct lanes *ls)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	assert_non_null(fake);
	fake->lane = (struct lane){ .ops = &fake_ops, .name = "fake" };
	fake->deadline = USEC_NEVER;
	assert_int_equal(pipe(fake->fd), 0);
	lanes_add(ls, &fake->lane);
	return fake;
}

static void
close_all(struct lanes *ls)
{
	while (ls->n > 0)
		lanes_close(ls, ls->lane[0]);
}

static void
send_byte(struct fake *fake, const char *byte)
{
	assert_int_equal(write(fake->fd[1], byte, 1), 1);
}

static void
busy_lanes_take_turns(void **state)
{
	struct lanes ls = { 0 };
	struct fake *fake[3];
	unsigned seen[3] = { 0 };
	struct event ev;
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++) {
		fake[i] = add_fake(&ls);
		fake[i]->ready = 1000;
	}
	for (int n = 0; n < 30; n++) {
		assert_int_equal(lanes_reap(&ls, &ev, NULL, 0, USEC_NEVER, &err), 1);
		for (int i = 0; i < 3; i++)
			seen[i] += ev.lane == &fake[i]->lane;
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(seen[i], 10);
	close_all(&ls);
}

static void
a_byte_for_any_lane_ends_the_wait(void **state)
{
	struct lanes ls = { 0 };
	struct fake *second;
	struct event ev;
	struct err err;

	(void)state;
	add_fake(&ls);
	second = add_fake(&ls);
	send_byte(second, "a");
	assert_int_equal(lanes_reap(&ls, &ev, NULL, 0, USEC_NEVER, &err), 1);
	assert_int_equal(ev.kind, EV_EXPUNGE);
	assert_ptr_equal(ev.lane, &second->lane);
	close_all(&ls);
}

static void
silence_ends_at_the_deadline(void **state)
{
	struct lanes ls = { 0 };
	usec deadline = clock_in(USEC_MS(30));
	struct event ev;
	struct err err;

	(void)state;
	add_fake(&ls);
	assert_int_equal(lanes_reap(&ls, &ev, NULL, 0, deadline, &err), 0);
	assert_true(clock_now() >= deadline);
	close_all(&ls);
}

static void
a_lanes_own_deadline_steps_it(void **state)
{
	struct lanes ls = { 0 };
	struct fake *fake;
	struct event ev;
	struct err err;

	(void)state;
	fake = add_fake(&ls);
	fake->deadline = clock_in(USEC_MS(20));
	assert_int_equal(lanes_reap(&ls, &ev, NULL, 0, clock_in(USEC_S(20)),
	    &err), 1);
	assert_int_equal(ev.kind, EV_OVERFLOW);
	close_all(&ls);
}

static void
a_past_deadline_still_steps_each_lane(void **state)
{
	struct lanes ls = { 0 };
	struct fake *fake;
	struct event ev;
	struct err err;

	(void)state;
	fake = add_fake(&ls);
	assert_int_equal(lanes_reap(&ls, &ev, NULL, 0, 0, &err), 0);
	assert_true(fake->steps > 0);
	send_byte(fake, "a");
	assert_int_equal(lanes_reap(&ls, &ev, NULL, 0, 0, &err), 1);
	close_all(&ls);
}

static void
the_callers_descriptor_ends_the_wait(void **state)
{
	struct lanes ls = { 0 };
	struct waiter extra[2];
	struct event ev;
	struct err err;
	int fd[2];

	(void)state;
	add_fake(&ls);
	assert_int_equal(pipe(fd), 0);
	extra[0] = (struct waiter){ .fd = -1, .want = WAIT_READ };
	extra[1] = (struct waiter){ .fd = fd[0], .want = WAIT_READ };
	assert_int_equal(write(fd[1], "a", 1), 1);
	assert_int_equal(lanes_reap(&ls, &ev, extra, 2, USEC_NEVER, &err), 0);
	assert_int_equal(extra[0].got, 0);
	assert_int_equal(extra[1].got, WAIT_READ);
	close(fd[0]);
	close(fd[1]);
	close_all(&ls);
}

/* How many events a flooding lane gives before lanes_reap() says otherwise. */
static int
reap_until_other(struct lanes *ls, struct waiter *extra, size_t n_extra,
    struct err *err, int *r)
{
	struct event ev;
	int n = 0;

	while ((*r = lanes_reap(ls, &ev, extra, n_extra, USEC_NEVER, err)) == 1)
		assert_true(++n < 1000);
	return n;
}

/* A descriptor that can be read, beside a lane that always has something. */
static int
readable_beside_a_flood(struct lanes *ls)
{
	int fd = eventfd(1, EFD_CLOEXEC);

	assert_true(fd >= 0);
	add_fake(ls)->ready = 1000000;
	return fd;
}

static void
a_flood_does_not_hide_the_callers_descriptor(void **state)
{
	struct lanes ls = { 0 };
	struct waiter extra = { .fd = readable_beside_a_flood(&ls),
	    .want = WAIT_READ };
	struct err err;
	int r;

	(void)state;
	reap_until_other(&ls, &extra, 1, &err, &r);
	assert_int_equal(r, 0);
	assert_int_equal(extra.got, WAIT_READ);
	close(extra.fd);
	close_all(&ls);
}

static void
a_flood_does_not_hide_the_order_to_stop(void **state)
{
	struct lanes ls = { 0 };
	struct err err = { 0 };
	int fd = readable_beside_a_flood(&ls), r;

	(void)state;
	wait_cancel_fd(fd);
	reap_until_other(&ls, NULL, 0, &err, &r);
	wait_cancel_fd(-1);
	assert_int_equal(r, -1);
	assert_int_equal(err.class, ERR_CANCEL);
	close(fd);
	close_all(&ls);
}

static void
a_lost_lane_is_not_stepped_again(void **state)
{
	struct lanes ls = { 0 };
	struct fake *fake;
	struct event ev;
	struct err err;
	unsigned steps;

	(void)state;
	fake = add_fake(&ls);
	send_byte(fake, "x");
	send_byte(fake, "a");
	assert_int_equal(lanes_reap(&ls, &ev, NULL, 0, USEC_NEVER, &err), 1);
	assert_int_equal(ev.kind, EV_LOST);
	assert_true(fake->lane.lost);
	steps = fake->steps;
	/* There is a byte for it, and it ends no wait. */
	assert_int_equal(lanes_reap(&ls, &ev, NULL, 0, clock_in(USEC_MS(10)),
	    &err), 0);
	assert_int_equal(fake->steps, steps);
	close_all(&ls);
}

static void
closing_keeps_the_others_in_turn(void **state)
{
	struct lanes ls = { 0 };
	struct fake *fake[4];
	struct event ev;
	struct err err;
	int freed = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		fake[i] = add_fake(&ls);
		fake[i]->ready = 10;
		fake[i]->freed = &freed;
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(lanes_reap(&ls, &ev, NULL, 0, USEC_NEVER, &err), 1);
	assert_ptr_equal(ev.lane, &fake[2]->lane);
	lanes_close(&ls, &fake[1]->lane);
	assert_int_equal(freed, 1);
	assert_int_equal(ls.n, 3);
	assert_int_equal(lanes_reap(&ls, &ev, NULL, 0, USEC_NEVER, &err), 1);
	assert_ptr_equal(ev.lane, &fake[3]->lane);
	assert_int_equal(lanes_reap(&ls, &ev, NULL, 0, USEC_NEVER, &err), 1);
	assert_ptr_equal(ev.lane, &fake[0]->lane);
	close_all(&ls);
	assert_int_equal(freed, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(busy_lanes_take_turns),
		cmocka_unit_test(a_byte_for_any_lane_ends_the_wait),
		cmocka_unit_test(silence_ends_at_the_deadline),
		cmocka_unit_test(a_lanes_own_deadline_steps_it),
		cmocka_unit_test(a_past_deadline_still_steps_each_lane),
		cmocka_unit_test(the_callers_descriptor_ends_the_wait),
		cmocka_unit_test(a_flood_does_not_hide_the_callers_descriptor),
		cmocka_unit_test(a_flood_does_not_hide_the_order_to_stop),
		cmocka_unit_test(a_lost_lane_is_not_stepped_again),
		cmocka_unit_test(closing_keeps_the_others_in_turn)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
