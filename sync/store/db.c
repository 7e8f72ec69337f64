/* db.c — statements, transactions, errors. */
#include "store/db.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define MSG_COLUMNS \
	"id, folder, uid, stage, uniq, file, in_new, ino, size, wire_size, " \
	"eol, flags, keywords, modseq, head, digest, date, objid, dest, " \
	"seek, since, subject, sender, msgid"
#define SELECT_MSG	"SELECT " MSG_COLUMNS " FROM message "
#define SELECT_AUDIT	"SELECT seq, at, op, folder, message, uid, msgid, " \
	"subject, reason FROM audit "
/* Cursors read a page at a time, from behind the last key. */
#define PAGE		" LIMIT 256"

static const char *const sql[Q_N] = {
	[Q_META_SET] = "INSERT OR REPLACE INTO meta VALUES (?, ?)",
	[Q_META_GET] = "SELECT value FROM meta WHERE key = ?",
	[Q_FOLDER_INSERT] = "INSERT INTO folder (wire, path, delim, attrs, "
	    "objid, validity, uidnext, modseq, messages, mtime_cur, mtime_new, "
	    "held, dirs) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
	    "?12, ?13)",
	[Q_FOLDER_UPDATE] = "UPDATE folder SET wire = ?1, path = ?2, "
	    "delim = ?3, attrs = ?4, objid = ?5, validity = ?6, uidnext = ?7, "
	    "modseq = ?8, messages = ?9, mtime_cur = ?10, mtime_new = ?11, "
	    "held = ?12, dirs = ?13 WHERE id = ?14",
	[Q_FOLDER_REMOVE] = "DELETE FROM folder WHERE id = ?",
	[Q_FOLDER_NEXT] = "SELECT id, wire, path, delim, attrs, objid, "
	    "validity, uidnext, modseq, messages, mtime_cur, mtime_new, held, "
	    "dirs FROM folder WHERE id > ? ORDER BY id LIMIT 1",
	[Q_KW_LOAD] = "SELECT bit, name FROM keyword WHERE folder = ? "
	    "ORDER BY bit",
	[Q_KW_SAVE] = "INSERT OR IGNORE INTO keyword VALUES (?, ?, ?)",
	[Q_MSG_INSERT] = "INSERT INTO message (" MSG_COLUMNS ") VALUES (?1, "
	    "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
	    "?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
	[Q_MSG_REPLACE] = "UPDATE message SET folder = ?2, uid = ?3, "
	    "stage = ?4, uniq = ?5, file = ?6, in_new = ?7, ino = ?8, "
	    "size = ?9, wire_size = ?10, eol = ?11, flags = ?12, "
	    "keywords = ?13, modseq = ?14, head = ?15, digest = ?16, "
	    "date = ?17, objid = ?18, dest = ?19, seek = ?20, since = ?21, "
	    "subject = ?22, sender = ?23, msgid = ?24 WHERE id = ?1",
	[Q_MSG_TOUCH] = "UPDATE message SET flags = ?2, keywords = ?3, "
	    "modseq = ?4, file = ?5, in_new = ?6 WHERE id = ?1",
	[Q_MSG_PRESENT] = "UPDATE message SET stage = 0 WHERE id = ?",
	/* Named columns only: each index that has another would be written, too. */
	[Q_MSG_TAKEN] = "UPDATE message SET uid = ?2, stage = 0, seek = NULL "
	    "WHERE id = ?1",
	[Q_MSG_MOVED] = "UPDATE message SET folder = ?2, uid = ?3, stage = ?4, "
	    "uniq = ?5, file = ?6, in_new = ?7, flags = ?8, keywords = ?9 "
	    "WHERE id = ?1",
	[Q_MSG_REMOVE] = "DELETE FROM message WHERE id = ?",
	[Q_FIND_ID] = SELECT_MSG "WHERE id = ?",
	[Q_FIND_UID] = SELECT_MSG "WHERE folder = ? AND uid = ?",
	[Q_FIND_UNIQ] = SELECT_MSG "WHERE folder = ? AND uniq = ?",
	[Q_COUNT_UIDS] = "SELECT uids FROM folder WHERE id = ?",
	[Q_COUNT_RANGE] = "SELECT count(*) FROM message WHERE folder = ? "
	    "AND uid BETWEEN ? AND ?",
	[Q_LAST_UID] = "SELECT coalesce(max(uid), 0) FROM message "
	    "WHERE folder = ? AND uid IS NOT NULL",
	[Q_COUNT] = "SELECT count(*) FROM message WHERE folder = ?",
	/* 16 is FLAG_SEEN. */
	[Q_COUNT_UNSEEN] = "SELECT count(*) FROM message WHERE folder = ? "
	    "AND flags & 16 = 0 AND uniq IS NOT NULL",
	[Q_TOTALS] = "SELECT count(*), coalesce(sum(size), 0) FROM message "
	    "WHERE uniq IS NOT NULL",
	[Q_BY_UID] = SELECT_MSG "WHERE folder = ?1 AND uid > ?2 ORDER BY uid" PAGE,
	[Q_BY_UNIQ] = SELECT_MSG "WHERE folder = ?1 AND uniq > ?2 "
	    "ORDER BY uniq" PAGE,
	/* There may be very many of one stage: what others there are is not read. */
	[Q_BY_STAGE] = SELECT_MSG "WHERE stage <> 0 AND (?1 >> stage) & 1 "
	    "AND id > ?2 ORDER BY id" PAGE,
	[Q_UNLISTED] = SELECT_MSG "WHERE id > ?2 AND uniq IS NOT NULL "
	    "AND digest IS NOT NULL AND stage IN (0, 6) AND NOT EXISTS "
	    "(SELECT 1 FROM listed WHERE message = message.id) "
	    "ORDER BY id" PAGE,
	[Q_LISTED_ADD] = "INSERT OR IGNORE INTO listed VALUES (?)",
	[Q_LISTED_LOW] = "SELECT coalesce(min(id) - 1, (SELECT "
	    "coalesce(max(id), 0) FROM message)) FROM message "
	    "WHERE stage <> 0 AND stage IN (1, 2, 3, 4, 7, 8)",
	[Q_CHANGE_END] = "SELECT "
	    "coalesce((SELECT max(seq) FROM change), 0), "
	    "coalesce((SELECT min(seq) FROM change), 1), "
	    "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'message'), "
	    "0)",
	[Q_CHANGE_NEXT] = "SELECT seq, message, path FROM change "
	    "WHERE seq > ? ORDER BY seq LIMIT 1",
	[Q_NEWER] = SELECT_MSG "WHERE id > ?2 AND uniq IS NOT NULL "
	    "ORDER BY id" PAGE,
	[Q_BY_OBJID] = SELECT_MSG "WHERE objid = ?1 AND id > ?2 "
	    "ORDER BY id" PAGE,
	[Q_BY_MSGID] = SELECT_MSG "WHERE msgid = ?1 AND id > ?2 "
	    "ORDER BY id" PAGE,
	[Q_BY_HEAD] = SELECT_MSG "WHERE head = ?1 AND wire_size = ?3 "
	    "AND id > ?2 ORDER BY id" PAGE,
	[Q_BY_HEAD_IN] = SELECT_MSG "WHERE head = ?1 AND wire_size = ?3 "
	    "AND folder = ?4 AND id > ?2 ORDER BY id" PAGE,
	[Q_ANY] = "SELECT 1 FROM message LIMIT 1",
	[Q_HAS_HEAD] = "SELECT 1 FROM message WHERE head = ?1 LIMIT 1",
	[Q_AUDIT_ADD] = "INSERT INTO audit (at, op, folder, message, uid, "
	    "msgid, subject, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[Q_AUDIT_NEXT] = SELECT_AUDIT "WHERE seq > ?1 "
	    "AND (?2 IS NULL OR folder = ?2) ORDER BY seq LIMIT 1",
	[Q_AUDIT_OF] = SELECT_AUDIT "WHERE msgid = ?3 AND seq > ?1 "
	    "AND (?2 IS NULL OR folder = ?2) ORDER BY seq LIMIT 1",
	[Q_AUDIT_END] = "SELECT coalesce(max(seq), 0) FROM audit",
	[Q_AUDIT_TRIM] = "DELETE FROM audit WHERE seq <= "
	    "(SELECT max(seq) FROM audit) - ?",
	[Q_KV_GET] = "SELECT value FROM script_kv WHERE plugin = ?1 "
	    "AND store = ?2 AND key = ?3 AND (expires = 0 OR expires > ?4)",
	[Q_KV_NEXT] = "SELECT key, value FROM script_kv WHERE plugin = ?1 "
	    "AND store = ?2 AND key > ?3 AND (expires = 0 OR expires > ?4) "
	    "ORDER BY key LIMIT 1",
	[Q_KV_PUT] = "INSERT INTO script_kv VALUES (?1, ?2, ?3, ?4, ?5) "
	    "ON CONFLICT DO UPDATE SET value = excluded.value, "
	    "expires = excluded.expires",
	[Q_KV_REMOVE] = "DELETE FROM script_kv WHERE plugin = ?1 "
	    "AND store = ?2 AND key = ?3",
	[Q_KV_EXPIRE] = "DELETE FROM script_kv WHERE expires <> 0 "
	    "AND expires <= ?",
	[Q_KV_SIZE] = "SELECT bytes FROM script_size WHERE plugin = ?",
	[Q_EVENT_ADD] = "INSERT INTO script_event VALUES (NULL, ?, ?, ?, ?, ?, "
	    "?, ?, ?, ?, ?)",
	[Q_EVENT_NEXT] = "SELECT * FROM script_event WHERE seq > ? "
	    "AND kind / 64 = ? "
	    "ORDER BY seq LIMIT 1",
	[Q_EVENT_DROP] = "DELETE FROM script_event WHERE seq <= ? "
	    "AND kind / 64 = ?",
	[Q_STEP_ADD] = "INSERT INTO script_step VALUES (NULL, ?, ?, ?, ?, ?, ?, "
	    "?)",
	[Q_STEP_NEXT] = "SELECT * FROM script_step WHERE seq > ? "
	    "ORDER BY seq LIMIT 1",
	[Q_STEP_DROP] = "DELETE FROM script_step WHERE seq = ?",
	[Q_EFFECT_ADD] = "INSERT INTO script_effect VALUES (NULL, ?, ?, ?, ?, "
	    "?, ?, ?, ?, ?, ?, ?, ?, 0, '')",
	[Q_EFFECT_NEXT] = "SELECT id, plugin, place, verb, op, message, argv, "
	    "input IS NOT NULL, whole, once, timeout, state, at, tries, why "
	    "FROM script_effect WHERE state = ?1 AND id > ?2 "
	    "ORDER BY id LIMIT 1",
	[Q_EFFECT_INPUT] = "SELECT input FROM script_effect WHERE id = ? "
	    "AND input IS NOT NULL",
	[Q_EFFECT_SET] = "UPDATE script_effect SET state = ?2, at = ?3, "
	    "why = ?4, tries = tries + (?2 = 1) WHERE id = ?1",
	[Q_EFFECT_DROP] = "DELETE FROM script_effect WHERE id = ?",
	[Q_EFFECT_TRIM] = "DELETE FROM script_effect WHERE state = 2 "
	    "AND at < ?",
	[Q_OWED_PUT] = "INSERT INTO script_owed VALUES (?1, ?2, ?3, 1, ?4) "
	    "ON CONFLICT DO UPDATE SET at = excluded.at, tries = tries + 1, "
	    "why = excluded.why",
	[Q_OWED_REMOVE] = "DELETE FROM script_owed WHERE plugin = ?1 "
	    "AND message = ?2",
	[Q_OWED_NEXT] = "SELECT plugin, message, at, tries, why "
	    "FROM script_owed WHERE plugin = ?1 AND message > ?2 "
	    "ORDER BY message LIMIT 1",
	[Q_OWED_COUNT] = "SELECT count(*) FROM script_owed WHERE plugin = ?",
	[Q_CAUSE_PUT] = "INSERT OR REPLACE INTO script_cause "
	    "VALUES (?1, ?2, ?3, ?4, ?5)",
	[Q_CAUSE_GET] = "SELECT plugin, depth, at FROM script_cause "
	    "WHERE message = ?1 AND kind = ?2",
	[Q_CAUSE_REMOVE] = "DELETE FROM script_cause WHERE message = ?1 "
	    "AND kind = ?2",
	[Q_TIMER_GET] = "SELECT last FROM script_timer WHERE plugin = ?1 "
	    "AND spec = ?2",
	[Q_TIMER_PUT] = "INSERT OR REPLACE INTO script_timer "
	    "VALUES (?1, ?2, ?3)",
	[Q_MARK] = "INSERT OR IGNORE INTO script_mark VALUES (?)",
	[Q_MARKED] = "SELECT 1 FROM script_mark WHERE folder = ?",
	[Q_SEARCH] = SELECT_MSG "WHERE id > ?1 AND folder = ?2 "
	    "AND uniq IS NOT NULL AND flags & ?3 = ?3 AND flags & ?4 = 0 "
	    "AND (?5 = 0 OR date >= ?5) AND (?6 = 0 OR date < ?6) "
	    "AND (?7 = 0 OR size > ?7) AND (?8 = 0 OR size < ?8) "
	    "AND (?9 IS NULL OR msgid = ?9) ORDER BY id LIMIT 1",
	[Q_LAST_ID] = "SELECT seq FROM sqlite_sequence WHERE name = 'message'",
	[Q_UIDL_PUT] = "INSERT OR REPLACE INTO uidl VALUES (?, ?, ?, ?, ?, ?)",
	[Q_UIDL_LOAD] = "SELECT u.message, u.uidl, u.size, u.since, u.gone, "
	    "m.stage, m.wire_size, m.head, m.digest, m.msgid, u.keep FROM uidl u "
	    "JOIN message m ON m.id = u.message",
	[Q_UIDL_FORGET] = "DELETE FROM message WHERE id IN "
	    "(SELECT message FROM uidl WHERE gone < ?)",
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_READING] = "SELECT 1 FROM meta",
	[Q_ROLLBACK] = "ROLLBACK",
};

