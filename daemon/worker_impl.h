/*
 * worker_impl.h — what the files about the life of an account share: worker.c waits,
 * worker_conn.c has its connections, worker_round.c its rounds and jobs.
 */
#ifndef DAEMON_WORKER_IMPL_H
#define DAEMON_WORKER_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "engine/account.h"
#include "engine/round.h"
#include "link.h"
#include "worker_reload.h"
#include "worker_script.h"
#include "worker_status.h"

struct worker {
	struct account_conf	*conf;
	struct account		*acc;
	char			*state_dir;
	bool			 once, online_check, tap;
	int			 lock_fd;
	struct link		 link;
	unsigned		 failures;	/* in a row */
	const char		*trouble;	/* the code of the last one */
	usec			 retry_at;	/* when to connect again */
	usec			 eager_until;	/* the network changed a moment ago */
	struct outage		 outage;
	struct reload		*reload;
	usec			 round_at;	/* when to look again; NEVER */
	usec			 sweep_at, scan_at, undo_at;
	int64_t			 told;		/* rows of the log, as events */
	struct worker_status	 status;
};

/* ---- worker_conn.c ---- */

/* Tell the parent what the account is doing now. */
void	worker_report(struct worker *w, const char *state);
/* The connection on which the work is done. */
int	worker_connect(struct worker *w, struct err *err);
/* Those that only listen, if somebody pushes and they are lacking. */
void	worker_listen(struct worker *w);
/* The connection is lost: a problem, until the next attempt or for long. */
void	worker_failed(struct worker *w, const struct err *err);
/* What that said is over; other problems of the account are not. */
void	worker_recovered(struct worker *w);

/* ---- worker_round.c ---- */

/* Does it matter what happens here? */
bool	worker_two_way(const struct worker *w);
/* Look at everything in the next round. */
void	worker_mark_all(struct worker *w);
bool	worker_round_due(const struct worker *w);
/* 0 settled, 1 not quite, -1. */
int	worker_round(struct worker *w, struct round_opts *opts, struct err *err);
/* What needs no server does not wait for one. */
bool	worker_offline_job(const struct worker *w);
/* Those that can be run now; *code is that of the last one. */
int	worker_run_jobs(struct worker *w, int *code, struct err *err);
void	worker_fail_jobs(struct worker *w, const struct err *err);

#endif
