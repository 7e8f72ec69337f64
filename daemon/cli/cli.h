/*
 * cli.h — what all verbs share: the parsed command line, the configuration, and
 * how mistakes are told.  A verb returns its exit code (sysexits.h, and 1 for
 * "finished, but something needs attention").
 */
#ifndef DAEMON_CLI_CLI_H
#define DAEMON_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "client.h"
#include "engine/conf.h"
#include "meter.h"

enum { EXIT_ATTENTION = 1, EXIT_GUARD = 10, EXIT_INTERRUPTED = 130 };

struct cli {
	/* global */
	const char	*config_file, *socket, *color, *progress;
	bool		 json, quiet, no_input, help, version;
	unsigned	 verbose;
	/* of verbs */
	bool		 once, dry_run, full, detach, online, check;
	bool		 follow, yes;
	bool		 offline, pop3, starttls, print, from_stdin;
	bool		 watch, waybar, full_names;
	const char	*format;
	const char	*since, *message_id, *folder, *most;
	const char	*account, *mailbox, *diff;
	bool		 explain;
	const char	*name, *host, *user, *path, *policy, *secret, *dns, *ca_file, *pin;
	bool		 skip_existing;
	const char	*until, *to;
	struct strlist	 map;
	bool		 deep, mbox, tar, null;
	const char	*sample;
	/* what is neither: the verb's arguments, and -a */
	char		**arg;
	size_t		 n;
};

struct parent_opts;

typedef int verb_fn(struct cli *cli);

struct verb {
	const char	*name;
	verb_fn		*run;
	const char	*args;		/* "[ACCOUNT]..." */
	const char	*flags;		/* " dry-run full ": those it knows */
	size_t		 min, max;	/* how many arguments */
	const char	*about;		/* one line */
	const char	*more;		/* more lines for `help VERB`, or "" */
};

/* A name that begins with '_' is for programs, and not listed. */
extern const struct verb cli_verbs[];
extern const size_t cli_n_verbs;

enum flag_kind { FLAG_BOOL, FLAG_COUNT, FLAG_TEXT, FLAG_LIST, FLAG_ACCOUNT };

struct flag {
	const char	*name;
	char		 letter;	/* or NUL */
	enum flag_kind	 kind;
	bool		 global;	/* known to every verb */
	size_t		 at;		/* in struct cli */
};

extern const struct flag cli_flags[];
extern const size_t cli_n_flags;
/* Whether ${verb} (NULL: none yet) knows the flag. */
bool	cli_knows(const struct verb *verb, const struct flag *f);

int	cli_main(int argc, char **argv);

/* Tell a mistake, as words or, with --json, as the last line of stderr; returns
 * ${code}.  ${remedy} may be NULL. */
int	cli_fail(const struct cli *cli, int code, const char *name,
	    const char *message, const char *remedy);
int	cli_fail_err(const struct cli *cli, const struct err *err,
	    const char *remedy);
/* The same of the daemon's {"code", "message", "remedy"}. */
int	cli_fail_json(const struct cli *cli, const json_t *error);
/* The exit code that goes with an error's code: "auth.refused" gives 77. */
int	cli_exit_of(const char *code);

/* The configuration, or NULL after telling why; then *code is the exit code. */
struct conf	*cli_conf(const struct cli *cli, int *code);
/* The accounts that arg[0] names, all without one: a flag for each of
 * conf->account, to free(); NULL after telling why. */
bool		*cli_accounts(const struct cli *cli, const struct conf *conf,
		    int *code);
/* --since as wall clock us, 0 without it; an exit code after telling why not. */
int		 cli_since(const struct cli *cli, int64_t *since);
/* Where the daemon listens: --socket, $SYNCD_SOCKET, the configuration. */
const char	*cli_socket(const struct cli *cli, const struct conf *conf);
/* Connect to the running daemon; an exit code after telling why not.  With
 * --socket or $SYNCD_SOCKET no configuration is read. */
int		 cli_dial(const struct cli *cli, struct line_to *to);
/* One request to the running daemon; prints the error.  0 and *result (a new
 * reference), or an exit code. */
int		 cli_call(const struct cli *cli, const char *method,
		    json_t *params, json_t **result);
/* Wait for a job of the daemon's, with its lines; its exit code. */
int		 cli_wait_job(const struct cli *cli, struct line_to *to,
		    const char *job);
/* ${p} with the arguments as "targets". */
json_t		*cli_targets(const struct cli *cli, json_t *p);
/* Ask the daemon for a job (${asked} is consumed) and wait for it; without a
 * daemon, do it here, with what ${here} says beyond the flags.  Exit code. */
int		 cli_job(const struct cli *cli, const char *method,
		    json_t *asked, const struct parent_opts *here);
/* Do a job here; ${conf} is consumed. */
int		 cli_run_here(const struct cli *cli, struct conf *conf,
		    const struct parent_opts *more);
/* One line of JSON on stdout; consumes ${v}. */
void		 cli_take_json(json_t *v);
bool		 cli_color(const struct cli *cli, int fd);
/* What --progress asks for; it was checked. */
enum meter_mode	 cli_progress(const struct cli *cli);
/* Whether the terminal shows UTF-8. */
bool		 cli_utf8(void);

verb_fn	verb_top, verb_events, verb_changes, verb_generate, verb_doctor, verb_completion,
	verb_complete, verb_init, verb_run, verb_sync, verb_approve, verb_reject, verb_status, verb_folders, verb_log, verb_why,
	verb_undo, verb_export, verb_report, verb_restore, verb_verify, verb_check, verb_plugin, verb_cmd,
	verb_stop, verb_reload, verb_pause, verb_resume, verb_config, verb_explain,
	verb_version, verb_help;

#endif
