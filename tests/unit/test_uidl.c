/* test_uidl.c — what the state knows of messages that came by POP3. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"
#include "scratch.h"
#include "store/store.h"

#define OK(call)	assert_int_equal(call, 0)

static char dir[SCRATCH_PATH], path[96];
static struct store *s;
static int64_t folder;

static int
begin(void **state)
{
	struct folder_row f = { .wire = STR("INBOX"), .path = STR("INBOX") };
	struct err err;

	(void)state;
	if (scratch_make(dir, "uidl") < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/state.db", dir);
	s = store_open(path, &err);
	if (s == NULL || store_begin(s, &err) < 0 ||
	    store_folder_put(s, &f, &err) < 0)
		return -1;
	folder = f.id;
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	store_rollback(s);
	store_close(s);
	return scratch_remove(dir);
}

static int64_t
add(const char *uidl, uint64_t size, int64_t gone)
{
	struct msg_row m = { .folder = folder, .wire_size = 7, .head = { "h" },
	    .all = { "a" }, .msgid = STR("<m@x>"), .stage = ST_LANDING };
	struct uidl_row u = { .uidl = (char *)uidl, .size = size, .since = 5,
	    .gone = gone };
	struct err err;

	OK(store_msg_put(s, &m, &err));
	u.message = m.id;
	OK(store_uidl_put(s, &u, &err));
	return m.id;
}

static size_t
count(void)
{
	struct uidl_row *v;
	struct err err;
	size_t n;

	OK(store_uidl_load(s, &v, &n, &err));
	store_uidl_clear(v, n);
	return n;
}

static void
rows_come_back_with_what_their_messages_have(void **state)
{
	struct uidl_row *v;
	struct err err;
	size_t n;

	(void)state;
	(void)add("a \xff b", UINT64_C(5) << 32, 0);
	(void)add(NULL, 3, 9);
	OK(store_uidl_load(s, &v, &n, &err));
	assert_int_equal(n, 2);
	assert_string_equal(v[0].uidl, "a \xff b");
	assert_true(v[0].size == UINT64_C(5) << 32);
	assert_int_equal(v[0].since, 5);
	assert_int_equal(v[0].gone, 0);
	assert_int_equal(v[0].stage, ST_LANDING);
	assert_int_equal(v[0].wire_size, 7);
	assert_string_equal(v[0].msgid, "<m@x>");
	assert_int_equal(v[0].head.b[0], 'h');
	assert_int_equal(v[0].all.b[0], 'a');
	assert_null(v[1].uidl);
	assert_int_equal(v[1].gone, 9);
	store_uidl_clear(v, n);
}

static void
a_message_may_get_another_id(void **state)
{
	struct uidl_row u = { .message = add("a", 1, 9), .uidl = (char *)"b",
	    .size = 2, .since = 5 }, *v;
	struct err err;
	size_t n;

	(void)state;
	OK(store_uidl_put(s, &u, &err));
	OK(store_uidl_load(s, &v, &n, &err));
	assert_int_equal(n, 1);
	assert_string_equal(v[0].uidl, "b");
	assert_int_equal(v[0].gone, 0);
	store_uidl_clear(v, n);
}

/* Ids may come twice: only the message tells them apart. */
static void
twins(void **state)
{
	int64_t one = add("same", 1, 0);
	struct err err;

	(void)state;
	(void)add("same", 1, 0);
	assert_int_equal(count(), 2);
	OK(store_msg_remove(s, one, &err));
	assert_int_equal(count(), 1);
}

static void
what_is_long_gone_is_forgotten(void **state)
{
	int64_t old = add("a", 1, 100), new_ = add("b", 1, 200);
	struct msg_row row;
	struct err err;

	(void)state;
	(void)add("c", 1, 0);
	OK(store_uidl_forget(s, 150, &err));
	assert_int_equal(count(), 2);
	assert_int_equal(store_find_id(s, old, &row, &err), 0);
	assert_int_equal(store_find_id(s, new_, &row, &err), 1);
}

int
main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, begin, finish)
	const struct CMUnitTest tests[] = {
		TEST(rows_come_back_with_what_their_messages_have),
		TEST(a_message_may_get_another_id),
		TEST(twins),
		TEST(what_is_long_gone_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
