/*
 * folder.h — a folder while its account is open: a mailbox, its directory, and what is
 * known to be out of date.
 */
#ifndef ENGINE_FOLDER_H
#define ENGINE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/flags.h"
#include "base/types.h"
#include "engine/change.h"
#include "engine/conf.h"
#include "maildir/keywords.h"
#include "store/store.h"

struct account;

enum dirty {
	DIRTY_REMOTE	= 1 << 0,	/* the server may have changes */
	DIRTY_LOCAL	= 1 << 1,	/* names are noted in .noted */
	DIRTY_SCAN	= 1 << 2,	/* the directory must be read */
	DIRTY_CHECK	= 1 << 3	/* its times must be compared */
};

/* What the server last said in LIST and STATUS, in this session. */
struct remote_status {
	bool			listed;
	unsigned		have;		/* enum status_have */
	uint32_t		messages, uidnext;
	struct uidvalidity	validity;
	struct modseq		modseq;
};

/* File names that the watch reported and no round has looked at. */
struct noted {
	char	*file;
	bool	 in_new, gone, written;
};

/* Names of its files were changed, and are perhaps not on the disk: dirsync.h. */
enum unsynced { UNSYNCED_NOT, UNSYNCED_LEFT, UNSYNCED_CAME };

struct folder {
	int64_t			 id;
	char			*wire;		/* raw name; NULL: not on the server */
	char			*name;		/* for people: UTF-8, '/' between */
	char			*path;		/* directory below the root */
	char			*objid;		/* NULL: none */
	char			*held;		/* why nothing is done here; NULL */
	char			 delim;
	unsigned		 attrs;		/* enum list_attr */
	struct uidvalidity	 validity;
	uint32_t		 uidnext;	/* all below it are in the base */
	struct modseq		 modseq;	/* all up to it is in the base */
	uint32_t		 messages;
	int64_t			 mtime_cur, mtime_new;
	uint64_t		 dirs;		/* as in the store */
	int64_t			 seen_cur, seen_new;	/* brief.h */
	struct policy		 policy;
	struct kwtab		 kw;
	size_t			 kw_stored;	/* so many names are in the store */
	struct kwfile		 kwfile;
	bool			 loaded;	/* kw and kwfile are read */
	bool			 watched;	/* inotify tells of changes */
	bool			 missing;	/* the server did not list it */
	bool			 excluded;	/* folders.sync leaves it out */
	bool			 away;		/* its directory is gone here */
	int			 fd;		/* its directory; -1: closed */
	int			 handle[2];	/* cur/ and new/, from the first name
						 * changed there until they are synced;
						 * -1: closed */
	unsigned		 dirty;		/* enum dirty */
	enum unsynced		 unsynced;
	bool			 skip;		/* failed in this round: later */
	bool			 unread;	/* in this round: unread.h */
	bool			 unseen;	/* nor could its directory be */
	bool			 checked;	/* its times were compared once */
	bool			 drawn;		/* looked at in this round, though not
						 * asked for: a file of it moved */
	bool			 alone;		/* landing its mail together with that of
						 * other folders has failed */
	struct remote_status	 status;
	struct noted		*noted;
	size_t			 n_noted, cap_noted;
	struct work		 work;		/* of the round that is going on */
};

/* One that is not in the base, without names; account_folder_new() makes it one of
 * an account. */
struct folder	*folder_new(void);
void		 folder_free(struct folder *f);
/* What is in the base of it. */
void		 folder_from_row(struct folder *f, const struct folder_row *row);
/* Write the folder's row; inside a transaction of the caller. */
int		 folder_save(struct account *acc, struct folder *f, struct err *err);
/* Open the directory and read the keyword tables, once. */
int		 folder_load(struct account *acc, struct folder *f, struct err *err);
/* cur/ or new/, open until folder_drop_handles(); -1. */
int		 folder_handle(struct folder *f, bool in_new, struct err *err);
void		 folder_drop_handles(struct folder *f);
/* Its directory is another, or none: what is open of the old one is closed. */
void		 folder_shut(struct folder *f);
/* Show ${see} each row of it that is on disk. */
typedef void	 folder_see(void *arg, const struct msg_row *row);
int		 folder_each_file(const struct account *acc, const struct folder *f,
		    folder_see *see, void *arg, struct err *err);
/* A folder that takes part: on the server, not held, wanted. */
bool		 folder_active(const struct folder *f);
void		 folder_mark(struct folder *f, unsigned dirty);

#endif
