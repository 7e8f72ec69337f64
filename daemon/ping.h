/*
 * ping.h — telling a health check that a round begins, went well or failed, by an
 * external curl: `backup.ping`.
 *
 * URL/start, URL, URL/fail are what healthchecks.io and its kin take.  Nothing here
 * waits, and a ping that fails is a line in the log: it must not disturb mail.
 */
#ifndef DAEMON_PING_H
#define DAEMON_PING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/types.h"
#include "base/wait.h"
#include "engine/conf.h"

struct ping;

struct pings {
	struct ping	**v;
	size_t		  n, cap;
};

enum ping_kind { PING_START, PING_SUCCESS, PING_FAIL };

/* Nothing when the account has no URL.  ${body} is the report, or NULL. */
void	pings_send(struct pings *ps, const struct account_conf *conf,
	    enum ping_kind kind, const char *body);
void	pings_step(struct pings *ps);
bool	pings_reaped(struct pings *ps, pid_t pid, int status);
usec	pings_deadline(const struct pings *ps);
/* Two for each of ps->n. */
void	pings_waiters(const struct pings *ps, struct waiter *w);
void	pings_clear(struct pings *ps);

#endif
