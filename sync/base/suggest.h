/*
 * suggest.h — "did you mean": the nearest of the words that are valid here.
 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

#include "base/str.h"

/* The best of the words offered so far, for one misspelt word. */
struct suggest {
	struct str	 word;
	size_t		 limit;		/* this many edits is no match */
	char		 best[64];	/* "": none */
};

/* Two edits at most, and one for every three characters begun. */
void	suggest_init(struct suggest *s, struct str word);
void	suggest_offer(struct suggest *s, const char *candidate);

#endif
