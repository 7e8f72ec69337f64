/*
 * tap.h — the transcript of one stream: lines at trace level, without secrets
 * and without the contents of literals.  Private to stream.c.
 */
#ifndef NET_TAP_H
#define NET_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tap_side { TAP_OUT, TAP_IN };

struct secret;

struct tap {
	char	*name;			/* NULL: off */
	const struct secret *hidden;	/* no line that repeats it is shown */
	struct tap_line {
		char		 text[600];
		size_t		 n;	/* bytes of text */
		uint64_t	 cut;	/* bytes of the line that had no room */
		char		 last[24];	/* of the line, to see "{n}" in */
		size_t		 n_last;
		uint64_t	 literal;	/* bytes of a literal still to come */
	} side[2];
};

void	tap_open(struct tap *t, const char *name);
void	tap_close(struct tap *t);
/* The next bytes to pass on ${side}. */
void	tap_bytes(struct tap *t, enum tap_side side, const void *p, size_t n);
/* What came of the current line on ${side} was none. */
void	tap_restart(struct tap *t, enum tap_side side);
/* ${n} bytes of our side that nobody may see. */
void	tap_secret(struct tap *t, const void *p, size_t n);

#endif
