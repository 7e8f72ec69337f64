/*
 * schedule.h — accounts that take turns instead of watching: a worker is started,
 * does one round, and exits.
 */
#ifndef DAEMON_SCHEDULE_H
#define DAEMON_SCHEDULE_H

#include <stdbool.h>

#include "account.h"
#include "base/types.h"
#include "job.h"

/* Whether it has turns (`every 6h`), or runs only when asked (`manual`). */
bool	schedule_turns(const struct account_conf *conf);
/* Whether both have the same turns. */
bool	schedule_same(const struct account_conf *a, const struct account_conf *b);
/* The window of a daily schedule that begins next after ${now}, or, with ${inside},
 * what is left of the one that is on; wall clock us. */
void	schedule_window(const struct account_conf *conf, int64_t now, bool inside,
	    int64_t *from, int64_t *until);
/* Ask what schedule.only_if depends on, if anything depends on it: a worker that
 * watches, or a turn that has come.  A worker that may not be is stopped, unless
 * somebody asked for what it does.  True: another state than before. */
bool	schedule_allow(struct account *a, const struct jobs *jobs);
/* When its turn has come, and it may be, add a job for it; the next turn is set.  A
 * daily one is set anew if the wall clock was, which the parent is woken by (wake.h). */
void	schedule_step(struct account *a, struct jobs *jobs);
/* When the next turn is; USEC_NEVER also when it has come and may not be. */
usec	schedule_deadline(const struct account *a);
/* No full success for too long, while it is not watching: since when, wall clock
 * us; 0: all is well. */
int64_t	schedule_stale(const struct account *a);
/* In how many us that will be, if nothing happens; 0: it is so, or will not be. */
int64_t	schedule_stale_in(const struct account *a);

#endif