int
db_error(struct store *s, struct err *err)
{
	int code = sqlite3_errcode(s->db) & 0xff;
	int errnum = sqlite3_system_errno(s->db);
	const char *text = sqlite3_errmsg(s->db);

	/* SQLite knows ENOSPC of a write, but not of an fsync, nor quotas. */
	if (code == SQLITE_IOERR && (errnum == ENOSPC || errnum == EDQUOT))
		code = SQLITE_FULL;
	switch (code) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(err, ERR_LOCAL, "state.locked",
		    "the state database is in use: %s", text);
	case SQLITE_FULL:
		return err_set(err, ERR_LOCAL, "store.no-space",
		    "no space for the state database: %s", text);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(err, ERR_LOCAL, "state.corrupt",
		    "the state database is damaged: %s", text);
	default:
		return err_set(err, ERR_LOCAL, "state.io",
		    "the state database: %s", text);
	}
}

sqlite3_stmt *
db_stmt(struct store *s, enum stmt q, struct err *err)
{
	sqlite3_stmt *st = s->stmt[q];

	if (st == NULL) {
		if (sqlite3_prepare_v3(s->db, sql[q], -1,
		    SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
			db_error(s, err);
			return NULL;
		}
		s->stmt[q] = st;
	}
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return st;
}

int
db_step(struct store *s, sqlite3_stmt *st, struct err *err)
{
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		sqlite3_reset(st);
		return 0;
	default:
		db_error(s, err);
		sqlite3_reset(st);
		return -1;
	}
}

