/*
 * codes.h — every error code there is, with what it means and what to do: the
 * text of `syncd explain CODE`.  A unit test holds the table against the
 * sources, so that neither has a code that the other does not know.
 */
#ifndef DAEMON_CODES_H
#define DAEMON_CODES_H

#include <stddef.h>

struct code {
	const char	*name;		/* "auth.refused" */
	const char	*about;		/* what happened, and what syncd does */
	const char	*remedy;	/* what to do; never empty */
};

extern const struct code codes[];	/* in the order of names */
extern const size_t n_codes;

/* NULL: there is no such code. */
const struct code *codes_find(const char *name);

#endif
