/* schedule.c — whose turn it is. */
#include "schedule.h"

#include <string.h>

#include "base/clock.h"
#include "js.h"

bool
schedule_turns(const struct account_conf *conf)
{
	return conf->schedule.every > 0 ||
	    conf->schedule.when == SCHEDULE_MANUAL;
}

/* Many accounts of one server must not begin together. */
static usec
jitter(const struct account *a)
{
	usec most = a->conf->schedule.jitter;
	uint64_t x = (uint64_t)clock_wall();

	for (const char *p = a->name; *p != '\0'; p++)
		x = (x ^ (unsigned char)*p) * 1099511628211u;
	return most > 0 ? (usec)(x % (uint64_t)most) : 0;
}

void
schedule_step(struct account *a, struct jobs *jobs)
{
	if (a->conf->schedule.every == 0 || !account_active(a))
		return;
	if (a->due == 0)
		a->due = clock_in(jitter(a));
	if (clock_now() < a->due)
		return;
	a->due = clock_in(a->conf->schedule.every + jitter(a));
	/* The last turn goes on: it counts for this one. */
	if (!jobs_want(jobs, a->name))
		job_add(jobs, job_new(jobs, false, false, VERDICT_NONE),
		    a->name, NULL);
}

usec
schedule_deadline(const struct account *a)
{
	return a->conf->schedule.every > 0 && account_active(a) ? a->due :
	    USEC_NEVER;
}

int64_t
schedule_stale(const struct account *a)
{
	const char *state = account_state(a);

	if (!account_active(a) || a->conf->schedule.alert_after == 0 ||
	    a->conf->schedule.when == SCHEDULE_MANUAL ||
	    strcmp(state, "live") == 0 || strcmp(state, "polling") == 0)
		return 0;
	return clock_wall() - a->last_ok > a->conf->schedule.alert_after ?
	    a->last_ok : 0;
}
