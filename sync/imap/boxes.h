/* boxes.h — what servers say about mailboxes and themselves: LIST, STATUS
 * (RFC 9051 section 7.3), NAMESPACE (RFC 2342), ID (RFC 2971). */
#ifndef IMAP_BOXES_H
#define IMAP_BOXES_H

#include <stdbool.h>

#include "base/str.h"
#include "imap/lex.h"
#include "net/lane.h"

enum { BOXES_NAME_MAX = 1000 };

/* Each reads what follows the name of its response; false when that makes no
 * sense, or when a mailbox name has CR, LF, NUL or more than BOXES_NAME_MAX
 * bytes: no command could name it without danger. */
bool	boxes_read_list(struct lex *lx, struct ev_list *list);
bool	boxes_read_status(struct lex *lx, struct ev_status *status);
/* The first personal namespace; *prefix is STR_NONE when there is none. */
bool	boxes_read_namespace(struct lex *lx, struct str *prefix, char *delim);
bool	boxes_read_id(struct lex *lx, struct str *name, struct str *version);

#endif
