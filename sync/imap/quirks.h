/*
 * quirks.h — which server this is, and what it does badly, as data.  QUIRKS.md
 * tells the stories; what cannot be put as "do not use this capability" is
 * dealt with where it happens, for every server.
 */
#ifndef IMAP_QUIRKS_H
#define IMAP_QUIRKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum quirk_bits {
	QUIRK_CAPABILITY_AGAIN	= 1 << 0,	/* one more after signing in */
	QUIRK_NO_EXAMINE	= 1 << 1,	/* SELECT, and write nothing */
	TRAIT_AHEAD		= 1 << 2	/* takes commands that were sent before
						 * it has let us in */
};

/* All that is known of one server; zero at first. */
struct quirks {
	uint64_t	avoid;		/* capabilities, 1 << enum imap_cap */
	uint64_t	learned;	/* capabilities that it does not announce */
	unsigned	bits;
	size_t		in_flight;	/* commands at a time; 0: any number */
};

/* Three chances to recognise it; each adds to ${q}. */
void	quirks_greeting(struct quirks *q, struct str text);
void	quirks_caps(struct quirks *q, struct str list);
void	quirks_id(struct quirks *q, struct str name, struct str version);

#endif
