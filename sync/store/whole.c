/* whole.c — SQLite finds damage where it reads; this reads what it does not. */
#include "store/whole.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/db.h"
#include "store/store.h"

enum { HEADER_BYTES = 100 };	/* of any SQLite file */
enum {
	PAGE_BYTES = 4096,
	SMALL_BYTES = 256 << 10,	/* read at each opening */
	WEEKLY_BYTES = 64 << 20		/* once a week; above, after a crash only */
};

/* When all of it was read last: microseconds since 1970. */
static const char CHECKED[] = "checked";

/* SQLite makes its files by the umask. */
static int
make_private(const char *path, struct whole *w, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st = { 0 };
	char *log;
	int r;

	if (fd < 0)
		return err_sys(err, ERR_LOCAL, "store.permission", "open %s",
		    path);
	r = fstat(fd, &st);
	if (r == 0 && (st.st_mode & 077) != 0)
		r = fchmod(fd, 0600);
	if (r < 0)
		err_sys(err, ERR_LOCAL, "store.permission", "%s", path);
	close(fd);
	w->size = st.st_size;
	log = xasprintf("%s-wal", path);
	w->log = stat(log, &st) == 0 && st.st_size > 0;
	free(log);
	return r;
}

/* SQLite takes a file of a byte or two for a new one, one that lacks the end of
 * its last page for a whole one, and throws away the log of an empty one.  Half
 * a page is legal only where a checkpoint was cut off: then the log is there. */
static int
check_size(const struct whole *w, const char *path, struct err *err)
{
	if (w->size > 0 && w->size < HEADER_BYTES)
		return err_set(err, ERR_LOCAL, "state.corrupt",
		    "%s is not a state database of syncd", path);
	if (w->log ? w->size == 0 : w->size % PAGE_BYTES != 0)
		return err_set(err, ERR_LOCAL, "state.corrupt",
		    "%s was cut short", path);
	return 0;
}

int
whole_look(const char *path, struct whole *w, struct err *err)
{
	return make_private(path, w, err) < 0 ? -1 : check_size(w, path, err);
}

static int
is_due(struct store *s, const struct whole *w, bool *due, struct err *err)
{
	static const int64_t week = USEC_S(7 * 24 * 3600);
	char *text;
	int64_t age;

	*due = w->log || w->size <= SMALL_BYTES;
	if (*due || w->size > WEEKLY_BYTES)
		return 0;
	if (store_get(s, CHECKED, &text, err) < 0)
		return -1;
	age = text != NULL ? clock_wall() - strtoll(text, NULL, 10) : -1;
	free(text);
	/* A time that is yet to come is no reason to wait for it. */
	*due = age < 0 || age > week;
	return 0;
}

int
whole_check(struct store *s, struct whole *w, struct err *err)
{
	sqlite3_stmt *st;
	int r = 0;

	if (is_due(s, w, &w->all, err) < 0)
		return -1;
	if (!w->all)
		return 0;
	if (sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL) !=
	    SQLITE_OK)
		return db_error(s, err);
	if (sqlite3_step(st) != SQLITE_ROW)
		r = db_error(s, err);
	else if (!str_eq(db_column(st, 0), STR("ok")))
		r = err_set(err, ERR_LOCAL, "state.corrupt", "the state database"
		    " is damaged: %.*s", STR_ARG(db_column(st, 0)));
	sqlite3_finalize(st);
	return r;
}

int
whole_note(struct store *s, const struct whole *w, struct err *err)
{
	char text[24];

	if (w->size > 0 && (!w->all || w->size <= SMALL_BYTES))
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)clock_wall());
	return store_set(s, CHECKED, str_z(text), err);
}
