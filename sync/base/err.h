/*
 * err.h — an error is a value: its class says what the engine does about it,
 * its code is stable and documented (`syncd explain CODE`), its text says in
 * English what we were doing.  Functions return 0 / -1 (or a pointer / NULL)
 * and take `struct err *err` last; it is untouched on success.  Each level
 * prefixes context with err_wrap().
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/attr.h"

enum err_class {
	ERR_NONE,
	ERR_RETRY,	/* network, busy: back off and try again */
	ERR_AUTH,	/* credentials refused: stop, ask the user */
	ERR_MSG,	/* this message only: quarantine it, go on */
	ERR_FOLDER,	/* this folder only: skip it this round */
	ERR_PROTO,	/* the peer broke its protocol: drop the connection */
	ERR_LOCAL,	/* disk, state database: stop the account, say so */
	ERR_CONFIG,	/* the user's configuration: stop until it changes */
	ERR_CANCEL	/* we were asked to stop */
};

struct err {
	enum err_class	class;
	int		errnum;		/* errno, or 0 */
	const char	*code;		/* dotted code, static: "auth.refused" */
	char		resp[32];	/* IMAP/POP3 response code: "OVERQUOTA" */
	char		text[480];
};

/* Fill ${err}; always returns -1, so that `return err_set(...)` reads well.
 * ${code} must be a string literal. */
int	err_set(struct err *err, enum err_class class, const char *code,
	    const char *fmt, ...) PRINTF(4, 5);
/* The same, with ": strerror(errno)" appended and errnum set. */
int	err_sys(struct err *err, enum err_class class, const char *code,
	    const char *fmt, ...) PRINTF(4, 5);
/* Prefix "context: " to the text; returns -1. */
int	err_wrap(struct err *err, const char *fmt, ...) PRINTF(2, 3);

#endif
