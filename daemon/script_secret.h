/*
 * script_secret.h — secrets of scripts, in the parent: what syncd.yaml names by
 * {command: ...} or {file: ...} for an option, read as an account's secret is.
 *
 * A worker names a script and an option and is not believed: what is run or read
 * is what this process' own configuration says, for that script.  One at a time.
 * Nothing here waits.
 */
#ifndef DAEMON_SCRIPT_SECRET_H
#define DAEMON_SCRIPT_SECRET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/types.h"
#include "base/wait.h"
#include "cred.h"
#include "engine/conf.h"

enum { SCRIPT_SECRETS = 64 };	/* that wait */

struct secret_wish {
	json_int_t		call;
	struct account_conf	conf;	/* name and .auth only, ours */
};

struct script_secrets {
	struct secret_wish	*wish;		/* the first is looked for */
	size_t			 n, cap;
	struct cred		 cred;
	bool			 begun;
};

void	script_secrets_init(struct script_secrets *s);
/* Forget all of them. */
void	script_secrets_clear(struct script_secrets *s);
/* The worker's {"call", "plugin", "secret"}.  NULL, or why not. */
const char *script_secrets_ask(struct script_secrets *s,
	    const struct account_conf *conf, const json_t *ask);
void	script_secrets_cancel(struct script_secrets *s, json_int_t call);
/* Go on.  True: the answer, a new reference, and in *out the secret as a file at 0,
 * the caller's (-1: there is none). */
bool	script_secrets_step(struct script_secrets *s, json_t **exit, int *out);

bool	script_secrets_reaped(struct script_secrets *s, pid_t pid, int status);
void	script_secrets_waiters(const struct script_secrets *s, struct waiter w[2]);
usec	script_secrets_deadline(const struct script_secrets *s);

#endif
