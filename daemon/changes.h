/*
 * changes.h — what happened to files below a directory since an indexer asked
 * last, from the stores of the accounts there.
 *
 * The store says where to look, the directory what is there: a file is told as
 * added, changed or renamed only if it is there now, and as removed only if it is
 * not.  What happens meanwhile may be told twice, and is never left out.
 */
#ifndef DAEMON_CHANGES_H
#define DAEMON_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/conf.h"

enum change_kind { CHANGE_ADDED, CHANGE_CHANGED, CHANGE_RENAMED, CHANGE_REMOVED };

struct change {
	enum change_kind	 kind;
	int64_t			 mtime;	/* ns since 1970; removed: 0 */
	char			*path;
	char			*old;	/* CHANGE_RENAMED: until now */
};

struct changes {
	struct change	*v;
	size_t		 n, cap;
	bool		 snapshot;	/* not what changed, but all that is there */
	char		*token;		/* for the next time */
};

/* Since ${token}, below ${path}, which is in, or is above, an account's tree.
 * Without a token, and with one that is too old or not of these stores: all.
 * live[i]: syncd watches the account's tree; where it does not, directories that
 * moved since are read, too.  -1: target.unknown, state.*. */
int	changes_gather(const struct conf *conf, const bool *live,
	    const char *path, const char *token, struct changes *out,
	    struct err *err);
void	changes_clear(struct changes *c);
extern const char *const change_names[];

#endif
