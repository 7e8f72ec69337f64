/*
 * cred.h — an account's password or token: from a command, a file, a systemd
 * credential or the keyring, kept in locked memory for auth.cache.
 *
 * Errors: ERR_RETRY (a command said "try later", a timeout) or ERR_AUTH (a
 * human must act), with the codes secret.*.
 */
#ifndef DAEMON_CRED_H
#define DAEMON_CRED_H

#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/types.h"
#include "base/wait.h"
#include "engine/conf.h"
#include "role.h"

struct cred {
	struct secret		secret;		/* the last one found */
	usec			valid_until;
	usec			not_before;	/* a command runs no earlier */
	bool			wanted;		/* asked, not answered yet */
	bool			rejected;	/* the server refused the last */
	bool			running;	/* command is in use */
	const char		*called;	/* what messages call its source;
						 * NULL: as an account does */
	struct role_command	command;
};

void	cred_init(struct cred *c);
void	cred_clear(struct cred *c);
/* Forget the secret: the configuration changed. */
void	cred_forget(struct cred *c);
/* Who asked is gone; the secret is kept for who comes next, as long as it may be. */
void	cred_rest(struct cred *c);
/* Ask for the secret; ${rejected}: the server refused the last one, so the
 * cache is not to be used.  The answer comes from cred_step(). */
void	cred_ask(struct cred *c, bool rejected);
/* Go on without waiting.  1: c->secret is the answer; 0: not yet, or nothing
 * was asked; -1: there is none. */
int	cred_step(struct cred *c, const struct account_conf *conf, struct err *err);
/* When cred_step() wants to be called, and what it waits for. */
usec	cred_deadline(const struct cred *c);
void	cred_waiters(const struct cred *c, struct waiter w[2]);
/* How long an answer may take at most: a token is not asked for at once again. */
usec	cred_longest(const struct account_conf *conf);
/* True when ${pid} was this command. */
bool	cred_reaped(struct cred *c, pid_t pid, int status);

/* What is configured: "password_command", "password_file", ..., "external". */
const char	*cred_source(const struct account_conf *conf);
/* Whether a source that is a file can be used now; commands are not run. */
int	cred_check(const struct account_conf *conf, struct err *err);

#endif
