/*
 * account.h — one account while it is open: its folders (folder.h), its problems
 * (problem.h), its state database, its lanes and what is known to be out of date.
 *
 * Level, not edge: whoever learns that something changed (IDLE, NOTIFY, inotify,
 * a timer, `syncd sync`) marks a folder dirty, and round.c is the only place that
 * reconciles.  Lost, doubled or reordered events cannot do harm.
 */
#ifndef ENGINE_ACCOUNT_H
#define ENGINE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"
#include "base/types.h"
#include "engine/conf.h"
#include "engine/folder.h"
#include "engine/problem.h"
#include "engine/progress.h"
#include "imap/lane.h"
#include "maildir/deliver.h"
#include "maildir/path.h"
#include "maildir/watch.h"
#include "net/lane.h"
#include "store/store.h"

/* The file at the root of the tree that says whose it is. */
#define ACCOUNT_MARKER	".syncd-store"

/* What one round, or a job of several, did. */
struct tally {
	uint64_t	downloaded, uploaded, flags_local, flags_remote;
	uint64_t	deleted_local, deleted_remote, moved, refused;
	uint64_t	kept;		/* gone on the server, kept here */
	uint64_t	bytes_down, bytes_up;
};

/* The first requests of a session; 0: not asked. */
struct greeting {
	uint32_t	enable, id, ns, list;
	bool		ahead;		/* sent before we were let in */
};

/* A connection that only listens. */
struct listener {
	struct lane	*lane;
	uint32_t	 select;	/* of the folder, before IDLE */
	uint32_t	 req;		/* its NOTIFY or IDLE */
	int64_t		 folder;	/* the one it is idle in; 0: NOTIFY */
	bool		 again;		/* .req is not its first NOTIFY */
	bool		 resumed;	/* the server ended its IDLE, or NOTIFY, since
					 * the last renewal */
	unsigned	 refused;	/* so often in a row; not 0: it is deaf */
	usec		 since;		/* when it was begun */
};

struct account {
	const struct account_conf *conf;
	const char	*state_dir;
	char		*root;
	int		 root_fd;
	struct store	*store;
	struct deliver	*deliver;
	bool		 unsynced;		/* some folder is */
	int		 handles;		/* at most so many of folders are open */
	bool		 booted;		/* the machine, since we were open */
	int		 dead;			/* pid of one of us that died while it
						 * was delivering; 0: none */
	bool		 delivering;		/* our pid is noted for that */
	bool		 unclaimed;		/* root and state do not name each
						 * other yet */
	bool		 unknown;		/* the state is new, and mail is here:
						 * it is yet to be matched */
	struct watch	*watcher;		/* NULL: no inotify */
	bool		 watch_limit;		/* watches ran out */
	struct lanes	 lanes;
	struct lane	*work;			/* NULL: not connected */
	struct listener	 listener[LANES_MAX - 1];	/* none: nothing pushes */
	size_t		 n_listeners;
	usec		 renew_at;		/* keep-alive of all lanes */
	usec		 alerts_until;		/* so long, */
	unsigned	 alerts;		/* so many were shown */
	usec		 listen_at;		/* no listener is added before */
	unsigned	 listen_failures;	/* in a row */
	struct folder	*selected;		/* on the work lane */
	struct folder  **folder;
	size_t		 n_folders, cap_folders;
	bool		 tree_remote;		/* LIST must be asked again */
	bool		 tree_local;		/* directories may have come or gone */
	bool		 tree_failed;		/* a directory could not be read */
	int64_t		 unread_since;		/* wall clock; 0: all folders were read */
	bool		 busy;			/* one would not hold still in the last
						 * round: look again soon */
	bool		 once;			/* one round, for a person who waits */
	bool		 recovered;		/* rows left by a crash are settled */
	bool		 unexpunged;		/* an expunge left some behind */
	bool		 filing;		/* rows that landed wait for the
						 * folder that a script chose */
	bool		 listing;		/* a LIST is being answered */
	bool		 list_overflow;		/* and was too long */
	struct map	 named;			/* while it is: folders, by wire name */
	bool		 greeted;		/* ENABLE, ID, NAMESPACE were sent */
	struct greeting	 greeting;		/* as submitted, until it is reaped */
	size_t		 tombstones;		/* rows that wait to be unlinked */
	bool		 no_tombstones;		/* no row is one: none is looked for */
	bool		 dry_run;
	bool		 quota_full;		/* in this round: no more uploads */
	struct buf	 plan;			/* dry run: a line for each op */
	struct tally	 tally;
	struct problem	*problem;
	size_t		 n_problems, cap_problems;
	struct remote	*remote;		/* engine/remote.c */
	struct hooks	*hooks;			/* engine/hooks.c; NULL: no scripts */
	struct manifest	*manifest;		/* engine/manifest.c; NULL: not begun */
	struct progress	*progress;		/* .unseen, or a page that is shared */
	struct progress	 unseen;
};

/* Open the Maildir root (made if missing), the state database at ${state_dir}/
 * NAME.db, and check that they belong together (store.marker-missing). */
struct account	*account_open(const struct account_conf *conf,
		    const char *state_dir, struct err *err);
void		 account_close(struct account *acc);

/* Bind the root and the state database to each other, by the marker file: before
 * anything else is written. */
int		 account_claim(struct account *acc, struct err *err);

struct folder	*account_folder_new(struct account *acc);
void		 account_folder_drop(struct account *acc, struct folder *f);
struct folder	*account_by_wire(const struct account *acc, struct str wire);
struct folder	*account_by_path(const struct account *acc, const char *path);
struct folder	*account_by_id(const struct account *acc, int64_t id);
struct folder	*account_by_use(const struct account *acc, unsigned attr);
/* What is done to mail here is done on the server, too: not with POP3. */
bool		 account_two_way(const struct account *acc);
/* Is there anything to do now?  What failed waits for the next round. */
bool		 account_dirty(const struct account *acc);

/* What ${now} has more than ${was}. */
struct tally	tally_since(const struct tally *was, const struct tally *now);

/* A row of the audit log, inside a transaction of the caller. */
int	account_audit(struct account *acc, const char *op, const struct folder *f,
	    const struct msg_row *row, const char *reason, struct err *err);
/* Before the first message goes to tmp/: note who does it, so that what a crash
 * leaves there can be told from other programs' files. */
int	account_delivering(struct account *acc, struct err *err);
/* What acc->dead has left there is removed. */
int	account_buried(struct account *acc, struct err *err);
/* Begin and end around one or more changes; account_join() goes on with the
 * transaction that is open, if one is. */
int	account_begin(struct account *acc, struct err *err);
int	account_join(struct account *acc, struct err *err);
/* Commit, or roll back if ${r} is negative; nothing if no transaction is open.
 * 0, or -1: ${r} was negative, or the commit has failed. */
int	account_end(struct account *acc, int r, struct err *err);

#endif
