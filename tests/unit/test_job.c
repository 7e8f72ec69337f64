/* test_job.c — the books of the parent: jobs, events, JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "events.h"
#include "job.h"
#include "js.h"

static void
ring_of_events_says_when_some_are_lost(void **state)
{
	struct events *e = xcalloc(1, sizeof(*e));

	(void)state;
	assert_null(events_after(e, 0));
	assert_true(events_complete(e, 0));
	for (int i = 0; i < EVENTS_KEPT; i++)
		events_take_add(e, "a.b", json_object());
	assert_true(events_complete(e, 0));
	assert_int_equal(events_after(e, 0)->seq, 1);
	events_take_add(e, "a.b", json_object());
	assert_false(events_complete(e, 0));
	assert_true(events_complete(e, 1));
	assert_int_equal(events_after(e, 0)->seq, 2);
	assert_null(events_after(e, EVENTS_KEPT + 1));
	assert_false(events_complete(e, EVENTS_KEPT + 2));
	events_clear(e);
	free(e);
}

static void
worst_exit_code_wins_in_any_order(void **state)
{
	static const int codes[] = { 0, 1, 10, 75, 69, 77, 78, 74, 70 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		for (size_t k = i; k < ARRAY_LEN(codes); k++) {
			assert_int_equal(job_worse(codes[i], codes[k]), codes[k]);
			assert_int_equal(job_worse(codes[k], codes[i]), codes[k]);
		}
	assert_int_equal(job_worse(0, 42), 42);
}

static void
text_that_is_not_utf8_becomes_base64(void **state)
{
	static const struct {
		const char	*text, *want;
	} rows[] = {
		{ "abc", "\"abc\"" }, { "", "\"\"" },
		{ "\xff", "{\"b64\":\"/w==\"}" },
		{ "a\xff", "{\"b64\":\"Yf8=\"}" },
		{ "ab\xff", "{\"b64\":\"YWL/\"}" }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *v = js_text(str_z(rows[i].text));
		char *got = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

		assert_string_equal(got, rows[i].want);
		free(got);
		json_decref(v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_of_events_says_when_some_are_lost),
		cmocka_unit_test(worst_exit_code_wins_in_any_order),
		cmocka_unit_test(text_that_is_not_utf8_becomes_base64)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
