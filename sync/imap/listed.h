/*
 * listed.h — the names that LIST has told, for as long as LSUB is to be held against
 * them: servers keep a subscription when its mailbox is deleted (RFC 9051 section
 * 6.3.7), and LSUB tells of it as of any other.
 */
#ifndef IMAP_LISTED_H
#define IMAP_LISTED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/map.h"
#include "base/str.h"

struct listed {
	size_t		 wanted;	/* LSUBs not yet answered */
	struct map	 names;
	char		**name;		/* the map's keys */
	size_t		 n, cap;
};

/* An LSUB is to come: from now on names are kept. */
void	listed_want(struct listed *l);
/* It was answered. */
void	listed_end(struct listed *l);
void	listed_clear(struct listed *l);
/* LIST told of ${name}. */
void	listed_note(struct listed *l, struct str name);
bool	listed_has(const struct listed *l, struct str name);

#endif
