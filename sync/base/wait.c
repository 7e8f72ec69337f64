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

static int cancel_fd = -1, doubt_fd = -1, doubtful = -1;
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

void
wait_doubt_about(int fd)
{
	doubtful = fd;
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

static bool
is_waited_for(const struct waiter *w)
{
	return w->want != 0 && w->fd >= 0;
}

/* Of ${n}, those that are waited for; how many.  The kernel takes no more entries than
 * files may be open, also if most of them are none. */
static size_t
fill(struct pollfd *p, const struct waiter *w, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_waited_for(&w[i]))
			continue;
		p[used] = (struct pollfd){ .fd = w[i].fd };
		if (w[i].want & WAIT_READ)
			p[used].events |= POLLIN;
		if (w[i].want & WAIT_WRITE)
			p[used].events |= POLLOUT;
		used++;
	}
	p[used + OWN_CANCEL] = (struct pollfd){ .fd = cancel_fd, .events = POLLIN };
	p[used + OWN_DOUBT] = (struct pollfd){ .fd = doubt_fd, .events = POLLIN };
	return used;
}

/* As many as there are ready. */
static int
take(const struct pollfd *p, struct waiter *w, size_t n)
{
	int ready = 0;

	for (size_t i = 0; i < n; i++) {
		w[i].got = is_waited_for(&w[i]) ? ready_mask(p++->revents) : 0;
		ready += w[i].got != 0;
	}
	return ready;
}

static void
begin_doubt(void)
{
	char bytes[1024];

	while (read(doubt_fd, bytes, sizeof(bytes)) > 0)
		;
	doubt_until = clock_now() + patience;
}

/* Whether one of them is what may not answer any more. */
static bool
concerns_doubt(const struct waiter *w, size_t n)
{
	for (size_t i = 0; i < n && doubtful >= 0; i++)
		if (w[i].fd == doubtful)
			return true;
	return doubtful < 0;
}

static bool
is_answered(const struct waiter *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (w[i].got != 0 && (doubtful < 0 || w[i].fd == doubtful))
			return true;
	return false;
}

/* poll(2) until then, at the latest; how many of all are ready. */
static int
poll_once(struct pollfd *p, size_t n, usec until)
{
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
	bool concerned = concerns_doubt(w, n);
	size_t used = fill(p, w, n);
	int ready, r;

	for (;;) {
		r = poll_once(p, used, concerned && doubt_until < deadline ?
		    doubt_until : deadline);
		if (r < 0)
			return err_sys(err, ERR_LOCAL, "internal.poll", "poll");
		if (p[used + OWN_CANCEL].revents != 0)
			return err_set(err, ERR_CANCEL, "cancel",
			    "asked to stop");
		if (p[used + OWN_DOUBT].revents == 0)
			break;
		begin_doubt();
		if (r > 1)
			break;
	}
	ready = take(p, w, n);
	if (!concerned)
		return ready;
	if (is_answered(w, n)) {
		doubt_until = USEC_NEVER;
	} else if (clock_now() >= doubt_until) {
		doubt_until = USEC_NEVER;
		return err_set(err, ERR_RETRY, "net.changed",
		    "the network changed, and nothing came since");
	}
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
