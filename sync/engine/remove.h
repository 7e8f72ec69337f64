/*
 * remove.h — taking mail away: always into the undo store first, and never more
 * than was meant.
 */
#ifndef ENGINE_REMOVE_H
#define ENGINE_REMOVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "engine/account.h"

/* Unlink the files of tombstones that were made before ${before} (wall clock us)
 * and that no fresh message has claimed.  ${n}: how many are left. */
int	remove_tombstones(struct account *acc, int64_t before, size_t *n,
	    struct err *err);
/* The folder is gone on the server, or here, and policy carries that over. */
int	remove_folder_local(struct account *acc, struct folder *f, struct err *err);
int	remove_folder_remote(struct account *acc, struct folder *f, struct err *err);
/* Is there mail in ${f} on the server that was never here?  DELETE would take it
 * along.  Asks for its STATUS. */
int	remove_takes_more(struct account *acc, struct folder *f, bool *more,
	    struct err *err);

#endif
