/* test_store.c — the state of an account: kept whole, or refused whole. */
#include "cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/attr.h"
#include "base/mem.h"
#include "scratch.h"
#include "store/store.h"
#include "want.h"

static char dir[SCRATCH_PATH], path[96];

static int
make_dir(void **state)
{
	(void)state;
	if (scratch_make(dir, "store") < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/state.db", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	return scratch_remove(dir);
}

#define OK(call)	assert_int_equal(call, 0)

static struct store *
open_store(void)
{
	struct err err = { 0 };
	struct store *s = store_open(path, &err);

	if (s == NULL)
		fail_msg("open: %s", err.text);
	return s;
}

static struct folder_row
add_folder(struct store *s, const char *name)
{
	struct folder_row f = { .wire = str_z(name), .path = str_z(name),
	    .delim = '/', .uidnext = 1 };
	struct err err;

	OK(store_folder_put(s, &f, &err));
	return f;
}

static int64_t
add_message(struct store *s, int64_t folder, uint32_t uid, const char *unique)
{
	struct msg_row m = { .folder = folder, .uid = { uid },
	    .unique = str_z(unique), .file = str_z(unique), .size = 10 };
	struct err err = { 0 };

	if (store_msg_put(s, &m, &err) < 0)
		fail_msg("put: %s", err.text);
	return m.id;
}

static uint32_t
count_rows(struct store *s, int64_t folder)
{
	struct err err;
	uint32_t n;

	OK(store_count(s, folder, &n, &err));
	return n;
}

/* ---- every field ------------------------------------------------------ */

static void
assert_str(struct str got, struct str want)
{
	if (!str_eq(got, want))
		fail_msg("'%.*s', wanted '%.*s'", STR_ARG(got), STR_ARG(want));
}

static struct msg_row
full_message(int64_t folder)
{
	struct msg_row m = {
		.folder = folder, .uid = { UINT32_MAX },
		.stage = ST_MOVING, .unique = STR("1.M2P3.h\xffst"),
		.file = STR("1.M2P3.h\xffst:2,FS"), .in_new = true,
		.ino = UINT64_MAX, .size = (uint64_t)5 << 32,
		.wire_size = (uint64_t)6 << 32, .eol = EOL_MIXED,
		.flags = { FLAG_ALL, UINT64_MAX },
		.modseq = { INT64_MAX }, .date = -1,
		.objid = STR("M1234"), .to = 77, .seek = UINT32_MAX,
		.when = INT64_MAX, .subject = STR("s\0s"),
		.from = STR("f\n f"), .msgid = STR("<m>"),
	};

	memset(&m.head, 0x11, sizeof(m.head));
	memset(&m.all, 0x22, sizeof(m.all));
	return m;
}

static void
assert_message(const struct msg_row *got, const struct msg_row *want)
{
	assert_true(got->id == want->id);
	assert_true(got->folder == want->folder);
	assert_int_equal(got->uid.v, want->uid.v);
	assert_int_equal(got->stage, want->stage);
	assert_str(got->unique, want->unique);
	assert_str(got->file, want->file);
	assert_int_equal(got->in_new, want->in_new);
	assert_true(got->ino == want->ino);
	assert_true(got->size == want->size);
	assert_true(got->wire_size == want->wire_size);
	assert_int_equal(got->eol, want->eol);
	assert_true(flags_eq(got->flags, want->flags));
	assert_true(got->modseq.v == want->modseq.v);
	assert_true(hash_eq(&got->head, &want->head));
	assert_true(hash_eq(&got->all, &want->all));
	assert_true(got->date == want->date);
	assert_str(got->objid, want->objid);
	assert_true(got->to == want->to);
	assert_int_equal(got->seek, want->seek);
	assert_true(got->when == want->when);
	assert_str(got->subject, want->subject);
	assert_str(got->from, want->from);
	assert_str(got->msgid, want->msgid);
}

static void
every_field_of_a_message_outlives_a_reopen(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX");
	struct msg_row full = full_message(f.id), none = { .folder = f.id }, m;
	struct err err;

	(void)state;
	OK(store_msg_put(s, &full, &err));
	OK(store_msg_put(s, &none, &err));
	assert_true(full.id > 0 && none.id > full.id);
	store_close(s);
	s = open_store();
	assert_int_equal(store_find_id(s, full.id, &m, &err), 1);
	assert_message(&m, &full);
	assert_int_equal(store_find_uid(s, f.id, full.uid, &m, &err), 1);
	assert_message(&m, &full);
	assert_int_equal(store_find_unique(s, f.id, full.unique, &m, &err), 1);
	assert_message(&m, &full);
	assert_int_equal(store_find_id(s, none.id, &m, &err), 1);
	assert_message(&m, &none);
	store_close(s);
}

static void
a_row_put_again_is_replaced_in_all_fields(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX"), g = add_folder(s, "G");
	struct msg_row full = full_message(f.id), none = { .folder = g.id }, m;
	struct err err;

	(void)state;
	OK(store_msg_put(s, &full, &err));
	none.id = full.id;
	OK(store_msg_put(s, &none, &err));
	assert_int_equal(store_find_id(s, full.id, &m, &err), 1);
	assert_message(&m, &none);
	assert_int_equal(store_find_uid(s, f.id, full.uid, &m, &err), 0);
	assert_int_equal(count_rows(s, f.id), 0);
	store_close(s);
}

/* Not only to fail: a value that found no room must not become NULL. */
static void
memory_that_is_short_ends_the_process(void **state)
{
	static char value[1 << 16];
	struct str long_one = { value, sizeof(value) };
	struct err err;
	pid_t pid;
	int status;

	(void)state;
	if (memory_is_never_short())
		skip();
	pid = fork();
	if (pid == 0) {
		struct store *s = open_store();

		OK(store_set(s, "what", STR("was"), &err));
		want_memory();
		_exit(store_set(s, "what", long_one, &err) == 0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void
a_touch_changes_flags_modseq_and_file_alone(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX");
	struct msg_row full = full_message(f.id), other = { 0 }, m;
	struct err err;

	(void)state;
	OK(store_msg_put(s, &full, &err));
	other.id = full.id;
	other.flags = (struct flags){ FLAG_SEEN, 3 };
	other.modseq.v = 9;
	other.file = STR("renamed:2,S");
	OK(store_msg_touch(s, &other, &err));
	full.flags = other.flags;
	full.modseq = other.modseq;
	full.file = other.file;
	full.in_new = false;
	assert_int_equal(store_find_id(s, full.id, &m, &err), 1);
	assert_message(&m, &full);
	store_close(s);
}

static void
a_row_that_is_present_keeps_all_but_its_stage(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX");
	struct msg_row full = full_message(f.id), m;
	struct err err;

	(void)state;
	full.stage = ST_LANDING;
	OK(store_msg_put(s, &full, &err));
	OK(store_msg_present(s, full.id, &err));
	full.stage = ST_PRESENT;
	assert_int_equal(store_find_id(s, full.id, &m, &err), 1);
	assert_message(&m, &full);
	store_close(s);
}

static void
a_row_that_was_taken_or_moved_keeps_what_it_is(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX"), g = add_folder(s, "Archive");
	struct msg_row full = full_message(f.id), m;
	struct err err;

	(void)state;
	full.stage = ST_APPENDING;
	full.seek = 7;
	full.uid.v = 0;
	OK(store_msg_put(s, &full, &err));
	OK(store_msg_taken(s, full.id, 4711, &err));
	full.stage = ST_PRESENT;
	full.seek = 0;
	full.uid.v = 4711;
	assert_int_equal(store_find_id(s, full.id, &m, &err), 1);
	assert_message(&m, &full);
	full.folder = g.id;
	full.uid.v = 12;
	full.unique = STR("other");
	full.file = STR("other:2,F");
	full.in_new = !full.in_new;
	full.flags = (struct flags){ FLAG_FLAGGED, 5 };
	OK(store_msg_moved(s, &full, &err));
	assert_int_equal(store_find_id(s, full.id, &m, &err), 1);
	assert_message(&m, &full);
	store_close(s);
}

static void
every_field_of_a_folder_outlives_a_reopen(void **state)
{
	struct folder_row full = { .wire = STR("A&AOQ-\xff"),
	    .path = STR("\xc3\xa4/%25"), .delim = '.', .attrs = 0x80000001u,
	    .objid = STR("box"), .validity = { INT64_MAX },
	    .uidnext = UINT32_MAX, .modseq = { INT64_MAX },
	    .messages = UINT32_MAX, .mtime_cur = INT64_MAX, .mtime_new = -1,
	    .held = STR("asked") };
	struct folder_row none = { .path = STR("only here") }, f;
	struct store *s = open_store();
	struct err err = { 0 };
	int64_t at = 0;

	(void)state;
	OK(store_folder_put(s, &full, &err));
	OK(store_folder_put(s, &none, &err));
	store_close(s);
	s = open_store();
	assert_true(store_folder_next(s, &at, &f, &err));
	assert_true(f.id == full.id);
	assert_str(f.wire, full.wire);
	assert_str(f.path, full.path);
	assert_int_equal(f.delim, '.');
	assert_int_equal(f.attrs, full.attrs);
	assert_str(f.objid, full.objid);
	assert_true(f.validity.v == full.validity.v);
	assert_int_equal(f.uidnext, UINT32_MAX);
	assert_true(f.modseq.v == full.modseq.v);
	assert_int_equal(f.messages, UINT32_MAX);
	assert_true(f.mtime_cur == INT64_MAX && f.mtime_new == -1);
	assert_str(f.held, full.held);
	assert_true(store_folder_next(s, &at, &f, &err));
	assert_null(f.wire.p);
	assert_null(f.held.p);
	assert_str(f.path, none.path);
	assert_int_equal(f.delim, 0);
	assert_false(store_folder_next(s, &at, &f, &err));
	assert_int_equal(err.class, ERR_NONE);
	store_close(s);
}

static void
a_removed_folder_takes_its_messages_and_keywords(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX"), g = add_folder(s, "G");
	struct kwtab t = { 0 };
	struct msg_row m;
	struct err err;
	int64_t gone, kept;

	(void)state;
	gone = add_message(s, f.id, 1, "a");
	kept = add_message(s, g.id, 1, "a");
	kwtab_bit(&t, STR("work"));
	OK(store_kw_save(s, f.id, &t, &err));
	OK(store_folder_remove(s, f.id, &err));
	assert_int_equal(store_find_id(s, gone, &m, &err), 0);
	assert_int_equal(store_find_id(s, kept, &m, &err), 1);
	OK(store_kw_load(s, f.id, &t, &err));
	assert_int_equal(t.n, 0);
	store_close(s);
}

static void
ids_are_never_used_again(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX");
	int64_t a = add_message(s, f.id, 1, "a");
	struct err err;

	(void)state;
	OK(store_msg_remove(s, a, &err));
	assert_true(add_message(s, f.id, 1, "a") > a);
	store_close(s);
}

static void
keywords_keep_their_bits(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX");
	struct kwtab t = { 0 }, back = { 0 };
	struct err err;

	(void)state;
	for (int i = 0; i < KW_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "kw%d", i);
		kwtab_bit(&t, str_z(name));
		if (i % 20 == 0)
			OK(store_kw_save(s, f.id, &t, &err));
	}
	OK(store_kw_save(s, f.id, &t, &err));
	OK(store_kw_load(s, f.id, &back, &err));
	assert_int_equal(back.n, KW_MAX);
	for (size_t i = 0; i < KW_MAX; i++)
		assert_string_equal(back.name[i], t.name[i]);
	kwtab_clear(&t);
	kwtab_clear(&back);
	store_close(s);
}

static void
small_facts_are_kept(void **state)
{
	struct store *s = open_store();
	struct err err;
	char *v;

	(void)state;
	OK(store_get(s, "server.name", &v, &err));
	assert_null(v);
	OK(store_set(s, "server.name", STR("one"), &err));
	OK(store_set(s, "server.name", STR("two"), &err));
	OK(store_set(s, "empty", STR_NONE, &err));
	OK(store_get(s, "server.name", &v, &err));
	assert_string_equal(v, "two");
	free(v);
	OK(store_get(s, "empty", &v, &err));
	assert_string_equal(v, "");
	free(v);
	store_close(s);
}

/* Whoever takes it for absent begins afresh. */
static void
a_fact_that_cannot_be_read_is_not_absent(void **state)
{
	struct store *s = open_store();
	struct err err;
	sqlite3 *db;
	char *v = NULL;

	(void)state;
	OK(sqlite3_open(path, &db));
	OK(sqlite3_exec(db, "DROP TABLE meta", NULL, NULL, NULL));
	OK(sqlite3_close(db));
	assert_int_equal(store_get(s, "server.name", &v, &err), -1);
	assert_int_equal(err.class, ERR_LOCAL);
	assert_null(v);
	store_close(s);
}

static void
counts_are_of_what_they_say(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX"), g = add_folder(s, "G");
	uint64_t messages, bytes;
	uint32_t n;
	struct err err;

	(void)state;
	OK(store_totals(s, &messages, &bytes, &err));
	assert_int_equal(messages + bytes, 0);
	add_message(s, f.id, 1, "a");
	add_message(s, f.id, 0, "b");
	add_message(s, f.id, 2, NULL);
	add_message(s, g.id, 1, "a");
	OK(store_count_uids(s, f.id, &n, &err));
	assert_int_equal(n, 2);
	assert_int_equal(count_rows(s, f.id), 3);
	OK(store_totals(s, &messages, &bytes, &err));
	assert_int_equal(messages, 3);
	assert_int_equal(bytes, 30);
	store_close(s);
}

static void
uids_are_counted_by_range(void **state)
{
	static const struct { uint32_t lo, hi, want; } t[] = {
		{ 1, UINT32_MAX, 4 }, { 1, 4, 0 }, { 5, 5, 1 }, { 5, 6, 2 }, { 6, 9, 2 },
		{ 10, UINT32_MAX - 1, 0 }, { UINT32_MAX, UINT32_MAX, 1 },
	};
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX"), g = add_folder(s, "G");
	struct err err;
	uint32_t n;

	(void)state;
	add_message(s, f.id, 5, "a");
	add_message(s, f.id, 6, "b");
	add_message(s, f.id, 0, "c");
	add_message(s, f.id, 9, NULL);
	add_message(s, f.id, UINT32_MAX, "d");
	add_message(s, g.id, 7, "a");
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		OK(store_count_range(s, f.id, t[i].lo, t[i].hi, &n, &err));
		assert_int_equal(n, t[i].want);
	}
	store_close(s);
}

/* The count of uids is kept, not counted: by whatever changes a row. */
static void
uids_stay_counted(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX"), g = add_folder(s, "G");
	struct msg_row m = full_message(f.id), other = full_message(f.id);
	struct err err;
	uint32_t n;

	(void)state;
	OK(store_msg_put(s, &m, &err));
	other.uid.v--;
	OK(store_msg_put(s, &other, &err));
	OK(store_count_uids(s, f.id, &n, &err));
	assert_int_equal(n, 2);
	m.uid.v = 0;
	OK(store_msg_put(s, &m, &err));
	OK(store_count_uids(s, f.id, &n, &err));
	assert_int_equal(n, 1);
	m.folder = g.id;
	m.uid.v = 9;
	OK(store_msg_put(s, &m, &err));
	OK(store_count_uids(s, g.id, &n, &err));
	assert_int_equal(n, 1);
	OK(store_msg_present(s, m.id, &err));
	other.folder = g.id;
	OK(store_msg_put(s, &other, &err));
	OK(store_count_uids(s, f.id, &n, &err));
	assert_int_equal(n, 0);
	OK(store_msg_remove(s, m.id, &err));
	OK(store_count_uids(s, g.id, &n, &err));
	assert_int_equal(n, 1);
	OK(store_folder_remove(s, g.id, &err));
	OK(store_count_uids(s, g.id, &n, &err));
	assert_int_equal(n, 0);
	store_close(s);
}

/* ---- the audit log ---------------------------------------------------- */

static void
the_log_is_filtered_and_trimmed(void **state)
{
	struct store *s = open_store();
	struct audit_row a = { .when = 5, .op = STR("download"),
	    .folder = STR("INBOX"), .msg = 3, .uid = { 7 },
	    .msgid = STR("<m0>"), .subject = STR("s"), .reason = STR("new") };
	struct audit_row got;
	struct err err;
	int64_t at = 0;
	size_t n = 0;

	(void)state;
	OK(store_audit(s, &a, &err));
	a.folder = STR("Sent");
	a.msgid = a.subject = STR_NONE;
	a.msg = 0;
	a.uid.v = 0;
	for (int i = 0; i < 9; i++)
		OK(store_audit(s, &a, &err));
	assert_int_equal(store_audit_next(s, &at, STR_NONE, STR("<m0>"), &got,
	    &err), 1);
	assert_true(got.when == 5 && got.msg == 3 && got.uid.v == 7);
	assert_str(got.op, STR("download"));
	assert_str(got.folder, STR("INBOX"));
	assert_str(got.subject, STR("s"));
	assert_str(got.reason, STR("new"));
	assert_int_equal(store_audit_next(s, &at, STR_NONE, STR("<m0>"), &got,
	    &err), 0);
	for (at = 0; store_audit_next(s, &at, STR("Sent"), STR_NONE, &got,
	    &err) > 0; n++)
		assert_null(got.msgid.p);
	assert_int_equal(n, 9);
	OK(store_audit_trim(s, 4, &err));
	for (n = 0, at = 0; store_audit_next(s, &at, STR_NONE, STR_NONE, &got,
	    &err) > 0; n++)
		assert_true(got.seq > 6);
	assert_int_equal(n, 4);
	store_close(s);
}

/* ---- transactions ----------------------------------------------------- */

static void
a_rollback_leaves_nothing_and_a_commit_all(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX");
	struct err err;

	(void)state;
	OK(store_begin(s, &err));
	assert_true(store_in_transaction(s));
	add_message(s, f.id, 1, "a");
	store_rollback(s);
	assert_false(store_in_transaction(s));
	assert_int_equal(count_rows(s, f.id), 0);
	store_rollback(s);
	OK(store_begin(s, &err));
	add_message(s, f.id, 1, "a");
	OK(store_commit(s, &err));
	assert_false(store_in_transaction(s));
	store_close(s);
	s = open_store();
	assert_int_equal(count_rows(s, f.id), 1);
	store_close(s);
}

static void
closing_inside_a_transaction_is_a_rollback(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX");
	struct err err;

	(void)state;
	OK(store_begin(s, &err));
	add_message(s, f.id, 1, "a");
	store_close(s);
	s = open_store();
	assert_int_equal(count_rows(s, f.id), 0);
	store_close(s);
}

static void
one_uid_of_a_folder_is_one_row(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX");
	struct msg_row m = { .folder = f.id, .uid = { 1 } };
	struct err err;

	(void)state;
	add_message(s, f.id, 1, "a");
	assert_int_equal(store_msg_put(s, &m, &err), -1);
	assert_int_equal(err.class, ERR_LOCAL);
	/* The statement is fit for use again. */
	m.uid.v = 2;
	m.id = 0;
	OK(store_msg_put(s, &m, &err));
	store_close(s);
}

static void
a_reader_sees_the_last_commit_beside_a_writer(void **state)
{
	struct store *s = open_store(), *r;
	struct folder_row f = add_folder(s, "INBOX");
	struct err err = { 0 };

	(void)state;
	add_message(s, f.id, 1, "a");
	OK(store_begin(s, &err));
	add_message(s, f.id, 2, "b");
	r = store_open_reader(path, &err);
	assert_non_null(r);
	assert_int_equal(count_rows(r, f.id), 1);
	OK(store_commit(s, &err));
	assert_int_equal(count_rows(r, f.id), 2);
	assert_int_equal(store_msg_remove(r, 1, &err), -1);
	store_close(r);
	store_close(s);
}

static void
a_reader_makes_no_file(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_null(store_open_reader(path, &err));
	assert_string_equal(err.code, "state.absent");
	assert_int_equal(access(path, F_OK), -1);
}

/* What a child leaves that is killed at a random moment. */
static void
write_until_killed(int ready)
{
	struct err err;
	struct store *s = store_open(path, &err);

	for (uint32_t i = 0;; i++) {
		struct msg_row a = { .folder = 1, .uid = { 2 * i + 1 } };
		struct msg_row b = { .folder = 1, .uid = { 2 * i + 2 } };

		if (s == NULL || store_begin(s, &err) < 0 ||
		    store_msg_put(s, &a, &err) < 0 ||
		    store_msg_put(s, &b, &err) < 0 ||
		    store_commit(s, &err) < 0 || write(ready, "x", 1) != 1)
			_exit(1);
	}
}

static void
a_killed_writer_leaves_whole_transactions_all_acknowledged(void **state)
{
	struct store *s;
	struct err err;

	(void)state;
	for (unsigned round = 0; round < 12; round++) {
		uint32_t n, told = 0;
		int fd[2], status;
		char c[4096];
		ssize_t got;
		pid_t pid;

		unlink(path);
		s = open_store();
		assert_int_equal(add_folder(s, "INBOX").id, 1);
		store_close(s);
		assert_int_equal(pipe(fd), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			write_until_killed(fd[1]);
		close(fd[1]);
		while (told < 3 + round * 5 && (got = read(fd[0], c, 1)) > 0)
			told += (uint32_t)got;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		while ((got = read(fd[0], c, sizeof(c))) > 0)
			told += (uint32_t)got;
		close(fd[0]);
		s = open_store();
		OK(store_count_uids(s, 1, &n, &err));
		assert_int_equal(n % 2, 0);
		/* One may be durable that nobody was told of. */
		assert_in_range(n / 2, told, told + 1);
		store_close(s);
	}
}

/* ---- files that are not ours ------------------------------------------ */

static char *
contents(size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *p = xmalloc(1 << 22);

	assert_non_null(f);
	*n = fread(p, 1, 1 << 22, f);
	fclose(f);
	return p;
}

static void
assert_refused(const char *code)
{
	size_t before_n, after_n;
	char *before = contents(&before_n), *after;
	struct err err = { 0 };

	if (store_open(path, &err) != NULL)
		fail_msg("a file of %zu bytes was taken", before_n);
	if (strcmp(err.code, code) != 0)
		fail_msg("%s: %s, wanted %s", err.code, err.text, code);
	assert_int_equal(err.class, ERR_LOCAL);
	assert_null(store_open_reader(path, &err));
	after = contents(&after_n);
	assert_int_equal(before_n, after_n);
	assert_memory_equal(before, after, after_n);
	free(before);
	free(after);
}

static void
run_sql(const char *text)
{
	sqlite3 *db;

	OK(sqlite3_open(path, &db));
	OK(sqlite3_exec(db, text, NULL, NULL, NULL));
	OK(sqlite3_close(db));
}

static void
a_newer_file_is_refused_untouched(void **state)
{
	(void)state;
	store_close(open_store());
	run_sql("PRAGMA user_version = 99");
	assert_refused("state.newer-version");
	run_sql("PRAGMA user_version = -1000000000");
	assert_refused("state.corrupt");
}

static void
a_foreign_file_is_refused_untouched(void **state)
{
	(void)state;
	run_sql("CREATE TABLE theirs (x)");
	assert_refused("state.corrupt");
	unlink(path);
	run_sql("PRAGMA application_id = 7; PRAGMA user_version = 1");
	assert_refused("state.corrupt");
	unlink(path);
	/* Empty, but marked by somebody. */
	run_sql("PRAGMA user_version = 1");
	assert_refused("state.corrupt");
}

static void
garbage_is_refused_untouched(void **state)
{
	char noise[8192];
	FILE *f;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 7 + i / 256);
	for (size_t n = 1; n <= sizeof(noise); n *= 8) {
		f = fopen(path, "wb");
		assert_non_null(f);
		assert_int_equal(fwrite(noise, 1, n, f), n);
		fclose(f);
		assert_refused("state.corrupt");
	}
}

static void
a_truncated_file_is_refused_untouched(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "INBOX");
	struct err err;
	struct stat st;

	(void)state;
	OK(store_begin(s, &err));
	for (uint32_t i = 1; i < 2000; i++)
		add_message(s, f.id, i, "a-name-of-some-length");
	OK(store_commit(s, &err));
	store_close(s);
	assert_int_equal(stat(path, &st), 0);
	for (off_t n = st.st_size - 4096; n > 0; n = n > 40960 ? n / 2 : n / 3) {
		assert_int_equal(truncate(path, n), 0);
		assert_refused("state.corrupt");
	}
}

static void
files_are_private_whatever_the_umask(void **state)
{
	static const char *const suffix[] = { "", "-wal", "-shm" };
	mode_t old = umask(0);
	struct store *s = open_store();
	struct stat st;

	(void)state;
	add_folder(s, "INBOX");
	for (size_t i = 0; i < ARRAY_LEN(suffix); i++) {
		char name[128];

		snprintf(name, sizeof(name), "%s%s", path, suffix[i]);
		assert_int_equal(stat(name, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	umask(old);
	store_close(s);
}

/* ---- cursors ---------------------------------------------------------- */

enum { MANY = 700 };		/* three pages */

static struct folder_row
fill(struct store *s, int64_t *id)
{
	struct folder_row f = add_folder(s, "INBOX");
	struct err err;

	OK(store_begin(s, &err));
	for (uint32_t i = 0; i < MANY; i++) {
		char name[32];

		/* UIDs go down as names go up. */
		snprintf(name, sizeof(name), "name-%05u", i);
		id[i] = add_message(s, f.id, 2 * (MANY - i), name);
	}
	OK(store_commit(s, &err));
	return f;
}

static void
cursors_visit_all_in_their_order(void **state)
{
	static const size_t sizes[] = { 0, 1, 255, 256, 257, 512, MANY };
	struct store *s = open_store();
	struct folder_row other = add_folder(s, "other");
	struct err err;

	(void)state;
	add_message(s, other.id, 5, "not this");
	for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
		struct folder_row f = { .path = STR("f") };
		uint32_t last = 0, n = 0;
		struct cursor *c;
		struct msg_row m;

		OK(store_folder_put(s, &f, &err));
		OK(store_begin(s, &err));
		for (uint32_t i = 0; i < sizes[k]; i++) {
			char name[32];

			snprintf(name, sizeof(name), "name-%05u", i);
			add_message(s, f.id, MANY - i, name);
		}
		add_message(s, f.id, 0, NULL);
		OK(store_commit(s, &err));
		c = cursor_open(s, f.id, BY_UID, &err);
		for (; cursor_next(c, &m, &err) > 0; n++) {
			assert_true(m.uid.v > last);
			last = m.uid.v;
		}
		assert_int_equal(n, sizes[k]);
		assert_int_equal(cursor_next(c, &m, &err), 0);
		cursor_close(c);
		c = cursor_open(s, f.id, BY_UNIQUE, &err);
		for (n = 0; cursor_next(c, &m, &err) > 0; n++) {
			char name[32];

			snprintf(name, sizeof(name), "name-%05u", n);
			assert_str(m.unique, str_z(name));
			assert_int_equal(m.uid.v, MANY - n);
		}
		assert_int_equal(n, sizes[k]);
		cursor_close(c);
		OK(store_folder_remove(s, f.id, &err));
	}
	store_close(s);
}

static void
a_cursor_goes_on_while_rows_are_removed(void **state)
{
	static const enum cursor_order orders[] = { BY_UID, BY_UNIQUE };
	static int64_t id[MANY];
	struct err err;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(orders); k++) {
		struct store *s;
		struct folder_row f;
		struct cursor *c, *d;
		struct msg_row m, again;
		size_t n = 0;

		unlink(path);
		s = open_store();
		f = fill(s, id);
		c = cursor_open(s, f.id, orders[k], &err);
		d = cursor_open(s, f.id, orders[k], &err);
		OK(store_begin(s, &err));
		for (; cursor_next(c, &m, &err) > 0; n++) {
			/* Two at once do not disturb each other. */
			if (n % 2 == 0)
				assert_int_equal(cursor_next(d, &again, &err),
				    1);
			OK(store_msg_remove(s, m.id, &err));
		}
		OK(store_commit(s, &err));
		assert_int_equal(n, MANY);
		assert_int_equal(count_rows(s, f.id), 0);
		cursor_close(c);
		cursor_close(d);
		store_close(s);
	}
}

static void
a_cursor_shows_what_is_put_behind_its_page(void **state)
{
	static int64_t id[MANY];
	struct store *s = open_store();
	struct folder_row f = fill(s, id);
	struct cursor *c;
	struct msg_row m;
	struct err err;
	size_t n = 0, added = 0;

	(void)state;
	c = cursor_open(s, f.id, BY_UID, &err);
	while (cursor_next(c, &m, &err) > 0) {
		if (n++ == 10)
			add_message(s, f.id, 2 * MANY - 1, "late");
		added += str_eq(m.unique, STR("late"));
	}
	assert_int_equal(n, MANY + 1);
	assert_int_equal(added, 1);
	cursor_close(c);
	store_close(s);
}

static void
a_row_that_is_moved_ahead_is_not_an_endless_visit(void **state)
{
	static int64_t id[MANY];
	struct store *s = open_store();
	struct folder_row f = fill(s, id);
	struct cursor *c;
	struct msg_row m;
	struct err err;
	size_t n = 0;

	(void)state;
	/* Staged rows by id: a row changed in place keeps its place. */
	OK(store_begin(s, &err));
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(store_find_id(s, id[i], &m, &err), 1);
		m.stage = ST_APPENDING;
		OK(store_msg_put(s, &m, &err));
	}
	c = cursor_open_stages(s, ~0u);
	for (; cursor_next(c, &m, &err) > 0; n++) {
		assert_true(m.id == id[n]);
		m.stage = n % 2 ? ST_PRESENT : ST_MOVING;
		OK(store_msg_put(s, &m, &err));
	}
	cursor_close(c);
	OK(store_commit(s, &err));
	assert_int_equal(n, MANY);
	c = cursor_open_stages(s, ~0u);
	for (n = 0; cursor_next(c, &m, &err) > 0; n++)
		assert_int_equal(m.stage, ST_MOVING);
	assert_int_equal(n, MANY / 2);
	cursor_close(c);
	(void)f;
	store_close(s);
}

static size_t
count_cursor(struct cursor *c)
{
	struct msg_row m;
	struct err err;
	size_t n = 0;

	assert_non_null(c);
	while (cursor_next(c, &m, &err) > 0)
		n++;
	cursor_close(c);
	return n;
}

static void
rows_are_found_by_their_stages(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "F");
	struct err err;

	(void)state;
	/* The stage's own number of each, many pages of the last. */
	for (int stage = ST_PRESENT; stage <= ST_REPLACED; stage++)
		for (int i = 0; i < (stage == ST_REPLACED ? MANY : stage + 1); i++) {
			struct msg_row m = { .folder = f.id,
			    .stage = (enum stage)stage };

			OK(store_msg_put(s, &m, &err));
		}
	for (int stage = ST_LANDING; stage < ST_REPLACED; stage++) {
		assert_int_equal(count_cursor(cursor_open_stages(s,
		    STAGE(stage))), stage + 1);
		assert_int_equal(count_cursor(cursor_open_stages(s,
		    STAGE(stage) | STAGE(ST_REPLACED))), stage + 1 + MANY);
	}
	assert_int_equal(count_cursor(cursor_open_stages(s, STAGE(ST_PRESENT))), 0);
	assert_int_equal(count_cursor(cursor_open_stages(s, ~0u)), 35 + MANY);
	store_close(s);
}

