/*
 * lane.c — the connections of one account, stepped in turn.  Called by the
 * engine; waits in lanes_reap() only.
 */
#include "net/lane.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	EXTRA_MAX	= 64,
	/* A lane that always has something to say must not keep us from seeing
	 * the caller's own descriptors, or the order to stop. */
	BURST_MAX	= 64
};

void
lanes_add(struct lanes *ls, struct lane *ln)
{
	must(ls->n < LANES_MAX);
	ls->lane[ls->n++] = ln;
}

void
lanes_close(struct lanes *ls, struct lane *ln)
{
	size_t i = 0;

	while (i < ls->n && ls->lane[i] != ln)
		i++;
	must(i < ls->n);
	ls->n--;
	memmove(&ls->lane[i], &ls->lane[i + 1],
	    (ls->n - i) * sizeof(ls->lane[0]));
	if (ls->turn > i)
		ls->turn--;
	ln->ops->free(ln);
}

/* One event, from the first lane that has one. */
static bool
step(struct lanes *ls, struct event *ev)
{
	for (size_t i = 0; i < ls->n; i++) {
		size_t at = (ls->turn + i) % ls->n;
		struct lane *ln = ls->lane[at];

		if (ln->lost || !ln->ops->step(ln, ev))
			continue;
		ev->lane = ln;
		ln->lost = ev->kind == EV_LOST;
		ls->turn = at + 1;
		return true;
	}
	return false;
}

/* Wait for any lane or ${extra}.  1: one of ${extra} is ready; 0: go on; -1. */
static int
wait_all(struct lanes *ls, struct waiter *extra, size_t n_extra, usec deadline,
    struct err *err)
{
	struct waiter w[LANES_MAX + EXTRA_MAX];
	size_t n = 0;
	int ready = 0;

	must(n_extra <= EXTRA_MAX);
	for (size_t i = 0; i < n_extra; i++)
		w[n++] = extra[i];
	for (size_t i = 0; i < ls->n; i++) {
		const struct lane *ln = ls->lane[i];
		usec wish;

		if (ln->lost)
			continue;
		w[n++] = ln->ops->waiter(ln);
		wish = ln->ops->deadline(ln);
		deadline = clock_earlier(deadline, wish);
	}
	ls->burst = 0;
	if (wait_any(w, n, deadline, err) < 0)
		return -1;
	for (size_t i = 0; i < n_extra; i++) {
		extra[i].got = w[i].got;
		ready |= w[i].got != 0;
	}
	return ready;
}

int
lanes_reap(struct lanes *ls, struct event *ev, struct waiter *extra,
    size_t n_extra, usec deadline, struct err *err)
{
	bool last = false;
	int r;

	if (++ls->burst > BURST_MAX) {
		r = wait_all(ls, extra, n_extra, 0, err);
		if (r != 0)
			return r < 0 ? -1 : 0;
	}
	for (;;) {
		if (step(ls, ev))
			return 1;
		/* Stepped once after the deadline: nobody can stretch it. */
		if (last)
			return 0;
		r = wait_all(ls, extra, n_extra, deadline, err);
		if (r != 0)
			return r < 0 ? -1 : 0;
		last = clock_now() >= deadline;
	}
}
