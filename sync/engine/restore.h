/*
 * restore.h — putting a backup on a server.
 *
 * A restore is a round like any other, of a tree that is only read, against
 * another server, with a state of its own: folders are made, what the server has
 * is recognised by content, the rest is uploaded with its date, flags and
 * keywords, and what a crash leaves is settled from the intents.  This is what
 * else there is to it: struct account_conf.restore says that it is one.
 */
#ifndef ENGINE_RESTORE_H
#define ENGINE_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/account.h"

/* Is a message of that date asked for? */
bool	restore_wants(const struct account *acc, int64_t date);
/* The folder has gone from the server since an earlier try: forget what was done
 * in it, so that it is made anew. */
int	restore_again(struct account *acc, struct folder *f, struct err *err);
/* A dry run: what a folder that the server lacks would get. */
int	restore_plan(struct account *acc, const char *path, struct err *err);

struct restored {
	uint64_t	folders;
	uint64_t	here, there;	/* messages: to be restored, on the server */
	char		*short_of;	/* the first folder that lacks some; to free() */
};

/* Count both sides, after a round. */
int	restore_count(struct account *acc, struct restored *out, struct err *err);

#endif
