/* test_store_disk.c — the state file on a disk: its log, a write that fails,
 * pages that are damaged or missing. */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "scratch.h"
#include "store/db.h"
#include "store/store.h"

static char dir[SCRATCH_PATH], path[96];
static struct err err;

#define OK(call)	assert_int_equal(call, 0)

static int
make_dir(void **state)
{
	(void)state;
	if (scratch_make(dir, "store") < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/state.db", dir);
	err = (struct err){ 0 };
	return 0;
}

static char *
beside(const char *suffix)
{
	return xasprintf("%s%s", path, suffix);
}

static int
remove_dir(void **state)
{
	(void)state;
	return scratch_remove(dir);
}

static struct store *
open_store(void)
{
	struct store *s = store_open(path, &err);

	if (s == NULL)
		fail_msg("open: %s", err.text);
	return s;
}

/* INBOX with ${n} messages; returns its id. */
static int64_t
fill(struct store *s, uint32_t n)
{
	struct folder_row f = { .wire = STR("INBOX"), .path = STR("INBOX") };

	OK(store_begin(s, &err));
	OK(store_folder_put(s, &f, &err));
	for (uint32_t i = 1; i <= n; i++) {
		struct msg_row m = { .folder = f.id, .uid = { i },
		    .unique = STR("1700000000.M1P2.host"),
		    .subject = STR("minutes of the meeting on Tuesday") };

		memcpy(m.head.b, &i, sizeof(i));
		OK(store_msg_put(s, &m, &err));
	}
	OK(store_commit(s, &err));
	return f.id;
}

static uint32_t
rows_of(struct store *s, int64_t folder)
{
	uint32_t n = UINT32_MAX;

	OK(store_count(s, folder, &n, &err));
	return n;
}

static off_t
size_of(const char *suffix)
{
	char *name = beside(suffix);
	struct stat st;

	OK(stat(name, &st));
	free(name);
	return st.st_size;
}

/* ---- the log ---------------------------------------------------------- */

/* Each reads one row, and does not read on. */
static void
read_message(struct store *s, int64_t folder)
{
	struct msg_row row;

	assert_int_equal(store_find_uid(s, folder, (struct uid){ 2 }, &row,
	    &err), 1);
}

static void
read_folder(struct store *s, int64_t folder)
{
	struct folder_row row;
	int64_t at = folder - 1;

	assert_true(store_folder_next(s, &at, &row, &err));
}

static void
read_audit(struct store *s, int64_t folder)
{
	struct audit_row row;
	int64_t at = 0;

	(void)folder;
	assert_int_equal(store_audit_next(s, &at, STR_NONE, STR_NONE, &row,
	    &err), 1);
	at = 0;
	assert_int_equal(store_audit_next(s, &at, STR_NONE, STR("<a>"), &row,
	    &err), 1);
}

static void
a_row_that_was_read_does_not_let_the_log_grow(void **state)
{
	void (*const reads[])(struct store *, int64_t) = { read_message,
	    read_folder, read_audit };
	struct store *s = open_store();
	int64_t folder = fill(s, 10);
	struct audit_row audit = { .op = STR("download"), .folder = STR("INBOX"),
	    .msgid = STR("<a>"), .reason = STR("new on the server") };
	struct msg_row row;

	(void)state;
	OK(store_begin(s, &err));
	OK(store_audit(s, &audit, &err));
	OK(store_commit(s, &err));
	for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
		for (unsigned j = 0; j < 3000; j++) {
			reads[i](s, folder);
			assert_int_equal(store_find_id(s, 1, &row, &err), 1);
			row.flags.sys ^= FLAG_SEEN;
			OK(store_begin(s, &err));
			OK(store_msg_touch(s, &row, &err));
			OK(store_commit(s, &err));
		}
		/* 3000 changes are 12 MB of log, if it never starts anew. */
		assert_true(size_of("-wal") < 6 << 20);
	}
	store_close(s);
}

