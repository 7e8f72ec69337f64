/*
 * link.h — a worker's end of the line to its parent: jobs that come in, secrets
 * and tunnels that are asked for, words that go out.
 */
#ifndef DAEMON_LINK_H
#define DAEMON_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/types.h"
#include "engine/conf.h"
#include "engine/hook.h"
#include "ipc.h"

/* A wish of the parent's: one round, now; or something of scripts. */
struct job {
	json_int_t	 id;
	char		*folder;	/* NULL: all */
	bool		 dry_run, full;
	enum verdict	 verdict;
	json_t		*script;	/* {"do": "run" | "replay" | "resume",
					 * ...}, or NULL */
	bool		 asked;		/* it is with the script */
	usec		 late;		/* waits for scripts to load until then; 0 */
	bool		 verify, online, deep;	/* not a round */
	unsigned	 percent;
};

struct link {
	struct job	*job;		/* not done yet, oldest first */
	size_t		 n_jobs, cap_jobs;
	struct job	*wish;		/* those that are about scripts */
	size_t		 n_wishes, cap_wishes;
	struct secret	 secret;	/* the last one; clear it once used */
	bool		 have_secret;
	int		 tunnel_fd;
	bool		 have_tunnel;
	struct err	 trouble;	/* why there is no secret, or tunnel */
	bool		 woken;		/* we slept, or the network changed */
	struct hook_exit *exit;		/* programs of scripts that ended */
	size_t		 n_exits, cap_exits;
	uint32_t	 last_call;
	int		 script_fd;
	bool		 have_script;
};

/* Tell the parent, and wait while it does not listen; ${v} is taken.  A parent that is
 * gone is not an error: the signal to stop is on its way. */
void	link_send(enum ipc_type type, json_t *v);
/* Take in everything that the parent has said by now; -1: it is gone. */
int	link_hear(struct link *l, struct err *err);
/* The same, after waiting for something. */
int	link_wait(struct link *l, usec deadline, struct err *err);
/* Ask for the account's secret and wait for it; nothing to do if it has none.
 * ERR_AUTH: needs the user, ERR_RETRY: later. */
int	link_ask_secret(struct link *l, const struct account_conf *conf,
	    const char *reason, struct err *err);
/* The parent as scripts' programs and processes are asked for (hook.h). */
struct hook_broker link_broker(struct link *l);
void	link_clear(struct link *l);
/* The socket of tunnel_command, which is the caller's; -1 in *fd without one. */
int	link_ask_tunnel(struct link *l, const struct account_conf *conf, int *fd,
	    struct err *err);

#endif
