/*
 * candidate.h — the new files of a folder, by content: each may be what a fresh
 * message on the server is.
 */
#ifndef ENGINE_CANDIDATE_H
#define ENGINE_CANDIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "engine/account.h"

struct candidate {
	struct hash	 head;
	uint64_t	 wire_size;
	struct change	*change;
	bool		 used;
};

struct candidates {
	struct candidate	*v;	/* sorted by header */
	size_t			 n, cap;
};

/* Every file of ${f} that no message is known for; each is read once. */
int	candidates_collect(struct candidates *cs, struct folder *f, struct err *err);
/* One that is not used yet; NULL. */
struct candidate *candidates_find(struct candidates *cs, const struct hash *head,
	    uint64_t size);
void	candidates_clear(struct candidates *cs);

#endif
