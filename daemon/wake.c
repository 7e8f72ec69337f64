/*
 * wake.c — sleep and network changes.
 *
 * The kernel cancels a TFD_TIMER_CANCEL_ON_SET timer on resume from suspend,
 * and on a mere clock step as well: the difference of CLOCK_BOOTTIME and
 * CLOCK_MONOTONIC, which grows during sleep only, tells them apart.
 */
#include "wake.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* A new lease is several messages: one report for all of them. */
static const usec settle = USEC_S(1);

static usec
time_asleep(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return clock_now() - ((usec)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

static void
arm(struct wake *w)
{
	struct itimerspec far = { 0 };

	/* It never expires; being cancelled is all that it is for. */
	clock_gettime(CLOCK_REALTIME, &far.it_value);
	far.it_value.tv_sec += (time_t)10 * 365 * 86400;
	(void)timerfd_settime(w->timer,
	    TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

void
wake_init(struct wake *w)
{
	struct sockaddr_nl nl = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
		    RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE
	};

	*w = (struct wake){ .due = USEC_NEVER, .asleep = time_asleep() };
	w->timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->timer >= 0)
		arm(w);
	w->net = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);
	if (w->net >= 0 &&
	    bind(w->net, (const struct sockaddr *)&nl, sizeof(nl)) < 0) {
		close(w->net);
		w->net = -1;
	}
}

void
wake_clear(struct wake *w)
{
	if (w->timer >= 0)
		close(w->timer);
	if (w->net >= 0)
		close(w->net);
	*w = (struct wake){ .timer = -1, .net = -1, .due = USEC_NEVER };
}

void
wake_waiters(const struct wake *w, struct waiter out[2])
{
	out[0] = (struct waiter){ .fd = w->timer, .want = WAIT_READ };
	out[1] = (struct waiter){ .fd = w->net, .want = WAIT_READ };
}

usec
wake_deadline(const struct wake *w)
{
	return w->due;
}

/* Router advertisements repeat IPv6 addresses every few minutes, and routes
 * come and go with containers: only what can break a connection counts. */
static bool
matters(const struct nlmsghdr *h)
{
	if (h->nlmsg_type == RTM_DELADDR)
		return true;
	if (h->nlmsg_type == RTM_NEWADDR) {
		const struct ifaddrmsg *a = NLMSG_DATA(h);

		return h->nlmsg_len >= NLMSG_LENGTH(sizeof(*a)) &&
		    a->ifa_family == AF_INET;
	}
	if (h->nlmsg_type == RTM_NEWROUTE || h->nlmsg_type == RTM_DELROUTE) {
		const struct rtmsg *r = NLMSG_DATA(h);

		return h->nlmsg_len >= NLMSG_LENGTH(sizeof(*r)) &&
		    r->rtm_dst_len == 0 && r->rtm_table == RT_TABLE_MAIN;
	}
	return false;
}

static bool
read_net(const struct wake *w)
{
	_Alignas(struct nlmsghdr) char bytes[8192];
	bool changed = false;
	ssize_t n;

	if (w->net < 0)
		return false;
	while ((n = recv(w->net, bytes, sizeof(bytes), 0)) > 0) {
		unsigned left = (unsigned)n;

		for (const struct nlmsghdr *h = (const void *)bytes;
		    NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			changed |= matters(h);
	}
	/* Messages were lost: assume the worst. */
	return changed || (n < 0 && errno == ENOBUFS);
}

static bool
read_timer(struct wake *w)
{
	uint64_t ticks;
	usec was = w->asleep;

	if (w->timer < 0 || read(w->timer, &ticks, sizeof(ticks)) >= 0 ||
	    errno != ECANCELED)
		return false;
	arm(w);
	w->asleep = time_asleep();
	return w->asleep - was > USEC_S(1);
}

bool
wake_step(struct wake *w)
{
	bool slept = read_timer(w), moved = read_net(w);

	if ((slept || moved) && w->due == USEC_NEVER)
		w->due = slept ? clock_now() : clock_in(settle);
	if (clock_now() < w->due)
		return false;
	w->due = USEC_NEVER;
	return true;
}
