/*
 * store.h — the state of one account: what both sides last agreed on.
 *
 * The only SQLite (WAL, synchronous=FULL).  Nothing here waits for anything but
 * the disk.  Every change happens between store_begin() and store_commit(); a
 * commit is durable when it returns.  An error is ERR_LOCAL (state.corrupt,
 * state.newer-version, state.locked, store.no-space): the account stops.
 *
 * Borrowed text in a row that was read lives until the next read with the same
 * cursor (store_*_next) or the next store_find_*.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/eol.h"
#include "base/err.h"
#include "base/flags.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/types.h"

struct store;

/* Open or make ${path} (mode 0600), migrate, check its integrity cheaply. */
struct store	*store_open(const char *path, struct err *err);
/* Read only, while a daemon writes: for `log`, `folders`, `status`. */
struct store	*store_open_reader(const char *path, struct err *err);
void		 store_close(struct store *s);

/* One transaction at a time; begin inside one is a bug. */
int	store_begin(struct store *s, struct err *err);
int	store_commit(struct store *s, struct err *err);
void	store_rollback(struct store *s);
bool	store_in_transaction(const struct store *s);
/* Many reads are to come, or have come: on the way they are cheaper.  Transactions go
 * on as usual meanwhile, but what they write piles up in the log until it is off. */
void	store_reading(struct store *s, bool on);

/* Small facts by name ("server.name", "uid-of-account"); get: free(*value), NULL
 * when absent, and after an error. */
int	store_set(struct store *s, const char *key, struct str value, struct err *err);
int	store_get(struct store *s, const char *key, char **value, struct err *err);

/* ---- folders ---------------------------------------------------------- */

struct folder_row {
	int64_t			id;		/* 0: not stored yet */
	struct str		wire;		/* raw wire name: the key; a folder
						 * not on the server yet has none */
	struct str		path;		/* directory below the root */
	char			delim;
	unsigned		attrs;		/* enum list_attr of net/lane.h */
	struct str		objid;		/* MAILBOXID, X-GUID, or none */
	struct uidvalidity	validity;	/* 0: never selected */
	uint32_t		uidnext;	/* all below it are in the base */
	struct modseq		modseq;		/* all up to it is in the base */
	uint32_t		messages;	/* as the server last reported */
	int64_t			mtime_cur, mtime_new;	/* of the last settled scan;
							 * 0: scan */
	uint64_t		dirs;		/* mdir_which() of that scan; 0: not known */
	struct str		held;		/* why it is held, or none */
};

/* id 0: inserts and sets row->id. */
int	store_folder_put(struct store *s, struct folder_row *row, struct err *err);
/* With all of its messages' rows. */
int	store_folder_remove(struct store *s, int64_t id, struct err *err);
/* Visit all, in the order in which they were met: *at = 0 starts; false at the end (or on an error,
 * which is then in ${err}, class not ERR_NONE). */
bool	store_folder_next(struct store *s, int64_t *at, struct folder_row *row,
	    struct err *err);

int	store_kw_load(struct store *s, int64_t folder, struct kwtab *t, struct err *err);
/* Bits are never renumbered: only names that are new are written. */
int	store_kw_save(struct store *s, int64_t folder, const struct kwtab *t, struct err *err);

/* ---- messages --------------------------------------------------------- */

enum stage {
	ST_PRESENT,		/* on both sides, as agreed */
	ST_LANDING,		/* being put into the Maildir as `file` */
	ST_APPENDING,		/* being uploaded to this folder; uid is not known
				 * yet; seek = the folder's UIDNEXT before that */
	ST_MOVING,		/* being moved to folder `to` on the server; seek =
				 * that folder's UIDNEXT before */
	ST_TOMBSTONE,		/* gone on the server since `when`; the file is
				 * kept a moment, it may be a move */
	ST_GONE_LOCAL,		/* on the server only, and policy leaves it there */
	ST_GONE_REMOTE,		/* in the Maildir only, and policy leaves it there */
	ST_REFUSED,		/* one side would not take it: quarantined */
	ST_REPLACED		/* an older version of a file that was saved again:
				 * expunged once the newer one is on the server */
};

