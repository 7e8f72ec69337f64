/* test_flags.c — flags and keywords, as bits and by their names. */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/flags.h"

static void
every_set_of_letters_comes_back_sorted(void **state)
{
	(void)state;
	for (uint32_t sys = 0; sys <= FLAG_ALL; sys++) {
		char letters[7];

		sysflags_to_letters(sys, letters);
		assert_int_equal(sysflags_from_letters(str_z(letters)), sys);
		for (size_t i = 1; i < strlen(letters); i++)
			assert_true(letters[i - 1] < letters[i]);
	}
	assert_int_equal(sysflags_from_letters(STR("SSaZ,S")), FLAG_SEEN);
	assert_int_equal(sysflags_from_letters(STR_NONE), 0);
}

static void
every_set_of_flags_comes_back_from_its_names(void **state)
{
	struct kwtab t = { 0 };

	(void)state;
	assert_int_equal(kwtab_bit(&t, STR("work")), 0);
	assert_int_equal(kwtab_bit(&t, STR("$Junk")), 1);
	for (uint32_t i = 0; i <= (FLAG_ALL + 1) * 4 - 1; i++) {
		struct flags f = { i & FLAG_ALL, i >> 6 }, back = { 0 };
		char text[128];
		struct str rest;

		assert_true(flags_to_imap(f, &t, text, sizeof(text)) <
		    sizeof(text));
		rest = str_z(text);
		while (rest.n > 0)
			flags_from_imap(&back, &t, str_split(&rest, ' '));
		assert_true(flags_eq(f, back));
	}
	assert_int_equal(t.n, 2);
	kwtab_clear(&t);
}

static void
what_does_not_fit_is_measured_like_snprintf(void **state)
{
	struct flags f = { FLAG_SEEN | FLAG_FLAGGED, 1 };
	struct kwtab t = { 0 };
	const char *want = "\\Flagged \\Seen work";

	(void)state;
	assert_int_equal(kwtab_bit(&t, STR("work")), 0);
	for (size_t cap = 0; cap <= strlen(want) + 1; cap++) {
		char out[64];

		memset(out, '#', sizeof(out));
		assert_int_equal(flags_to_imap(f, &t, out, cap), strlen(want));
		assert_int_equal(out[cap], '#');
		if (cap > 0) {
			assert_memory_equal(out, want, strlen(out));
			assert_int_equal(strlen(out), cap - 1);
		}
	}
	kwtab_clear(&t);
}

static void
names_of_a_server_are_taken_without_case(void **state)
{
	static const struct {
		const char	*name;
		uint32_t	 sys;
		uint64_t	 kw;
	} t[] = {
		{ "\\Seen", FLAG_SEEN, 0 }, { "\\sEEN", FLAG_SEEN, 0 },
		{ "$forwarded", FLAG_PASSED, 0 }, { "\\Recent", 0, 0 },
		{ "\\*", 0, 0 }, { "\\Unknown", 0, 0 }, { "Work", 0, 1 },
		{ "WORK", 0, 1 }, { "bad(name", 0, 0 }, { "", 0, 0 },
		{ "two words", 0, 0 }, { "Seen", 0, 2 },
	};
	struct kwtab table = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct flags f = { 0 };

		flags_from_imap(&f, &table, str_z(t[i].name));
		if (f.sys != t[i].sys || f.kw != t[i].kw)
			fail_msg("%s: %x/%x", t[i].name, f.sys, (unsigned)f.kw);
	}
	kwtab_clear(&table);
}

static void
a_full_table_refuses_and_finds_what_it_has(void **state)
{
	char name[KW_NAME_MAX + 2];
	struct kwtab t = { 0 };

	(void)state;
	for (int i = 0; i < KW_MAX; i++) {
		snprintf(name, sizeof(name), "k%d", i);
		assert_int_equal(kwtab_bit(&t, str_z(name)), i);
	}
	assert_int_equal(kwtab_bit(&t, STR("one-more")), -1);
	assert_int_equal(kwtab_bit(&t, STR("K63")), 63);
	assert_int_equal(kwtab_find(&t, STR("one-more")), -1);
	assert_int_equal(kwtab_find(&t, STR("k7")), 7);
	kwtab_clear(&t);
	memset(name, 'x', sizeof(name));
	assert_int_equal(kwtab_bit(&t, (struct str){ name,
	    KW_NAME_MAX + 1 }), -1);
	assert_int_equal(kwtab_bit(&t, (struct str){ name, KW_NAME_MAX }), 0);
	kwtab_clear(&t);
}

static void
bits_are_translated_by_name(void **state)
{
	struct kwtab a = { 0 }, b = { 0 };

	(void)state;
	kwtab_bit(&a, STR("x"));
	kwtab_bit(&a, STR("y"));
	kwtab_bit(&a, STR("z"));
	kwtab_bit(&b, STR("Z"));
	assert_int_equal(kwtab_translate(5, &a, &b), 3);
	assert_int_equal(b.n, 2);
	assert_string_equal(b.name[1], "x");
	assert_int_equal(kwtab_translate(5, &a, &a), 5);
	/* A full table takes what it knows and leaves the rest. */
	for (int i = 0; i < KW_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		kwtab_bit(&b, str_z(name));
	}
	assert_int_equal(kwtab_translate(7, &a, &b), 3);
	kwtab_clear(&a);
	kwtab_clear(&b);
}

static void
the_highest_bit_is_a_keyword_too(void **state)
{
	struct kwtab t = { 0 }, other = { 0 };
	struct flags f = { 0, (uint64_t)1 << 63 };
	char out[16];

	(void)state;
	for (int i = 0; i < KW_MAX; i++) {
		snprintf(out, sizeof(out), "k%d", i);
		kwtab_bit(&t, str_z(out));
	}
	flags_to_imap(f, &t, out, sizeof(out));
	assert_string_equal(out, "k63");
	assert_int_equal(kwtab_translate(f.kw, &t, &other), 1);
	assert_string_equal(other.name[0], "k63");
	kwtab_clear(&other);
	kwtab_clear(&t);
}

static void
minus_takes_away_only_what_is_named(void **state)
{
	struct flags a = { 7, 5 }, b = { 2, 4 }, r = flags_minus(a, b);

	(void)state;
	assert_int_equal(r.sys, 5);
	assert_int_equal(r.kw, 1);
	assert_true(flags_none(flags_minus(a, a)));
	assert_false(flags_none((struct flags){ 0, 1 }));
	assert_false(flags_eq(a, b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_set_of_letters_comes_back_sorted),
		cmocka_unit_test(every_set_of_flags_comes_back_from_its_names),
		cmocka_unit_test(what_does_not_fit_is_measured_like_snprintf),
		cmocka_unit_test(names_of_a_server_are_taken_without_case),
		cmocka_unit_test(a_full_table_refuses_and_finds_what_it_has),
		cmocka_unit_test(bits_are_translated_by_name),
		cmocka_unit_test(the_highest_bit_is_a_keyword_too),
		cmocka_unit_test(minus_takes_away_only_what_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
