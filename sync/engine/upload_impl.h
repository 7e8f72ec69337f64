/*
 * upload_impl.h — what upload.c, upload_row.c and recover.c share: one message on
 * its way up, and the rows that say so.
 */
#ifndef ENGINE_UPLOAD_IMPL_H
#define ENGINE_UPLOAD_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/account.h"
#include "engine/change.h"
#include "imap/cmd.h"
#include "maildir/dir.h"

struct upload {
	struct change	*change;
	int64_t		 row;
	uint32_t	 req;
	size_t		 at;		/* position within a MULTIAPPEND */
	int64_t		 changed;	/* the file, microseconds since 1970 */
	struct imap_upload up;
};

/* Note the intent: a row that is APPENDING, of the file that is open as u->up.fd and is
 * ${st}; u->row and u->up.date.  In a transaction.  1, 0: the file is not what it
 * was, -1. */
int	upload_intend(struct account *acc, struct folder *f, struct change *c,
	    const struct mstat *st, struct upload *u, struct err *err);
/* The old version's row lets go of the name that the new one, the row ${newer}, has
 * taken.  In a transaction. */
int	upload_let_go(struct account *acc, const struct change *c, int64_t newer,
	    struct err *err);
/* The new version is not on the server: the old one, the row ${id}, has the ${file}
 * again, and its content will be seen to be another; NULL: nothing here is its own.
 * In a transaction. */
int	upload_older_back(struct account *acc, int64_t id, const char *file,
	    bool in_new, struct err *err);
/* A new version that was ${refused} is given up: the older one that it was to replace
 * has its file again, as it was when that was tried.  In a transaction.  1, 0: there
 * is none any more, -1. */
int	upload_older_again(struct account *acc, const struct msg_row *refused,
	    struct err *err);
/* The new version is not on the server after all: the old one keeps its place.
 * ${name}: the file is still what the old row describes, and will be tried again.
 * In a transaction. */
int	upload_take_back(struct account *acc, struct change *c, bool name,
	    struct err *err);
/* Nothing was stored there: the file is new again, for a later round. */
int	upload_withdraw(struct account *acc, struct folder *f, struct upload *u,
	    struct err *err);
/* The server does not take it: it stays here only, ${for_good} or until tomorrow. */
int	upload_refuse(struct account *acc, struct folder *f, struct upload *u,
	    bool for_good, const char *why, struct err *err);
/* Taken, as ${uid}.  In a transaction. */
int	upload_settle(struct account *acc, struct folder *f,
	    const struct upload *u, uint32_t uid, struct err *err);

#endif