static void
content_is_found_in_one_folder_or_in_any(void **state)
{
	struct store *s = open_store();
	struct folder_row f = add_folder(s, "F"), g = add_folder(s, "G");
	struct hash h = { { 1 } }, other = { { 2 } };
	struct err err;

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct msg_row m = { .folder = i % 3 ? f.id : g.id, .head = h,
		    .wire_size = i % 2 ? 10 : 11,
		    .objid = i % 5 ? STR_NONE : STR("M1") };

		OK(store_msg_put(s, &m, &err));
	}
	assert_int_equal(count_cursor(cursor_open_head(s, 0, &h, 10, &err)),
	    150);
	assert_int_equal(count_cursor(cursor_open_head(s, f.id, &h, 10, &err)),
	    100);
	assert_int_equal(count_cursor(cursor_open_head(s, 0, &other, 10,
	    &err)), 0);
	assert_int_equal(count_cursor(cursor_open_objid(s, STR("M1"), &err)),
	    60);
	assert_int_equal(count_cursor(cursor_open_objid(s, STR("M2"), &err)),
	    0);
	store_close(s);
}

/* That is a lock at each allocation. */
static void
sqlite_does_not_count_its_memory(void **state)
{
	struct store *s = open_store();

	(void)state;
	add_folder(s, "F");
	assert_int_equal(sqlite3_memory_used(), 0);
	store_close(s);
}