int
db_run(struct store *s, sqlite3_stmt *st, struct err *err)
{
	int r;

	/* After some errors (no space, I/O) SQLite rolls back by itself: what
	 * follows must not be kept without what came before. */
	if (s->in_transaction && sqlite3_get_autocommit(s->db) != 0)
		return err_set(err, ERR_LOCAL, "state.io", "the state database: "
		    "an earlier error has undone this transaction");
	r = db_step(s, st, err);
	sqlite3_reset(st);
	return r < 0 ? -1 : 0;
}

int
db_run_with(struct store *s, enum stmt q, int64_t v, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, q, err);

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, 1, v);
	return db_run(s, st, err);
}

int
db_number(struct store *s, sqlite3_stmt *st, int64_t *v, struct err *err)
{
	int got = db_step(s, st, err);

	if (got < 0)
		return -1;
	*v = got > 0 ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_reset(st);
	return 0;
}

void
db_bind_text(sqlite3_stmt *st, int at, struct str s)
{
	if (s.n > 0)
		sqlite3_bind_text64(st, at, s.p, s.n, SQLITE_TRANSIENT,
		    SQLITE_UTF8);
}

void
db_bind_blob(sqlite3_stmt *st, int at, struct str s)
{
	if (s.n > 0)
		sqlite3_bind_blob64(st, at, s.p, s.n, SQLITE_TRANSIENT);
}

