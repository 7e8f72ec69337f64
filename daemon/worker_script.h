/*
 * worker_script.h — scripts in the life of a worker: their host, what people ask of
 * them, what `status` says of them.
 */
#ifndef DAEMON_WORKER_SCRIPT_H
#define DAEMON_WORKER_SCRIPT_H

#include <jansson.h>

#include "engine/account.h"
#include "link.h"

/* Give the account its scripts, if it has any.  Waits for nothing: their process
 * is started when it is first needed. */
int	worker_script_open(struct account *acc, struct link *l, struct err *err);
/* Since when there is no server, and when to say so again: each minute, for a script
 * may want to know after an hour only. */
struct outage {
	int64_t	since;		/* wall clock us; 0: online */
	usec	tell_at;
};
void	worker_script_online(struct account *acc, struct outage *o);
void	worker_script_offline(struct account *acc, struct outage *o,
	    const char *why);
/* The last thing that scripts hear: the process ends after it. */
void	worker_script_auth_failed(struct account *acc, const char *why);
/* Begin the jobs that are about scripts, end those that are answered. */
void	worker_script_jobs(struct account *acc, struct link *l);
/* "plugins" of the account's status: a list, empty without any. */
json_t	*worker_script_status(struct account *acc);

#endif
