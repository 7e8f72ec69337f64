/*
 * react.h — hooks: commands of the user that run on events.
 *
 * One more reader of the events.  Each hook gathers what concerns it until it has
 * been quiet for `debounce`, then runs, once; what comes meanwhile waits for the
 * next run.  Commands are the parent's children and never waited for: a hook that
 * hangs delays nothing but itself.
 *
 * A string is a line for the shell and gets no text of any mail but on its stdin,
 * as JSON lines.  A list is an argv; what replaces a placeholder stays within its
 * argument, without control characters, and cannot become an option.
 */
#ifndef DAEMON_REACT_H
#define DAEMON_REACT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/types.h"
#include "base/wait.h"
#include "engine/conf.h"
#include "events.h"
#include "role.h"

enum { REACT_RATE_MAX = 60, REACT_PENDING = 1000, REACT_WAITERS = 2 };

struct reaction {
	const struct react_conf	*conf;
	const char		*mail_to;	/* its stdin is a mail to it */
	json_t			*pending;	/* events not handed out yet */
	json_t			*batch;		/* those of the running command */
	usec			 due;		/* USEC_NEVER: nothing waits */
	usec			 latest;	/* no debounce goes beyond that */
	usec			 started[REACT_RATE_MAX];	/* of the last runs */
	size_t			 n_started;	/* ever */
	unsigned		 tries;		/* of the batch that failed */
	bool			 running;
	struct role_command	 command;
};

struct react {
	struct reaction		*v;
	size_t			 n;
	struct react_conf	 desktop, mail;	/* of notify */
	uint64_t		 seq;		/* events up to it were heard */
};

/* ${conf} must outlive it; only events after ${seq} count. */
void	react_init(struct react *r, const struct conf *conf, uint64_t seq);
void	react_clear(struct react *r);
/* The hooks of ${conf} take the place of those before.  One that is the same in both
 * goes on with its command and its events; of one that is not, both end. */
void	react_renew(struct react *r, const struct conf *conf);
/* Take in what happened. */
void	react_hear(struct react *r, const struct events *e);
/* Start what is due, go on with what runs.  Never waits. */
void	react_step(struct react *r);
usec	react_deadline(const struct react *r);
/* Fills in REACT_WAITERS for each of r->n. */
void	react_waiters(const struct react *r, struct waiter *w);
/* True when ${pid} was one of ours. */
bool	react_reaped(struct react *r, pid_t pid, int status);

/* For tests: the command for ${batch}, whose first event fills in placeholders. */
void	react_argv(const struct react_conf *conf, const json_t *batch,
	    struct strlist *argv);

#endif
