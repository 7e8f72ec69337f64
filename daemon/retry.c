/* retry.c — how long a worker waits before it connects again. */
#include "retry.h"

#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"

enum { BACKOFF_MIN_S = 2, BACKOFF_MAX_S = 900, AWAY_MAX_S = 60, LOCKED_S = 60,
	ASKED_MAX_S = 300 };
/* So often, and no longer, for a server that is begun anew. */
enum { BRISK = 10, BRISK_S = 3 };

/* Many accounts must not come back in step. */
static usec
spread(usec wait)
{
	return wait - wait / 4 +
	    (usec)((uint64_t)clock_wall() * 7919 % (uint64_t)(wait / 2 + 1));
}

static usec
backoff(unsigned failures, int most_s)
{
	return clock_doubled(USEC_S(BACKOFF_MIN_S), failures, USEC_S(most_s));
}

/* A mailbox that is locked stays so for a while; a network that has just changed
 * may need some more seconds; and one that is away comes back without a word,
 * where it is not ours that went. */
usec
retry_after(const char *code, unsigned failures, bool eager)
{
	usec wait = spread(backoff(failures, BACKOFF_MAX_S));

	if (strcmp(code, "server.in-use") == 0)
		return wait > USEC_S(LOCKED_S) ? wait : USEC_S(LOCKED_S);
	if (strncmp(code, "net.", 4) != 0)
		return wait;
	if (eager)
		return spread(USEC_S(1));
	return spread(failures < BRISK ? backoff(failures, BRISK_S) :
	    backoff(failures - BRISK + 2, AWAY_MAX_S));
}

usec
retry_asked(const char *said)
{
	struct str words = STR("Backoff Time: "), text = str_z(said), number;
	size_t at = str_ifind(text, words);
	uint64_t ms;

	if (at == text.n)
		return 0;
	text = str_from(text, at + words.n);
	number = str_split(&text, ' ');
	if (!str_istarts(text, STR("milliseconds")) ||
	    !num_u64(number, 0, UINT64_MAX, &ms))
		return 0;
	return ms < ASKED_MAX_S * 1000 ? USEC_MS(ms) : USEC_S(ASKED_MAX_S);
}
