/*
 * timer.h — when a script wants to be called: "every 15m", "daily 03:30",
 * "cron 0 4 * * 1" (minute hour day-of-month month day-of-week; numbers, *, lists,
 * ranges, steps), in local time.  Pure: no clock.
 */
#ifndef ENGINE_TIMER_H
#define ENGINE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct timer {
	int64_t		every;		/* seconds; 0: by the calendar */
	uint64_t	minutes;	/* bit n: in that minute, hour, ... */
	uint32_t	hours, days, months, weekdays;	/* Sunday is 0 */
	int		either;		/* both days are restricted: one is enough */
};

/* -1: ERR_CONFIG, config.bad-value. */
int	timer_parse(struct str spec, struct timer *t, struct err *err);
/* The first time after ${last} (seconds since 1970); INT64_MAX: never. */
int64_t	timer_next(const struct timer *t, int64_t last);

enum {
	TIMER_JITTER_S	= 30,
	TIMER_LATE_S	= 60,	/* so late it is in time, and not missed */
	TIMER_AHEAD_S	= 86400	/* a last run that is to come by so much is none */
};

/* Seconds that these wait beyond their minute, less than TIMER_JITTER_S and always
 * the same: not all accounts, nor all machines, at once.  Texts may be NULL. */
int64_t	timer_jitter(const char *account, const char *user, const char *plugin);

enum timer_turn {
	TIMER_WAITS,	/* until *due */
	TIMER_RUNS,	/* now; that is its last run, then */
	TIMER_SKIPS	/* what is past does not count: ${now} is its last run, and
			 * it waits until *due */
};

/* What is to be done at ${now}, the last run being ${last}; 0: it is seen for the
 * first time, and begins to wait.  However many were missed, they are caught up as
 * one, or not at all.  Intervals begin when they may, and have no jitter. */
enum timer_turn timer_turn(const struct timer *t, int64_t last, int64_t now,
	    int64_t jitter, bool catch_up, int64_t *due);

#endif
