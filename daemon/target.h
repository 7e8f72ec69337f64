/* target.h — ACCOUNT or ACCOUNT/FOLDER, with shell globs, as users write it. */
#ifndef DAEMON_TARGET_H
#define DAEMON_TARGET_H

#include <stdbool.h>

#include "base/err.h"
#include "engine/conf.h"
#include "job.h"

struct target {
	char	 account[256];	/* a glob */
	char	*folder;	/* a glob, borrowed; NULL: all */
};

/* ${text} NULL: all accounts.  -1: too long. */
int	target_parse(struct target *t, char *text, struct err *err);
bool	target_has(const struct target *t, const char *account);
/* A part of ${job} for each account that ${text} names.  Without a text,
 * disabled accounts are left out; else they are an error.  -1 with
 * target.unknown, account.disabled. */
int	target_add(struct jobs *js, struct job *job, const struct conf *conf,
	    char *text, struct err *err);
/* The account that was perhaps meant, or NULL. */
const char *target_nearest(const struct conf *conf, const char *account);

#endif