static void
a_long_object_id_is_refused(void **state)
{
	struct store *s = open_store();
	char *big = xcalloc(5000, 1);
	struct err err = { 0 };

	(void)state;
	memset(big, 'x', 5000);
	assert_null(cursor_open_objid(s, (struct str){ big, 5000 }, &err));
	assert_int_equal(err.class, ERR_MSG);
	free(big);
	store_close(s);
}

/* Can the log be emptied, which it cannot while somebody reads? */
static bool
log_is_free(void)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	bool is_free;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA wal_checkpoint(TRUNCATE)",
	    -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	is_free = sqlite3_column_int(st, 0) == 0;
	sqlite3_finalize(st);
	sqlite3_close(db);
	return is_free;
}

static void
whoever_reads_much_may_write_meanwhile(void **state)
{
	struct store *s = open_store();
	struct folder_row f;
	struct err err;

	(void)state;
	OK(store_begin(s, &err));
	f = add_folder(s, "INBOX");
	OK(store_commit(s, &err));
	store_reading(s, true);
	assert_false(log_is_free());
	OK(store_begin(s, &err));
	(void)add_message(s, f.id, 1, "1.a");
	store_rollback(s);
	assert_int_equal(count_rows(s, f.id), 0);
	OK(store_begin(s, &err));
	(void)add_message(s, f.id, 2, "2.b");
	OK(store_commit(s, &err));
	assert_int_equal(count_rows(s, f.id), 1);
	assert_false(log_is_free());
	store_reading(s, false);
	assert_true(log_is_free());
	store_close(s);
	s = open_store();
	assert_int_equal(count_rows(s, f.id), 1);
	store_close(s);
}

