/*
 * together.h — small new folders, whose mail lands together: with two commits and a
 * sync for a batch of messages, not for each folder.
 */
#ifndef ENGINE_TOGETHER_H
#define ENGINE_TOGETHER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "engine/land.h"

/* A folder whose mail has arrived and has not landed. */
struct waiting {
	struct folder	*f;
	struct arrivals	 arrived;
	struct tally	 did;		/* whole once it has landed */
	usec		 took;
	bool		 failed;	/* not all of it has arrived */
};

struct together {
	struct account	*acc;
	struct waiting	*v;
	size_t		 n, cap;
};

/* Is there nothing to be done in ${f} but to fetch what nobody waits for? */
bool	together_suits(const struct account *acc, const struct folder *f);
/* Fetch it.  After an error, too, what has arrived whole waits. */
int	together_take(struct together *t, struct folder *f, struct err *err);
bool	together_full(const struct together *t);
/* Land all that wait; they stay in ${t}, to be recorded.  On failure each lands
 * alone from then on. */
int	together_land(struct together *t, struct err *err);
/* What has not landed is thrown away. */
void	together_clear(struct together *t);

#endif
