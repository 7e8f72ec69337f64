/*
 * change.h — what a round found out, before anything is done about it.
 */
#ifndef ENGINE_CHANGE_H
#define ENGINE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/flags.h"
#include "base/types.h"
#include "base/uidset.h"
#include "engine/diff.h"
#include "maildir/dir.h"

struct folder;
struct msg_row;

/* A message as the server reports it.  Kept small: a first sync has one for
 * each message of the mailbox. */
struct seen {
	uint32_t	uid;
	uint32_t	sys;
	uint64_t	kw;
};

/* A message of which something changed, on either side. */
struct change {
	int64_t		 msg;		/* row; 0: a new local file */
	struct uid	 uid;		/* on the server; 0: not there */
	enum known	 known;
	struct flags	 base;
	enum presence	 remote, local;
	struct flags	 remote_flags, local_flags;
	char		*file;		/* local file name now, or last known */
	bool		 in_new;
	uint64_t	 ino;
	struct mcontent	*content;	/* once it was digested */
	bool		 done;		/* taken care of by pairing */
	bool		 waits;		/* done by leaving it to another round, in which
					 * the folder is read again */
	/* A new file that is known elsewhere: moved (the row's own file is gone)
	 * or copied from the message of that row. */
	int64_t		 from;		/* row; 0: none */
	bool		 copy;
	int64_t		 was;		/* the row whose file this used to be, and
					 * whose message the server lost; 0 */
	const struct folder *letters;	/* if not NULL: whose keyword letters the
					 * name of this moved file has */
	struct diff_out	 out;
};

/* All that one round knows of one folder. */
struct work {
	struct change	*change;	/* sorted by msg, the new files first */
	size_t		 n, cap;
	struct seen	*fresh;		/* on the server, no row; ascending */
	size_t		 n_fresh, cap_fresh;
	bool		 local_read, remote_read;
	bool		 scanned;	/* the whole directory was read */
	bool		 unsettled;	/* ... and would not hold still */
	int64_t		 mtime_cur, mtime_new;
	/* What SELECT said when the remote side was read. */
	uint32_t	 uidnext, exists;
	struct modseq	 modseq;
	struct flags	 unkept;	/* of those that the server does not keep */
	bool		 failed;	/* something could not be done: the
					 * folder stays dirty */
};

struct change	*work_add(struct work *w);
struct change	*work_find(struct work *w, int64_t msg);
/* Nothing is done about ${c} in this round. */
void		 work_leave(struct work *w, struct change *c);
void		 work_sort(struct work *w);
void		 work_clear(struct work *w);
/* The fresh message with that UID; NULL. */
struct seen	*work_fresh(const struct work *w, struct uid uid);

/* What a row says of its message. */
enum known	 row_known(const struct msg_row *row);
/* An intent is open for it: recover.c settles that, and nobody else. */
bool		 row_in_flight(const struct msg_row *row);

#endif
