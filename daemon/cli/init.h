/*
 * init.h — what `syncd init` has found out so far, shared by its steps: init_find.c
 * (the server), init.c (the secret, the questions), init_conf.c (the file).  A step
 * returns 0 to go on, else the exit code, after telling why.
 */
#ifndef DAEMON_CLI_INIT_H
#define DAEMON_CLI_INIT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "cli/preview.h"
#include "cli/vault.h"
#include "discover.h"

struct init {
	const struct cli	*cli;
	const char		*email;
	char			*dir;		/* of the configuration */
	char			*name, *file;	/* of the account */
	char			*path;		/* of its mail; NULL: the default */
	char			*user;
	char			*policy;	/* NULL: the default */
	struct discovery	 server;
	struct vault		 vault;
	bool			 stored;	/* the secret is there already */
	struct secret		 secret;
	struct preview		 preview;
	char			*yaml;
};

/* To the person; nothing with --json, --quiet or --print. */
void PRINTF(2, 3) init_say(const struct init *in, const char *fmt, ...);

/* --- init_find.c --- */

/* The server of the address. */
int	init_find(struct init *in);
/* What it can do, without signing in; and who will. */
int	init_probe(struct init *in);

/* --- init_conf.c --- */

/* Where accounts.d is looked for, to free(); NULL: nowhere. */
char	*init_dir(const struct cli *cli);
/* Fill in name and file: "fastmail" of ann@fastmail.com, with a number if there is
 * one already. */
void	init_name(struct init *in);
/* What would be written, into yaml, and as syncd will read it: every mistake that
 * a flag brought shows here.  NULL after telling it; then *code is the exit code. */
struct conf *init_conf(struct init *in, int *code);
/* Write yaml to file, which must not be there. */
int	init_write(const struct init *in, struct err *err);
/* Does the configuration as a whole read it, and like it? */
int	init_check(const struct init *in);

#endif
