/*
 * gather.h — the server's side of a folder as changes against the base.
 */
#ifndef ENGINE_GATHER_H
#define ENGINE_GATHER_H

#include <stdbool.h>

#include "base/err.h"
#include "engine/account.h"

/* Read what changed on the server in ${f} since the base, into f->work: fresh
 * messages, changed flags, deletions; a new UIDVALIDITY makes every row lose its
 * uid (engine/pair.c finds them again by content).  One that is new to us and has no
 * mail on either side is not opened: its STATUS is taken.  ERR_FOLDER when the server
 * will not open it.  1: a guard holds it, nothing was read. */
int	gather_remote(struct account *acc, struct folder *f,
	    enum verdict verdict, struct err *err);

/* Whether all that was reported of ${f} since it was read agrees with the base,
 * as the echo of our own writes does: then the counters that the server has given
 * meanwhile may be stored. */
int	gather_quiet(struct account *acc, struct folder *f, bool *quiet,
	    struct err *err);
/* Whether nothing at all was reported of it, before another folder is selected. */
bool	gather_silent(const struct account *acc, const struct folder *f);

#endif
