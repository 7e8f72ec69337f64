/* schedule.c — whose turn it is. */
#include "schedule.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "js.h"

static const int64_t first_tries = USEC_S(900);
static const int64_t slip = USEC_S(60);		/* clocks are kept right all the time */
static const int64_t made_up = USEC_S(3600);	/* a turn that it was set past */

bool
schedule_turns(const struct account_conf *conf)
{
	return conf->schedule.every > 0 ||
	    conf->schedule.when == SCHEDULE_MANUAL;
}

bool
schedule_same(const struct account_conf *a, const struct account_conf *b)
{
	return a->schedule.when == b->schedule.when &&
	    a->schedule.every == b->schedule.every &&
	    a->schedule.daily == b->schedule.daily &&
	    a->schedule.from == b->schedule.from &&
	    a->schedule.until == b->schedule.until;
}

/* Many accounts of one server must not begin together. */
static usec
at_random(const struct account *a, usec most)
{
	uint64_t x = (uint64_t)clock_wall();

	for (const char *p = a->name; *p != '\0'; p++)
		x = (x ^ (unsigned char)*p) * 1099511628211u;
	return most > 0 ? (usec)((x >> 16) % (uint64_t)most) : 0;
}

/* Wall clock us of that minute, ${days} after the day of ${now}.  Days have 23 to
 * 25 hours. */
static int64_t
moment(int64_t now, int days, int minutes)
{
	time_t t = (time_t)(now / 1000000);
	struct tm tm;

	localtime_r(&t, &tm);
	tm.tm_mday += days;
	tm.tm_hour = minutes / 60;
	tm.tm_min = minutes % 60;
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm) * 1000000;
}

void
schedule_window(const struct account_conf *conf, int64_t now, bool inside,
    int64_t *from, int64_t *until)
{
	int over = conf->schedule.until < conf->schedule.from ? 1 : 0;

	/* The one that began yesterday may go on. */
	for (int day = -1;; day++) {
		*from = moment(now, day, conf->schedule.from);
		*until = moment(now, day + over, conf->schedule.until);
		if (*from > now)
			return;
		if (inside && now < *until) {
			*from = now;
			return;
		}
	}
}

static usec
next_turn(const struct account *a, bool first)
{
	const struct account_conf *conf = a->conf;
	int64_t now = clock_wall(), from, until;
	usec most = conf->schedule.jitter;

	if (!conf->schedule.daily)
		return clock_in((first ? 0 : conf->schedule.every) +
		    at_random(a, most));
	schedule_window(conf, now, first, &from, &until);
	if (conf->schedule.from != conf->schedule.until)
		most = until - from;
	return clock_in(from - now + at_random(a, most));
}

/* Of deadlines, when it is what time. */
static int64_t
wall_ahead(void)
{
	return clock_wall() - clock_now();
}

/* A daily turn is a moment of the wall clock, and that may be set: at home machines that
 * begin in 1970 as well as by hand.  What is due by the old one is not believed. */
static void
follow_clock(struct account *a)
{
	int64_t set = wall_ahead() - a->due_ahead, late = clock_now() - a->due + set;

	if (a->due == 0 || !a->conf->schedule.daily || llabs(set) <= slip)
		return;
	a->due = set > 0 && late >= 0 && late < made_up ? clock_now() : 0;
	a->due_ahead = wall_ahead();
}

static void
set_turn(struct account *a, bool first)
{
	a->due = next_turn(a, first);
	a->due_ahead = wall_ahead();
}

static bool
is_due(const struct account *a)
{
	return a->conf->schedule.every > 0 && a->due != 0 &&
	    clock_now() >= a->due;
}

bool
schedule_allow(struct account *a, const struct jobs *jobs)
{
	const char *was = condition_missing(&a->condition);
	bool turns = schedule_turns(a->conf);

	condition_step(&a->condition, a->conf,
	    account_active(a) && (!turns || is_due(a)));
	/* A turn that has begun is finished. */
	if (!turns && account_running(a) && !jobs_want(jobs, a->name) &&
	    condition_missing(&a->condition) != NULL)
		account_stop(a);
	return condition_missing(&a->condition) != was;
}

void
schedule_step(struct account *a, struct jobs *jobs)
{
	if (a->conf->schedule.every == 0 || !account_active(a))
		return;
	follow_clock(a);
	if (a->due == 0)
		set_turn(a, true);
	if (!is_due(a) || !condition_met(&a->condition))
		return;
	set_turn(a, false);
	/* The last turn goes on: it counts for this one. */
	if (!jobs_want(jobs, a->name))
		job_add(jobs, job_new(jobs, false, false, VERDICT_NONE),
		    a->name, NULL);
}

usec
schedule_deadline(const struct account *a)
{
	if (a->conf->schedule.every == 0 || !account_active(a))
		return USEC_NEVER;
	return is_due(a) && !condition_met(&a->condition) ? USEC_NEVER : a->due;
}

static bool
may_get_stale(const struct account *a)
{
	const char *state = account_state(a);

	return account_active(a) && a->conf->schedule.alert_after != 0 &&
	    a->conf->schedule.when != SCHEDULE_MANUAL &&
	    strcmp(state, "live") != 0 && strcmp(state, "polling") != 0;
}

/* A machine that was off for days has a while to try first. */
static int64_t
stale_at(const struct account *a)
{
	int64_t after = a->conf->schedule.alert_after;
	int64_t tried = a->began + (after < first_tries ? after : first_tries);

	return a->last_ok + after > tried ? a->last_ok + after : tried;
}

int64_t
schedule_stale(const struct account *a)
{
	return may_get_stale(a) && clock_wall() > stale_at(a) ? a->last_ok : 0;
}

int64_t
schedule_stale_in(const struct account *a)
{
	int64_t left = stale_at(a) - clock_wall();

	/* A moment more: then it is longer ago, not as long. */
	return may_get_stale(a) && left >= 0 ? left + 1000 : 0;
}
