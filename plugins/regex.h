/*
 * regex.h — regular expressions by PCRE2, with limits: a match that takes too many
 * steps is an error, not a hang.  UTF-8; bytes that are none match nothing.
 */
#ifndef PLUGINS_REGEX_H
#define PLUGINS_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/str.h"

struct regex;

enum { REGEX_GROUPS = 32 };

/* NULL with a sentence in ${why} when it is none. */
struct regex	*regex_new(struct str pattern, char why[160]);
void		 regex_free(struct regex *re);
/* 1 with *n groups (the whole match is the first; .p == NULL: took no part); 0: no
 * match; -1: gave up. */
int		 regex_match(const struct regex *re, struct str text,
		    struct str group[REGEX_GROUPS], size_t *n) MUST_CHECK;

#endif
