/*
 * parent.h — the process that starts the others: a worker for each account.  It
 * parses no network byte, no mail and no script; it hands out secrets, collects
 * what workers say of themselves, and answers the control socket.
 */
#ifndef DAEMON_PARENT_H
#define DAEMON_PARENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "account.h"
#include "alert.h"
#include "base/err.h"
#include "base/types.h"
#include "control.h"
#include "engine/conf.h"
#include "events.h"
#include "job.h"
#include "meter.h"
#include "ping.h"
#include "react.h"
#include "wake.h"

struct parent_opts {
	const char	*config_file;	/* of -c, for reload; NULL: search */
	bool		 once;		/* do the jobs and end; no control socket */
	bool		 online_check;	/* once: only log in */
	bool		 dry_run, full;
	enum verdict	 verdict;
	struct verify_wish verify;	/* once: verify, do not sync */
	bool		 quiet;		/* once: print problems only */
	bool		 json;		/* once: print JSON */
	enum meter_mode	 progress;	/* once */
	bool		 utf8;		/* once: of the terminal */
	char		**target;	/* once: ACCOUNT[/FOLDER]; none: all */
	size_t		 n_targets;
	spawn_worker	*spawn;		/* NULL: role_spawn_worker() */
	usec		 begin_within;	/* a worker; 0: five minutes */
};

struct parent {
	struct conf		*conf;
	const struct parent_opts *opts;
	struct account_env	 env;
	struct account		**account;
	size_t			 n, cap;
	struct jobs		 jobs;
	struct events		 events;
	struct control		 control;
	struct pings		 pings;
	usec			 metrics;	/* when to write them next */
	struct react		 react;
	struct alerts		 alerts;
	struct wake		 wake;
	struct meter		 meter;
	int			 signals;	/* a signalfd */
	int64_t			 started;	/* wall clock us */
	json_t			*conf_error;	/* of the last reload, or NULL */
	json_t			*open_problems;	/* account: {code: true}, told of */
	int			 interrupted;	/* the signal that stopped us, or 0 */
	bool			 stopping;
};

/* Run until told to stop, or (once) until all is done; returns the exit code.
 * ${conf} is consumed. */
int		 parent_run(struct conf *conf, const struct parent_opts *opts);

/* For methods.c, once.c and parent_conf.c. */
struct account	*parent_find(const struct parent *p, const char *name);
/* ${conf} is borrowed from p->conf. */
void		 parent_add(struct parent *p, const struct account_conf *conf);
/* Read the configuration again; restart what changed.  -1: the old one stays,
 * and p->conf_error says why. */
int		 parent_reload(struct parent *p);
void		 parent_stop(struct parent *p);
json_t		*parent_status(const struct parent *p);

#endif
