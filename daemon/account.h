/*
 * account.h — the parent's side of one account: its worker process, when to
 * start it again, what it last said of itself, and the secret it asks for.
 *
 * Nothing here waits.  What a worker says that concerns others comes out of
 * account_step() as a value.
 */
#ifndef DAEMON_ACCOUNT_H
#define DAEMON_ACCOUNT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/types.h"
#include "base/wait.h"
#include "broker.h"
#include "condition.h"
#include "cred.h"
#include "engine/conf.h"
#include "job.h"
#include "progress.h"

/* A worker has few connections; each through a tunnel of its own. */
enum { ACCOUNT_TUNNELS = 8 };

typedef int spawn_worker(const char *account, int page, pid_t *pid, int *fd,
    struct err *err);

/* What all accounts of a parent share; outlives them. */
struct account_env {
	const struct conf	*conf;
	spawn_worker		*spawn;		/* role_spawn_worker() */
	usec			 begin_within;	/* a worker that is not ready
						 * by then hangs */
	bool			 once;		/* one job, then the worker ends */
	bool			 online_check;
	unsigned		 generation;	/* of the configuration */
	unsigned		*programs;	/* of scripts, that run */
};

struct account {
	const struct account_env	*env;
	struct account_conf	*conf;	/* our own copy: reloads replace it */
	char		*name;
	bool		 paused;
	bool		 removed;	/* not in the configuration any more */
	char		 told_state[16];	/* of the last account.state event */

	/* The process; pid 0: none. */
	pid_t		 pid;
	int		 fd;		/* -1: closed */
	bool		 ready;		/* took its configuration */
	bool		 stopping;	/* was told to end */
	bool		 reaped;	/* ended, or about to with nothing left to do;
					 * its last words are not read yet */
	int		 wait_status;	/* then, of waitpid() */
	unsigned	 n_sent, n_done;	/* jobs in this life */
	usec		 started;
	usec		 kill_at;	/* signal it (again) then */
	usec		 due;		/* of its schedule; 0: not set yet */
	int64_t		 due_ahead;	/* so far the wall clock was ahead of clock_now()
					 * when that was set, us */
	struct condition condition;	/* of its schedule */
	int64_t		 began;		/* wall clock us of our own start */
	int64_t		 last_ok;	/* wall clock us of the last full success,
					 * or of our own start if none is known */
	int64_t		 ok_noted;	/* .last_ok as it is on the disk; 0: nothing is */
	bool		 succeeded;	/* there was one since the start */
	int64_t		 last_try;	/* of a round for all folders */
	usec		 next_start;	/* USEC_NEVER: not until somebody asks */
	unsigned	 n_failed;	/* starts that did not last */

	/* How the last one ended. */
	int		 exit;		/* 0 while it runs or ended well */
	int64_t		 since;		/* wall clock us of that */
	json_t		*bye;		/* its last words, or NULL */

	json_t		*status;	/* the last IPC_STATUS, or NULL */
	struct progress_page page;	/* of this life, or of the last */
	struct cred	 cred;
	struct broker	 broker;
	pid_t		 tunnel[ACCOUNT_TUNNELS];	/* process groups, or 0 */
};

enum word_kind {
	WORD_READY,
	WORD_STATUS,		/* account_status() may have changed */
	WORD_LINE,		/* .body of IPC_JOB_LINE */
	WORD_JOB_DONE,		/* .body of IPC_JOB_DONE */
	WORD_MAIL,		/* .body of IPC_MAIL */
	WORD_GONE		/* the worker ended; account->exit says how */
};

struct word {
	enum word_kind	 kind;
	json_t		*body;	/* the caller's to decref, or NULL */
};

void	account_init(struct account *a, const struct account_env *env,
	    const struct account_conf *conf);
void	account_clear(struct account *a);

/* Take another configuration; the worker is stopped, to start again with it. */
void	account_set_conf(struct account *a, const struct account_conf *conf);
/* The level that a worker of ${name} logs at: its talk with the server, where
 * log.protocol asks for it, is trace. */
int	account_log_level(const struct conf *conf, const char *name);
/* One job, then its worker ends. */
bool	account_one_job(const struct account *a);
bool	account_running(const struct account *a);
/* May it run: enabled, not paused, wanted. */
bool	account_active(const struct account *a);
/* Start the worker when its time has come; a failure is a failed start. */
void	account_start(struct account *a);
/* Forget failures and back-off: try again at once. */
void	account_nudge(struct account *a);
/* SIGTERM now, SIGKILL 4 s later. */
void	account_stop(struct account *a);
void	account_kill(struct account *a);
/* Tell the worker that its connections are suspect. */
void	account_wake(struct account *a);
/* Whether the worker is ready, and has not enough to do. */
bool	account_takes_job(const struct account *a);
/* Hand one part of ${job} to it. */
int	account_send_job(struct account *a, const struct job *job, struct part *part,
	    struct err *err);
/* Every folder reached what the server has, now. */
void	account_succeeded(struct account *a);
/* Whether it was paused lives in state_dir/ACCOUNT.paused. */
int	account_set_paused(struct account *a, bool paused, struct err *err);

/* The next thing the worker said, if any: 1 or 0.  Also moves the secret and
 * the deadlines on. */
int	account_step(struct account *a, struct word *word);
/* True when ${pid} belonged to this account.  When it was the worker, WORD_GONE
 * follows from account_step(), after its last words. */
bool	account_reaped(struct account *a, pid_t pid, int status);
usec	account_deadline(const struct account *a);
enum { ACCOUNT_WAITERS = 3 + BROKER_WAITERS + CONDITION_WAITERS };
void	account_waiters(const struct account *a, struct waiter w[ACCOUNT_WAITERS]);

/* "live", "offline", "paused", ...: borrowed. */
const char	*account_state(const struct account *a);
/* The account's object of `status --json`: what the worker said, corrected by
 * what the parent knows better.  A new reference. */
json_t		*account_status(const struct account *a);
/* The error that ended the last worker, {"code", "message"}; new reference. */
json_t		*account_last_error(const struct account *a);

#endif
