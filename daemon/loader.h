/*
 * loader.h — what the parts of the loader share: config.c finds and reads the
 * files, config_tree.c turns their trees into values, config_check.c fills in what
 * follows from other values and looks at the whole.
 */
#ifndef DAEMON_LOADER_H
#define DAEMON_LOADER_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "engine/conf.h"
#include "options.h"
#include "yaml_tree.h"

/* Where one value came from. */
struct origin {
	const struct option	*o;
	struct mark		 at;
	bool			 shared;	/* from defaults: */
};

struct origins {
	struct origin	*v;
	size_t		 n, cap;
};

struct sources {
	struct source	**v;
	size_t		 n;
};

/* An account as found in a file. */
struct found {
	const struct node	*key, *value;
	size_t			 n_errors;	/* diagnosed in its keys */
};

struct loader {
	struct diags		*diags;
	struct conf		*conf;
	struct account_conf	 base;		/* defaults, ours and the user's */
	struct found		*account;
	size_t			 n_accounts;
	bool			 broken;	/* a file could not be read: what
						 * is missing may stand there */
};

void	origins_free(struct origins *os);
/* Where ${o} was set, or NULL. */
const struct origin *origin_find(const struct origins *os, const struct option *o);

/* Read a file's top level, but `accounts`: they are noted in l->account. */
void	config_tree_top(struct loader *l, const struct node *root);
/* Read all accounts noted, into l->conf. */
void	config_tree_accounts(struct loader *l);

/* Resolve what is derived, and check what keys mean together. */
void	config_check_all(struct loader *l);

#endif
