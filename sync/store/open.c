/*
 * open.c — opening the state database: is it ours, is it whole, is it up to date?
 *
 * WAL with synchronous=FULL: a commit is on the disk when it returns.  A file
 * that is not ours, is newer than we are or is damaged is left as it is.
 */
#include "store/db.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/memory.h"
#include "store/whole.h"

enum { APPLICATION_ID = 0x73796e63, BUSY_MS = 5000 };
enum { TEXT_MAX = 8 << 20 };	/* of one row */

static int
exec(struct store *s, const char *text, struct err *err)
{
	if (sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return db_error(s, err);
}

static int
pragma_int(struct store *s, const char *text, int64_t *value, struct err *err)
{
	sqlite3_stmt *st;
	int r;

	if (sqlite3_prepare_v2(s->db, text, -1, &st, NULL) != SQLITE_OK)
		return db_error(s, err);
	r = sqlite3_step(st);
	if (r == SQLITE_ROW)
		*value = sqlite3_column_int64(st, 0);
	else
		db_error(s, err);
	sqlite3_finalize(st);
	return r == SQLITE_ROW ? 0 : -1;
}

static int
check_ours(struct store *s, const char *path, int64_t *version, struct err *err)
{
	int64_t app, tables;

	if (pragma_int(s, "PRAGMA application_id", &app, err) < 0 ||
	    pragma_int(s, "PRAGMA user_version", version, err) < 0 ||
	    pragma_int(s, "SELECT count(*) FROM sqlite_schema", &tables, err) < 0)
		return -1;
	if (tables == 0 && app == 0 && *version == 0)
		return 0;
	if (app != APPLICATION_ID || *version < 0)
		return err_set(err, ERR_LOCAL, "state.corrupt",
		    "%s is not a state database of syncd", path);
	if (*version > store_schema_version)
		return err_set(err, ERR_LOCAL, "state.newer-version",
		    "%s was written by a newer syncd (schema %lld, ours is %d)",
		    path, (long long)*version, store_schema_version);
	return 0;
}

/* Make it, or bring an older one up to date: all of it or nothing. */
static int
migrate(struct store *s, int64_t version, struct err *err)
{
	char *pragmas = xasprintf("PRAGMA application_id = %d; "
	    "PRAGMA user_version = %d; COMMIT", APPLICATION_ID,
	    store_schema_version);
	int r = exec(s, "BEGIN EXCLUSIVE", err);

	for (int64_t i = version; i < store_schema_version && r == 0; i++)
		r = exec(s, store_schema[i], err);
	if (r == 0)
		r = exec(s, pragmas, err);
	free(pragmas);
	return r;
}

static struct store *
open_db(const char *path, int flags, struct err *err)
{
	struct store *s = xcalloc(1, sizeof(*s));

	memory_begin();
	if (sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK) {
		db_error(s, err);
		err_wrap(err, "open %s", path);
		store_close(s);
		return NULL;
	}
	sqlite3_busy_timeout(s->db, BUSY_MS);
	for (size_t i = 0; i < Q_N; i++)
		buf_init(&s->text[i], TEXT_MAX);
	return s;
}

/* While it is not known to be ours and whole, even closing leaves it alone. */
static void
hands_off(struct store *s, bool off)
{
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, (int)off, NULL);
}

struct store *
store_open(const char *path, struct err *err)
{
	struct store *s;
	struct whole w = { 0 };
	int64_t version = 0;

	if (whole_look(path, &w, err) < 0)
		return NULL;
	s = open_db(path, SQLITE_OPEN_READWRITE, err);
	if (s == NULL)
		return NULL;
	hands_off(s, true);
	if (check_ours(s, path, &version, err) < 0 ||
	    whole_check(s, &w, err) < 0) {
		err_wrap(err, "%s", path);
		store_close(s);
		return NULL;
	}
	hands_off(s, false);
	if (exec(s, "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; "
	    "PRAGMA synchronous = FULL; "
	    "PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096; "
	    "PRAGMA journal_size_limit = 4194304; PRAGMA temp_store = MEMORY",
	    err) < 0 || (version < store_schema_version &&
	    migrate(s, version, err) < 0) ||
	    whole_note(s, &w, err) < 0) {
		err_wrap(err, "%s", path);
		store_close(s);
		return NULL;
	}
	return s;
}

struct store *
store_open_reader(const char *path, struct err *err)
{
	struct store *s;
	int64_t version = 0;

	if (access(path, F_OK) < 0) {
		err_sys(err, ERR_LOCAL, "state.absent", "%s", path);
		return NULL;
	}
	s = open_db(path, SQLITE_OPEN_READWRITE, err);
	if (s == NULL)
		return NULL;
	if (check_ours(s, path, &version, err) < 0 ||
	    exec(s, "PRAGMA query_only = ON", err) < 0) {
		store_close(s);
		return NULL;
	}
	if (version == 0) {
		err_set(err, ERR_LOCAL, "state.absent", "%s: nothing yet", path);
		store_close(s);
		return NULL;
	}
	return s;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < Q_N; i++) {
		sqlite3_finalize(s->stmt[i]);
		buf_clear(&s->text[i]);
	}
	sqlite3_close(s->db);
	free(s);
}