static void
a_row_that_was_read_outlives_changes_and_rollbacks(void **state)
{
	struct store *s = open_store();
	int64_t folder = fill(s, 2);
	struct msg_row row, changed;

	(void)state;
	assert_int_equal(store_find_uid(s, folder, (struct uid){ 1 }, &row,
	    &err), 1);
	changed = row;
	changed.subject = STR("something else, and longer than it was before");
	OK(store_begin(s, &err));
	OK(store_msg_put(s, &changed, &err));
	store_rollback(s);
	OK(store_begin(s, &err));
	OK(store_msg_remove(s, row.id, &err));
	OK(store_commit(s, &err));
	assert_true(str_eq(row.unique, STR("1700000000.M1P2.host")));
	assert_true(str_eq(row.subject,
	    STR("minutes of the meeting on Tuesday")));
	store_close(s);
}

/* ---- a write that fails ----------------------------------------------- */

/* No file may grow past ${most}, as if the disk were full there. */
static void
limit_files(rlim_t most)
{
	struct rlimit r;

	OK(getrlimit(RLIMIT_FSIZE, &r));
	r.rlim_cur = most == RLIM_INFINITY ? r.rlim_max : most;
	OK(setrlimit(RLIMIT_FSIZE, &r));
	signal(SIGXFSZ, most == RLIM_INFINITY ? SIG_DFL : SIG_IGN);
}

static void
a_failed_write_undoes_the_transaction_and_what_follows_fails(void **state)
{
	struct store *s = open_store();
	int64_t folder = fill(s, 100);
	uint32_t i = 1000;
	char *value;
	int r;

	(void)state;
	limit_files(1 << 20);
	OK(store_begin(s, &err));
	do {
		struct msg_row m = { .folder = folder, .uid = { i++ } };

		memcpy(m.head.b, &i, sizeof(i));
		r = store_msg_put(s, &m, &err);
	} while (r == 0 && i < 200000);
	limit_files(RLIM_INFINITY);
	assert_int_equal(r, -1);
	assert_int_equal(err.class, ERR_LOCAL);
	assert_string_equal(err.code, "state.io");
	/* There is room again, but what came before is gone. */
	assert_int_equal(store_set(s, "k", STR("v"), &err), -1);
	assert_int_equal(store_commit(s, &err), -1);
	store_rollback(s);
	assert_int_equal(rows_of(s, folder), 100);
	OK(store_get(s, "k", &value, &err));
	assert_null(value);
	OK(store_begin(s, &err));
	OK(store_set(s, "k", STR("v"), &err));
	OK(store_commit(s, &err));
	store_close(s);
}

/* ---- damage ----------------------------------------------------------- */

static struct buf
contents(void)
{
	int fd = open(path, O_RDONLY);
	struct buf b;
	ssize_t n;

	assert_true(fd >= 0);
	buf_init(&b, 64 << 20);
	do {
		uint8_t *room = buf_room(&b, 65536);

		assert_non_null(room);
		n = read(fd, room, 65536);
		assert_true(n >= 0);
		b.n += (size_t)n;
	} while (n > 0);
	close(fd);
	return b;
}

/* With ${b} as its bytes the file is refused, and left as it is. */
static void
assert_refused(const struct buf *b)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	struct buf now;

	assert_true(fd >= 0);
	assert_true(write(fd, b->p, b->n) == (ssize_t)b->n);
	close(fd);
	if (store_open(path, &err) != NULL)
		fail_msg("a file of %zu bytes was taken", b->n);
	assert_string_equal(err.code, "state.corrupt");
	assert_int_equal(err.class, ERR_LOCAL);
	now = contents();
	assert_int_equal(now.n, b->n);
	if (b->n > 0)
		assert_memory_equal(now.p, b->p, b->n);
	buf_clear(&now);
}

static void
damage_in_a_small_file_is_found_when_it_is_opened(void **state)
{
	struct store *s = open_store();
	struct buf b;

	(void)state;
	fill(s, 100);
	store_close(s);
	b = contents();
	memset(b.p + b.n / 8192 * 4096, 0xa5, 4096);
	assert_refused(&b);
	buf_clear(&b);
}

