/* test_change.c — what indexers are told: the marks, and what triggers keep. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"
#include "scratch.h"
#include "store/change.h"

static char dir[SCRATCH_PATH], path[96];
static struct err err;
static struct store *s;
static int64_t inbox, box;

#define OK(call)	assert_int_equal(call, 0)

static int
open_new(void **state)
{
	struct folder_row f = { .wire = STR("INBOX"), .path = STR("INBOX") };

	(void)state;
	if (scratch_make(dir, "change") < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/state.db", dir);
	s = store_open(path, &err);
	if (s == NULL)
		return -1;
	OK(store_begin(s, &err));
	OK(store_folder_put(s, &f, &err));
	inbox = f.id;
	f = (struct folder_row){ .wire = STR("Box"), .path = STR("Box") };
	OK(store_folder_put(s, &f, &err));
	box = f.id;
	OK(store_commit(s, &err));
	return 0;
}

static int
close_it(void **state)
{
	(void)state;
	store_close(s);
	return scratch_remove(dir);
}

/* A message called ${name} in the inbox; its id. */
static int64_t
put(const char *name, enum stage stage)
{
	struct msg_row m = { .folder = inbox, .stage = stage,
	    .unique = str_z(name), .file = str_z(name), .in_new = true };

	OK(store_begin(s, &err));
	OK(store_msg_put(s, &m, &err));
	OK(store_commit(s, &err));
	return m.id;
}

static struct change_mark
mark(void)
{
	struct change_mark end;

	OK(store_change_end(s, &end, &err));
	return end;
}

/* "ID:PATH ID:PATH", of what is behind ${seq}. */
static void
assert_changes(int64_t seq, const char *want)
{
	char text[512] = "";
	struct change_row row;
	int got;

	while ((got = store_change_next(s, &seq, &row, &err)) == 1) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, "%s%lld:%.*s",
		    n > 0 ? " " : "", (long long)row.message,
		    row.path.n > 0 ? (int)row.path.n : 1,
		    row.path.n > 0 ? row.path.p : "-");
	}
	assert_int_equal(got, 0);
	assert_string_equal(text, want);
}

static void
new_messages_cost_no_row(void **state)
{
	struct change_mark before = mark();
	int64_t id = put("a", ST_PRESENT);
	struct cursor *c;
	struct msg_row row;

	(void)state;
	assert_changes(0, "");
	assert_int_equal(mark().message, id);
	c = cursor_open_newer(s, before.message);
	assert_int_equal(cursor_next(c, &row, &err), 1);
	assert_int_equal(row.id, id);
	assert_int_equal(cursor_next(c, &row, &err), 0);
	cursor_close(c);
}

static void
an_id_that_is_written_late_is_told(void **state)
{
	int64_t early = store_msg_id(s, &err);
	struct msg_row m = { .id = early, .folder = inbox,
	    .unique = STR("late"), .file = STR("late") };

	(void)state;
	put("b", ST_PRESENT);
	OK(store_begin(s, &err));
	OK(store_msg_add(s, &m, &err));
	OK(store_commit(s, &err));
	assert_int_equal(early, 1);
	assert_changes(0, "1:-");
}

static void
renames_moves_and_removals_keep_where_the_file_was(void **state)
{
	int64_t id = put("a", ST_PRESENT), gone = put("b", ST_PRESENT);
	struct msg_row m = { .id = id, .folder = inbox, .unique = STR("a"),
	    .file = STR("a:2,S") };

	(void)state;
	OK(store_begin(s, &err));
	OK(store_msg_touch(s, &m, &err));
	m.folder = box;
	OK(store_msg_put(s, &m, &err));
	m.flags.kw = 7;		/* no other name */
	OK(store_msg_put(s, &m, &err));
	OK(store_msg_remove(s, gone, &err));
	OK(store_commit(s, &err));
	assert_changes(0, "1:INBOX/new/a 1:INBOX/cur/a:2,S 2:INBOX/new/b");
	assert_changes(2, "2:INBOX/new/b");
}

static void
folders_that_are_renamed_or_removed_tell_of_all_their_files(void **state)
{
	struct folder_row f = { .id = inbox, .wire = STR("INBOX"),
	    .path = STR("Other") };

	(void)state;
	put("a", ST_PRESENT);
	put("b", ST_PRESENT);
	OK(store_begin(s, &err));
	OK(store_folder_put(s, &f, &err));
	assert_changes(0, "1:INBOX/new/a 2:INBOX/new/b");
	OK(store_folder_put(s, &f, &err));
	assert_changes(2, "");
	OK(store_folder_remove(s, inbox, &err));
	OK(store_commit(s, &err));
	assert_changes(2, "1:Other/new/a 2:Other/new/b");
}

static void
what_is_landing_is_not_passed(void **state)
{
	int64_t old = put("a", ST_GONE_LOCAL), id = put("b", ST_LANDING);
	struct msg_row m = { .id = old, .folder = inbox, .stage = ST_LANDING,
	    .unique = STR("c"), .file = STR("c") };
	struct change_mark end = mark();

	(void)state;
	assert_int_equal(end.message, id - 1);
	OK(store_begin(s, &err));
	OK(store_msg_put(s, &m, &err));
	OK(store_commit(s, &err));
	end = mark();
	assert_int_equal(end.seq, 0);
	assert_int_equal(end.message, id - 1);
	OK(store_begin(s, &err));
	OK(store_msg_present(s, id, &err));
	OK(store_msg_present(s, old, &err));
	OK(store_commit(s, &err));
	end = mark();
	assert_int_equal(end.seq, 1);
	assert_int_equal(end.message, id);
}

static void
marks_of_the_future_or_another_store_are_not_known(void **state)
{
	int64_t id = put("a", ST_PRESENT);
	static const struct {
		struct change_mark	mark;
		int			want;
	} rows[] = {
		{ { 0, 0 }, 1 }, { { 0, 1 }, 1 }, { { 1, 1 }, 1 },
		{ { 2, 1 }, 0 }, { { 1, 2 }, 0 }
	};

	(void)state;
	OK(store_begin(s, &err));
	OK(store_msg_remove(s, id, &err));
	OK(store_commit(s, &err));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(store_change_knows(s, &rows[i].mark, &err),
		    rows[i].want);
}

static void
a_store_keeps_its_name(void **state)
{
	char *name, *again;

	(void)state;
	OK(store_change_name(s, &name, &err));
	assert_int_equal(strlen(name), 16);
	store_close(s);
	s = store_open(path, &err);
	OK(store_change_name(s, &again, &err));
	assert_string_equal(name, again);
	free(name);
	free(again);
}

#define FRESH(f)	cmocka_unit_test_setup_teardown(f, open_new, close_it)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(new_messages_cost_no_row),
		FRESH(an_id_that_is_written_late_is_told),
		FRESH(renames_moves_and_removals_keep_where_the_file_was),
		FRESH(folders_that_are_renamed_or_removed_tell_of_all_their_files),
		FRESH(what_is_landing_is_not_passed),
		FRESH(marks_of_the_future_or_another_store_are_not_known),
		FRESH(a_store_keeps_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
