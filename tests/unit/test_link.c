/* test_link.c — a worker's end of the line to its parent. */
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wait.h"
#include "ipc.h"
#include "link.h"

static int parents;

/* A line to a parent that has not read for so long that it takes no more. */
static int
full_line(void **state)
{
	char bytes[4096] = { 0 };
	struct err err;
	int sv[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) < 0)
		return -1;
	parents = fcntl(sv[0], F_DUPFD, 10);
	close(sv[0]);
	if (sv[1] != IPC_FD) {
		dup2(sv[1], IPC_FD);
		close(sv[1]);
	}
	while (ipc_send(IPC_FD, IPC_MAIL, (struct str){ bytes, sizeof(bytes) },
	    -1, clock_now(), &err) == 0)
		;
	return err.class == ERR_RETRY ? 0 : -1;
}

static int
hang_up(void **state)
{
	(void)state;
	wait_cancel_fd(-1);
	close(parents);
	return 0;
}

/* The exit code: how many of these it has got. */
static void NORETURN
read_late(enum ipc_type wanted)
{
	struct waiter w = { .fd = parents, .want = WAIT_READ };
	enum ipc_type type;
	struct str payload;
	struct err err;
	int ride, got = 0;

	close(IPC_FD);
	usleep(1500000);
	while (wait_any(&w, 1, USEC_NEVER, &err) > 0 &&
	    ipc_recv(parents, &type, &payload, &ride, &err) > 0)
		got += type == wanted;
	_exit(got);
}

static void
parent_that_listens_late_gets_every_word(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		read_late(IPC_JOB_DONE);
	link_send(IPC_JOB_DONE, json_pack("{s:i}", "job", 1));
	link_send(IPC_JOB_DONE, json_pack("{s:i}", "job", 2));
	close(IPC_FD);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 2);
}

/* ... but who is told to stop does so. */
static void
being_told_to_stop_ends_the_wait(void **state)
{
	int fd = eventfd(1, EFD_NONBLOCK);

	(void)state;
	wait_cancel_fd(fd);
	link_send(IPC_JOB_DONE, json_pack("{s:i}", "job", 1));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    parent_that_listens_late_gets_every_word, full_line, hang_up),
		cmocka_unit_test_setup_teardown(
		    being_told_to_stop_ends_the_wait, full_line, hang_up)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
