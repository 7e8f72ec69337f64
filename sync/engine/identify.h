/*
 * identify.h — which of a folder's fresh messages is known already: the server is
 * asked for as little as proves it (like.h has what that is).
 */
#ifndef ENGINE_IDENTIFY_H
#define ENGINE_IDENTIFY_H

#include "base/err.h"
#include "base/hash.h"
#include "base/types.h"
#include "engine/account.h"
#include "engine/missing.h"

/* A fresh message that is nothing new of its own folder. */
struct stranger {
	struct folder	*f;
	struct uid	 uid;
	bool		 known;		/* .head is */
	struct hash	 head;
	uint64_t	 size;
	char		*objid;		/* NULL: none */
};

struct strangers {
	struct stranger	*v;
	size_t		 n, cap;
};

/* Find the partners of what is fresh in ${f}, among what waits in the folder:
 * those leave .work.fresh, and their changes say so.  What may be one of
 * ${missing} in another folder is added to ${others}.  Waits for the server. */
int	identify_fresh(struct account *acc, struct folder *f,
	    const struct missing *missing, struct strangers *others,
	    struct err *err);
/* Take those of ${uid} (ascending) out of .work.fresh. */
void	identify_drop(struct folder *f, const struct uid *uid, size_t n);
void	strangers_clear(struct strangers *all);

#endif
