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
void	worker_script_open(struct account *acc, struct link *l);
/* Begin the jobs that are about scripts, end those that are answered. */
void	worker_script_jobs(struct account *acc, struct link *l);
/* "plugins" of the account's status: a list, empty without any. */
json_t	*worker_script_status(struct account *acc);

#endif
