/*
 * recover.h — settling intents: rows that say what was about to happen when we
 * died, lost the connection, or got an answer without a UID.
 */
#ifndef ENGINE_RECOVER_H
#define ENGINE_RECOVER_H

#include <stdint.h>

#include "base/err.h"
#include "engine/account.h"

/* Everything that is open, after connecting and before the first round. */
int	recover_all(struct account *acc, struct err *err);
/* One row, APPENDING or MOVING, by asking the server for its content. */
int	recover_row(struct account *acc, int64_t row, struct err *err);

#endif
