/*
 * dir.h — what is in a folder's cur/ and new/ now.
 *
 * readdir(3) races with renames: a file may show up twice or not at all.  So a
 * listing is stable only if the times of both directories did not move while
 * they were read and lie in the past; and an absent file still counts as deleted
 * only after a second look (engine/local.c).
 */
#ifndef MAILDIR_DIR_H
#define MAILDIR_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/eol.h"
#include "base/str.h"
#include "base/types.h"

struct mfile {
	char		*name;		/* the file name, in the list's memory */
	uint64_t	 ino;
	uint16_t	 n_unique;	/* the unique name is this much of it */
	bool		 in_new;
};

struct mlist {
	struct mfile	*file;		/* one entry per unique name, sorted by that
					 * (bytewise, as the store sorts) */
	size_t		 n, cap;
	char		*text;		/* where the names are */
	int64_t		 mtime_cur, mtime_new;	/* ns since 1970 */
	bool		 stable;
};

/* The times of cur/ and new/, in ns: unchanged means that no entry came, went
 * or was renamed since.  -1: ERR_FOLDER. */
int	mdir_times(int folder_fd, int64_t *cur, int64_t *new_, struct err *err);
/* Which directories cur/ and new/ are: a number that is another when one of them was made
 * anew, or has something mounted over it; 0 where that cannot be known.  -1:
 * ERR_FOLDER. */
int	mdir_which(int folder_fd, uint64_t *which, struct err *err);
/* For how long from ${now} on a change may leave the times as one at ${then} did, both in
 * ns; 0: they would tell. */
usec	mdir_young_for(int64_t then, int64_t now);
/* *cur and *new_ are the times of the directories: whatever changes from now on will show
 * in them, since one that is too young for that is set back by a nanosecond.  What was
 * changed until now may not show any more.  false: there is no such nanosecond here, or
 * the directories are not ours: wait for mdir_young_for(). */
bool	mdir_age(int folder_fd, int64_t *cur, int64_t *new_);
/* Read both directories (new/ first: a reader's move to cur/ is then seen
 * twice rather than not at all; the cur/ entry wins).  Files whose names are not
 * messages are left out.  -1 when any of it could not be read. */
int	mdir_list(int folder_fd, struct mlist *list, struct err *err);
void	mlist_clear(struct mlist *list);

struct mstat {
	uint64_t	ino;
	uint64_t	size;
	int64_t		mtime;		/* seconds: INTERNALDATE */
	int64_t		mtime_ns;
	int64_t		changed_us;	/* its bytes or its name, since 1970 */
};

/* fstatat() of a message, no symlinks.  1: there; 0: no such file; -1, also for
 * what is not a regular file. */
int	mdir_stat(int folder_fd, bool in_new, const char *name, struct mstat *st,
	    struct err *err);
/* Open a message for reading; -1 with ERR_MSG (errnum ENOENT: it is gone). */
int	mdir_open(int folder_fd, bool in_new, const char *name, struct err *err);
/* The same of what is open.  1, or -1. */
int	mdir_stat_open(int fd, struct mstat *st, struct err *err);
/* Read all of it once, from the start and without moving the descriptor's
 * offset: identity and how to send it. */
struct mcontent {
	struct msgid_hash	id;
	enum eol		eol;
	uint64_t		size, wire_size;
	bool			has_nul;
};
int	mdir_digest(int fd, struct mcontent *c, struct err *err);
/* The same by the caller's hasher, which may want more. */
int	mdir_digest_by(struct hasher *hasher, int fd, struct mcontent *c,
	    struct err *err);
/* The identity of its header alone, by one short read.  1; 0: the header is longer than
 * that; -1. */
int	mdir_head(int fd, struct hash *head, struct err *err);
/* One rename, also across folders and between cur/ and new/; never replaces.
 * 1: done; 0: the source is gone (a client was faster); -1. */
int	mdir_rename(int from_fd, bool from_new, const char *from,
	    int to_fd, bool to_new, const char *to, struct err *err);
/* The same of many files in a row: cur/ or new/ by a handle, which the caller closes; it
 * is of the directory that had that name when it was made.  -1: ERR_FOLDER. */
int	mdir_handle(int folder_fd, bool in_new, struct err *err);
int	mdir_rename_in(int from_dir, const char *from, int to_dir, const char *to,
	    struct err *err);
/* A second name for the same file, in another folder; never replaces.  1: done;
 * 0: the source is gone, or the name is there already; -1. */
int	mdir_link(int from_fd, bool from_new, const char *from,
	    int to_fd, bool to_new, const char *to, struct err *err);
/* Set the arrival date: the INTERNALDATE of its twin on the server.  1, 0, -1. */
int	mdir_set_date(int folder_fd, bool in_new, const char *name, int64_t date,
	    struct err *err);
/* 1: removed; 0: was not there; -1. */
int	mdir_unlink(int folder_fd, bool in_new, const char *name, struct err *err);
/* fsync new/ and cur/, or one of them.  Files go from new/ to cur/, so this is the order
 * that leaves no file in both (see deliver_left). */
int	mdir_sync(int folder_fd, struct err *err);
int	mdir_sync_sub(int folder_fd, bool in_new, struct err *err);
/* What clients wrote into files of the folder, open as ${fd}, is on the disk: fsync for
 * a few, one syncfs for many. */
int	mdir_sync_files(int folder_fd, const int *fd, size_t n, struct err *err);
/* All of them, and the directories, whatever else is on that disk: syncfs. */
int	mdir_sync_all(int folder_fd, struct err *err);

#endif
