/* clock.h — the time: one clock for deadlines, one for people. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <time.h>

#include "base/types.h"

/* Now on CLOCK_BOOTTIME, which goes on during suspend. */
usec	clock_now(void);
/* ${us} from now, as a deadline. */
usec	clock_in(usec us);
/* Of two deadlines. */
usec	clock_earlier(usec a, usec b);
/* How long to wait before trying again: ${first}, doubled ${times}, never more than
 * ${most}. */
usec	clock_doubled(usec first, unsigned times, usec most);
/* The wall clock, microseconds since 1970. */
int64_t	clock_wall(void);
/* "2026-11-23T04:46:50Z" of ${wall_us}; ${out} takes 32 bytes. */
void	clock_iso(int64_t wall_us, char out[32]);

#endif
