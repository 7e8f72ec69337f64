/*
 * across.h — `syncd across`: a message put into another account's Maildir as a mail
 * program would save it there, for scripts.  A process of its own, which the parent
 * starts: a worker can reach no tree but its own.
 *
 * The account's next round finds the file and uploads it.  Done again, because
 * nobody knows how it ended, it finds what it did: the name is made of what the
 * sender says and of the content.
 */
#ifndef DAEMON_ACROSS_H
#define DAEMON_ACROSS_H

#include <stdbool.h>

#include "engine/conf.h"

/* What a worker asks for; all of it is borrowed. */
struct across_wish {
	const char	*mailbox;	/* or the role that is called so */
	const char	*name;		/* what its file's name begins with */
	const char	*date;		/* seconds since 1970 */
	const char	*letters;	/* of its flags */
	bool		 again;		/* it may have been done */
	const char	*const *keyword;
	size_t		 n_keywords;
};

/* The argv of the process that does it; the message is its stdin.  NULL, or why
 * ${to} takes nothing.  It exits with 0, with EX_TEMPFAIL when it is worth another
 * try, or with EX_UNAVAILABLE, and says why on stderr. */
const char	*across_argv(const struct account_conf *to, const char *state_dir,
		    const struct across_wish *wish, struct strlist *argv);

/* The process: `syncd across ...`. */
int		 across_main(int argc, char **argv);

#endif
