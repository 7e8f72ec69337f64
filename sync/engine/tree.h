/*
 * tree.h — the list of folders on both sides: what is new, what is gone, what
 * was renamed; names on the wire and directories.
 */
#ifndef ENGINE_TREE_H
#define ENGINE_TREE_H

#include <stdbool.h>

#include "base/err.h"
#include "engine/account.h"

/* Ask for all mailboxes and their counters, in one flight where LIST-STATUS is
 * there; ${first}: also sign on to extensions (ENABLE, ID, NAMESPACE).  Folders
 * whose counters differ from the base are marked. */
int	tree_ask(struct account *acc, bool first, struct err *err);
/* Make both lists of folders equal, by policy.  After tree_ask(). */
int	tree_sync(struct account *acc, struct err *err);

/* From the lanes. */
void	tree_note_list(struct account *acc, const struct ev_list *list);
void	tree_note_status(struct account *acc, const struct ev_status *status,
	    bool pushed);

#endif
