/*
 * plugin_conf.h — the scripts of syncd.yaml: which file each is, what it is called,
 * what it may do, and which accounts it sees.
 */
#ifndef DAEMON_PLUGIN_CONF_H
#define DAEMON_PLUGIN_CONF_H

#include <stdbool.h>

#include "engine/conf.h"
#include "loader.h"
#include "yaml_tree.h"

/* The options of ${p} were read (or are defaults): find its file and its name.
 * ${value} is its item in the list.  False after a diagnosis: leave it out. */
bool	plugin_conf_resolve(struct loader *l, struct plugin_conf *p,
	    const struct node *value);
/* Give each account the scripts that it is to have. */
void	plugin_conf_share(struct conf *conf);

/* Where the library of scripts and the scripts of ours are; to free(). */
char	*plugin_conf_lua_dir(void);

#endif