#define FRESH(f)	cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(every_field_of_a_message_outlives_a_reopen),
		FRESH(whoever_reads_much_may_write_meanwhile),
		FRESH(a_row_put_again_is_replaced_in_all_fields),
		FRESH(memory_that_is_short_ends_the_process),
		FRESH(a_touch_changes_flags_modseq_and_file_alone),
		FRESH(a_row_that_is_present_keeps_all_but_its_stage),
		FRESH(a_row_that_was_taken_or_moved_keeps_what_it_is),
		FRESH(every_field_of_a_folder_outlives_a_reopen),
		FRESH(a_removed_folder_takes_its_messages_and_keywords),
		FRESH(ids_are_never_used_again),
		FRESH(keywords_keep_their_bits),
		FRESH(small_facts_are_kept),
		FRESH(a_fact_that_cannot_be_read_is_not_absent),
		FRESH(counts_are_of_what_they_say),
		FRESH(uids_are_counted_by_range),
		FRESH(uids_stay_counted),
		FRESH(the_log_is_filtered_and_trimmed),
		FRESH(a_rollback_leaves_nothing_and_a_commit_all),
		FRESH(closing_inside_a_transaction_is_a_rollback),
		FRESH(one_uid_of_a_folder_is_one_row),
		FRESH(a_reader_sees_the_last_commit_beside_a_writer),
		FRESH(a_reader_makes_no_file),
		FRESH(a_killed_writer_leaves_whole_transactions_all_acknowledged),
		FRESH(a_newer_file_is_refused_untouched),
		FRESH(a_foreign_file_is_refused_untouched),
		FRESH(garbage_is_refused_untouched),
		FRESH(a_truncated_file_is_refused_untouched),
		FRESH(files_are_private_whatever_the_umask),
		FRESH(cursors_visit_all_in_their_order),
		FRESH(a_cursor_goes_on_while_rows_are_removed),
		FRESH(a_cursor_shows_what_is_put_behind_its_page),
		FRESH(a_row_that_is_moved_ahead_is_not_an_endless_visit),
		FRESH(rows_are_found_by_their_stages),
		FRESH(content_is_found_in_one_folder_or_in_any),
		FRESH(sqlite_does_not_count_its_memory),
		FRESH(a_long_object_id_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
