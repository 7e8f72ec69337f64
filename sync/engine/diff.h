/*
 * diff.h — the decision: base, remote, local and policy in; what to do out.
 *
 * Pure: no I/O, no clock, no allocation.  It is asked about one message at a
 * time, and only about messages of which something changed; what a change in one
 * folder means for another (a move) is paired before (engine/pair.h).  Every
 * decision carries its reason, one English sentence, which --dry-run, the audit
 * log and `why` print.
 *
 * The table it implements is the conflict table: deletion wins over a flag
 * change (content is immutable and undo keeps it); flags are merged one by one
 * against the base; what policy forbids in one direction stays where it is and
 * is not asked about again until it changes.
 */
#ifndef ENGINE_DIFF_H
#define ENGINE_DIFF_H

#include <stdbool.h>

#include "base/flags.h"
#include "engine/conf.h"

enum presence {
	SIDE_SAME,		/* nothing new is known: as in the base */
	SIDE_PRESENT,		/* there, with .flags */
	SIDE_GONE,		/* was there in the base, is not any more */
	SIDE_REPLACED		/* local only: other bytes under the same name */
};

/* How the base knows a message. */
enum known {
	KNOWN_NOT,		/* no row */
	KNOWN_BOTH,		/* agreed: on both sides */
	KNOWN_REMOTE_ONLY,	/* ST_GONE_LOCAL: policy left it on the server */
	KNOWN_LOCAL_ONLY	/* ST_GONE_REMOTE: policy left it in the Maildir */
};

struct diff_in {
	enum known	base;
	struct flags	base_flags;
	enum presence	remote, local;
	struct flags	remote_flags, local_flags;	/* if SIDE_PRESENT */
	/* Flags that a side cannot show (keywords past z, PERMANENTFLAGS): taken
	 * from the base there, so that they are never "removed". */
	struct flags	remote_blind, local_blind;
};

enum diff_op {
	OP_DOWNLOAD	= 1 << 0,	/* new on the server: land it */
	OP_UPLOAD	= 1 << 1,	/* new here: append it */
	OP_FLAGS_LOCAL	= 1 << 2,	/* rename the file to show .flags */
	OP_FLAGS_REMOTE	= 1 << 3,	/* STORE +.add -.del */
	OP_DELETE_LOCAL	= 1 << 4,	/* into undo, then unlink */
	OP_DELETE_REMOTE = 1 << 5,	/* by trash policy */
	OP_FORGET	= 1 << 6,	/* gone on both sides: drop the row */
	OP_AGREE	= 1 << 7,	/* only the row changes: base flags = .flags */
	OP_KEEP_REMOTE	= 1 << 8,	/* row becomes ST_GONE_LOCAL */
	OP_KEEP_LOCAL	= 1 << 9,	/* row becomes ST_GONE_REMOTE */
	OP_REPLACE	= 1 << 10	/* upload the new bytes, then delete the old
					 * version on the server; with
					 * OP_KEEP_REMOTE it stays there */
};

struct diff_out {
	unsigned	 ops;		/* enum diff_op; 0: nothing to do */
	struct flags	 flags;		/* the base from now on: what both sides
					 * have, if policy is open both ways */
	struct flags	 local;		/* OP_FLAGS_LOCAL: what the file shows */
	struct flags	 add, del;	/* OP_FLAGS_REMOTE */
	const char	*reason;	/* static; NULL when ops == 0 */
};

struct diff_out diff_message(const struct diff_in *in, const struct policy *policy,
	    enum conf_conflict conflict);

/* The three-way merge of flags alone, per flag; ${both} decides where both sides
 * changed the same flag in opposite ways. */
struct flags diff_merge_flags(struct flags base, struct flags remote,
	    struct flags local, enum conf_conflict both);

#endif
