/*
 * round.h — the only path that reconciles: gather, pair, decide, apply, record,
 * until nothing is dirty.
 */
#ifndef ENGINE_ROUND_H
#define ENGINE_ROUND_H

#include <stdbool.h>

#include "base/err.h"
#include "base/types.h"
#include "engine/account.h"

/* A folder in which something was done, for whoever watches. */
typedef void folder_done(void *who, const struct folder *f,
    const struct tally *did, usec took);

struct round_opts {
	const char	*only;		/* folder name pattern, or NULL: all */
	usec		 grace;		/* how long a tombstone waits; 0: until a
					 * later pass has asked for all folders */
	enum verdict	 verdict;	/* on deletions that a guard holds */
	bool		 full;		/* distrust counters and times: look */
	folder_done	*done;		/* NULL: nobody watches */
	void		*who;
};

/* Reconcile what is dirty.  Asks for the list of folders if acc->tree_remote.
 * Messages and folders that fail are reported as problems and stay dirty.
 *	0	settled: what server and disk had at the start is equal
 *	1	something could not be settled now: try again later
 *	-1	the connection or the disk failed, or ERR_CANCEL */
int	round_run(struct account *acc, const struct round_opts *o, struct err *err);

/* Tombstones are waiting: a round is due after their grace. */
bool	round_has_tombstones(const struct account *acc);

#endif
