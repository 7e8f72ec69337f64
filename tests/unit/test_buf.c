/* test_buf.c — buffers that have a maximum; sizes; arrays. */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

static void
appended_bytes_are_there_in_order(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(buf_add(&b, &(uint8_t){ (uint8_t)i }, 1), 0);
	assert_int_equal(b.n, 5000);
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(b.p[i], (uint8_t)i);
	buf_clear(&b);
}

static void
the_maximum_is_exact_and_a_refusal_changes_nothing(void **state)
{
	char big[400];
	struct buf b;

	(void)state;
	memset(big, 'x', sizeof(big));
	buf_init(&b, 300);
	assert_int_equal(buf_add(&b, big, 299), 0);
	assert_int_equal(buf_add(&b, big, 2), -1);
	assert_int_equal(b.n, 299);
	assert_int_equal(buf_add(&b, big, 1), 0);
	assert_int_equal(buf_add(&b, big, 1), -1);
	assert_int_equal(buf_add(&b, big, 0), 0);
	assert_null(buf_room(&b, 1));
	assert_null(buf_room(&b, SIZE_MAX));
	assert_int_equal(b.n, 300);
	buf_clear(&b);
	/* Cleared, it is as new: with the same maximum. */
	assert_int_equal(buf_add(&b, big, 301), -1);
	assert_int_equal(buf_add(&b, big, 300), 0);
	buf_clear(&b);
}

static void
formatted_text_is_whole_or_not_there(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 12);
	assert_int_equal(buf_fmt(&b, "%s-%d", "ab", 42), 0);
	assert_true(str_eq(buf_str(&b), STR("ab-42")));
	assert_int_equal(buf_fmt(&b, "%s", "0123456789"), -1);
	assert_true(str_eq(buf_str(&b), STR("ab-42")));
	assert_int_equal(buf_fmt(&b, "%s", ""), 0);
	assert_int_equal(buf_add_str(&b, STR_NONE), 0);
	assert_int_equal(b.n, 5);
	buf_clear(&b);
}

static void
dropped_bytes_go_from_the_front(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(buf_add_str(&b, STR("hello world")), 0);
	buf_drop(&b, 0);
	buf_drop(&b, 6);
	assert_true(str_eq(buf_str(&b), STR("world")));
	buf_drop(&b, 5);
	assert_int_equal(b.n, 0);
	assert_int_equal(buf_add_str(&b, STR("again")), 0);
	buf_reset(&b);
	assert_int_equal(b.n, 0);
	buf_clear(&b);
}

static void
stolen_text_is_terminated_and_leaves_nothing(void **state)
{
	struct buf b;
	char *z;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(buf_add_str(&b, STR("text")), 0);
	z = buf_steal(&b);
	assert_string_equal(z, "text");
	assert_int_equal(b.n, 0);
	free(z);
	z = buf_steal(&b);
	assert_string_equal(z, "");
	free(z);
	buf_clear(&b);
}

static void
sizes_that_overflow_are_told(void **state)
{
	size_t n;

	(void)state;
	assert_true(size_add(SIZE_MAX - 1, 1, &n));
	assert_true(n == SIZE_MAX);
	assert_false(size_add(SIZE_MAX, 1, &n));
	assert_true(size_mul(SIZE_MAX / 2, 2, &n));
	assert_false(size_mul(SIZE_MAX / 2 + 1, 2, &n));
	assert_true(size_mul(0, SIZE_MAX, &n));
	assert_int_equal(n, 0);
}

static void
a_growing_array_keeps_its_elements(void **state)
{
	unsigned *v = NULL;
	size_t cap = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		v = array_room(v, i, &cap, sizeof(*v));
		v[i] = i * i;
	}
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(v[i], i * i);
	free(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appended_bytes_are_there_in_order),
		cmocka_unit_test(
		    the_maximum_is_exact_and_a_refusal_changes_nothing),
		cmocka_unit_test(formatted_text_is_whole_or_not_there),
		cmocka_unit_test(dropped_bytes_go_from_the_front),
		cmocka_unit_test(stolen_text_is_terminated_and_leaves_nothing),
		cmocka_unit_test(sizes_that_overflow_are_told),
		cmocka_unit_test(a_growing_array_keeps_its_elements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
