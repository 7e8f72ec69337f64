/*
 * objid.h — the server's own ids of mailboxes and messages (RFC 8474, and what came
 * before and after it), as they stand in STATUS and FETCH.
 */
#ifndef IMAP_OBJID_H
#define IMAP_OBJID_H

#include <stdbool.h>

#include "base/str.h"
#include "imap/lex.h"

enum { OBJID_MAX = 255 };	/* RFC 8474 section 7 */

/* "(F2212ea87)"; some leave out the parentheses. */
bool	objid_read(struct lex *lx, struct str *id);
/* What is called ${name} in "(ACCOUNTID A1 MAILBOXID F1)": OBJECTID, a draft that some
 * servers have.  STR_NONE: nothing is. */
bool	objid_read_list(struct lex *lx, struct str name, struct str *id);

#endif
