/*
 * addr.h — the addresses of a header field (RFC 5322 section 3.4, and what is sent
 * instead of it): groups, comments, quoted and encoded names, routes.
 */
#ifndef PLUGINS_ADDR_H
#define PLUGINS_ADDR_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "base/str.h"

struct addr {
	struct str	name;		/* decoded; empty when there is none */
	struct str	addr;		/* user+detail@domain, domain in lower case */
	struct str	user, detail, domain;
};

struct addrs {
	struct addr	*v;		/* in the arena */
	size_t		 n;
};

enum { ADDRS_MAX = 2000 };

/* Append the addresses of ${raw} (unfolded, not decoded). */
void	addr_parse(struct addrs *list, struct str raw, struct arena *a);
/* One address alone, "ann+x@example.org", into its parts. */
struct addr addr_split(struct str addr, struct arena *a);

#endif
