/* tree_impl.h — the two lists of folders, as tree.c, tree_there.c and tree_here.c
 * share them. */
#ifndef ENGINE_TREE_IMPL_H
#define ENGINE_TREE_IMPL_H

#include "engine/tree.h"

/* The server's list against the rows.  A list that failed, or that lacks INBOX, proves
 * nothing about what is gone. */
int	tree_there(struct account *acc, struct err *err);
/* The directories against the rows. */
int	tree_here(struct account *acc, struct err *err);

/* Is ${name} below the folder ${prefix}? */
bool	tree_below(const char *name, const char *prefix, char delim);
/* ${name}, which begins with ${from}, with ${to} instead.  The caller frees it. */
char	*tree_swap(const char *name, const char *from, const char *to);
/* Does ${err} concern one folder only?  Then it is told, and the others go on. */
bool	tree_failed_one(struct account *acc, struct folder *f,
	    const struct err *err);

#endif
