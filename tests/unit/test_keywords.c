/* test_keywords.c — letters a-z in file names, and their names. */
#include "maildir_fixture.h"

#include "maildir/keywords.h"

static void
lines_that_make_no_sense_are_kept_out(void **state)
{
	struct fixture *f = *state;
	struct kwfile k;
	struct err err;

	assert_int_equal(kwfile_read(f->fd, &k, &err), 0);
	for (int i = 0; i < 26; i++)
		assert_null(k.name[i]);
	fixture_file(f, "dovecot-keywords",
	    "0 $Forwarded\n1 work\n\n26 toomany\n-1 minus\n2\n3 \n1 again\n"
	    "x y\n4 two words\n25 last");
	assert_int_equal(kwfile_read(f->fd, &k, &err), 0);
	for (int i = 0; i < 26; i++)
		if (i != 0 && i != 1 && i != 25)
			assert_null(k.name[i]);
	assert_string_equal(k.name[0], "$Forwarded");
	assert_string_equal(k.name[1], "work");
	assert_string_equal(k.name[25], "last");
	assert_false(k.dirty);
	kwfile_clear(&k);
}

static void
letters_become_bits_and_back(void **state)
{
	struct fixture *f = *state;
	struct kwtab t = { 0 };
	struct kwfile k;
	struct err err;
	char letters[27];
	uint64_t bits;

	kwtab_bit(&t, STR("other"));
	fixture_file(f, "dovecot-keywords", "0 Work\n2 todo\n");
	assert_int_equal(kwfile_read(f->fd, &k, &err), 0);
	/* b has no name, S is no keyword letter. */
	bits = kwfile_to_bits(&k, STR("Scba"), &t);
	assert_int_equal(bits, 1 << kwtab_find(&t, STR("work")) |
	    1 << kwtab_find(&t, STR("todo")));
	assert_int_equal(t.n, 3);
	assert_int_equal(kwfile_shown(&k, ~(uint64_t)0, &t), bits);
	assert_int_equal(kwfile_to_letters(&k, bits, &t, letters), 0);
	assert_string_equal(letters, "ac");
	assert_false(k.dirty);
	assert_int_equal(kwfile_to_letters(&k, bits | 1, &t, letters), 0);
	assert_string_equal(letters, "abc");
	assert_true(k.dirty);
	kwfile_clear(&k);
	kwtab_clear(&t);
}

static void
every_letter_has_its_name(void **state)
{
	static const char all[] = "abcdefghijklmnopqrstuvwxyz";
	struct kwtab t = { 0 };
	struct kwfile k = { 0 };
	char letters[27], name[2] = "";
	uint64_t bits = 0;

	(void)state;
	for (size_t i = 0; i < 26; i++) {
		name[0] = (char)('A' + i);
		bits |= (uint64_t)1 << kwtab_bit(&t, str_z(name));
	}
	assert_int_equal(kwfile_to_letters(&k, bits, &t, letters), 0);
	assert_string_equal(letters, all);
	assert_int_equal(kwfile_to_bits(&k, str_z(all), &t), bits);
	kwfile_clear(&k);
	kwtab_clear(&t);
}

static void
a_letter_that_files_use_is_not_given_away(void **state)
{
	struct kwtab t = { 0 };
	struct kwfile k = { 0 };
	char letters[27];

	(void)state;
	kwtab_bit(&t, STR("mine"));
	kwfile_note(&k, STR("Sac"));
	assert_int_equal(kwfile_to_letters(&k, 1, &t, letters), 0);
	assert_string_equal(letters, "b");
	kwfile_clear(&k);
	kwtab_clear(&t);
}

/* A client names a letter, and uses it in a file that was read before that. */
static void
a_letter_named_meanwhile_is_known_when_read_again(void **state)
{
	struct fixture *f = *state;
	struct kwtab t = { 0 };
	struct kwfile k;
	struct err err;
	char letters[27];

	fixture_file(f, "dovecot-keywords", "0 $Work\n");
	assert_int_equal(kwfile_read(f->fd, &k, &err), 0);
	kwfile_note(&k, STR("ab"));
	assert_true(kwfile_known(&k, 'a'));
	assert_false(kwfile_known(&k, 'b'));
	assert_false(kwfile_known(&k, 'S'));
	fixture_file(f, "dovecot-keywords", "0 $Work\n1 todo\n");
	kwtab_bit(&t, STR("mine"));
	assert_int_equal(kwfile_to_letters(&k, 1, &t, letters), 0);
	assert_string_equal(letters, "c");
	assert_int_equal(kwfile_write(f->fd, &k, &err), 0);
	assert_string_equal(k.name[1], "todo");
	assert_false(kwfile_known(&k, 'b'));
	assert_true(kwfile_known(&k, 'c'));
	kwfile_clear(&k);
	assert_int_equal(kwfile_read(f->fd, &k, &err), 0);
	assert_true(kwfile_known(&k, 'b'));
	kwfile_clear(&k);
	kwtab_clear(&t);
}

