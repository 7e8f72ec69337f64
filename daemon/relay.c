/* relay.c — one question to a service, for a script. */
#include "relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/sandbox.h"
#include "base/wait.h"
#include "net/dial.h"

enum { ARG_ADDRESS = 2, ARG_HALF, N_ARGS, BLOCK = 16384 };

static const usec patience = USEC_S(30);	/* for a connection */

void
relay_argv(const char *address, bool half, struct strlist *argv)
{
	strlist_add(argv, "/proc/self/exe");
	strlist_add(argv, "relay");
	strlist_add(argv, address);
	strlist_add(argv, half ? "half" : "");
}

/* ---- connecting ------------------------------------------------------- */

static int
open_unix(const char *path, struct err *err)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(to.sun_path))
		errno = ENAMETOOLONG;
	else if (fd >= 0) {
		memcpy(to.sun_path, path, strlen(path) + 1);
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
			return fd;
	}
	return err_sys(err, ERR_RETRY, "net.refused", "%s", path);
}

/* HOST:PORT, [::1]:PORT. */
static bool
split_address(const char *address, char host[256], uint32_t *port)
{
	struct str s = str_z(address), name;
	const char *colon = strrchr(address, ':');

	if (colon == NULL)
		return false;
	name = str_head(s, (size_t)(colon - address));
	if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
		name = str_head(str_from(name, 1), name.n - 2);
	if (name.n == 0 || name.n >= 256 ||
	    !num_u32(str_z(colon + 1), 1, UINT16_MAX, port))
		return false;
	memcpy(host, name.p, name.n);
	host[name.n] = '\0';
	return true;
}

/* What is missing of the sandbox was said by the workers. */
static int
reach(const char *address, struct err *err)
{
	char host[256];
	uint32_t port;

	if (strncmp(address, "unix:", 5) == 0) {
		(void)sandbox_enter(SANDBOX_WORKER, NULL, 0, 0);
		return open_unix(address + 5, err);
	}
	if (!split_address(address, host, &port))
		return err_set(err, ERR_CONFIG, "config.bad-value",
		    "%s is neither unix:/PATH nor HOST:PORT", address);
	(void)sandbox_enter(SANDBOX_WORKER, NULL, 0, (uint16_t)port);
	return dial(host, (uint16_t)port, clock_in(patience), err);
}

/* ---- both ways -------------------------------------------------------- */

struct relay {
	int	fd;
	bool	half;
	char	block[BLOCK];		/* of the input */
	size_t	at, n;
	bool	said;			/* all of it */
};

static void
next_block(struct relay *r)
{
	ssize_t n = read(STDIN_FILENO, r->block, sizeof(r->block));

	r->at = 0;
	r->n = n > 0 ? (size_t)n : 0;
	if (n > 0)
		return;
	r->said = true;
	if (r->half)
		(void)shutdown(r->fd, SHUT_WR);
}

static void
say_some(struct relay *r)
{
	ssize_t n = send(r->fd, r->block + r->at, r->n - r->at,
	    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0)
		r->at += (size_t)n;
	/* It wants to hear no more; what it answers counts all the same. */
	else if (errno != EAGAIN && errno != EINTR)
		r->said = true;
}

/* 1; 0: it has said all; -1. */
static int
hear_some(const struct relay *r)
{
	char block[BLOCK];
	ssize_t n = recv(r->fd, block, sizeof(block), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -1;
	for (ssize_t at = 0, k; at < n; at += k) {
		k = write(STDOUT_FILENO, block + at, (size_t)(n - at));
		if (k < 0)
			return -1;
	}
	return n > 0;
}

static int
run(struct relay *r)
{
	struct err err = { .text = "" };

	for (;;) {
		struct waiter w = { .fd = r->fd, .want = WAIT_READ };
		int heard;

		if (!r->said && r->at == r->n)
			next_block(r);
		if (!r->said)
			w.want |= WAIT_WRITE;
		if (wait_any(&w, 1, USEC_NEVER, &err) < 0)
			return -1;
		if (!r->said && (w.got & WAIT_WRITE))
			say_some(r);
		if (!(w.got & WAIT_READ))
			continue;
		heard = hear_some(r);
		if (heard <= 0)
			return heard;
	}
}

int
relay_main(int argc, char **argv)
{
	struct relay r = { .fd = -1 };
	struct err err = { .text = "" };

	if (argc != N_ARGS) {
		fprintf(stderr, "syncd starts this itself\n");
		return EX_USAGE;
	}
	r.fd = reach(argv[ARG_ADDRESS], &err);
	if (r.fd < 0) {
		fprintf(stderr, "%s\n", err.text);
		return EX_UNAVAILABLE;
	}
	r.half = argv[ARG_HALF][0] != '\0';
	if (run(&r) == 0)
		return 0;
	fprintf(stderr, "%s: the connection broke\n", argv[ARG_ADDRESS]);
	return EX_PROTOCOL;
}