/* The file of ${n} rows, damaged, after it was checked ${ago} seconds ago. */
static struct buf
damaged(uint32_t n, int64_t ago)
{
	struct store *s = open_store();
	struct buf b;
	char text[32];

	fill(s, n);
	snprintf(text, sizeof(text), "%lld",
	    (long long)(clock_wall() - ago * 1000000));
	OK(store_set(s, "checked", str_z(text), &err));
	store_close(s);
	b = contents();
	memset(b.p + b.n / 8192 * 4096, 0xa5, 4096);
	return b;
}

static void
damage_is_found_when_the_last_look_is_a_week_ago(void **state)
{
	static const int64_t ago[] = { 8 * 24 * 3600, -3600 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ago); i++) {
		struct buf b = damaged(1000, ago[i]);

		assert_refused(&b);
		buf_clear(&b);
		assert_int_equal(remove_dir(NULL), 0);
		assert_int_equal(make_dir(NULL), 0);
	}
}

static void
a_look_at_everything_is_remembered(void **state)
{
	struct store *s = open_store();
	char *before, *after;

	(void)state;
	OK(store_get(s, "checked", &before, &err));
	assert_non_null(before);	/* a new file is whole */
	fill(s, 1000);
	OK(store_set(s, "checked", STR("1"), &err));
	store_close(s);
	s = open_store();
	OK(store_get(s, "checked", &after, &err));
	store_close(s);
	assert_true(strtoll(after, NULL, 10) >= strtoll(before, NULL, 10));
	/* ... and then it is not read again: that would cost each run. */
	s = open_store();
	free(before);
	OK(store_get(s, "checked", &before, &err));
	store_close(s);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void
a_file_that_ends_inside_a_page_is_refused(void **state)
{
	static const size_t cuts[] = { 1, 100, 512, 4095 };
	struct store *s = open_store();
	struct buf b;
	size_t whole;

	(void)state;
	fill(s, 1000);
	store_close(s);
	b = contents();
	whole = b.n;
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		b.n = whole - cuts[i];
		assert_refused(&b);
	}
	buf_clear(&b);
}

/* A writer that is killed with its log full. */
static void
kill_a_writer(void)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *s = store_open(path, &err);

		if (s == NULL || store_begin(s, &err) < 0 ||
		    store_set(s, "k", STR("v"), &err) < 0 ||
		    store_commit(s, &err) < 0)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* A page whose sums are right can hold a value that is not. */
static void
a_row_with_an_impossible_value_is_refused(void **state)
{
	static const char *const damage[] = { "stage = 99", "stage = -1",
	    "eol = 3", "flags = 64", "stage = 4294967296" };
	struct store *s = open_store();
	int64_t id = fill(s, 3);
	struct msg_row row;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damage); i++) {
		char *sql = xasprintf("UPDATE message SET %s WHERE uid = 2",
		    damage[i]);
		struct cursor *c;
		int got;

		assert_int_equal(sqlite3_exec(s->db, sql, NULL, NULL, NULL), 0);
		free(sql);
		err = (struct err){ 0 };
		assert_int_equal(store_find_uid(s, id, (struct uid){ 2 }, &row,
		    &err), -1);
		assert_string_equal(err.code, "state.corrupt");
		c = cursor_open(s, id, BY_UID, &err);
		assert_non_null(c);
		err = (struct err){ 0 };
		while ((got = cursor_next(c, &row, &err)) == 1)
			assert_int_not_equal(row.uid.v, 2);
		assert_int_equal(got, -1);
		assert_string_equal(err.code, "state.corrupt");
		cursor_close(c);
		assert_int_equal(sqlite3_exec(s->db, "UPDATE message SET stage"
		    " = 0, eol = 0, flags = 0", NULL, NULL, NULL), 0);
	}
	store_close(s);
}

static void
damage_in_a_big_file_is_found_after_a_crash(void **state)
{
	struct store *s = open_store();
	struct buf b;
	off_t log;

	(void)state;
	fill(s, 20000);
	store_close(s);
	kill_a_writer();
	log = size_of("-wal");
	assert_true(log > 0);
	b = contents();
	assert_true(b.n > 1 << 20);
	memset(b.p + b.n / 8192 * 4096, 0xa5, 4096);
	assert_refused(&b);
	/* The log may be all that is left: it is not thrown away either. */
	b.n = 0;
	assert_refused(&b);
	assert_int_equal(size_of("-wal"), log);
	buf_clear(&b);
}

