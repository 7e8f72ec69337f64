/* retry.c — how long a worker waits before it connects again. */
#include "retry.h"

#include <string.h>

#include "base/clock.h"

enum { BACKOFF_MIN_S = 2, BACKOFF_MAX_S = 900, AWAY_MAX_S = 60, LOCKED_S = 60 };

static usec
backoff(unsigned failures)
{
	unsigned shift = failures < 10 ? failures : 10;
	usec wait = USEC_S(BACKOFF_MIN_S) << shift;
	usec most = USEC_S(BACKOFF_MAX_S);

	if (wait > most)
		wait = most;
	/* Many accounts must not come back in step. */
	return wait - wait / 4 + (usec)((uint64_t)clock_wall() * 7919 %
	    (uint64_t)(wait / 2 + 1));
}

/* A mailbox that is locked stays so for a while; a network that has just changed
 * may need some more seconds; and one that is away comes back without a word,
 * where it is not ours that went. */
usec
retry_after(const char *code, unsigned failures, bool eager)
{
	usec wait = backoff(failures);

	if (strcmp(code, "server.in-use") == 0)
		return wait > USEC_S(LOCKED_S) ? wait : USEC_S(LOCKED_S);
	if (strncmp(code, "net.", 4) != 0)
		return wait;
	if (eager)
		return backoff(0) / 2;
	return wait < USEC_S(AWAY_MAX_S) ? wait : USEC_S(AWAY_MAX_S);
}
