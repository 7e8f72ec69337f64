/*
 * tree.h — the list of folders on both sides: what is new, what is gone, what
 * was renamed.
 */
#ifndef ENGINE_TREE_H
#define ENGINE_TREE_H

#include "base/err.h"
#include "engine/account.h"

/* Make both lists of folders equal, by policy: after list_ask(), and when
 * directories may have come or gone. */
int	tree_sync(struct account *acc, struct err *err);

#endif
