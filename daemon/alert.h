/*
 * alert.h — which problems somebody is told of: those that wait for a person, once,
 * and again after `notify.repeat` while they last.  What was told is remembered in
 * state_dir/told.json, so that a restart repeats nothing.
 *
 * Telling is an event, problem.notify; react.c takes it to the desktop and into mail.
 * A network that is lost waits for nobody.
 */
#ifndef DAEMON_ALERT_H
#define DAEMON_ALERT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/types.h"

struct parent;

struct alerts {
	char	*path;		/* NULL: nobody is to be told */
	json_t	*told;		/* "account\tcode\tfolder": wall clock us */
	bool	 look;		/* something may have changed */
	usec	 next;		/* look then, at the latest */
};

/* Read what was told; ${path} is the file. */
void	alerts_open(struct alerts *al, const char *path);
void	alerts_clear(struct alerts *al);
/* Look at all problems, if there is a reason to. */
void	alerts_step(struct parent *p);
usec	alerts_deadline(const struct alerts *al);

#endif
