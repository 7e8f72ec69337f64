/*
 * worker_status.h — what a worker tells the parent of its account: the account's
 * part of `status --json`.
 */
#ifndef DAEMON_WORKER_STATUS_H
#define DAEMON_WORKER_STATUS_H

#include <stdint.h>

#include "engine/account.h"

struct worker_status {
	char		 state[24];
	int64_t		 since;		/* wall clock us, of the state */
	int64_t		 last_success, last_change;
	char		 mechanism[24];
	const char	*tls;		/* static text of the library, or NULL */
	bool		 compress;
	char		*sent;		/* the last text, to say nothing twice */
};

/* A connection was made: what it is like. */
void	worker_status_connected(struct worker_status *s, const struct lane *ln);
/* A round ended; ${all}: every folder reached what the server has.  Times, and its
 * line in the log. */
void	worker_status_round(struct worker_status *s, const struct tally *did,
	    usec took, bool all);
/* "INBOX done new=3 ... secs=0.2" */
void	worker_status_folder(const struct folder *f, const struct tally *did,
	    usec took, char *out, size_t cap);
/* The text for IPC_STATUS, to free(); NULL when nothing has changed. */
char	*worker_status_json(struct worker_status *s, struct account *acc,
	    const struct account_conf *conf, const char *state,
	    int64_t next_attempt);
void	worker_status_clear(struct worker_status *s);

#endif