struct msg_row {
	int64_t		id;		/* ours, stable across moves; 0: new */
	int64_t		folder;
	struct uid	uid;		/* 0: not on the server (yet) */
	enum stage	stage;
	struct str	unique;		/* unique name; none: not on disk */
	struct str	file;		/* the file name when last seen */
	bool		in_new;
	uint64_t	ino;
	uint64_t	size;		/* on disk */
	uint64_t	wire_size;
	enum eol	eol;
	struct flags	flags;		/* as agreed */
	struct modseq	modseq;
	struct hash	head, all;	/* base/hash.h; zero when unknown */
	int64_t		date;		/* INTERNALDATE */
	struct str	objid;		/* the server's id of the message, or none */
	int64_t		to;		/* ST_MOVING; ST_LANDING: the folder whose
					 * Maildir takes the file, if another;
					 * ST_REPLACED: the row of the newer version,
					 * 0: there was none; ST_REFUSED: the row of the
					 * older version that it was to replace, or 0 */
	uint32_t	seek;		/* ST_APPENDING, ST_MOVING */
	int64_t		when;		/* wall clock us: ST_TOMBSTONE, ST_REFUSED; 0
					 * there: it is of no use to try again.
					 * ST_REPLACED: the server refused then, or 0.
					 * ST_GONE_LOCAL: left for its age then */
	struct str	subject, from, msgid;	/* for `log` and `why`; may be none */
};

/* Insert (id 0, sets it) or replace. */
int	store_msg_put(struct store *s, struct msg_row *row, struct err *err);
/* An id for a message that may get a row, with store_msg_add(); 0 on an error. */
int64_t	store_msg_id(struct store *s, struct err *err);
int	store_msg_add(struct store *s, const struct msg_row *row, struct err *err);
/* Only what changes often: flags, modseq, file, in_new of an existing row. */
int	store_msg_touch(struct store *s, const struct msg_row *row, struct err *err);
/* Only the stage, which becomes ST_PRESENT. */
int	store_msg_present(struct store *s, int64_t id, struct err *err);
/* An upload that the server has as ${uid}: that, stage and seek. */
int	store_msg_taken(struct store *s, int64_t id, uint32_t uid, struct err *err);
/* Where it is and what it shows: folder, uid, stage, unique, file, in_new, flags. */
int	store_msg_moved(struct store *s, const struct msg_row *row, struct err *err);
int	store_msg_remove(struct store *s, int64_t id, struct err *err);
/* 1: found, 0: none, -1. */
int	store_find_id(struct store *s, int64_t id, struct msg_row *row, struct err *err);
int	store_find_uid(struct store *s, int64_t folder, struct uid uid,
	    struct msg_row *row, struct err *err);
int	store_find_unique(struct store *s, int64_t folder, struct str unique,
	    struct msg_row *row, struct err *err);
/* How many rows of the folder have a uid (PRESENT, GONE_LOCAL, ...): the K of
 * the EXISTS equation. */
int	store_count_uids(struct store *s, int64_t folder, uint32_t *n, struct err *err);
/* How many of these, ${lo} and ${hi} included; they are not read. */
int	store_count_range(struct store *s, int64_t folder, uint32_t lo, uint32_t hi,
	    uint32_t *n, struct err *err);
/* The highest uid of its rows; 0: none has one. */
int	store_last_uid(struct store *s, int64_t folder, uint32_t *uid, struct err *err);

/* Messages that are on disk, and their bytes. */
int	store_totals(struct store *s, uint64_t *messages, uint64_t *bytes,
	    struct err *err);
/* Messages of the folder that are on disk and not read. */
int	store_count_unseen(struct store *s, int64_t folder, uint32_t *n,
	    struct err *err);
/* How many rows of any kind. */
int	store_count(struct store *s, int64_t folder, uint32_t *n, struct err *err);

/* A cursor over rows; several may be open at once, and rows may be put, touched
 * and removed meanwhile (the cursor shows them as they were or as they are). */
