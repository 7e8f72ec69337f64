/*
 * name.h — file names in cur/ and new/: "unique,S=123:2,FSab".
 *
 * What stands before the first ',' or ':' is the unique name, which stays the
 * same for the life of the message; the rest is fields and the info part.
 * Letters that we do not know, and anything after a second comma of the info
 * part, are kept as they are (Dovecot's rule).  Written flags are sorted and
 * unique, or notmuch would not touch the file.
 */
#ifndef MAILDIR_NAME_H
#define MAILDIR_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* A file name taken apart; all parts borrowed from it. */
struct mname {
	struct str	unique;		/* before the first ',' or ':' */
	struct str	base;		/* before the info part: with ",S=..." */
	struct str	letters;	/* of ":2,"; any order, may repeat */
	struct str	rest;		/* after a second comma, with the comma */
	bool		has_info;
};

/* False for what is not a message: a leading '.', an empty unique name. */
bool	mname_parse(struct str file, struct mname *out);
/* A new unique name: "<sec>.M<usec>P<pid>Q<seq>.<host>"; never twice.  ${out}
 * takes MNAME_UNIQUE_MAX bytes. */
enum { MNAME_UNIQUE_MAX = 96, MNAME_MAX = 256 };
void	mname_unique(char *out);
/* "base:2,LETTERSrest" for cur/, or "base" alone for new/ when ${letters} and
 * ${rest} are empty and ${in_new}.  ${letters} in any order.  -1 when it does
 * not fit NAME_MAX. */
int	mname_print(char out[MNAME_MAX], struct str base, struct str letters,
	    struct str rest, bool in_new);

#endif
