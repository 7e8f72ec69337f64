/*
 * timer.h — when a script wants to be called: "every 15m", "daily 03:30",
 * "cron 0 4 * * 1" (minute hour day-of-month month day-of-week; numbers, *, lists,
 * ranges, steps), in local time.  Pure: no clock.
 */
#ifndef ENGINE_TIMER_H
#define ENGINE_TIMER_H

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

#endif
