/* test_notify.c — what systemd is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "notify.h"

static int fd;

/* The next datagram, or "" when there is none. */
static const char *
told(void)
{
	static char text[512];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int
listen_abstract(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t n = sizeof(a);
	char name[128];

	(void)state;
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	/* Without a path the kernel gives it an abstract name. */
	if (bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) < 0)
		return -1;
	snprintf(name, sizeof(name), "@%.*s",
	    (int)(n - sizeof(sa_family_t) - 1), a.sun_path + 1);
	return setenv("NOTIFY_SOCKET", name, 1);
}

static int
hang_up(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	return close(fd);
}

static void
reload_carries_the_time_it_began(void **state)
{
	(void)state;
	notify_reloading();
	assert_int_equal(strncmp(told(), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
	notify_ready();
	assert_string_equal(told(), "READY=1");
	notify_stopping();
	assert_string_equal(told(), "STOPPING=1");
}

static void
status_is_one_line_and_told_once(void **state)
{
	(void)state;
	notify_status("work: no\nroute");
	assert_string_equal(told(), "STATUS=work: no route");
	notify_status("work: no\nroute");
	assert_string_equal(told(), "");
	notify_status("live");
	assert_string_equal(told(), "STATUS=live");
}

static void
watchdog_is_fed_at_half_its_time_and_only_ours(void **state)
{
	char pid[32];

	(void)state;
	assert_true(notify_watchdog() == USEC_NEVER);
	setenv("WATCHDOG_USEC", "60000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	assert_true(notify_watchdog() == USEC_NEVER);
	assert_string_equal(told(), "");
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_true(notify_watchdog() <= clock_in(USEC_S(30)));
	assert_string_equal(told(), "WATCHDOG=1");
	assert_true(notify_watchdog() > clock_in(USEC_S(25)));
	assert_string_equal(told(), "");
}

static void
nobody_is_told_without_a_socket(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	notify_ready();
	setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	notify_ready();
	assert_string_equal(told(), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reload_carries_the_time_it_began),
		cmocka_unit_test(status_is_one_line_and_told_once),
		cmocka_unit_test(watchdog_is_fed_at_half_its_time_and_only_ours),
		cmocka_unit_test(nobody_is_told_without_a_socket)
	};

	return cmocka_run_group_tests(tests, listen_abstract, hang_up);
}
