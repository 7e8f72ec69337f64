/* regex.c — the only file that knows PCRE2. */
#include "regex.h"

#include <stdio.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/mem.h"

enum {
	STEPS	= 1000000,	/* some 30 ms */
	HEAP	= 16 << 10,	/* KiB */
	PATTERN	= 4000		/* bytes */
};

struct regex {
	pcre2_code		*code;
	pcre2_match_context	*limits;
	pcre2_match_data	*data;
};

struct regex *
regex_new(struct str pattern, char why[160])
{
	struct regex *re;
	PCRE2_SIZE at;
	int error;

	if (pattern.n > PATTERN) {
		snprintf(why, 160, "it is too long");
		return NULL;
	}
	re = xcalloc(1, sizeof(*re));
	re->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
	    PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_UCP |
	    PCRE2_NEVER_BACKSLASH_C, &error, &at, NULL);
	if (re->code == NULL) {
		PCRE2_UCHAR text[120];

		pcre2_get_error_message(error, text, sizeof(text));
		snprintf(why, 160, "%s at its byte %zu", (char *)text, at + 1);
		free(re);
		return NULL;
	}
	re->limits = pcre2_match_context_create(NULL);
	re->data = pcre2_match_data_create(REGEX_GROUPS, NULL);
	must(re->limits != NULL && re->data != NULL);
	pcre2_set_match_limit(re->limits, STEPS);
	pcre2_set_heap_limit(re->limits, HEAP);
	return re;
}

void
regex_free(struct regex *re)
{
	if (re == NULL)
		return;
	pcre2_code_free(re->code);
	pcre2_match_context_free(re->limits);
	pcre2_match_data_free(re->data);
	free(re);
}

int
regex_match(const struct regex *re, struct str text,
    struct str group[REGEX_GROUPS], size_t *n)
{
	const PCRE2_SIZE *at;
	int found = pcre2_match(re->code,
	    (PCRE2_SPTR)(text.p != NULL ? text.p : ""), text.n, 0, 0,
	    re->data, re->limits);

	if (found == PCRE2_ERROR_NOMATCH)
		return 0;
	if (found < 0)
		return -1;
	/* 0: more groups than there is room for. */
	*n = found > 0 ? (size_t)found : REGEX_GROUPS;
	at = pcre2_get_ovector_pointer(re->data);
	for (size_t i = 0; i < *n; i++) {
		group[i] = STR_NONE;
		if (at[2 * i] != PCRE2_UNSET && at[2 * i] <= at[2 * i + 1])
			group[i] = (struct str){ text.p + at[2 * i],
			    at[2 * i + 1] - at[2 * i] };
	}
	return 1;
}
