/* wait.c — the only poll(2). */
#include "base/wait.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

enum { WAIT_FEW = 128 };	/* more than these are rare: they go to the heap */

static int cancel_fd = -1;

void
wait_cancel_fd(int fd)
{
	cancel_fd = fd;
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
	p[n] = (struct pollfd){ .fd = cancel_fd, .events = POLLIN };
}

static int
wait_in(struct pollfd *p, struct waiter *w, size_t n, usec deadline,
    struct err *err)
{
	int ready = 0, r;

	fill(p, w, n);
	do
		r = poll(p, n + 1, poll_timeout(deadline));
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_sys(err, ERR_LOCAL, "internal.poll", "poll");
	if (p[n].revents != 0)
		return err_set(err, ERR_CANCEL, "cancel", "asked to stop");
	for (size_t i = 0; i < n; i++) {
		w[i].got = ready_mask(p[i].revents);
		ready += w[i].got != 0;
	}
	return ready;
}

int
wait_any(struct waiter *w, size_t n, usec deadline, struct err *err)
{
	struct pollfd few[WAIT_FEW + 1], *many;
	int rc;

	if (n <= WAIT_FEW)
		return wait_in(few, w, n, deadline, err);
	many = xcalloc(n + 1, sizeof(*many));
	rc = wait_in(many, w, n, deadline, err);
	free(many);
	return rc;
}
