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
/* {"code", "message", "remedy"} of an error, or of a problem. */
json_t	*worker_error(const struct account_conf *conf, const char *state_dir,
	    const struct err *err);
json_t	*worker_problem(const struct account *acc, const struct problem *p);
/* The plan of a dry run, line by line; it is empty then. */
void	worker_send_plan(struct account *acc, const struct job *job);
/* Whether the job names a folder that is neither here nor there; ${err} says so. */
bool	worker_no_such_folder(const struct account *acc, const struct job *job,
	    struct err *err);
bool	worker_guard_holds(const struct account *acc);
json_t	*worker_summary(const struct tally *t);
/* ${job} is done; ${summary} is taken.  Without ${err}, a bad code is explained by
 * the gravest problem. */
void	worker_finish_job(const struct account *acc, struct job *job, int code,
	    json_t *summary, const struct err *err);

#endif
