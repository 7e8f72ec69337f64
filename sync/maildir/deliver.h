/*
 * deliver.h — landing messages: tmp/, sync, rename.
 *
 * The caller (engine/land.c) keeps the order that makes a crash harmless:
 *	deliver_begin, deliver_data..., deliver_end	for each of a batch
 *	deliver_sync		every body is on the disk
 *	... the rows are committed as LANDING, with their final names ...
 *	deliver_place		for each: one rename that never replaces
 *	mdir_sync		the directories are on the disk
 *	... the rows are committed as PRESENT ...
 * A failed sync is never retried: the batch is thrown away (fsyncgate).
 */
#ifndef MAILDIR_DELIVER_H
#define MAILDIR_DELIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/eol.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"
#include "maildir/name.h"

/* One message on its way; it lives in the caller's array. */
struct landing {
	int			folder_fd;	/* borrowed */
	char			unique[MNAME_UNIQUE_MAX];	/* name in tmp/ */
	char			base[MNAME_MAX];	/* "unique,S=size" */
	struct msgid_hash	id;
	enum eol		eol;
	uint64_t		size;		/* on disk */
	uint64_t		ino;
};

/* A writer of one message at a time, reused for many. */
struct deliver;

struct deliver	*deliver_new(void);
void		 deliver_free(struct deliver *d);
/* Start a message in the tmp/ of ${folder_fd}; one that was begun and not ended
 * is discarded.  ERR_LOCAL: no space, a bad disk; ERR_FOLDER: no tmp/ or no
 * permission. */
int	deliver_begin(struct deliver *d, int folder_fd, struct err *err);
/* The next bytes as they came over the wire. */
int	deliver_data(struct deliver *d, struct str bytes, struct err *err);
/* All bytes were given: close the file, with ${date} as its mtime.  Not synced
 * yet.  A message that is not canonical CRLF has been kept verbatim. */
int	deliver_end(struct deliver *d, int64_t date, struct landing *out,
	    struct err *err);
void	deliver_discard(struct deliver *d);

/* Everything in ${l} is on disk afterwards: one syncfs for many, fsync for
 * a few.  On failure the files are removed. */
int	deliver_sync(struct landing *l, size_t n, struct err *err);
/* Make what has arrived a second name of the file ${from} in another folder, which
 * is synced first: if that is on the same file system and has its bytes and its
 * date.  1, l->ino has changed; 0: it has not, whatever the reason. */
int	deliver_link(struct landing *l, int64_t date, int from_fd, bool from_new,
	    const char *from);
/* The final name: "base" in new/, "base:2,LETTERS" in cur/ (or when there are
 * letters).  -1 when it is too long. */
int	deliver_name(const struct landing *l, struct str letters, bool in_new,
	    char file[MNAME_MAX]);
/* Read what has arrived, while it is in tmp/. */
int	deliver_open(const struct landing *l, struct err *err);
/* tmp/unique of ${from_fd} becomes new/file or cur/file of ${to_fd} (as a rule the
 * same folder), replacing nothing.  1: done; 0: it stood there already (recovery);
 * -1, with errnum ENOENT when it is in neither place (perhaps a client has renamed
 * it since). */
int	deliver_place(int from_fd, const char *unique, int to_fd, const char *file,
	    bool in_new, struct err *err);
/* After ${total} messages were placed, and before the directories in which they are now
 * are synced: their names in the tmp/ of ${from_fd} go from the disk, too. */
int	deliver_left(int from_fd, size_t total, struct err *err);
/* Remove a landing from tmp/; absent is fine. */
void	deliver_drop(const struct landing *l);
/* Remove what is older than 36 h from tmp/ (the Maildir convention), and what the
 * process ${dead} of ours has left there (0: none). */
void	deliver_clean(int folder_fd, int dead);

#endif
