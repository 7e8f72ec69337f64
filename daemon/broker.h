/*
 * broker.h — the parent's side of scripts: their processes, and the programs that
 * they may run.
 *
 * A worker is not believed: a program runs only if this process' own configuration
 * grants it to that script.  argv only, no shell, a session of its own, nothing of
 * our environment but what is named, no descriptor but its stdin; what it prints is
 * capped; it ends in time.  Nothing here waits.  Secrets of scripts come the same
 * way (script_secret.h).
 */
#ifndef DAEMON_BROKER_H
#define DAEMON_BROKER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/types.h"
#include "base/wait.h"
#include "engine/conf.h"
#include "role.h"
#include "script_secret.h"

enum { BROKER_AT_ONCE = 4, BROKER_ALL = 16, BROKER_QUEUE = 256,
    BROKER_SLOTS = 8, BROKER_WAITERS = 2 * BROKER_AT_ONCE + 2 };

/* A program that is asked for, or runs. */
struct program {
	json_int_t		 call;
	struct strlist		 argv, env;
	int			 in;		/* -1: none */
	usec			 timeout;
	bool			 running;
	struct role_command	 command;
};

/* "plugin" may run what it calls "name": found once, when it was granted. */
struct granted {
	char	*plugin, *name, *path;
};

struct broker {
	const char	*account;	/* borrowed, as is: */
	const struct account_conf *conf;
	unsigned	*all;		/* programs that run, of all accounts */
	struct granted	*granted;
	size_t		 n_granted;
	struct program	**program;
	size_t		 n, cap, n_running;
	pid_t		 script[BROKER_SLOTS];
	struct script_secrets secrets;
};

void	broker_init(struct broker *b, const struct account_conf *conf,
	    unsigned *all);
/* Kill all that runs, forget all that waits: the worker is gone. */
void	broker_stop(struct broker *b);
void	broker_clear(struct broker *b);
/* Another configuration. */
void	broker_grant(struct broker *b, const struct account_conf *conf);

/* A worker's IPC_EXEC, of either kind; ${in} is taken.  NULL, or why not. */
const char *broker_exec(struct broker *b, const json_t *ask, int in);
/* The same, of a question to a service. */
const char *broker_connect(struct broker *b, const json_t *ask, int in);
/* The same, of a message that is to be put into the account ${to} of ${all}. */
const char *broker_across(struct broker *b, const json_t *ask, int in,
	    const struct conf *all);
void	broker_cancel(struct broker *b, json_int_t call);
/* One that has ended: true with its IPC_EXIT, a new reference, and what it printed,
 * or the secret, in *out (-1: nothing; the caller's to close). */
bool	broker_ended(struct broker *b, json_t **exit, int *out);

/* A script process in that slot: its socket, the caller's; -1. */
int	broker_script(struct broker *b, json_int_t slot, struct err *err);
void	broker_script_kill(struct broker *b, json_int_t slot);

/* Start what may start, take in what is printed. */
void	broker_step(struct broker *b);
bool	broker_reaped(struct broker *b, pid_t pid, int status);
void	broker_waiters(const struct broker *b, struct waiter w[BROKER_WAITERS]);
usec	broker_deadline(const struct broker *b);

#endif
