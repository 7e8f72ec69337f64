/* clock.c — the time. */
#include "base/clock.h"

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

usec
clock_now(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

usec
clock_in(usec us)
{
	usec deadline;

	if (__builtin_add_overflow(clock_now(), us, &deadline))
		return USEC_NEVER;
	return deadline;
}

usec
clock_earlier(usec a, usec b)
{
	return a < b ? a : b;
}

usec
clock_doubled(usec first, unsigned times, usec most)
{
	usec wait = first;

	while (times-- > 0 && wait < most)
		wait = wait > most / 2 ? most : wait * 2;
	return wait < most ? wait : most;
}

int64_t
clock_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}

void
clock_iso(int64_t wall_us, char out[32])
{
	time_t t = (time_t)(wall_us / 1000000);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
