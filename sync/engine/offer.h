/*
 * offer.h — before mail is fetched by POP3, scripts may see its header, and say that
 * they do not want it.
 */
#ifndef ENGINE_OFFER_H
#define ENGINE_OFFER_H

#include <stddef.h>

#include "base/err.h"
#include "engine/maildrop.h"

/* If a script wants to be asked: show it the headers of these new messages, all
 * fetched in one flight, and note what it says in .declined and .landed.keep.  What
 * is declined has a row then, ST_REFUSED, and is not asked about again.  A script
 * that fails has said nothing.  If none wants to be asked, nothing is sent. */
int	offer_all(struct maildrop *m, struct drop_msg **v, size_t n,
	    struct err *err);

#endif
