/*
 * test_dial.c — connections to 127.0.0.1 and to nowhere.  Names under .test are
 * answered by a resolver of ours, in front of the real one.
 */
#include "net/dial.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/wait.h"

static const struct {
	const char	*name;
	unsigned	 takes_ms;
	const char	*addr[3];
} names[] = {
	{ "first-refuses.test", 0, { "127.0.0.3", "127.0.0.1" } },
	{ "first-is-silent.test", 0, { "127.0.0.2", "127.0.0.1" } },
	{ "first-has-no-route.test", 0, { "ff02::1", "127.0.0.1" } },
	{ "all-fail.test", 0, { "127.0.0.3", "ff02::1" } },
	{ "slow.test", 800, { "127.0.0.1" } }
};

typedef int lookup_fn(const char *, const char *, const struct addrinfo *,
    struct addrinfo **);

int
getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **found)
{
	lookup_fn *real;
	size_t i = 0;

	/* The way POSIX asks to get a function out of dlsym(). */
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	while (i < sizeof(names) / sizeof(names[0]) &&
	    strcmp(names[i].name, host) != 0)
		i++;
	if (i == sizeof(names) / sizeof(names[0]) ||
	    hints->ai_flags & AI_NUMERICHOST)
		return real(host, port, hints, found);
	usleep(names[i].takes_ms * 1000);
	*found = NULL;
	for (size_t j = 0; j < 3 && names[i].addr[j] != NULL; j++) {
		int status = real(names[i].addr[j], port, hints, found);

		if (status != 0)
			return status;
		while (*found != NULL)
			found = &(*found)->ai_next;
	}
	return 0;
}

static int
listen_on(const char *addr, int backlog, uint16_t *port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = inet_addr(addr),
		.sin_port = htons(*port)
	};
	socklen_t size = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &size), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

static int
listen_on_loopback(int backlog, uint16_t *port)
{
	*port = 0;
	return listen_on("127.0.0.1", backlog, port);
}

static void
connects_by_address_and_by_name(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost" };
	uint16_t port;
	int server = listen_on_loopback(8, &port);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct err err = { 0 };
		int peer, fd = dial(hosts[i], port, clock_in(USEC_S(20)), &err);
		char c;

		if (fd < 0)
			fail_msg("%s: %s", hosts[i], err.text);
		peer = accept(server, NULL, NULL);
		assert_true(peer >= 0);
		assert_int_equal(write(fd, "x", 1), 1);
		assert_int_equal(read(peer, &c, 1), 1);
		close(peer);
		close(fd);
	}
	close(server);
}

static int
option(int fd, int level, int name)
{
	socklen_t size = sizeof(int);
	int value = -1;

	assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

static void
a_dead_peer_will_be_noticed(void **state)
{
	uint16_t port;
	int server = listen_on_loopback(8, &port);
	struct err err;
	int fd = dial("127.0.0.1", port, clock_in(USEC_S(20)), &err);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 10);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	close(server);
}

static void
failures_say_what_and_where(void **state)
{
	static const struct {
		const char *host, *code;
	} cases[] = {
		{ "127.0.0.1", "net.refused" },
		{ "localhost", "net.refused" },
		/* TCP has no multicast, whatever routes this machine has. */
		{ "224.0.0.1", "net.offline" },
		{ "ff02::1", "net.offline" },
		/* A refusal says more than a missing route. */
		{ "all-fail.test", "net.refused" },
		/* Not a name that could exist: no resolver is asked. */
		{ "an..empty.label.invalid", "net.dns" },
		{ "", "net.dns" }
	};
	char where[64];
	uint16_t port;

	(void)state;
	close(listen_on_loopback(1, &port));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { 0 };

		snprintf(where, sizeof(where), "%s:%u", cases[i].host, port);
		assert_int_equal(dial(cases[i].host, port,
		    clock_in(USEC_S(20)), &err), -1);
		assert_string_equal(err.code, cases[i].code);
		assert_int_equal(err.class, ERR_RETRY);
		assert_non_null(strstr(err.text, where));
	}
}

