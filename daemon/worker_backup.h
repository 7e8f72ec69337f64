/* worker_backup.h — what a worker does and says for `verify` and `restore`. */
#ifndef DAEMON_WORKER_BACKUP_H
#define DAEMON_WORKER_BACKUP_H

#include <jansson.h>

#include "base/err.h"
#include "engine/account.h"
#include "engine/verify.h"
#include "link.h"

/* Verify, tell each finding as a line of ${job}, and note the result in the state
 * and among the problems. */
int	worker_verify(struct account *acc, const struct job *job,
	    struct verified *n, struct err *err);
json_t	*worker_verified_json(const struct verified *n);
/* If `backup.verify` says that it is time again: verify, with findings as lines of
 * ${job} (0: only in the log).  1: there are findings, 0, -1. */
int	worker_verify_due(struct account *acc, json_int_t job, struct err *err);
/* What a job of one round does after it: count what a restore has put on the
 * server, verify if it is time.  Adds to ${summary}; *code gets worse when
 * something is not as it should be. */
int	worker_after_round(struct account *acc, const struct job *job,
	    json_t *summary, int *code, struct err *err);

#endif
