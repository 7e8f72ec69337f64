/*
 * diag.h — mistakes in a file, shown so that the reader can mend them: a code
 * (`syncd explain CODE`), the place, the line with a caret under the culprit, and
 * what to write instead.  Mistakes are collected, so that one run names them all.
 */
#ifndef DAEMON_DIAG_H
#define DAEMON_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/attr.h"
#include "engine/conf.h"

/* A file that was read.  The text goes once nothing needs an excerpt. */
struct source {
	char	*path;
	char	*text;
	size_t	 n;
};

/* A place in a source; 1-based, counted in characters, as editors do. */
struct mark {
	const struct source	*src;	/* NULL: nowhere */
	uint32_t		 line;	/* 0: the file as a whole */
	uint32_t		 col;
	uint32_t		 width;	/* characters to underline */
};

enum diag_level { DIAG_ERROR, DIAG_WARNING };

struct diag {
	enum diag_level	 level;
	const char	*code;		/* static: "config.unknown-key" */
	char		*text;
	char		*path;		/* NULL: no place */
	uint32_t	 line, col, width;
	char		*excerpt;	/* the line, or NULL */
	char		*caret;		/* words beside the caret, or NULL */
	struct strlist	 note, help;
	size_t		 seq;		/* for diags_sort() */
};

struct diags {
	struct diag	*v;
	size_t		 n, cap;
	size_t		 n_errors;
};

enum { DIAGS_SHOWN = 20 };	/* errors printed; the rest is counted */

void	diags_init(struct diags *ds);
void	diags_clear(struct diags *ds);

/* Add one.  ${at} may be NULL.  The result is borrowed until the next call;
 * add to it with the three functions below. */
struct diag *diags_add(struct diags *ds, enum diag_level level, const char *code,
	    const struct mark *at, const char *fmt, ...) PRINTF(5, 6);
void	diag_caret(struct diag *d, const char *fmt, ...) PRINTF(2, 3);
void	diag_note(struct diag *d, const char *fmt, ...) PRINTF(2, 3);
void	diag_help(struct diag *d, const char *fmt, ...) PRINTF(2, 3);

/* In the order of files and lines; what has no place comes last. */
void	diags_sort(struct diags *ds);
/* All of them, a blank line after each. */
void	diags_print(const struct diags *ds, FILE *out, bool color);
/* [{"level", "code", "message", "file", "line", "col", "hint", "notes", "help"}] */
json_t	*diags_json(const struct diags *ds);

/* ${path} with the home directory as "~"; free() it. */
char	*diag_path(const char *path);

#endif
