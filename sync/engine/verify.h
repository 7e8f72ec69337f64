/*
 * verify.h — is what was kept still what arrived?
 *
 * Against the state: every message has its file, of its size and with its content.
 * Against the manifest: its chain holds, and what it lists is here.  Against the
 * server, if asked: it has nothing that is not here.  Nothing is overwritten: what
 * is fetched again for a damaged file lies beside it, as cur/.NAME.recovered.
 */
#ifndef ENGINE_VERIFY_H
#define ENGINE_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/types.h"
#include "engine/account.h"

/* One thing that is not as it should be: ${where} it is, below the root or in
 * the state directory, ${what} is wrong, and what to do. */
typedef void verify_found(void *who, const char *where, const char *what,
    const char *remedy);

struct verify_opts {
	unsigned	 percent;	/* of the files are read, 0 to 100 */
	bool		 online;	/* compare with the server, mend what it has;
					 * needs a connection */
	bool		 deep;		/* ... and fetch that share of it to compare */
	verify_found	*found;
	void		*who;
};

struct verified {
	uint64_t	files, read;	/* looked at; read from start to end */
	uint64_t	findings;
	uint64_t	recovered;	/* fetched again */
	uint64_t	fetched;	/* by .deep, to compare */
};

/* -1 when it could not be done; findings are no error. */
int	verify_run(struct account *acc, const struct verify_opts *o,
	    struct verified *out, struct err *err);

/* "weekly 5%": how often and how much; -1: it says something else. */
int	verify_parse(const char *text, usec *every, unsigned *percent);

#endif