static void
forwarded_is_no_keyword(void **state)
{
	struct fixture *f = *state;
	struct kwtab t = { 0 };
	struct kwfile k;
	struct err err;

	fixture_file(f, "dovecot-keywords", "3 $forwarded\n");
	assert_int_equal(kwfile_read(f->fd, &k, &err), 0);
	assert_int_equal(kwfile_forwarded(&k), 'd');
	assert_int_equal(kwfile_to_bits(&k, STR("d"), &t), 0);
	assert_int_equal(t.n, 0);
	kwfile_clear(&k);
	assert_int_equal(kwfile_forwarded(&k), 0);
}

static void
the_27th_keyword_has_no_letter(void **state)
{
	struct fixture *f = *state;
	struct kwtab t = { 0 };
	struct kwfile k = { 0 };
	struct err err;
	char name[16], letters[27];
	uint64_t left;

	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "k%d", i);
		assert_int_equal(kwtab_bit(&t, str_z(name)), i);
	}
	left = kwfile_to_letters(&k, ((uint64_t)1 << 30) - 1, &t, letters);
	assert_int_equal(left, (uint64_t)15 << 26);
	assert_string_equal(letters, "abcdefghijklmnopqrstuvwxyz");
	assert_int_equal(kwfile_write(f->fd, &k, &err), 0);
	kwfile_clear(&k);
	assert_int_equal(kwfile_read(f->fd, &k, &err), 0);
	assert_string_equal(k.name[25], "k25");
	kwfile_clear(&k);
	kwtab_clear(&t);
}

static void
writing_merges_with_what_a_client_added(void **state)
{
	struct fixture *f = *state;
	struct kwtab t = { 0 };
	struct kwfile k;
	struct err err;
	char letters[27], *text;
	struct stat st;
	size_t n;

	fixture_file(f, "dovecot-keywords", "0 old\n");
	assert_int_equal(kwfile_read(f->fd, &k, &err), 0);
	kwtab_bit(&t, STR("mine"));
	kwtab_bit(&t, STR("also"));
	assert_int_equal(kwfile_to_letters(&k, 3, &t, letters), 0);
	assert_string_equal(letters, "bc");
	/* Meanwhile a client took b for another, and knows "also" as f. */
	fixture_file(f, "dovecot-keywords", "0 old\n1 theirs\n5 ALSO\n");
	assert_int_equal(kwfile_write(f->fd, &k, &err), 0);
	assert_false(k.dirty);
	text = fixture_read(f, "dovecot-keywords", &n);
	assert_string_equal(text, "0 old\n1 theirs\n2 mine\n5 ALSO\n");
	free(text);
	assert_int_equal(kwfile_to_letters(&k, 3, &t, letters), 0);
	assert_string_equal(letters, "cf");
	assert_int_equal(fstatat(f->fd, "dovecot-keywords", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* Nothing is left behind in tmp/. */
	assert_int_equal(unlinkat(f->fd, "tmp", AT_REMOVEDIR), 0);
	kwfile_clear(&k);
	kwtab_clear(&t);
}

static void
a_clean_table_is_not_written(void **state)
{
	struct fixture *f = *state;
	struct kwfile k = { 0 };
	struct err err;

	assert_int_equal(kwfile_write(f->fd, &k, &err), 0);
	assert_false(fixture_has(f, "dovecot-keywords"));
}

static void
a_link_or_a_huge_file_is_refused(void **state)
{
	struct fixture *f = *state;
	static char huge[70000];
	struct kwfile k;
	struct err err;

	assert_int_equal(symlinkat("/etc/passwd", f->fd, "dovecot-keywords"), 0);
	assert_int_equal(kwfile_read(f->fd, &k, &err), -1);
	assert_int_equal(err.class, ERR_FOLDER);
	assert_int_equal(unlinkat(f->fd, "dovecot-keywords", 0), 0);
	memset(huge, 'x', sizeof(huge) - 1);
	fixture_file(f, "dovecot-keywords", huge);
	assert_int_equal(kwfile_read(f->fd, &k, &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(lines_that_make_no_sense_are_kept_out),
		FIXTURE_TEST(letters_become_bits_and_back),
		cmocka_unit_test(every_letter_has_its_name),
		cmocka_unit_test(a_letter_that_files_use_is_not_given_away),
		FIXTURE_TEST(a_letter_named_meanwhile_is_known_when_read_again),
		FIXTURE_TEST(forwarded_is_no_keyword),
		FIXTURE_TEST(the_27th_keyword_has_no_letter),
		FIXTURE_TEST(writing_merges_with_what_a_client_added),
		FIXTURE_TEST(a_clean_table_is_not_written),
		FIXTURE_TEST(a_link_or_a_huge_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
