/* test_store_script.c — what scripts keep: stores with caps, events and steps in
 * order, effects and their states. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"
#include "scratch.h"
#include "store/script.h"

static char dir[SCRATCH_PATH], path[96];
static struct store *s;

#define OK(call)	assert_int_equal(call, 0)

static int
setup(void **state)
{
	struct err err;

	(void)state;
	if (scratch_make(dir, "script") < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/state.db", dir);
	s = store_open(path, &err);
	return s != NULL && store_begin(s, &err) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	store_rollback(s);
	store_close(s);
	return scratch_remove(dir);
}

static struct script_key
key(const char *plugin, const char *k)
{
	return (struct script_key){ str_z(plugin), STR("seen"), str_z(k) };
}

static int
put(const char *plugin, const char *k, struct str value, int64_t expires)
{
	struct script_key at = key(plugin, k);
	struct err err = { 0 };
	int r = store_kv_put(s, &at, value, expires, &err);

	if (r < 0)
		assert_string_equal(err.code, "plugin.store-full");
	return r;
}

static void
expect(const char *plugin, const char *k, int64_t now, const char *want)
{
	struct script_key at = key(plugin, k);
	struct err err;
	struct buf value;

	buf_init(&value, SCRIPT_VALUE_MAX);
	assert_int_equal(store_kv_get(s, &at, now, &value, &err), want != NULL);
	if (want != NULL)
		assert_true(str_eq(buf_str(&value), str_z(want)));
	buf_clear(&value);
}

static void
a_store_keeps_values_until_they_expire(void **state)
{
	struct script_key at = key("a", "one");
	struct err err;

	(void)state;
	OK(put("a", "one", STR("1"), 0));
	OK(put("a", "one", STR("2"), 0));
	OK(put("a", "two", STR("x"), 100));
	expect("a", "one", 50, "2");
	expect("b", "one", 50, NULL);
	expect("a", "two", 99, "x");
	expect("a", "two", 100, NULL);
	OK(store_kv_remove(s, &at, &err));
	expect("a", "one", 50, NULL);
}

static void
a_store_is_walked_in_the_order_of_its_keys(void **state)
{
	struct script_key at = key("a", "");
	struct buf k, v;
	struct err err;
	char got[8] = "";

	(void)state;
	OK(put("a", "b", STR("2"), 0));
	OK(put("a", "c", STR("3"), 10));
	OK(put("a", "a", STR("1"), 0));
	OK(put("z", "a", STR("9"), 0));
	buf_init(&k, SCRIPT_KEY_MAX);
	buf_init(&v, SCRIPT_VALUE_MAX);
	while (store_kv_next(s, &at, 10, &k, &v, &err) > 0) {
		strncat(got, (const char *)v.p, v.n);
		at.key = buf_str(&k);
	}
	assert_string_equal(got, "12");
	buf_clear(&k);
	buf_clear(&v);
}

static void
a_plugin_that_fills_its_store_is_refused_and_others_are_not(void **state)
{
	char *big = xcalloc(1, SCRIPT_VALUE_MAX + 1), name[16];
	struct str value = { big, SCRIPT_VALUE_MAX };
	struct err err;

	(void)state;
	assert_int_equal(put("a", "x", (struct str){ big, value.n + 1 }, 0), -1);
	for (int i = 0; i < 15; i++) {
		snprintf(name, sizeof(name), "%d", i);
		OK(put("a", name, value, 7));
	}
	assert_int_equal(put("a", "one more", value, 0), -1);
	OK(put("b", "0", value, 0));
	OK(store_kv_expire(s, 7, &err));
	OK(put("a", "one more", value, 0));
	free(big);
}

static void
events_come_in_order_until_they_are_answered(void **state)
{
	struct script_event e = { .kind = 3, .origin = STR("server"),
	    .mailbox = STR("INBOX"), .kw_in = STR("work play") };
	struct err err;
	int64_t at = 0, second;

	(void)state;
	for (e.msg = 10; e.msg < 13; e.msg++)
		OK(store_event_add(s, &e, &err));
	assert_int_equal(store_event_next(s, EVENTS_NOW, &at, &e, &err), 1);
	assert_int_equal(e.msg, 10);
	assert_true(str_eq(e.kw_in, STR("work play")));
	assert_int_equal(e.detail.n, 0);
	assert_int_equal(store_event_next(s, EVENTS_NOW, &at, &e, &err), 1);
	second = e.seq;
	OK(store_event_drop(s, EVENTS_NOW, second, &err));
	at = 0;
	assert_int_equal(store_event_next(s, EVENTS_NOW, &at, &e, &err), 1);
	assert_int_equal(e.msg, 12);
	assert_int_equal(store_event_next(s, EVENTS_NOW, &at, &e, &err), 0);
}

static void
an_effect_goes_from_ready_to_started_to_failed(void **state)
{
	struct script_effect e = { .plugin = STR("spam"), .verb = STR("pipe"),
	    .argv = STR("bogofilter\0-Ns\0"), .msg = 5, .whole = true }, got;
	struct err err;
	struct buf input;
	int64_t at = 0;

	(void)state;
	buf_init(&input, SCRIPT_INPUT_MAX);
	OK(store_effect_add(s, &e, STR_NONE, &err));
	OK(store_effect_add(s, &e, STR("bytes"), &err));
	assert_int_equal(store_effect_next(s, EFFECT_READY, &at, &got, &err), 1);
	assert_int_equal(got.argv.n, 15);
	assert_false(got.input);
	assert_int_equal(store_effect_input(s, got.id, &input, &err), 0);
	OK(store_effect_set(s, at, EFFECT_STARTED, 1, STR(""), &err));
	OK(store_effect_set(s, at, EFFECT_STARTED, 2, STR(""), &err));
	at = 0;
	assert_int_equal(store_effect_next(s, EFFECT_STARTED, &at, &got, &err),
	    1);
	assert_int_equal(got.tries, 2);
	OK(store_effect_set(s, at, EFFECT_FAILED, 3, STR("exited 1"), &err));
	assert_int_equal(store_effect_next(s, EFFECT_READY, &(int64_t){ 0 },
	    &got, &err), 1);
	assert_true(got.input);
	assert_int_equal(store_effect_input(s, got.id, &input, &err), 1);
	assert_true(str_eq(buf_str(&input), STR("bytes")));
	OK(store_effect_drop(s, got.id, &err));
	OK(store_effect_trim(s, 3, &err));
	at = 0;
	assert_int_equal(store_effect_next(s, EFFECT_FAILED, &at, &got, &err), 1);
	assert_true(str_eq(got.why, STR("exited 1")));
	OK(store_effect_trim(s, 4, &err));
	at = 0;
	assert_int_equal(store_effect_next(s, EFFECT_FAILED, &at, &got, &err), 0);
	buf_clear(&input);
}

static void
a_cause_is_taken_once_and_not_when_it_is_old(void **state)
{
	struct script_cause c = { .msg = 7, .kind = 5, .plugin = STR("spam"),
	    .depth = 1, .when = 100 }, got;
	struct err err;

	(void)state;
	OK(store_cause_put(s, &c, &err));
	assert_int_equal(store_cause_take(s, 7, 4, 0, &got, &err), 0);
	assert_int_equal(store_cause_take(s, 7, 5, 100, &got, &err), 1);
	assert_true(str_eq(got.plugin, STR("spam")));
	assert_int_equal(store_cause_take(s, 7, 5, 100, &got, &err), 0);
	OK(store_cause_put(s, &c, &err));
	assert_int_equal(store_cause_take(s, 7, 5, 101, &got, &err), 0);
	assert_int_equal(store_cause_take(s, 7, 5, 0, &got, &err), 0);
}

static void
what_is_owed_counts_its_tries(void **state)
{
	struct script_owed o = { .plugin = STR("a"), .msg = 3, .why = STR("x") },
	    got;
	struct err err;
	int64_t at = 0;
	uint32_t n;

	(void)state;
	OK(store_owed_put(s, &o, &err));
	OK(store_owed_put(s, &o, &err));
	o.msg = 4;
	OK(store_owed_put(s, &o, &err));
	OK(store_owed_count(s, STR("a"), &n, &err));
	assert_int_equal(n, 2);
	assert_int_equal(store_owed_next(s, STR("a"), &at, &got, &err), 1);
	assert_int_equal(got.tries, 2);
	OK(store_owed_remove(s, STR("a"), 3, &err));
	OK(store_owed_count(s, STR("a"), &n, &err));
	assert_int_equal(n, 1);
	OK(store_owed_count(s, STR("b"), &n, &err));
	assert_int_equal(n, 0);
}

static void
numbers_of_messages_are_given_out_once(void **state)
{
	struct folder_row f = { .wire = STR("INBOX"), .path = STR("INBOX"),
	    .delim = '/' };
	struct msg_row one = { 0 }, two = { 0 };
	struct err err;

	(void)state;
	OK(store_folder_put(s, &f, &err));
	one.folder = two.folder = f.id;
	one.id = store_msg_id(s, &err);
	OK(store_msg_put(s, &two, &err));
	assert_true(one.id != 0 && two.id > one.id);
	OK(store_msg_add(s, &one, &err));
	OK(store_msg_remove(s, two.id, &err));
	assert_true(store_msg_id(s, &err) > two.id);
}

static void
timers_and_marks_are_remembered(void **state)
{
	struct folder_row f = { .wire = STR("INBOX"), .path = STR("INBOX"),
	    .delim = '/' };
	struct err err;
	int64_t last;

	(void)state;
	OK(store_timer_get(s, STR("a"), STR("every 5m"), &last, &err));
	assert_int_equal(last, 0);
	OK(store_timer_put(s, STR("a"), STR("every 5m"), 77, &err));
	OK(store_timer_put(s, STR("a"), STR("every 5m"), 78, &err));
	OK(store_timer_get(s, STR("a"), STR("every 5m"), &last, &err));
	assert_int_equal(last, 78);
	OK(store_folder_put(s, &f, &err));
	assert_int_equal(store_marked(s, f.id, &err), 0);
	OK(store_mark(s, f.id, &err));
	OK(store_mark(s, f.id, &err));
	assert_int_equal(store_marked(s, f.id, &err), 1);
}

int
main(void)
{
#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_store_keeps_values_until_they_expire),
		T(a_store_is_walked_in_the_order_of_its_keys),
		T(a_plugin_that_fills_its_store_is_refused_and_others_are_not),
		T(events_come_in_order_until_they_are_answered),
		T(an_effect_goes_from_ready_to_started_to_failed),
		T(a_cause_is_taken_once_and_not_when_it_is_old),
		T(what_is_owed_counts_its_tries),
		T(numbers_of_messages_are_given_out_once),
		T(timers_and_marks_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