/* A listener whose queue of one is full: the kernel drops further SYNs. */
struct silent {
	int	server, fd[4];
};

static struct silent
silent_new(const char *addr, uint16_t *port)
{
	struct silent silent = { .server = listen_on(addr, 0, port) };
	struct err err;

	for (size_t i = 0; i < 4; i++)
		silent.fd[i] = dial(addr, *port, clock_in(USEC_MS(50)), &err);
	return silent;
}

static void
silent_clear(struct silent *silent)
{
	for (size_t i = 0; i < 4; i++)
		if (silent->fd[i] >= 0)
			close(silent->fd[i]);
	close(silent->server);
}

static void
a_silent_host_ends_at_the_deadline(void **state)
{
	uint16_t port = 0;
	struct silent silent = silent_new("127.0.0.1", &port);
	usec deadline = clock_in(USEC_MS(100));
	struct err err = { 0 };

	(void)state;
	assert_int_equal(dial("127.0.0.1", port, deadline, &err), -1);
	assert_string_equal(err.code, "net.timeout");
	assert_true(clock_now() >= deadline);
	assert_true(clock_now() < deadline + USEC_S(10));
	silent_clear(&silent);
}

static void
one_bad_address_does_not_spoil_the_name(void **state)
{
	static const char *const hosts[] = {
		"first-refuses.test", "first-is-silent.test",
		"first-has-no-route.test", "slow.test"
	};
	uint16_t port;
	int server = listen_on_loopback(8, &port);
	struct silent silent = silent_new("127.0.0.2", &port);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct sockaddr_in sin = { 0 };
		socklen_t size = sizeof(sin);
		struct err err = { 0 };
		int fd = dial(hosts[i], port, clock_in(USEC_S(20)), &err);

		if (fd < 0)
			fail_msg("%s: %s", hosts[i], err.text);
		assert_int_equal(getpeername(fd, (struct sockaddr *)&sin,
		    &size), 0);
		assert_int_equal(sin.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
		close(fd);
	}
	silent_clear(&silent);
	close(server);
}

static void
a_slow_resolver_ends_at_the_deadline(void **state)
{
	usec deadline = clock_in(USEC_MS(50));
	struct err err = { 0 };

	(void)state;
	assert_int_equal(dial("slow.test", 1, deadline, &err), -1);
	assert_string_equal(err.code, "net.timeout");
	assert_non_null(strstr(err.text, "looking up"));
	/* The thread that was left alone still has to end. */
	usleep(1000000);
}

/* The lookup may be quick enough, then the connection is late. */
static void
an_abandoned_lookup_harms_nobody(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		struct err err = { 0 };

		assert_int_equal(dial("localhost", 1, 0, &err), -1);
		assert_int_equal(err.class, ERR_RETRY);
		assert_true(strcmp(err.code, "net.timeout") == 0 ||
		    strcmp(err.code, "net.refused") == 0);
	}
	/* Let the threads end, for the sake of leak checkers. */
	usleep(300000);
}

static void
the_order_to_stop_is_heard(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost" };
	uint16_t port;
	int server = listen_on_loopback(8, &port), fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "x", 1), 1);
	wait_cancel_fd(fd[0]);
	for (size_t i = 0; i < 2; i++) {
		struct err err = { 0 };

		assert_int_equal(dial(hosts[i], port, USEC_NEVER, &err), -1);
		assert_int_equal(err.class, ERR_CANCEL);
	}
	wait_cancel_fd(-1);
	usleep(100000);
	close(fd[0]);
	close(fd[1]);
	close(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects_by_address_and_by_name),
		cmocka_unit_test(a_dead_peer_will_be_noticed),
		cmocka_unit_test(failures_say_what_and_where),
		cmocka_unit_test(a_silent_host_ends_at_the_deadline),
		cmocka_unit_test(one_bad_address_does_not_spoil_the_name),
		cmocka_unit_test(a_slow_resolver_ends_at_the_deadline),
		cmocka_unit_test(an_abandoned_lookup_harms_nobody),
		cmocka_unit_test(the_order_to_stop_is_heard)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
