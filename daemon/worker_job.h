/* worker_job.h — how a worker tells of a job, and of what went wrong. */
#ifndef DAEMON_WORKER_JOB_H
#define DAEMON_WORKER_JOB_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "engine/account.h"
#include "link.h"

/* The exit code that goes with an error. */
int	worker_exit_code(const struct err *err);
/* What to type about it, in ${out}; "": nothing. */
const char *worker_remedy(const struct account_conf *conf, const struct err *err,
	    char *out, size_t cap);
/* The plan of a dry run, line by line; it is empty then. */
void	worker_send_plan(struct account *acc, const struct job *job);
bool	worker_guard_holds(const struct account *acc);
json_t	*worker_summary(const struct tally *t);
/* ${job} is done; ${summary} is taken.  Without ${err}, a bad code is explained by
 * the gravest problem. */
void	worker_finish_job(const struct account *acc, struct job *job, int code,
	    json_t *summary, const struct err *err);

#endif
