/* test_name.c — file names in cur/ and new/. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/map.h"
#include "maildir/name.h"

static void
assert_str(struct str got, const char *want)
{
	char z[512];

	snprintf(z, sizeof(z), "%.*s", STR_ARG(got));
	assert_string_equal(z, want);
}

static void
names_are_taken_apart(void **state)
{
	static const struct {
		const char *file, *unique, *base, *letters, *rest;
		bool has_info;
	} t[] = {
		{ "1.M2P3.h", "1.M2P3.h", "1.M2P3.h", "", "", false },
		{ "1.h:2,", "1.h", "1.h", "", "", true },
		{ "1.h:2,FSab", "1.h", "1.h", "FSab", "", true },
		{ "1.h,S=12,W=13:2,SR", "1.h", "1.h,S=12,W=13", "SR", "", true },
		{ "1.h,U=12:2,S", "1.h", "1.h,U=12", "S", "", true },
		{ "1.h:2,S,Xyz,q", "1.h", "1.h", "S", ",Xyz,q", true },
		{ "1.h:1,exp", "1.h", "1.h:1,exp", "", "", false },
		{ "1.h:2", "1.h", "1.h:2", "", "", false },
		{ "1.h,a:2,S:2,F", "1.h", "1.h,a", "S:2", ",F", true },
		{ "\xff\xfe:2,S", "\xff\xfe", "\xff\xfe", "S", "", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct mname m;

		assert_true(mname_parse(str_z(t[i].file), &m));
		assert_str(m.unique, t[i].unique);
		assert_str(m.base, t[i].base);
		assert_str(m.letters, t[i].letters);
		assert_str(m.rest, t[i].rest);
		assert_int_equal(m.has_info, t[i].has_info);
	}
}

static void
what_is_no_message_is_refused(void **state)
{
	static const char *const t[] = { "", ".", "..", ".uidvalidity", ":2,S",
	    ",S=3:2,S" };
	struct mname m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_false(mname_parse(str_z(t[i]), &m));
}

static void
written_letters_are_sorted_and_unique(void **state)
{
	static const struct {
		const char *base, *letters, *rest, *want;
		bool in_new;
	} t[] = {
		{ "1.h", "", "", "1.h", true },
		{ "1.h", "", "", "1.h:2,", false },
		{ "1.h", "S", "", "1.h:2,S", true },
		{ "1.h,S=3", "baSSFRb", "", "1.h,S=3:2,FRSab", false },
		{ "1.h", "S", ",Xyz", "1.h:2,S,Xyz", false },
		{ "1.h", "", ",Xyz", "1.h:2,,Xyz", true },
		{ "1.h:1,exp", "F", "", "1.h:1,exp:2,F", false },
		{ "1.h", "ZSA1", "", "1.h:2,1ASZ", false },
	};
	char out[MNAME_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(mname_print(out, str_z(t[i].base),
		    str_z(t[i].letters), str_z(t[i].rest), t[i].in_new), 0);
		assert_string_equal(out, t[i].want);
	}
}

static void
a_name_that_does_not_fit_is_refused(void **state)
{
	char base[300], out[MNAME_MAX];

	(void)state;
	memset(base, 'x', sizeof(base));
	assert_int_equal(mname_print(out, (struct str){ base, 255 }, STR_NONE,
	    STR_NONE, true), 0);
	assert_int_equal(mname_print(out, (struct str){ base, 256 }, STR_NONE,
	    STR_NONE, true), -1);
	assert_int_equal(mname_print(out, (struct str){ base, 252 }, STR_NONE,
	    STR_NONE, false), 0);
	assert_int_equal(mname_print(out, (struct str){ base, 252 }, STR("S"),
	    STR_NONE, false), -1);
	assert_int_equal(mname_print(out, STR("a/b"), STR_NONE, STR_NONE, true),
	    -1);
	assert_int_equal(mname_print(out, STR(""), STR_NONE, STR_NONE, true), -1);
}

static void
unknown_parts_survive_a_flag_change(void **state)
{
	struct mname m;
	char out[MNAME_MAX];

	(void)state;
	assert_true(mname_parse(STR("1.h,U=7,FMD5=ab:2,ZSq,later"), &m));
	assert_int_equal(mname_print(out, m.base, STR("ZSqF"), m.rest, false), 0);
	assert_string_equal(out, "1.h,U=7,FMD5=ab:2,FSZq,later");
}

static void
unique_names_are_unique_and_parse_whole(void **state)
{
	enum { N = 20000 };
	char (*name)[MNAME_UNIQUE_MAX] = calloc(N, sizeof(*name));
	struct map seen;
	struct mname m;

	(void)state;
	assert_non_null(name);
	map_init(&seen);
	for (size_t i = 0; i < N; i++) {
		mname_unique(name[i]);
		assert_true(map_put(&seen, str_z(name[i]), i));
		assert_true(mname_parse(str_z(name[i]), &m));
		assert_string_equal(m.unique.p, name[i]);
		assert_int_equal(m.unique.n, strlen(name[i]));
		assert_null(strchr(name[i], '/'));
	}
	map_clear(&seen);
	free(name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_taken_apart),
		cmocka_unit_test(what_is_no_message_is_refused),
		cmocka_unit_test(written_letters_are_sorted_and_unique),
		cmocka_unit_test(a_name_that_does_not_fit_is_refused),
		cmocka_unit_test(unknown_parts_survive_a_flag_change),
		cmocka_unit_test(unique_names_are_unique_and_parse_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
