/* test_sorted.c — places in sorted arrays, found by halving. */
#include "cmocka_all.h"

#include "base/attr.h"
#include "base/sorted.h"

static unsigned compared;

static int
by_value(const void *key, const void *element)
{
	int a = *(const int *)key, b = *(const int *)element;

	compared++;
	return (a > b) - (a < b);
}

static void
the_first_of_equals_is_found(void **state)
{
	static const int v[] = { 1, 3, 3, 3, 7, 9 };
	static const struct {
		int	key;
		size_t	at;
		int	found;
	} t[] = {
		{ 0, 0, -1 }, { 1, 0, 0 }, { 2, 1, -1 }, { 3, 1, 1 }, { 4, 4, -1 },
		{ 7, 4, 4 }, { 8, 5, -1 }, { 9, 5, 5 }, { 10, 6, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const int *at = sorted_find(&t[i].key, v, ARRAY_LEN(v),
		    sizeof(*v), by_value);

		assert_int_equal(sorted_at(&t[i].key, v, ARRAY_LEN(v),
		    sizeof(*v), by_value), t[i].at);
		assert_int_equal(at != NULL ? at - v : -1, t[i].found);
	}
}

static void
nothing_is_in_no_array(void **state)
{
	int key = 1;

	(void)state;
	assert_int_equal(sorted_at(&key, NULL, 0, sizeof(key), by_value), 0);
	assert_null(sorted_find(&key, NULL, 0, sizeof(key), by_value));
}

static void
few_are_compared(void **state)
{
	static int v[1 << 16];

	(void)state;
	for (int i = 0; i < 1 << 16; i++)
		v[i] = i;
	for (int key = 0; key < 1 << 16; key += 97) {
		compared = 0;
		assert_int_equal(sorted_at(&key, v, ARRAY_LEN(v), sizeof(*v),
		    by_value), key);
		assert_true(compared <= 17);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_of_equals_is_found),
		cmocka_unit_test(nothing_is_in_no_array),
		cmocka_unit_test(few_are_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
