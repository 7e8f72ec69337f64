/* test_uidset.c — sets of UIDs, against a bitmap. */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/uidset.h"

enum { MOST = 200 };

static uint32_t
next_random(uint32_t *x)
{
	*x = *x * 1664525 + 1013904223;
	return *x >> 8;
}

static void
assert_canonical(const struct uidset *s)
{
	for (size_t i = 0; i < s->n; i++) {
		assert_true(s->r[i].lo >= 1 && s->r[i].lo <= s->r[i].hi);
		/* Neighbours would be one range. */
		if (i > 0)
			assert_true(s->r[i].lo > s->r[i - 1].hi + 1);
	}
}

static void
assert_equals(const struct uidset *s, const bool *map)
{
	struct uid uid = { 0 };
	uint64_t count = 0;
	size_t at = 0;

	for (uint32_t v = 1; v <= MOST; v++) {
		assert_int_equal(uidset_has(s, (struct uid){ v }), map[v]);
		if (!map[v])
			continue;
		count++;
		assert_true(uidset_next(s, &at, &uid));
		assert_int_equal(uid.v, v);
	}
	assert_false(uidset_next(s, &at, &uid));
	assert_int_equal(uidset_count(s), count);
	assert_false(uidset_has(s, (struct uid){ 0 }));
}

static void
assert_round_trip(const struct uidset *s)
{
	struct buf text;
	struct uidset again;
	size_t from = 0;

	buf_init(&text, 1 << 16);
	uidset_init(&again);
	assert_int_equal(uidset_print(s, &from, SIZE_MAX / 2, &text), 0);
	assert_int_equal(from, s->n);
	assert_int_equal(uidset_parse(&again, buf_str(&text), MOST), 0);
	assert_int_equal(again.n, s->n);
	assert_memory_equal(again.r, s->r, s->n * sizeof(*s->r));
	uidset_clear(&again);
	buf_clear(&text);
}

/* Some range, of at most ${longest}, which goes into ${map}, too. */
static struct uidrange
any_range(uint32_t *x, uint32_t longest, bool *map)
{
	uint32_t lo = next_random(x) % (MOST + 1);
	uint32_t hi = lo + next_random(x) % longest;

	if (hi > MOST)
		hi = MOST;
	for (uint32_t v = lo; v <= hi; v++)
		map[v] = v != 0;
	return (struct uidrange){ lo, hi };
}

static void
any_additions_give_the_same_as_a_bitmap(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 300; seed++) {
		bool map[MOST + 1] = { false };
		uint32_t x = seed;
		struct uidset s;

		uidset_init(&s);
		for (int i = 0; i < 40; i++) {
			struct uidrange r = any_range(&x, 1 + seed % 12, map);

			/* A reversed range is the same range. */
			if (i % 3 == 0)
				uidset_add(&s, r.hi, r.lo);
			else
				uidset_add(&s, r.lo, r.hi);
			assert_canonical(&s);
		}
		assert_equals(&s, map);
		assert_round_trip(&s);
		uidset_clear(&s);
	}
}

static void
what_is_collected_is_the_same_as_a_bitmap(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 300; seed++) {
		bool map[MOST + 1] = { false };
		uint32_t x = seed;
		struct uidset s;

		uidset_init(&s);
		for (uint32_t i = 0; i < 10 + seed; i++) {
			struct uidrange r = any_range(&x, 1 + seed % 4, map);

			if (i % 3 == 0)
				uidset_collect(&s, r.hi, r.lo);
			else
				uidset_collect(&s, r.lo, r.hi);
			/* And when it is settled now and then. */
			if (seed % 2 == 0 && i % 50 == 0)
				uidset_settle(&s);
		}
		uidset_settle(&s);
		assert_canonical(&s);
		assert_equals(&s, map);
		assert_round_trip(&s);
		uidset_clear(&s);
	}
}

/* With the cost of an insertion for each, the runner would not wait for the end. */
static void
millions_in_no_order_take_no_time(void **state)
{
	enum { N = 2000000 };
	struct uidset s;

	(void)state;
	uidset_init(&s);
	for (uint32_t i = N; i > 0; i--)
		uidset_collect(&s, 4 * i, 4 * i);
	for (uint32_t i = 1; i <= N; i++)
		uidset_collect(&s, 4 * i + 2, 4 * i + 2);
	uidset_settle(&s);
	assert_canonical(&s);
	assert_int_equal(s.n, 2 * N);
	assert_int_equal(uidset_count(&s), 2 * N);
	assert_true(uidset_has(&s, (struct uid){ 4 }));
	assert_true(uidset_has(&s, (struct uid){ 4 * N + 2 }));
	assert_false(uidset_has(&s, (struct uid){ 5 }));
	uidset_clear(&s);
}