struct str
db_column(sqlite3_stmt *st, int at)
{
	struct str s = { sqlite3_column_blob(st, at), 0 };

	s.n = (size_t)sqlite3_column_bytes(st, at);
	return s.n > 0 ? s : STR_NONE;
}

void
db_bind_some(sqlite3_stmt *st, int at, int64_t v)
{
	if (v != 0)
		sqlite3_bind_int64(st, at, v);
}

struct hash
db_column_hash(sqlite3_stmt *st, int at)
{
	struct hash h = { 0 };

	if (sqlite3_column_bytes(st, at) == sizeof(h.b))
		memcpy(h.b, sqlite3_column_blob(st, at), sizeof(h.b));
	return h;
}

int
db_borrow(struct store *s, enum stmt q, struct str *const *text, size_t n,
    struct err *err)
{
	struct buf *b = &s->text[q];
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += text[i]->n;
	buf_reset(b);
	/* Once for all, so that it does not move under the first ones. */
	if (sum > 0 && buf_room(b, sum) == NULL)
		return err_set(err, ERR_LOCAL, "state.corrupt",
		    "the state database is damaged: a row is too long");
	for (size_t i = 0; i < n; i++) {
		const char *at = (const char *)b->p + b->n;

		if (text[i]->n == 0)
			continue;
		must(buf_add_str(b, *text[i]) == 0);
		text[i]->p = at;
	}
	return 0;
}

