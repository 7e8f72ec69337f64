/*
 * scalar.h — the words of syncd.yaml as values and back: yes/no, durations,
 * sizes, versions, schedules, policies, paths with ~ and $VAR.
 */
#ifndef DAEMON_SCALAR_H
#define DAEMON_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"
#include "base/types.h"
#include "engine/conf.h"

enum { SCALAR_TEXT_MAX = 64 };

/* yes no true false on off, in any case. */
bool	scalar_bool(struct str s, bool *value) MUST_CHECK;
/* "0", or digits and one of ms s m h d w y. */
bool	scalar_duration(struct str s, usec *value) MUST_CHECK;
/* "0", or digits and one of B KiB MiB GiB TiB. */
bool	scalar_size(struct str s, int64_t *value) MUST_CHECK;
/* "1.2" is 12. */
bool	scalar_version(struct str s, int64_t *value) MUST_CHECK;
/* "always", "manual", "every 6h", "daily 02:00[-05:00]"; the last is a round a day
 * at no fixed hour, and sets *${daily}. */
struct scalar_schedule {
	int	when;		/* enum conf_schedule */
	usec	every;
	bool	daily;
	int	from, until;	/* minutes */
};
bool	scalar_schedule(struct str s, struct scalar_schedule *v) MUST_CHECK;
/* A preset: "two-way", ... */
bool	scalar_policy(struct str s, struct policy *value) MUST_CHECK;
/* One of new flags delete. */
bool	scalar_op(struct str s, unsigned *op) MUST_CHECK;

/* The largest unit that is exact; ${out} takes SCALAR_TEXT_MAX. */
void	scalar_fmt_duration(usec value, char *out);
void	scalar_fmt_size(int64_t value, char *out);
void	scalar_fmt_policy(const struct policy *p, char *out);

/* The names of the presets and of the operations, for messages. */
extern const char scalar_presets[], scalar_ops[];

/* ${text} with a leading ~, and with $VAR, ${VAR} and ${VAR:-default} replaced; $$
 * is a dollar.  NULL with the name of a variable that is not set (or "" when the
 * text is malformed) in ${missing}.  free() the result. */
char	*scalar_expand(const char *text, char missing[SCALAR_TEXT_MAX]);
/* An absolute path without "//", "." and a slash at the end; relative to ${dir}.
 * ".." stays: only the kernel knows where it leads. */
char	*scalar_path(const char *text, const char *dir);

#endif
