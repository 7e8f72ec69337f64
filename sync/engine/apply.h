/*
 * apply.h — carrying out what was decided, one kind of operation after another.
 *
 * Each call goes over one folder's changes (or all folders', for moves), does
 * what is marked in .out.ops, and records it: idempotent operations first do,
 * then record; the others (landing, upload, move) commit an intent before.  A
 * message that one side refuses is quarantined and reported, the rest go on; an
 * error return means that the round is over.
 */
#ifndef ENGINE_APPLY_H
#define ENGINE_APPLY_H

#include <stddef.h>

#include "base/err.h"
#include "engine/account.h"
#include "maildir/dir.h"

/* New files that are moves or copies of what the server has: UID MOVE, UID COPY
 * (move.c). */
int	apply_moves(struct account *acc, struct folder **f, size_t n, struct err *err);
/* STORE, grouped by equal deltas, and renames (flag.c). */
int	apply_flags_remote(struct account *acc, struct folder *f, struct err *err);
int	apply_flags_local(struct account *acc, struct folder *f, struct err *err);
/* What only changes rows: agreed, kept by policy, forgotten (flag.c). */
int	apply_rows(struct account *acc, struct folder *f, struct err *err);
/* Fresh messages, newest first, in batches (download.c). */
int	apply_downloads(struct account *acc, struct folder *f, struct err *err);
/* New files (upload.c). */
int	apply_uploads(struct account *acc, struct folder *f, struct err *err);
/* What was deleted here, by the trash policy (remove.c). */
int	apply_deletes_remote(struct account *acc, struct folder *f, struct err *err);

/* A new row for a file, or the row that it has: content, name, no stage yet. */
int	row_of_file(struct account *acc, struct folder *f, struct change *c,
	    struct msg_row *row, struct err *err);
/* The same of a file that was looked at just now; NULL: it is not there. */
int	row_of_open(struct account *acc, struct folder *f, struct change *c,
	    const struct mstat *st, struct msg_row *row, struct err *err);

#endif
