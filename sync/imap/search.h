/* search.h — SEARCH, ESEARCH and VANISHED: responses that are sets of UIDs. */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include <stdbool.h>

#include "imap/lex.h"
#include "imap/sets.h"
#include "net/lane.h"

/*
 * Read what follows the name of the response into an EV_UIDS or EV_GONE.  A
 * search result that cannot be read in full is lx->broken, not skipped: a UID
 * that is missing from it would look like a deleted message.  A VANISHED that
 * cannot be read is false: believing nothing of it is safe.
 */
bool	search_read(struct lex *lx, struct sets *sets, struct event *ev);
bool	search_read_extended(struct lex *lx, struct sets *sets, struct event *ev);
bool	search_read_vanished(struct lex *lx, struct sets *sets, struct event *ev);

#endif
