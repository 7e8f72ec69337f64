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
/* Count what a restore has put on the server, into ${summary}; less than there
 * should be makes *code bad. */
int	worker_count_restored(struct account *acc, json_t *summary, int *code,
	    struct err *err);

#endif
