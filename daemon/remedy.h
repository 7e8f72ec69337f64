/*
 * remedy.h — what to type, or to change, next: the line of help that goes with an
 * error.  `syncd explain CODE` (codes.h) has the long text.
 */
#ifndef DAEMON_REMEDY_H
#define DAEMON_REMEDY_H

#include <stddef.h>

#include "engine/conf.h"

/* Where it happened; what is not known is NULL, and its word stays in capitals. */
struct remedy_place {
	const struct account_conf	*account;
	const char			*folder;
	const char			*state_dir;
	const char			*said;	/* the message: it may name a key */
};

/* The remedy of ${code} in ${out}, with ACCOUNT, FOLDER, HOST, PORT, USER, FILE,
 * SECRET (the command that prints it), MAILDIR, STATE_DIR, PIN and CODE filled in;
 * names and paths as a shell takes them.
 * Never empty for a code of codes.h; "" for any other word. */
const char *remedy_text(const char *code, const struct remedy_place *at, char *out,
	    size_t cap);

/* The same words filled into ${text}. */
const char *remedy_fill(const char *text, const char *code,
	    const struct remedy_place *at, char *out, size_t cap);

#endif
