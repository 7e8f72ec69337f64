/*
 * maildrop.h — what a POP3 server has (it calls that a maildrop), held against
 * what the state knows of it.
 *
 * Ids may come twice, be missing, or all change at once; sizes may be wrong.  So
 * a message is known by its id and its size together.  Where only one of them
 * fits, or where most ids are new and most known ones are gone, headers are
 * compared before anything is fetched again or deleted.
 */
#ifndef ENGINE_MAILDROP_H
#define ENGINE_MAILDROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/account.h"
#include "engine/land.h"

struct drop_msg {
	uint32_t	 number;	/* in this session */
	uint64_t	 size;		/* as listed: a hint, servers lie */
	char		*uidl;		/* NULL: none */
	struct uidl_row	*row;		/* what we know it as; NULL: it is new */
	struct landed	 landed;	/* if it came in this session */
	int64_t		 id;		/* its row to be; 0: any */
	bool		 declined;	/* a script does not want it */
	bool		 doubt;		/* its header must be looked at; .row is
					 * what it may be, or NULL: anything */
	bool		 twin;		/* another one has the same id */
	bool		 deleted;	/* DELE was answered with +OK */
};

struct maildrop {
	struct account	*acc;
	struct folder	*f;
	struct drop_msg	*v;		/* by number */
	size_t		 n, cap;
	bool		 has_ids;	/* UIDL works here */
	struct uidl_row	*row;
	size_t		 n_rows;
	bool		*taken;		/* row[i] is one of v[] */
	bool		 held;		/* every id is new, and no way to see why */
	int64_t		 now;		/* wall clock us, of the listing */
};

/* Ask for the list, read the state, and find out what is what.  ${trust}: ids
 * that all changed are believed. */
int	maildrop_read(struct maildrop *m, bool trust, struct err *err);
/* Note what came and went; writes nothing if nothing did. */
int	maildrop_record(struct maildrop *m, struct err *err);
/* Where no ids are given: a row that was not settled before and has this content,
 * which the message ${d} is from now on; or NULL. */
struct uidl_row	*maildrop_by_content(struct maildrop *m, struct drop_msg *d,
		    const struct hash *all);
/* In a transaction: ${listed} stays on the server only, and why.  ${row} is what is
 * known of it; its number is chosen here, or the one that it has. */
int		 maildrop_refuse(struct account *acc, const struct folder *f,
		    struct msg_row *row, struct uidl_row *listed,
		    const char *why, struct err *err);
/* A new message, for the state; ->uidl is a copy. */
struct uidl_row	 maildrop_row(const struct maildrop *m, const struct drop_msg *d);
void	maildrop_clear(struct maildrop *m);

#endif
