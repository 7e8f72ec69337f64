/*
 * watch.h — the only inotify: which message files came, went or changed name.
 *
 * Events are coalesced per folder and unique name to what is true in the end:
 * present under that file name, or gone.  They are hints: level, not edge.  When
 * the kernel's queue overflows or watches run out, the folder must be scanned.
 */
#ifndef MAILDIR_WATCH_H
#define MAILDIR_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct watch;

struct watch	*watch_new(struct err *err);
void		 watch_free(struct watch *w);
/* Readable when there is something to read. */
int		 watch_fd(const struct watch *w);
/* Watch cur/ and new/ of the folder known to the caller as ${key}.  0; -1 with
 * ERR_LOCAL store.watch-limit when watches ran out (scan it instead), or
 * ERR_FOLDER.  Watching a folder again is fine. */
int		 watch_folder(struct watch *w, int64_t key, const char *root,
		    const char *path, struct err *err);
void		 watch_forget(struct watch *w, int64_t key);
/* The caller has just put ${file} into the folder, or taken it out, by a rename, and
 * knows of it: no event comes of that.  To be said before the next watch_read(), in
 * the order of what was done. */
void		 watch_ours(struct watch *w, int64_t key, bool in_new,
		    const char *file, bool came);
/* Watch a directory of the tree for folders that come and go. */
int		 watch_tree(struct watch *w, const char *root, const char *path,
		    struct err *err);

/* Watch a directory that is no folder, for files that come, go or are written. */
int		 watch_files(struct watch *w, const char *path, struct err *err);

enum watch_what {
	WATCH_PRESENT,	/* unique is there now, as file */
	WATCH_GONE,	/* unique was there as file, and is not any more */
	WATCH_WRITTEN,	/* its bytes were rewritten in place (or, after a lost
			 * event, for the first time) */
	WATCH_SCAN,	/* events were lost: scan the folder */
	WATCH_SCAN_ALL,	/* the queue overflowed: scan everything */
	WATCH_TREE,	/* a folder came, went or was renamed */
	WATCH_FILES	/* something happened where files are watched */
};

struct watch_event {
	enum watch_what	 what;
	int64_t		 key;
	char		*file;		/* file name; borrowed until the next read */
	bool		 in_new;
};

/* Take in what the kernel has queued; never waits.  Returns how many events
 * are known now; -1 ERR_LOCAL. */
int	watch_read(struct watch *w, struct err *err);
/* Take one event out; false when there are none. */
bool	watch_take(struct watch *w, struct watch_event *ev);
/* When the last event came, as clock_now() has it (0: never): the caller lets a
 * burst settle. */
int64_t	watch_last(const struct watch *w);

#endif
