/* fetch.h — FETCH responses (RFC 9051 section 7.5.2) to EV_MSG. */
#ifndef IMAP_FETCH_H
#define IMAP_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "imap/lex.h"
#include "net/lane.h"

struct fetch {
	struct ev_msg	 msg;	/* ->flags points to ->flag */
	struct str	*flag;
	size_t		 cap_flag;
	struct str	 body;	/* a BODY[] that was not streamed... */
	bool		 inlined;	/* ...if there was one */
};

void	fetch_init(struct fetch *f);
void	fetch_clear(struct fetch *f);
/* Read "(UID 4 FLAGS ...)" as far as it makes sense; a line that is not
 * complete yet will do.  Items that are unknown or make no sense are passed. */
void	fetch_read(struct fetch *f, struct lex *lx);

#endif
