/*
 * db.h — the database behind store.h: statements by name, errors as ours.
 * Private to sync/store.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "store/store.h"

/* What takes a database from version i to i + 1. */
extern const char *const store_schema[];
extern const int store_schema_version;

/* Prepared once, used again; one for each thing that is asked. */
enum stmt {
	Q_META_SET, Q_META_GET,
	Q_FOLDER_INSERT, Q_FOLDER_UPDATE, Q_FOLDER_REMOVE, Q_FOLDER_NEXT,
	Q_KW_LOAD, Q_KW_SAVE,
	Q_MSG_INSERT, Q_MSG_REPLACE, Q_MSG_TOUCH, Q_MSG_PRESENT,
	Q_MSG_TAKEN, Q_MSG_MOVED,
	Q_MSG_REMOVE,
	Q_FIND_ID, Q_FIND_UID, Q_FIND_UNIQ, Q_COUNT_UIDS, Q_COUNT_RANGE,
	Q_LAST_UID, Q_COUNT,
	Q_COUNT_UNSEEN, Q_TOTALS,
	Q_BY_UID, Q_BY_UNIQ, Q_BY_STAGE, Q_BY_OBJID, Q_BY_MSGID, Q_BY_HEAD,
	Q_BY_HEAD_IN, Q_HAS_HEAD, Q_ANY,
	Q_UIDL_PUT, Q_UIDL_LOAD, Q_UIDL_FORGET,
	Q_UNLISTED, Q_LISTED_ADD, Q_LISTED_LOW,
	Q_CHANGE_END, Q_CHANGE_NEXT, Q_NEWER,
	Q_AUDIT_ADD, Q_AUDIT_NEXT, Q_AUDIT_OF, Q_AUDIT_END,
	Q_AUDIT_TRIM,
	Q_KV_GET, Q_KV_NEXT, Q_KV_PUT, Q_KV_REMOVE, Q_KV_EXPIRE, Q_KV_SIZE,
	Q_EVENT_ADD, Q_EVENT_NEXT, Q_EVENT_DROP,
	Q_STEP_ADD, Q_STEP_NEXT, Q_STEP_DROP,
	Q_EFFECT_ADD, Q_EFFECT_NEXT, Q_EFFECT_INPUT, Q_EFFECT_SET,
	Q_EFFECT_DROP, Q_EFFECT_TRIM,
	Q_OWED_PUT, Q_OWED_REMOVE, Q_OWED_NEXT, Q_OWED_COUNT,
	Q_CAUSE_PUT, Q_CAUSE_GET, Q_CAUSE_REMOVE,
	Q_TIMER_GET, Q_TIMER_PUT, Q_MARK, Q_MARKED, Q_SEARCH, Q_LAST_ID,
	Q_BEGIN, Q_COMMIT, Q_ROLLBACK, Q_READING,
	Q_N
};

struct store {
	sqlite3		*db;
	sqlite3_stmt	*stmt[Q_N];
	struct buf	 text[Q_N];	/* of the last row that each gave out */
	bool		 in_transaction;
	int64_t		 last_id;	/* of a message, given out; 0: look */
};

/* The statement, reset and with nothing bound; NULL with ERR_LOCAL. */
sqlite3_stmt	*db_stmt(struct store *s, enum stmt q, struct err *err);
/* Run one that gives no rows; resets it.  A change fails when the transaction it
 * belongs to was rolled back by an earlier error. */
int		 db_run(struct store *s, sqlite3_stmt *st, struct err *err);
/* The same of ${q}, which takes one number. */
int		 db_run_with(struct store *s, enum stmt q, int64_t v,
		    struct err *err);
/* The number in the first column of the only row, 0 without one; resets it. */
int		 db_number(struct store *s, sqlite3_stmt *st, int64_t *v,
		    struct err *err);
/* 1: a row, 0: none (reset then), -1. */
int		 db_step(struct store *s, sqlite3_stmt *st, struct err *err);
int		 db_error(struct store *s, struct err *err);

/* Empty text and zero hashes are NULL. */
void		 db_bind_text(sqlite3_stmt *st, int at, struct str s);
void		 db_bind_blob(sqlite3_stmt *st, int at, struct str s);
struct str	 db_column(sqlite3_stmt *st, int at);
/* A number, or NULL for 0. */
void		 db_bind_some(sqlite3_stmt *st, int at, int64_t v);
struct hash	 db_column_hash(sqlite3_stmt *st, int at);
/* Copy the texts of a row from where SQLite has them to ${s}'s own memory for
 * ${q}, so that the statement can be reset: one that is left at its row keeps a
 * read open, and the log behind an open read only grows. */
int		 db_borrow(struct store *s, enum stmt q, struct str *const *text,
		    size_t n, struct err *err);

#endif
