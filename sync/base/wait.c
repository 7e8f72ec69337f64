/* wait.c — the only poll(2). */
#include "base/wait.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { WAIT_FEW = 128 };	/* more than these are rare: they go to the heap */

/* Behind those that the caller waits for. */
enum { OWN_CANCEL, OWN_DOUBT, OWN_N };

static int cancel_fd = -1, doubt_fd = -1;
static usec patience, doubt_until = USEC_NEVER;

void
wait_cancel_fd(int fd)
{
	cancel_fd = fd;
}

void
wait_doubt_fd(int fd, usec most)
{
	doubt_fd = fd;
	patience = most;
	doubt_until = USEC_NEVER;
}

static int
poll_timeout(usec deadline)
{
	usec left;

	if (deadline == USEC_NEVER)
		return -1;
	left = deadline - clock_now();
	if (left <= 0)
		return 0;
	/* Round up, or the last millisecond would spin. */
	left = (left + 999) / 1000;
	return left > INT_MAX ? INT_MAX : (int)left;
}

static unsigned
ready_mask(short revents)
{
	unsigned got = 0;

	if (revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
		got |= WAIT_READ;
	if (revents & (POLLOUT | POLLHUP | POLLERR | POLLNVAL))
		got |= WAIT_WRITE;
	return got;
}

static void
fill(struct pollfd *p, const struct waiter *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		p[i] = (struct pollfd){ .fd = w[i].want != 0 ? w[i].fd : -1 };
		if (w[i].want & WAIT_READ)
			p[i].events |= POLLIN;
		if (w[i].want & WAIT_WRITE)
			p[i].events |= POLLOUT;
	}
	p[n + OWN_CANCEL] = (struct pollfd){ .fd = cancel_fd, .events = POLLIN };
	p[n + OWN_DOUBT] = (struct pollfd){ .fd = doubt_fd, .events = POLLIN };
}

static void
begin_doubt(void)
{
	char bytes[1024];

	while (read(doubt_fd, bytes, sizeof(bytes)) > 0)
		;
	doubt_until = clock_now() + patience;
}

/* poll(2) until the deadline, or until the doubt has lasted too long; how many of
 * all are ready. */
static int
poll_once(struct pollfd *p, size_t n, usec deadline)
{
	usec until = doubt_until < deadline ? doubt_until : deadline;
	int r;

	do
		r = poll(p, n + OWN_N, poll_timeout(until));
	while (r < 0 && errno == EINTR);
	return r;
}

static int
wait_in(struct pollfd *p, struct waiter *w, size_t n, usec deadline,
    struct err *err)
{
	int ready = 0, r;

	fill(p, w, n);
	for (;;) {
		r = poll_once(p, n, deadline);
		if (r < 0)
			return err_sys(err, ERR_LOCAL, "internal.poll", "poll");
		if (p[n + OWN_CANCEL].revents != 0)
			return err_set(err, ERR_CANCEL, "cancel",
			    "asked to stop");
		if (p[n + OWN_DOUBT].revents == 0)
			break;
		begin_doubt();
		if (r > 1)
			break;
	}
	for (size_t i = 0; i < n; i++) {
		w[i].got = ready_mask(p[i].revents);
		ready += w[i].got != 0;
	}
	if (ready == 0 && clock_now() >= doubt_until) {
		doubt_until = USEC_NEVER;
		return err_set(err, ERR_RETRY, "net.changed",
		    "the network changed, and nothing came since");
	}
	if (ready > 0)
		doubt_until = USEC_NEVER;
	return ready;
}

int
wait_any(struct waiter *w, size_t n, usec deadline, struct err *err)
{
	struct pollfd few[WAIT_FEW + OWN_N], *many;
	int rc;

	if (n <= WAIT_FEW)
		return wait_in(few, w, n, deadline, err);
	many = xcalloc(n + OWN_N, sizeof(*many));
	rc = wait_in(many, w, n, deadline, err);
	free(many);
	return rc;
}
