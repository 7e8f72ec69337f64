/* test_ipc.c — messages between the parent and its workers. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ipc.h"

static int sv[2];

static int
setup(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv);
}

static int
teardown(void **state)
{
	(void)state;
	if (sv[0] >= 0)
		close(sv[0]);
	close(sv[1]);
	return 0;
}

static void
send_ok(enum ipc_type type, struct str payload, int fd)
{
	struct err err;

	assert_int_equal(ipc_send(sv[0], type, payload, fd, USEC_NEVER, &err), 0);
}

static int
recv_one(enum ipc_type *type, struct str *payload, int *ride, struct err *err)
{
	*ride = -2;
	return ipc_recv(sv[1], type, payload, ride, err);
}

/* Is the page with ${p} in memory? */
static bool
is_in_memory(const char *p)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	unsigned char in;

	assert_int_equal(mincore((void *)((uintptr_t)p / page * page), 1, &in), 0);
	return in & 1;
}

/* The first of all: nothing has been where no message reached. */
static void
a_secret_is_wiped_and_what_it_did_not_reach_is_left_alone(void **state)
{
	enum ipc_type type;
	struct str payload, none;
	struct err err;
	int ride;

	(void)state;
	send_ok(IPC_SECRET, STR("0secret"), -1);
	assert_int_equal(recv_one(&type, &payload, &ride, &err), 1);
	assert_true(str_eq(payload, STR("0secret")));
	assert_int_equal(recv_one(&type, &none, &ride, &err), 0);
	for (size_t i = 0; i < payload.n; i++)
		assert_int_equal(payload.p[i], 0);
	assert_true(is_in_memory(payload.p));
	assert_false(is_in_memory(payload.p + IPC_MAX / 2));
}

static void
message_arrives_whole_with_its_type(void **state)
{
	static const struct {
		enum ipc_type	type;
		struct str	payload;
	} rows[] = {
		{ IPC_READY, { "", 0 } },
		{ IPC_CONF, { "{}", 2 } },
		{ IPC_SECRET, { "0a\0b", 4 } },
		{ IPC_WAKE, { NULL, 0 } }
	};
	enum ipc_type type;
	struct str payload;
	struct err err;
	int ride;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		send_ok(rows[i].type, rows[i].payload, -1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(recv_one(&type, &payload, &ride, &err), 1);
		assert_int_equal(type, rows[i].type);
		assert_true(str_eq(payload, rows[i].payload));
		assert_int_equal(ride, -1);
	}
	assert_int_equal(recv_one(&type, &payload, &ride, &err), 0);
}

static void
largest_message_passes_and_one_byte_more_is_refused(void **state)
{
	char *bytes = xcalloc(IPC_MAX + 1, 1);
	enum ipc_type type;
	struct str payload;
	struct err err;
	int ride;

	(void)state;
	bytes[IPC_MAX - 1] = 'z';
	send_ok(IPC_STATUS, (struct str){ bytes, IPC_MAX }, -1);
	assert_int_equal(recv_one(&type, &payload, &ride, &err), 1);
	assert_int_equal(payload.n, IPC_MAX);
	assert_int_equal(payload.p[IPC_MAX - 1], 'z');
	assert_int_equal(ipc_send(sv[0], IPC_STATUS,
	    (struct str){ bytes, IPC_MAX + 1 }, -1, USEC_NEVER, &err), -1);
	assert_string_equal(err.code, "internal.ipc");
	free(bytes);
}

static void
longer_text_goes_as_a_file(void **state)
{
	struct str text = { xcalloc(20 * IPC_MAX, 1), 20 * IPC_MAX }, payload;
	enum ipc_type type;
	struct buf got;
	struct err err;
	int ride;

	(void)state;
	memset((char *)(uintptr_t)text.p, 'x', text.n);
	assert_int_equal(ipc_send_file(sv[0], IPC_CONF, text, USEC_NEVER,
	    &err), 0);
	assert_int_equal(recv_one(&type, &payload, &ride, &err), 1);
	assert_int_equal(type, IPC_CONF);
	assert_int_equal(ipc_read_file(ride, &got, &err), 0);
	assert_true(str_eq(buf_str(&got), text));
	buf_clear(&got);
	close(ride);
	assert_int_equal(ipc_read_file(-1, &got, &err), -1);
	buf_clear(&got);
	free((char *)(uintptr_t)text.p);
}

static void
descriptor_rides_along_and_is_close_on_exec(void **state)
{
	enum ipc_type type;
	struct str payload;
	struct err err;
	int ride, pipes[2];
	char c = 0;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	send_ok(IPC_TUNNEL, STR_NONE, pipes[1]);
	close(pipes[1]);
	assert_int_equal(recv_one(&type, &payload, &ride, &err), 1);
	assert_true(ride >= 0);
	assert_true((fcntl(ride, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(write(ride, "x", 1), 1);
	assert_int_equal(read(pipes[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	close(ride);
	close(pipes[0]);
}

static void
end_of_the_other_side_is_cancel(void **state)
{
	enum ipc_type type;
	struct str payload;
	struct err err;
	int ride;

	(void)state;
	send_ok(IPC_BYE, STR("{}"), -1);
	close(sv[0]);
	sv[0] = -1;
	assert_int_equal(recv_one(&type, &payload, &ride, &err), 1);
	assert_int_equal(type, IPC_BYE);
	assert_int_equal(recv_one(&type, &payload, &ride, &err), -1);
	assert_int_equal(err.class, ERR_CANCEL);
	assert_int_equal(ipc_send(sv[1], IPC_WAKE, STR_NONE, -1, USEC_NEVER,
	    &err), -1);
	assert_int_equal(err.class, ERR_CANCEL);
}

static void
broken_framing_is_refused(void **state)
{
	static const uint8_t none = 0, unknown = 200;
	char *big = xcalloc(IPC_MAX + 2, 1);
	enum ipc_type type;
	struct str payload;
	struct err err;
	int ride;

	(void)state;
	big[0] = IPC_STATUS;
	assert_int_equal(send(sv[0], &none, 1, 0), 1);
	assert_int_equal(send(sv[0], &unknown, 1, 0), 1);
	assert_int_equal(send(sv[0], big, IPC_MAX + 2, 0), IPC_MAX + 2);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(recv_one(&type, &payload, &ride, &err), -1);
		assert_int_equal(err.class, ERR_PROTO);
	}
	free(big);
}

static void
full_socket_is_waited_for_until_the_deadline(void **state)
{
	char bytes[8192] = { 0 };
	usec deadline = clock_in(USEC_MS(100));
	struct err err;
	int rc;

	(void)state;
	do
		rc = ipc_send(sv[0], IPC_STATUS,
		    (struct str){ bytes, sizeof(bytes) }, -1, deadline, &err);
	while (rc == 0);
	assert_int_equal(err.class, ERR_RETRY);
	assert_true(clock_now() >= deadline);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_secret_is_wiped_and_what_it_did_not_reach_is_left_alone,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    message_arrives_whole_with_its_type, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    largest_message_passes_and_one_byte_more_is_refused, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(longer_text_goes_as_a_file, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    descriptor_rides_along_and_is_close_on_exec, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    end_of_the_other_side_is_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_framing_is_refused, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    full_socket_is_waited_for_until_the_deadline, setup, teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
