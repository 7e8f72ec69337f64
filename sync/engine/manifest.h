/*
 * manifest.h — what arrived, in a form that outlives the state and us.
 *
 * state_dir/manifest/ACCOUNT/YYYY-MM.ndjson has one line of JSON for each message
 * that is durably here, in the order in which they came:
 *
 *	{"sha256": of the message with CRLF line ends, as on the wire, "size": of
 *	the same, "sha256_lf": with LF line ends (what sha256sum says of the file,
 *	unless the message is kept with CR), "uid", "uidvalidity", "internaldate",
 *	"message_id", "path": below the root, when it was listed, "first_seen",
 *	"prev": sha256 of the line before, without its newline}
 *
 * Files are only appended to.  `prev` chains every line to the one before, over
 * the months; the state knows the last one.  A line is written, synced, and then
 * noted in the state: what a crash leaves in between is taken for written.
 */
#ifndef ENGINE_MANIFEST_H
#define ENGINE_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"
#include "engine/account.h"

enum { MANIFEST_LINE_MAX = 16384 };

/* Where the chain ends. */
struct manifest_end {
	char		month[8];	/* "2026-11"; "": nothing was written */
	uint64_t	length;		/* of that month's file */
	struct hash	head;		/* of the last line; zero: none */
};

/* List what has come; costs one query when nothing has.  A file that cannot be
 * read now (a client has just renamed it) is listed another time. */
int	manifest_continue(struct account *acc, struct err *err);
void	manifest_free(struct account *acc);

/* The end as the state knows it; .month "" when it knows none. */
int	manifest_end(struct account *acc, struct manifest_end *end, struct err *err);
/* The months there are, ascending; each to free(), and the array. */
int	manifest_months(const struct account *acc, char ***months, size_t *n,
	    struct err *err);

/* Lines of one file, one after the other. */
struct manifest_reader;
struct manifest_line {
	struct str	text;		/* without newline, until the next call */
	uint64_t	number;		/* from 1 */
	uint64_t	end;		/* offset behind its newline */
	struct hash	self;		/* of .text */
	bool		good;		/* it has what follows */
	struct hash	content;	/* as msgid_hash.all */
	struct hash	prev;
	struct str	unique;		/* of its path: borrowed from .text */
	struct str	path;
};
struct manifest_reader	*manifest_open(const struct account *acc,
			    const char *month, struct err *err);
/* 1, 0 at the end (a last line without newline counts as not there: *torn), -1. */
int	manifest_next(struct manifest_reader *r, struct manifest_line *line,
	    bool *torn, struct err *err);
void	manifest_close(struct manifest_reader *r);

#endif
