/* test_map.c — byte strings to numbers, against a plain list. */
#include "cmocka_all.h"

#include <stdio.h>

#include "base/map.h"

enum { KEYS = 500 };

static char keys[KEYS][12];

static struct str
key(size_t i)
{
	return str_z(keys[i]);
}

static void
make_keys(void)
{
	for (size_t i = 0; i < KEYS; i++)
		snprintf(keys[i], sizeof(keys[i]), "key-%zu", i);
}

static void
any_operations_give_the_same_as_a_list(void **state)
{
	uintptr_t want[KEYS], got;
	bool there[KEYS] = { false };
	uint32_t x = 7;
	size_t n = 0;
	struct map m;

	(void)state;
	make_keys();
	map_init(&m);
	for (uintptr_t step = 1; step <= 20000; step++) {
		size_t i;

		x = x * 1664525 + 1013904223;
		i = (x >> 8) % KEYS;
		if (x >> 30 != 0) {
			assert_int_equal(map_put(&m, key(i), step), !there[i]);
			n += !there[i];
			there[i] = true;
			want[i] = step;
		} else {
			assert_int_equal(map_remove(&m, key(i)), there[i]);
			n -= there[i];
			there[i] = false;
		}
		assert_int_equal(m.n, n);
	}
	for (size_t i = 0; i < KEYS; i++) {
		assert_int_equal(map_has(&m, key(i)), there[i]);
		assert_int_equal(map_get(&m, key(i), &got), there[i]);
		if (there[i])
			assert_int_equal(got, want[i]);
	}
	map_clear(&m);
}

/* Removed slots must not fill the table up, nor make it grow without end. */
static void
coming_and_going_takes_no_more_room(void **state)
{
	struct map m;

	(void)state;
	make_keys();
	map_init(&m);
	for (size_t i = 0; i < 200000; i++) {
		map_put(&m, key(i % KEYS), i);
		map_remove(&m, key(i % KEYS));
	}
	assert_int_equal(m.n, 0);
	assert_true(m.cap <= 64);
	assert_false(map_has(&m, STR("key-1")));
	map_clear(&m);
}

static void
keys_are_bytes_with_a_length(void **state)
{
	uintptr_t v;
	struct map m;

	(void)state;
	map_init(&m);
	assert_false(map_has(&m, STR("")));
	assert_false(map_remove(&m, STR("")));
	map_put(&m, (struct str){ "a\0b", 3 }, 1);
	map_put(&m, (struct str){ "a\0c", 3 }, 2);
	map_put(&m, STR("a"), 3);
	map_put(&m, STR(""), 4);
	assert_int_equal(m.n, 4);
	assert_true(map_get(&m, (struct str){ "a\0c", 3 }, &v));
	assert_int_equal(v, 2);
	assert_true(map_get(&m, STR(""), &v));
	assert_int_equal(v, 4);
	map_clear(&m);
	assert_false(map_has(&m, STR("a")));
	map_clear(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_operations_give_the_same_as_a_list),
		cmocka_unit_test(coming_and_going_takes_no_more_room),
		cmocka_unit_test(keys_are_bytes_with_a_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
