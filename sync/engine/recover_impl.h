/* recover_impl.h — what recover.c and its parts, recover_*.c, share. */
#ifndef ENGINE_RECOVER_IMPL_H
#define ENGINE_RECOVER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "engine/account.h"

/* An upload or a move that the server was asked for, and may have done. */
struct intent {
	int64_t		 row;
	struct folder	*target;	/* NULL: it was dropped */
	uint32_t	 seek;		/* no UID below it is looked at */
	struct hash	 head;
	uint64_t	 wire_size;
	enum stage	 stage;
	struct uid	 found;		/* 0: it is not there */
	bool		 stays_open;	/* nobody could say */
	int64_t		 source;	/* row of what was moved away; 0: none */
	int64_t		 older;		/* row of what it replaces; 0: none */
};

/* Zeroed at first; .v is the caller's to free. */
struct intents {
	struct intent	*v;
	size_t		 n, cap;
};

/* ${row} is APPENDING or MOVING. */
void	intents_add(struct account *acc, struct intents *in,
	    const struct msg_row *row);
/* Ask the server for all of them, each folder once, and have their rows say what
 * is; what a COPY left behind is expunged.  The order of ${in} changes. */
int	intents_settle(struct account *acc, struct intents *in, struct err *err);

/* The row ${id}, LANDING, unless it is not any more. */
int	recover_landing(struct account *acc, int64_t id, struct err *err);
/* The row ${id}, REPLACED, likewise. */
int	recover_older(struct account *acc, int64_t id, struct err *err);

/* One folder's trouble is not the account's: its intents stay open, and nothing
 * else is done in it meanwhile.  False, with nothing done, if ${err} is worse. */
bool	recover_stays_open(struct account *acc, struct folder *f,
	    const struct err *err);

#endif