static void
the_same_again_takes_no_more_room(void **state)
{
	struct uidset s;

	(void)state;
	uidset_init(&s);
	for (uint32_t i = 0; i < 100000; i++)
		uidset_collect(&s, 2 + i % 2 * 7, 2 + i % 2 * 7);
	assert_true(s.cap <= 256);
	uidset_settle(&s);
	assert_int_equal(s.n, 2);
	assert_int_equal(uidset_count(&s), 2);
	uidset_clear(&s);
}

static void
the_largest_range_costs_one_range(void **state)
{
	struct uidset s;

	(void)state;
	uidset_init(&s);
	assert_int_equal(uidset_parse(&s, STR("1:4294967295"), 1), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(uidset_count(&s), UINT32_MAX);
	assert_true(uidset_has(&s, (struct uid){ UINT32_MAX }));
	uidset_add(&s, UINT32_MAX, UINT32_MAX);
	uidset_add(&s, UINT32_MAX - 1, UINT32_MAX);
	assert_int_equal(s.n, 1);
	uidset_clear(&s);
}

static void
the_last_uid_ends_the_visit(void **state)
{
	struct uidset s;
	struct uid uid = { 0 };
	size_t at = 0;

	(void)state;
	uidset_init(&s);
	assert_false(uidset_next(&s, &at, &uid));
	uidset_add(&s, UINT32_MAX - 1, UINT32_MAX);
	assert_true(uidset_next(&s, &at, &uid));
	assert_true(uidset_next(&s, &at, &uid));
	assert_int_equal(uid.v, UINT32_MAX);
	assert_false(uidset_next(&s, &at, &uid));
	uidset_clear(&s);
}

static void
only_sequence_sets_are_parsed(void **state)
{
	static const struct {
		const char	*text;
		int		 want;
		uint64_t	 count;
	} t[] = {
		{ "1", 0, 1 }, { "1:5,7", 0, 6 }, { "5:1", 0, 5 },
		{ "3,2,1", 0, 3 }, { "1:3,2:4", 0, 4 }, { "7,7,7", 0, 1 },
		{ "", -1, 0 }, { "0", -1, 0 }, { "*", -1, 0 },
		{ "1:*", -1, 0 }, { "1,", -1, 0 }, { ",1", -1, 0 },
		{ "1:", -1, 0 }, { ":1", -1, 0 }, { "1:2:3", -1, 0 },
		{ "1 2", -1, 0 }, { "4294967296", -1, 0 }, { "0:5", -1, 0 },
		{ "1-5", -1, 0 }, { "1,3,5,7,9", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct uidset s;

		uidset_init(&s);
		if (uidset_parse(&s, str_z(t[i].text), 4) != t[i].want)
			fail_msg("%s", t[i].text);
		if (t[i].want == 0)
			assert_int_equal(uidset_count(&s), t[i].count);
		uidset_clear(&s);
	}
}

static void
a_long_set_is_printed_in_pieces(void **state)
{
	struct uidset s, again;
	struct buf text;

	(void)state;
	uidset_init(&s);
	uidset_init(&again);
	buf_init(&text, 1 << 20);
	for (uint32_t i = 0; i < 1000; i++)
		uidset_add(&s, 4294000000u + i * 3, 4294000000u + i * 3 + i % 2);
	for (size_t max = 1; max < 200; max += 33) {
		size_t pieces = 0;

		uidset_clear(&again);
		for (size_t from = 0; from < s.n; pieces++) {
			size_t before = from;

			buf_reset(&text);
			assert_int_equal(buf_add_str(&text, STR("UID ")), 0);
			assert_int_equal(uidset_print(&s, &from, max, &text), 0);
			assert_true(from > before);
			/* Only a single range may be longer than wished. */
			assert_true(text.n - 4 <= max || from == before + 1);
			assert_int_equal(uidset_parse(&again,
			    str_from(buf_str(&text), 4), 1000), 0);
		}
		assert_int_equal(again.n, s.n);
		assert_memory_equal(again.r, s.r, s.n * sizeof(*s.r));
		assert_true(pieces >= s.n * 10 / (max + 22));
	}
	uidset_clear(&s);
	uidset_clear(&again);
	buf_clear(&text);
}

static void
a_full_buffer_is_an_answer(void **state)
{
	struct uidset s;
	struct buf text;
	size_t from = 0;

	(void)state;
	uidset_init(&s);
	buf_init(&text, 4);
	uidset_add(&s, 123456, 123457);
	assert_int_equal(uidset_print(&s, &from, 100, &text), -1);
	uidset_clear(&s);
	buf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_additions_give_the_same_as_a_bitmap),
		cmocka_unit_test(what_is_collected_is_the_same_as_a_bitmap),
		cmocka_unit_test(millions_in_no_order_take_no_time),
		cmocka_unit_test(the_same_again_takes_no_more_room),
		cmocka_unit_test(the_largest_range_costs_one_range),
		cmocka_unit_test(the_last_uid_ends_the_visit),
		cmocka_unit_test(only_sequence_sets_are_parsed),
		cmocka_unit_test(a_long_set_is_printed_in_pieces),
		cmocka_unit_test(a_full_buffer_is_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
