/*
 * guard.h — more deletions at once than anybody makes by hand are held until the
 * user says what they are.
 */
#ifndef ENGINE_GUARD_H
#define ENGINE_GUARD_H

#include <stdbool.h>

#include "base/err.h"
#include "engine/account.h"

/* Look at what was decided for ${f}.  Deletions that are held are marked done,
 * so that nothing happens to them in this pass; a verdict to put them back makes
 * the messages unknown, so that the next pass transfers them. */
int	guard_check(struct account *acc, struct folder *f, enum verdict verdict,
	    struct err *err);
/* Is there more in ${f} than may be deleted at once, if all of it was? */
int	guard_whole(struct account *acc, const struct folder *f, bool *too_many,
	    struct err *err);
/* The server numbers ${f} anew: true when the configuration wants to be asked, and
 * was not answered.  Then what was found out about the folder is forgotten. */
bool	guard_renumbered(struct account *acc, struct folder *f,
	    enum verdict verdict);

#endif
