/*
 * fill.h — patterns of mailboxes and files: "Archive/{year}", "{date}_{filename}".
 *
 * Every value comes from a stranger's message, so it cannot make a path of its own:
 * no slash, no leading dot, no control bytes, 120 bytes at most, and never nothing.
 */
#ifndef PLUGINS_FILL_H
#define PLUGINS_FILL_H

#include <stdbool.h>

#include "arena.h"
#include "base/attr.h"
#include "base/str.h"

struct msg;

struct fill_part {		/* of the part that is saved, if it is one */
	struct str	filename;
};

/* -1 and the name in *bad when there is no such name. */
int	fill_pattern(struct msg *m, const struct fill_part *part, struct str pattern,
	    struct str *out, struct str *bad) MUST_CHECK;
bool	fill_needs_header(struct str pattern);
bool	fill_needs_state(struct str pattern);
/* ${s} as one component of a path. */
struct str fill_clean(struct str s, struct arena *a);

#endif