/* ---- transactions ----------------------------------------------------- */

int
store_begin(struct store *s, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_BEGIN, err);

	must(!s->in_transaction);
	if (st == NULL || db_run(s, st, err) < 0)
		return -1;
	s->in_transaction = true;
	return 0;
}

int
store_commit(struct store *s, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_COMMIT, err);

	must(s->in_transaction);
	if (st == NULL || db_run(s, st, err) < 0)
		return -1;
	s->in_transaction = false;
	return 0;
}

void
store_rollback(struct store *s)
{
	struct err ignored;
	sqlite3_stmt *st;

	if (!s->in_transaction)
		return;
	s->in_transaction = false;
	/* An error may have rolled back already. */
	if (sqlite3_get_autocommit(s->db))
		return;
	st = db_stmt(s, Q_ROLLBACK, &ignored);
	if (st != NULL)
		(void)db_run(s, st, &ignored);
}

bool
store_in_transaction(const struct store *s)
{
	return s->in_transaction;
}

/* A statement that has a row to give holds what each other one would take and leave
 * again: six system calls. */
void
store_reading(struct store *s, bool on)
{
	struct err ignored;
	sqlite3_stmt *st = db_stmt(s, Q_READING, &ignored);

	if (st == NULL)
		return;
	if (on)
		(void)db_step(s, st, &ignored);
	else
		sqlite3_reset(st);
}

/* ---- small facts ------------------------------------------------------ */

int
store_set(struct store *s, const char *key, struct str value, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_META_SET, err);

	if (st == NULL)
		return -1;
	db_bind_text(st, 1, str_z(key));
	sqlite3_bind_blob64(st, 2, value.p != NULL ? value.p : "", value.n,
	    SQLITE_TRANSIENT);
	return db_run(s, st, err);
}

int
store_get(struct store *s, const char *key, char **value, struct err *err)
{
	sqlite3_stmt *st = db_stmt(s, Q_META_GET, err);
	int got;

	*value = NULL;
	if (st == NULL)
		return -1;
	db_bind_text(st, 1, str_z(key));
	got = db_step(s, st, err);
	if (got > 0)
		*value = str_dup(db_column(st, 0));
	sqlite3_reset(st);
	return got < 0 ? -1 : 0;
}