static void
a_whole_file_is_taken_after_a_crash(void **state)
{
	struct store *s = open_store();
	int64_t folder = fill(s, 20000);
	char *value;

	(void)state;
	store_close(s);
	kill_a_writer();
	s = open_store();
	assert_int_equal(rows_of(s, folder), 20000);
	OK(store_get(s, "k", &value, &err));
	assert_string_equal(value, "v");
	free(value);
	store_close(s);
}

static void
a_file_that_others_could_read_is_made_private(void **state)
{
	struct stat st;

	(void)state;
	store_close(open_store());
	OK(chmod(path, 0644));
	store_close(open_store());
	OK(stat(path, &st));
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
the_id_of_a_folder_is_never_used_again(void **state)
{
	struct store *s = open_store();
	int64_t first = fill(s, 1);

	(void)state;
	OK(store_begin(s, &err));
	OK(store_folder_remove(s, first, &err));
	OK(store_commit(s, &err));
	store_close(s);
	s = open_store();
	assert_true(fill(s, 1) > first);
	store_close(s);
}

/* ---- older versions --------------------------------------------------- */

static void
run_sql(sqlite3 *db, const char *text)
{
	char *why = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
}

/* As the program of that time left it, with one folder and one message. */
static void
make_version(int version)
{
	char *pragma = xasprintf("PRAGMA user_version = %d", version);
	sqlite3 *db;

	OK(sqlite3_open(path, &db));
	run_sql(db, "PRAGMA page_size = 4096; PRAGMA application_id = 0x73796e63");
	for (int i = 0; i < version; i++)
		run_sql(db, store_schema[i]);
	run_sql(db, pragma);
	run_sql(db, "INSERT INTO folder (id, wire, path, delim, attrs, objid,"
	    " validity, uidnext, modseq, messages, mtime_cur, mtime_new, held)"
	    " VALUES (7, x'494e424f58', x'494e424f58', 47, 0, NULL,"
	    " 1, 2, 3, 1, 0, 0, NULL); INSERT INTO message (folder, uid, stage,"
	    " in_new, ino, size, wire_size, eol, flags, keywords, modseq, date)"
	    " VALUES (7, 1, 0, 0, 1, 10, 10, 0, 0, 0, 3, 0)");
	OK(sqlite3_close(db));
	free(pragma);
}

static void
each_older_version_is_brought_up_to_date(void **state)
{
	for (int v = 1; v <= store_schema_version; v++) {
		struct store *s;
		uint32_t n;

		make_version(v);
		s = open_store();
		assert_int_equal(rows_of(s, 7), 1);
		OK(store_count_uids(s, 7, &n, &err));
		assert_int_equal(n, 1);
		/* Everything that is asked of it fits what is there now. */
		for (enum stmt q = 0; q < Q_BEGIN; q++)
			assert_non_null(db_stmt(s, q, &err));
		store_close(s);
		remove_dir(state);
		OK(mkdir(dir, 0700));
	}
}

#define FRESH(f)	cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_row_that_was_read_does_not_let_the_log_grow),
		FRESH(a_row_that_was_read_outlives_changes_and_rollbacks),
		FRESH(a_failed_write_undoes_the_transaction_and_what_follows_fails),
		FRESH(damage_in_a_small_file_is_found_when_it_is_opened),
		FRESH(damage_is_found_when_the_last_look_is_a_week_ago),
		FRESH(a_look_at_everything_is_remembered),
		FRESH(a_file_that_ends_inside_a_page_is_refused),
		FRESH(a_row_with_an_impossible_value_is_refused),
		FRESH(damage_in_a_big_file_is_found_after_a_crash),
		FRESH(a_whole_file_is_taken_after_a_crash),
		FRESH(a_file_that_others_could_read_is_made_private),
		FRESH(the_id_of_a_folder_is_never_used_again),
		FRESH(each_older_version_is_brought_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
