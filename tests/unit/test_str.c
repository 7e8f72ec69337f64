/* test_str.c — borrowed text, and the numbers in it. */
#include "cmocka_all.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/num.h"
#include "base/str.h"

static void
comparisons_look_at_every_byte(void **state)
{
	struct str nul = { "a\0b", 3 };

	(void)state;
	assert_true(str_eq(STR("abc"), str_z("abc")));
	assert_false(str_eq(STR("abc"), STR("abC")));
	assert_false(str_eq(nul, STR("a")));
	assert_false(str_eq(nul, (struct str){ "a\0c", 3 }));
	assert_true(str_eq(STR_NONE, STR("")));
	assert_true(str_eq(str_z(NULL), STR_NONE));
	assert_true(str_ieq(STR("InBoX"), STR("iNbOx")));
	assert_false(str_ieq(STR("INBOX"), STR("INBO")));
	assert_true(str_ieq(STR_NONE, STR_NONE));
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("ab"), STR("a")) > 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_int_equal(str_cmp(STR_NONE, STR("")), 0);
}

static void
ends_are_compared_by_length_first(void **state)
{
	(void)state;
	assert_true(str_starts(STR("abc"), STR("ab")));
	assert_true(str_starts(STR("abc"), STR_NONE));
	assert_false(str_starts(STR("ab"), STR("abc")));
	assert_true(str_istarts(STR("Subject: x"), STR("subject:")));
	assert_false(str_starts(STR("Subject: x"), STR("subject:")));
	assert_true(str_ends(STR("abc"), STR("bc")));
	assert_false(str_ends(STR("bc"), STR("abc")));
	assert_true(str_ends(STR_NONE, STR_NONE));
}

static void
parts_never_leave_the_text(void **state)
{
	struct str s = STR("abc");

	(void)state;
	assert_int_equal(str_find(s, 'c'), 2);
	assert_int_equal(str_find(s, 'x'), 3);
	assert_int_equal(str_find(STR_NONE, 'x'), 0);
	assert_true(str_eq(str_from(s, 1), STR("bc")));
	assert_int_equal(str_from(s, 99).n, 0);
	assert_true(str_eq(str_head(s, 2), STR("ab")));
	assert_true(str_eq(str_head(s, 99), s));
	assert_true(str_eq(str_trim(STR(" \t x y\r\n")), STR("x y")));
	assert_int_equal(str_trim(STR(" \n ")).n, 0);
	assert_int_equal(str_from(STR_NONE, 5).n, 0);
}

static void
split_gives_every_part_once(void **state)
{
	static const struct {
		const char *text, *part[5];
		size_t n;
	} t[] = {
		{ "a,b,c", { "a", "b", "c" }, 3 },
		{ "a", { "a" }, 1 },
		{ ",", { "", "" }, 2 },
		{ "a,,b,", { "a", "", "b", "" }, 4 },
		{ "", { "" }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct str rest = str_z(t[i].text);
		size_t n = 0;

		while (rest.p != NULL) {
			assert_true(n < t[i].n);
			assert_true(str_eq(str_split(&rest, ','),
			    str_z(t[i].part[n])));
			n++;
		}
		assert_int_equal(n, t[i].n);
	}
}

static void
a_copy_is_terminated_and_whole(void **state)
{
	char *z = str_dup((struct str){ "a\0bXX", 3 });

	(void)state;
	assert_memory_equal(z, "a\0b", 4);
	free(z);
	z = str_dup(STR_NONE);
	assert_string_equal(z, "");
	free(z);
}

static void
numbers_are_digits_within_bounds(void **state)
{
	static const struct {
		const char	*text;
		uint64_t	 min, max;
		bool		 ok;
		uint64_t	 want;
	} t[] = {
		{ "0", 0, 9, true, 0 }, { "0", 1, 9, false, 0 },
		{ "9", 0, 9, true, 9 }, { "10", 0, 9, false, 0 },
		{ "007", 0, 9, true, 7 }, { "", 0, 9, false, 0 },
		{ "-1", 0, 9, false, 0 }, { "+1", 0, 9, false, 0 },
		{ " 1", 0, 9, false, 0 }, { "1 ", 0, 9, false, 0 },
		{ "0x1", 0, 99, false, 0 }, { "1.0", 0, 99, false, 0 },
		{ "18446744073709551615", 0, UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", 0, UINT64_MAX, false, 0 },
		{ "99999999999999999999999", 0, UINT64_MAX, false, 0 },
		{ "184467440737095516150", 0, UINT64_MAX, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		uint64_t n = 77;

		assert_int_equal(num_u64(str_z(t[i].text), t[i].min, t[i].max,
		    &n), t[i].ok);
		/* Untouched when refused. */
		assert_true(n == (t[i].ok ? t[i].want : 77));
	}
}

static void
thirty_two_bits_are_not_cut_off(void **state)
{
	uint32_t n = 77;

	(void)state;
	assert_true(num_u32(STR("4294967295"), 1, UINT32_MAX, &n));
	assert_int_equal(n, UINT32_MAX);
	assert_false(num_u32(STR("4294967296"), 1, UINT32_MAX, &n));
	assert_false(num_u32((struct str){ "1\0", 2 }, 1, UINT32_MAX, &n));
	assert_int_equal(n, UINT32_MAX);
}

static void
plain_text_has_no_control_characters(void **arg)
{
	static const struct { const char *in, *want; } table[] = {
		{ "", "" }, { "as it was", "as it was" },
		{ "\x1b[2Jgone\a\r\n", "?[2Jgone???" }, { "\x7f", "?" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "\xc2\x9b" "2J", "??2J" }, { "\xc2\xa0", "\xc2\xa0" },
		{ "\xc2", "\xc2" },
	};

	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char text[32];

		strcpy(text, table[i].in);
		str_plain(text);
		assert_string_equal(text, table[i].want);
	}
}

static void
a_word_for_a_shell_is_one_word(void **arg)
{
	static const struct {
		size_t		 cap;
		const char	*in, *want;
	} table[] = {
		{ 32, "", "''" }, { 32, "a/INBOX", "a/INBOX" },
		{ 32, "All Mail", "'All Mail'" },
		{ 32, "a/it's", "'a/it'\\''s'" },
		{ 32, "$(x)`y`", "'$(x)`y`'" }, { 32, "~", "'~'" },
		{ 32, "a\nb", "'a\nb'" },
		{ STR_SHELL_ROOM(3), "'''", "''\\'''\\'''\\'''" },
		/* What is cut is one word still. */
		{ 12, "a b c d e f g", "'a b'" },
	};

	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char out[32];

		str_shell(table[i].in, out, table[i].cap);
		assert_string_equal(out, table[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparisons_look_at_every_byte),
		cmocka_unit_test(ends_are_compared_by_length_first),
		cmocka_unit_test(parts_never_leave_the_text),
		cmocka_unit_test(split_gives_every_part_once),
		cmocka_unit_test(a_copy_is_terminated_and_whole),
		cmocka_unit_test(numbers_are_digits_within_bounds),
		cmocka_unit_test(thirty_two_bits_are_not_cut_off),
		cmocka_unit_test(plain_text_has_no_control_characters),
		cmocka_unit_test(a_word_for_a_shell_is_one_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
