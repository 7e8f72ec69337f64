/* use.h — what a mailbox is for: names of the special uses (RFC 6154, RFC 8457). */
#ifndef IMAP_USE_H
#define IMAP_USE_H

#include "base/str.h"

/* The enum list_attr of "\Junk", in any case; 0: it is none. */
unsigned	 use_of_name(struct str name);
/* "\Junk": that of the first use in ${attrs}; NULL: there is none. */
const char	*use_name(unsigned attrs);

#endif
