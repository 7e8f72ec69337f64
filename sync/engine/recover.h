/*
 * recover.h — settling intents: rows that say what was about to happen when we
 * died, lost the connection, or got an answer without a UID.
 */
#ifndef ENGINE_RECOVER_H
#define ENGINE_RECOVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/account.h"

/* Everything that is open, after connecting and before the first round. */
int	recover_all(struct account *acc, struct err *err);
/* Some rows, APPENDING or MOVING, by asking the server for their content. */
int	recover_rows(struct account *acc, const int64_t *row, size_t n,
	    struct err *err);

/* Landings that wait for the folder that a script chose, if it is known by now;
 * acc->filing says whether some still wait. */
int	recover_filing(struct account *acc, struct err *err);

#endif
