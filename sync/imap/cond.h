/* cond.h — status responses and their codes (RFC 9051 section 7.1). */
#ifndef IMAP_COND_H
#define IMAP_COND_H

#include <stdbool.h>

#include "base/str.h"
#include "imap/lex.h"
#include "imap/parse.h"
#include "imap/sets.h"

/* Is ${word} "OK", "NO", "BAD", "BYE" or "PREAUTH"? */
bool	cond_word(struct str word, enum cond *cond);
/* Read "[CODE args] text" into ${c}, whose ->cond is already set. */
void	cond_read(struct lex *lx, struct sets *sets, struct resp_cond *c);

#endif