struct cursor;
enum cursor_order { BY_UID, BY_UNIQUE };
/* All of a folder by uid or by unique name. */
struct cursor	*cursor_open(struct store *s, int64_t folder,
		    enum cursor_order order, struct err *err);
/* All of the account in one of these stages, by id; of ST_PRESENT there are none. */
#define STAGE(stage)	(1u << (stage))
struct cursor	*cursor_open_stages(struct store *s, unsigned stages);
/* All with that object id; all with that content (${folder} 0: any folder). */
struct cursor	*cursor_open_objid(struct store *s, struct str objid, struct err *err);
struct cursor	*cursor_open_head(struct store *s, int64_t folder,
		    const struct hash *head, uint64_t wire_size, struct err *err);
/* Is there any message?  1, 0, -1. */
int		 store_any(struct store *s, struct err *err);
/* Does any message have that header?  1, 0, -1. */
int		 store_has_head(struct store *s, const struct hash *head,
		    struct err *err);
/* All with that Message-ID, which is no index: every row is read. */
struct cursor	*cursor_open_msgid(struct store *s, struct str msgid, struct err *err);
/* All on disk that have no line in the manifest yet, behind the row ${after}. */
struct cursor	*cursor_open_unlisted(struct store *s, int64_t after);
/* 1, 0 at the end, -1. */
int		 cursor_next(struct cursor *c, struct msg_row *row, struct err *err);
void		 cursor_close(struct cursor *c);

/* ---- messages that came by POP3 --------------------------------------- */

/* Does it stay on the server?  As configured, or as a script said. */
enum uidl_keep { KEEP_CONF, KEEP_YES, KEEP_NO };

/* What the server calls a message that has a row. */
struct uidl_row {
	int64_t		message;	/* its row */
	char		*uidl;		/* NULL: the server gives none */
	uint64_t	size;		/* as it was listed; it may be wrong */
	int64_t		since;		/* wall clock us: first seen */
	int64_t		gone;		/* no longer listed since; 0: it is */
	enum uidl_keep	keep;
	/* Of the message's row; not written. */
	enum stage	stage;
	uint64_t	wire_size;
	struct hash	head, all;
	char		*msgid;		/* or NULL */
};

int	store_uidl_put(struct store *s, const struct uidl_row *row, struct err *err);
/* All, in no order, which are the caller's: a message is the server's whichever
 * folder a script has filed it in. */
int	store_uidl_load(struct store *s, struct uidl_row **v, size_t *n,
	    struct err *err);
void	store_uidl_clear(struct uidl_row *v, size_t n);
/* With the messages' rows, those that are gone since before ${when}. */
int	store_uidl_forget(struct store *s, int64_t when, struct err *err);

/* ---- the manifest ------------------------------------------------------ */

int	store_listed_add(struct store *s, int64_t msg, struct err *err);
/* No row up to *id will still come to be listed: those behind it may be on their
 * way. */
int	store_listed_low(struct store *s, int64_t *id, struct err *err);

/* ---- the audit log ---------------------------------------------------- */

struct audit_row {
	int64_t		seq;
	int64_t		when;		/* wall clock us */
	struct str	op;		/* "download", "upload", "flags-local", ... */
	struct str	folder;		/* display name */
	int64_t		msg;		/* id, or 0 */
	struct uid	uid;
	struct str	msgid, subject;
	struct str	reason;		/* one English sentence */
};

int	store_audit(struct store *s, const struct audit_row *row, struct err *err);
/* Newest last; only rows with seq > ${after}; ${msgid}, ${folder} may be none.
 * *at = 0 starts.  1, 0 at the end, -1. */
int	store_audit_next(struct store *s, int64_t *at, struct str folder,
	    struct str msgid, struct audit_row *row, struct err *err);
/* The seq of the newest row, 0: there is none. */
int	store_audit_end(struct store *s, int64_t *seq, struct err *err);
/* Keep the newest ${most}. */
int	store_audit_trim(struct store *s, int64_t most, struct err *err);

#endif
