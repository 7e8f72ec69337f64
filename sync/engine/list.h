/*
 * list.h — what the server says of its mailboxes: LIST and STATUS.
 */
#ifndef ENGINE_LIST_H
#define ENGINE_LIST_H

#include <stdbool.h>

#include "base/err.h"
#include "engine/account.h"

/* Ask for all mailboxes and their counters, in one flight where LIST-STATUS is
 * there; ${first}: also sign on to extensions (ENABLE, ID, NAMESPACE).  Folders
 * whose counters differ from the base are marked; new ones have id 0. */
int	list_ask(struct account *acc, bool first, struct err *err);

/* Did the last list have INBOX, as every account does?  One without is not whole. */
bool	list_has_inbox(const struct account *acc);

/* From the lanes.  ${pushed}: nobody asked. */
void	list_note(struct account *acc, const struct ev_list *list);
void	list_note_status(struct account *acc, const struct ev_status *status,
	    bool pushed);

/* The special use that people mean by such a name, "Junk" or "Archive", whatever a
 * server calls that mailbox; 0: none. */
unsigned list_use(struct str name);

#endif
