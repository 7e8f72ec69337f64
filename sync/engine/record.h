/* record.h — what was read, and is settled, counts as known. */
#ifndef ENGINE_RECORD_H
#define ENGINE_RECORD_H

#include "base/err.h"
#include "engine/account.h"

/* Write the folder's row, with counters and times as far as all that they count is in
 * the base; what is not is marked dirty.  Joins a transaction, which goes on over
 * folders in which nothing is done: the caller ends it. */
int	record_folder(struct account *acc, struct folder *f, struct err *err);

#endif
