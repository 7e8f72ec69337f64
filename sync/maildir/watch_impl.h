/* watch_impl.h — what is watched and what is pending, as watch.c and watch_pending.c
 * share them. */
#ifndef MAILDIR_WATCH_IMPL_H
#define MAILDIR_WATCH_IMPL_H

#include <sys/queue.h>

#include "base/clock.h"
#include "base/map.h"
#include "maildir/ours.h"
#include "maildir/watch.h"

enum watch_state {
	ST_OPEN,	/* created, and still being written */
	ST_PRESENT,
	ST_GONE,
	ST_SAME		/* only written */
};

struct watch_pending {
	TAILQ_ENTRY(watch_pending)	 link;
	struct watch_folder		*folder;
	enum watch_state		 state;
	bool				 created;	/* and not seen by the caller since */
	bool				 written;	/* in place, under any name */
	bool				 in_new;
	char				*file;
	struct str			 unique;	/* of file: the map's key */
};
TAILQ_HEAD(watch_queue, watch_pending);

/* One watched directory: cur/ or new/ of a folder, or one of the tree. */
struct watch_dir {
	int			 wd;
	struct watch_folder	*folder;	/* NULL: tree, or files */
	bool			 files;
	bool			 in_new;
	char			*path;
};

struct watch_folder {
	TAILQ_ENTRY(watch_folder)	 link;
	int64_t				 key;
	struct watch_dir		*dirs[2];	/* cur, new; NULL: not watched */
	struct map			 pending;	/* unique name to struct watch_pending */
	bool				 scan;
};

struct watch {
	int				 fd;
	struct map			 dirs;		/* wd to struct watch_dir */
	struct map			 folders;	/* key to struct watch_folder */
	TAILQ_HEAD(, watch_folder)	 all;
	struct watch_queue		 ready;		/* to be taken, oldest first */
	struct watch_queue		 open;		/* ST_OPEN: kept back */
	struct watch_queue		 taken;		/* names lent to the caller */
	size_t				 n_ready, n_open, n_scan;
	struct ours			 ours;
	bool				 scan_all, tree, files;
	usec				 last;
};

/* From here until the caller takes it, single events in ${f} mean nothing. */
void	watch_scan(struct watch *w, struct watch_folder *f);
void	watch_unscan(struct watch *w, struct watch_folder *f);
/* The same in all folders, and in the tree. */
void	watch_scan_all(struct watch *w);
/* The names that were lent are not needed any more. */
void	watch_free_taken(struct watch *w);

/* ${file}, whose unique name is ${unique}, got this name in ${d}. */
void	watch_came(struct watch *w, struct watch_dir *d, struct str unique,
	    const char *file);
/* It was made there; is it ${complete}, or still being written? */
void	watch_created(struct watch *w, struct watch_dir *d, struct str unique,
	    const char *file, bool complete);
/* Who wrote it is done. */
void	watch_closed(struct watch *w, struct watch_dir *d, struct str unique,
	    const char *file);
/* It has this name no more. */
void	watch_left(struct watch *w, struct watch_dir *d, struct str unique,
	    const char *file);

#endif
