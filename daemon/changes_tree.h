/* changes_tree.h — the Maildirs of one account, as the feed of changes sees them:
 * names of files, what is there, and what syncd has not seen yet. */
#ifndef DAEMON_CHANGES_TREE_H
#define DAEMON_CHANGES_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "changes.h"
#include "store/store.h"

struct changes_folder {
	int64_t	 id;
	char	*path;			/* below the root */
	int64_t	 mtime_cur, mtime_new;	/* as it was read last */
};

struct changes_tree {
	char			*root;
	char			*only;	/* below the root: what is asked for */
	char			*shown;	/* what the caller calls that */
	struct changes_folder	*folder;
	size_t			 n_folders, last;
};

int	changes_tree_load(struct changes_tree *t, struct store *s, struct err *err);
void	changes_tree_clear(struct changes_tree *t);
/* The message's file below the root, to free(); NULL: it has none. */
char	*changes_path(struct changes_tree *t, const struct msg_row *row);
/* A file was at ${was} and is at ${now}, each below the root or NULL.  What there
 * is to tell of it depends on what is there. */
void	changes_tell(struct changes *out, const struct changes_tree *t,
	    const char *was, const char *now, bool rewritten);
/* Directories that moved since they were read last: what is there and not in the
 * store, or the other way round. */
int	changes_scan(struct changes *out, struct changes_tree *t, struct store *s,
	    struct err *err);

#endif
