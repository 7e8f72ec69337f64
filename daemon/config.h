/*
 * config.h — syncd.yaml and the files it includes, as a struct conf.
 *
 * Search order without a file name: $SYNCD_CONFIG, then syncd.yaml (or only
 * accounts.d/) in $XDG_CONFIG_HOME/syncd, then /etc/syncd/syncd.yaml.  Every
 * mistake is reported, not only the first.  The parent and the verbs call this; it
 * reads files and waits for nothing else.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdio.h>

#include <jansson.h>

#include "base/str.h"
#include "diag.h"
#include "engine/conf.h"

/* Read everything.  NULL when ${diags} has an error; warnings leave it usable.
 * ${file} NULL: the search order above. */
struct conf	*config_load(const char *file, struct diags *diags);
void		 config_free(struct conf *conf);

/* Explain every key that ${pattern} names: "accounts.*.trash", "accounts.work.tls",
 * "poll", "*delete*"; NULL or "" for all.  Returns how many; 0: none, and the
 * nearest key was suggested. */
size_t		 config_explain(const char *pattern, FILE *out);
/* The JSON Schema (draft-07) of the file, for editors. */
void		 config_schema(FILE *out);
/* Every value in effect and where it came from: file:line, or default.  ${only}: of
 * this account, group or key; NULL: all. */
void		 config_show(const struct conf *conf, const char *only, FILE *out);
/* {"key": {"value": text, "from": text}} of the same, keys with account names. */
json_t		*config_show_json(const struct conf *conf, const char *only);

#endif
