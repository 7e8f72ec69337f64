/*
 * pattern.h — which folders take part, under which local names, by which policy.
 *
 * Patterns match the name that people see, with '/' between components.  `*` does
 * not cross '/', `**` does, `?` is one byte; a lone `*` means everything; `\Sent`
 * and the like match RFC 6154 special uses; INBOX is matched without case.
 */
#ifndef ENGINE_PATTERN_H
#define ENGINE_PATTERN_H

#include <stdbool.h>

#include "base/str.h"
#include "engine/conf.h"

bool	pattern_glob(struct str pattern, struct str name);
/* One pattern against a folder: a special use (enum list_attr) or a name. */
bool	pattern_folder(struct str pattern, struct str name, unsigned attrs);
/* An ordered list: the last that matches wins, `!` excludes; none: no. */
bool	pattern_selects(const struct strlist *rules, struct str name, unsigned attrs);

/* The local name of a server's folder by folders.rename, first match wins; to
 * free(), NULL when no rule applies.  In "[Gmail]/<star>": "<star>", what the
 * star matched carries over. */
char	*pattern_rename(const struct strmap *map, struct str name);
/* The same from local to server. */
char	*pattern_rename_back(const struct strmap *map, struct str name);

/* policy_for, first match wins, else the account's policy. */
struct policy pattern_policy(const struct account_conf *conf, struct str name,
	    unsigned attrs);

#endif
