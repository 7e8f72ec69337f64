/*
 * unread.h — a folder that could not be read this time.
 *
 * What is gone elsewhere may have come to it, and what came elsewhere may have left
 * it: whoever does not wait until it is read takes a move for a deletion and a new
 * message, and what was changed here is lost with the old one.  But a folder that can
 * never be read holds nobody up for good.
 */
#ifndef ENGINE_UNREAD_H
#define ENGINE_UNREAD_H

#include <stdbool.h>

#include "base/err.h"
#include "engine/account.h"

/* What the state knows, when the account is opened. */
int	unread_load(struct account *acc, struct err *err);
/* Nothing more is done in ${f} in this round. */
void	unread_mark(struct folder *f);
/* The same, because of its directory: what is in it here is not known, either. */
void	unread_mark_here(struct folder *f);
/* Of such a folder: was this changed here, to be lost if the message has moved? */
bool	unread_changed(const struct change *c);
/* Is there such a folder, and not for long yet? */
bool	unread_waits(const struct account *acc);
/* The same of one that was marked by unread_mark_here(). */
bool	unread_here(const struct account *acc);
/* At the end of a round: since when there is. */
int	unread_end(struct account *acc, struct err *err);

#endif
