/* test_path.c — folder names as directories, and the tree of them. */
#include "maildir_fixture.h"

#include "base/mem.h"
#include "maildir/path.h"

static void
names_have_the_documented_paths(void **state)
{
	static const struct {
		enum layout layout;
		const char *names[3], *want;
	} t[] = {
		{ LAYOUT_NESTED, { "INBOX" }, "INBOX" },
		{ LAYOUT_NESTED, { "inbox" }, "INBOX" },
		{ LAYOUT_NESTED, { "inbox", "x" }, "inbox/x" },
		{ LAYOUT_NESTED, { "a", "b", "c" }, "a/b/c" },
		{ LAYOUT_NESTED, { "..", "." }, "%2E./%2E" },
		{ LAYOUT_NESTED, { "", "x" }, "%/x" },
		{ LAYOUT_NESTED, { "/etc" }, "%2Fetc" },
		{ LAYOUT_NESTED, { "cur", "new", "tmp" }, "%63ur/%6Eew/%74mp" },
		{ LAYOUT_NESTED, { ".hidden" }, "%2Ehidden" },
		{ LAYOUT_NESTED, { "100%" }, "100%25" },
		{ LAYOUT_NESTED, { "%41" }, "%2541" },
		{ LAYOUT_NESTED, { "a\nb\x7f" }, "a%0Ab%7F" },
		{ LAYOUT_NESTED, { "\xff\xfe" }, "\xff\xfe" },
		{ LAYOUT_NESTED, { "v1.2" }, "v1.2" },
		{ LAYOUT_MAILDIRPP, { "INBOX" }, "." },
		{ LAYOUT_MAILDIRPP, { "a", "b" }, ".a.b" },
		{ LAYOUT_MAILDIRPP, { "v1.2" }, ".v1%2E2" },
		{ LAYOUT_MAILDIRPP, { "", "a" }, ".%.a" },
		{ LAYOUT_MAILDIRPP, { ".." }, ".%2E%2E" },
		{ LAYOUT_MAILDIRPP, { "cur" }, ".cur" },
		{ LAYOUT_MAILDIRPP, { "syncd-store" }, ".%73yncd-store" },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct str names[3];
		size_t n = 0;
		char *path;

		for (; n < 3 && t[i].names[n] != NULL; n++)
			names[n] = str_z(t[i].names[n]);
		path = mpath_from_names(t[i].layout, names, n, &err);
		assert_non_null(path);
		assert_string_equal(path, t[i].want);
		free(path);
	}
}

static void
assert_round_trip(enum layout layout, const struct str *names, size_t n)
{
	char *back[PATH_DEPTH_MAX];
	struct err err;
	char *path = mpath_from_names(layout, names, n, &err);
	int got;

	if (path == NULL) {
		assert_string_equal(err.code, "store.name-too-long");
		return;
	}
	assert_true(path[0] != '/');
	assert_null(strstr(path, "/.."));
	if (layout == LAYOUT_NESTED)
		assert_true(path[0] != '.' && strstr(path, "/.") == NULL);
	got = mpath_to_names(layout, str_z(path), back);
	assert_int_equal(got, n);
	for (size_t i = 0; i < n; i++) {
		bool is_inbox = n == 1 && str_ieq(names[i], STR("INBOX"));

		if (is_inbox)
			assert_string_equal(back[i], "INBOX");
		else
			assert_true(str_eq(str_z(back[i]), names[i]));
		free(back[i]);
	}
	free(path);
}

static void
every_name_comes_back(void **state)
{
	static const char *const nasty[] = { "..", ".", "", "/", "//", "cur",
	    "new", "tmp", ".hidden", "%", "%%", "%2E", "%2e", "100%", "a%",
	    "INBOX", "inbox", "\x01\x1f\x7f", "\xff\xc0\x80", "\xc3\xa9",
	    "a.b", "...", "\\", ":2,S", " ", "syncd-store", ".syncd-store",
	    "lost+found", "maildirfolder", "dovecot-keywords" };
	static const enum layout layouts[] = { LAYOUT_NESTED, LAYOUT_MAILDIRPP };

	(void)state;
	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < ARRAY_LEN(nasty); i++)
			for (size_t k = 0; k < ARRAY_LEN(nasty); k++) {
				struct str two[] = { str_z(nasty[i]),
				    str_z(nasty[k]) };

				assert_round_trip(layouts[l], two, 1);
				assert_round_trip(layouts[l], two, 2);
			}
}

static void
random_bytes_come_back(void **state)
{
	static const char few[] = "./%curnewtmp\\:&~A\x80\xff\n";

	(void)state;
	srandom(20);
	for (int round = 0; round < 20000; round++) {
		char bytes[4][12];
		struct str names[4];
		size_t n = 1 + (size_t)random() % 4;

		for (size_t i = 0; i < n; i++) {
			names[i] = (struct str){ bytes[i],
			    (size_t)random() % sizeof(bytes[i]) };
			for (size_t k = 0; k < names[i].n; k++)
				bytes[i][k] = (char)(random() % 4 != 0 ?
				    few[(size_t)random() % (sizeof(few) - 1)] :
				    1 + random() % 255);
		}
		assert_round_trip(round % 2 ? LAYOUT_NESTED : LAYOUT_MAILDIRPP,
		    names, n);
	}
}

static void
a_path_that_is_not_ours_has_no_names(void **state)
{
	static const struct {
		enum layout layout;
		const char *path;
	} t[] = {
		{ LAYOUT_NESTED, "" }, { LAYOUT_NESTED, "/a" },
		{ LAYOUT_NESTED, "a/" }, { LAYOUT_NESTED, "a//b" },
		{ LAYOUT_NESTED, "." }, { LAYOUT_NESTED, "a/../b" },
		{ LAYOUT_NESTED, ".a" }, { LAYOUT_NESTED, "cur" },
		{ LAYOUT_NESTED, "100%" }, { LAYOUT_NESTED, "%41" },
		{ LAYOUT_NESTED, "%2e" }, { LAYOUT_NESTED, "%00" },
		{ LAYOUT_NESTED, "inbox" }, { LAYOUT_MAILDIRPP, "a" },
		{ LAYOUT_MAILDIRPP, ".." }, { LAYOUT_MAILDIRPP, ".a..b" },
		{ LAYOUT_MAILDIRPP, ".a/b" }, { LAYOUT_MAILDIRPP, ".INBOX" },
		{ LAYOUT_MAILDIRPP, ".a." }, { LAYOUT_MAILDIRPP, "" },
		{ LAYOUT_MAILDIRPP, ".syncd-store" },
	};
	char *names[PATH_DEPTH_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(mpath_to_names(t[i].layout, str_z(t[i].path),
		    names), -1);
}

static void
what_is_too_long_is_refused(void **state)
{
	static char x[300];
	struct str names[PATH_DEPTH_MAX + 1];
	struct err err;
	char *path;

	(void)state;
	memset(x, 'x', sizeof(x));
	names[0] = (struct str){ x, 255 };
	path = mpath_from_names(LAYOUT_NESTED, names, 1, &err);
	assert_non_null(path);
	free(path);
	assert_null(mpath_from_names(LAYOUT_MAILDIRPP, names, 1, &err));
	names[0].n = 256;
	assert_null(mpath_from_names(LAYOUT_NESTED, names, 1, &err));
	assert_int_equal(err.class, ERR_FOLDER);
	assert_string_equal(err.code, "store.name-too-long");
	x[0] = '%';
	names[0].n = 254;	/* "%25" makes it 256 */
	assert_null(mpath_from_names(LAYOUT_NESTED, names, 1, &err));
	for (size_t i = 0; i <= PATH_DEPTH_MAX; i++)
		names[i] = STR("a");
	path = mpath_from_names(LAYOUT_NESTED, names, PATH_DEPTH_MAX, &err);
	assert_non_null(path);
	free(path);
	assert_null(mpath_from_names(LAYOUT_NESTED, names, PATH_DEPTH_MAX + 1,
	    &err));
	for (size_t i = 0; i < 20; i++)
		names[i] = (struct str){ x + 1, 250 };
	assert_null(mpath_from_names(LAYOUT_NESTED, names, 20, &err));
}

static bool
same_fold(const char *a, const char *b)
{
	struct str x = mpath_fold(str_z(a)), y = mpath_fold(str_z(b));
	bool same = str_eq(x, y);

	assert_non_null(x.p);
	free((char *)x.p);
	free((char *)y.p);
	return same;
}

static void
twins_differ_in_case_or_composition_only(void **state)
{
	static const struct {
		const char *a, *b;
		bool twins;
	} t[] = {
		{ "Inbox", "INBOX", true },
		{ "Work/Old", "work/old", true },
		{ "\xc3\xa9t\xc3\xa9", "e\xcc\x81t\xc3\x89", true },	/* été */
		{ "\xc3\xa9t\xc3\xa9", "ete", false },
		{ "\xe1\xba\xad", "a\xcc\xa3\xcc\x82", true },	/* ậ, two marks */
		{ "\xe1\xba\xac", "\xe1\xba\xa1\xcc\x82", true },
		{ "\xd0\x99", "\xd0\xb8\xcc\x86", true },	/* Й */
		{ "\xce\x86", "\xce\xb1\xcc\x81", true },	/* Ά */
		{ "\xc5\xb8", "\xc3\xbf", true },		/* Ÿ */
		{ "\xc3\x97", "\xc3\xb7", false },		/* × and ÷ */
		{ "a", "ab", false },
		{ "", "", true },
		{ "\xff", "\xfe", false },
		{ "\xff", "\xff", true },
		{ "\xc3", "\xc3\xa9", false },
		{ "e\xcc\x81", "e\xcc\x80", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(mpath_twins(str_z(t[i].a), str_z(t[i].b)),
		    t[i].twins);
		assert_int_equal(mpath_twins(str_z(t[i].b), str_z(t[i].a)),
		    t[i].twins);
		assert_int_equal(same_fold(t[i].a, t[i].b), t[i].twins);
	}
}

static void
assert_folders(int root, enum layout layout, const char *want)
{
	char **paths, got[2000] = "";
	struct err err;
	size_t n;

	assert_int_equal(mpath_list(root, layout, &paths, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		strcat(strcat(got, i > 0 ? " " : ""), paths[i]);
		free(paths[i]);
	}
	free(paths);
	assert_string_equal(got, want);
}

static void
nested_folders_are_made_listed_opened(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct stat st;
	int fd;

	/* The fixture is a Maildir itself: not a folder in this layout. */
	assert_int_equal(mpath_create(f->fd, LAYOUT_NESTED, STR("a/b/c"), &err), 0);
	assert_int_equal(mpath_create(f->fd, LAYOUT_NESTED, STR("INBOX"), &err), 0);
	assert_int_equal(mpath_create(f->fd, LAYOUT_NESTED, STR("INBOX"), &err), 0);
	assert_int_equal(mkdirat(f->fd, ".git", 0700), 0);
	assert_int_equal(mkdirat(f->fd, ".git/cur", 0700), 0);
	assert_int_equal(mkdirat(f->fd, "a/b/c/cur/x", 0700), 0);
	assert_int_equal(mkdirat(f->fd, "a/b/c/cur/x/cur", 0700), 0);
	assert_int_equal(mkdirat(f->fd, "lost+found", 0000), 0);
	assert_int_equal(symlinkat("/tmp", f->fd, "out"), 0);
	assert_folders(f->fd, LAYOUT_NESTED, "INBOX a/b/c");
	assert_int_equal(fstatat(f->fd, "a/b/c/new", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	fd = mpath_open(f->fd, STR("a/b/c"), &err);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(mpath_open(f->fd, STR("none"), &err), -1);
	assert_string_equal(err.code, "store.not-a-maildir");
}

static void
no_path_leads_out_of_the_root(void **state)
{
	static const char *const t[] = { "..", "/tmp", "a/../..", "out", "out/x",
	    "", "a/", "in/b" };
	struct fixture *f = *state;
	struct err err;

	assert_int_equal(mkdirat(f->fd, "a", 0700), 0);
	assert_int_equal(mkdirat(f->fd, "a/b", 0700), 0);
	assert_int_equal(symlinkat("/tmp", f->fd, "out"), 0);
	assert_int_equal(symlinkat("a", f->fd, "in"), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(mpath_open(f->fd, str_z(t[i]), &err), -1);
		assert_int_equal(mpath_create(f->fd, LAYOUT_NESTED, str_z(t[i]),
		    &err), -1);
		assert_int_equal(mpath_remove(f->fd, str_z(t[i]), &err), -1);
		assert_int_equal(mpath_rename(f->fd, LAYOUT_NESTED, STR("a"),
		    str_z(t[i]), &err), -1);
	}
}

static void
an_unreadable_directory_fails_the_listing(void **state)
{
	struct fixture *f = *state;
	struct err err;
	char **paths;
	size_t n;

	bool is_root = geteuid() == 0;

	/* Root can read anything: be somebody else meanwhile. */
	if (is_root) {
		assert_int_equal(fchown(f->fd, 65534, 65534), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	assert_int_equal(mkdirat(f->fd, "secret", 0000), 0);
	assert_int_equal(mpath_list(f->fd, LAYOUT_NESTED, &paths, &n, &err), -1);
	assert_int_equal(err.class, ERR_FOLDER);
	assert_string_equal(err.code, "store.permission");
	assert_int_equal(fchmodat(f->fd, "secret", 0700, 0), 0);
	if (is_root)
		assert_int_equal(seteuid(0), 0);
}

static void
a_nested_rename_takes_the_tree_along(void **state)
{
	struct fixture *f = *state;
	struct err err;

	mpath_create(f->fd, LAYOUT_NESTED, STR("a"), &err);
	mpath_create(f->fd, LAYOUT_NESTED, STR("a/b"), &err);
	mpath_create(f->fd, LAYOUT_NESTED, STR("z"), &err);
	assert_int_equal(mpath_rename(f->fd, LAYOUT_NESTED, STR("a"),
	    STR("x/y"), &err), 0);
	assert_folders(f->fd, LAYOUT_NESTED, "x/y x/y/b z");
	assert_int_equal(mpath_rename(f->fd, LAYOUT_NESTED, STR("x/y"),
	    STR("z"), &err), -1);
	assert_int_equal(err.class, ERR_FOLDER);
	assert_folders(f->fd, LAYOUT_NESTED, "x/y x/y/b z");
}

static void
a_nested_rename_into_what_is_no_folder(void **state)
{
	struct fixture *f = *state;
	struct err err;

	mpath_create(f->fd, LAYOUT_NESTED, STR("x/a"), &err);
	mpath_create(f->fd, LAYOUT_NESTED, STR("x/a/b"), &err);
	mpath_create(f->fd, LAYOUT_NESTED, STR("x/z"), &err);
	fixture_file(f, "x/a/cur/1.h:2,S", "x");
	fixture_file(f, "x/a/dovecot-keywords", "0 todo\n");
	/* Somebody was killed on the way. */
	assert_int_equal(renameat(f->fd, "x/a/new", f->fd, "x/new"), 0);
	assert_int_equal(mpath_rename(f->fd, LAYOUT_NESTED, STR("x/a"),
	    STR("x"), &err), 0);
	assert_folders(f->fd, LAYOUT_NESTED, "x x/b x/z");
	assert_true(fixture_has(f, "x/cur/1.h:2,S"));
	assert_true(fixture_has(f, "x/dovecot-keywords"));
	assert_false(fixture_has(f, "x/a"));
	/* What stands in the way stays, and the folder stays one. */
	mpath_create(f->fd, LAYOUT_NESTED, STR("y/b"), &err);
	assert_int_equal(mpath_rename(f->fd, LAYOUT_NESTED, STR("x"), STR("y"),
	    &err), -1);
	assert_true(fixture_has(f, "x/cur/1.h:2,S"));
	assert_true(fixture_has(f, "x/dovecot-keywords"));
	assert_true(fixture_has(f, "x/tmp"));
	assert_true(fixture_has(f, "x/b/cur"));
}

static void
a_flat_rename_takes_the_children_along(void **state)
{
	struct fixture *f = *state;
	struct err err;

	mpath_create(f->fd, LAYOUT_MAILDIRPP, STR(".a"), &err);
	mpath_create(f->fd, LAYOUT_MAILDIRPP, STR(".a.b"), &err);
	mpath_create(f->fd, LAYOUT_MAILDIRPP, STR(".ab"), &err);
	assert_true(fixture_has(f, ".a/maildirfolder"));
	assert_false(fixture_has(f, "maildirfolder"));
	assert_folders(f->fd, LAYOUT_MAILDIRPP, ". .a .a.b .ab");
	assert_int_equal(mpath_rename(f->fd, LAYOUT_MAILDIRPP, STR(".a"),
	    STR(".x.y"), &err), 0);
	assert_folders(f->fd, LAYOUT_MAILDIRPP, ". .ab .x.y .x.y.b");
	/* A child in the way: nothing moves. */
	mpath_create(f->fd, LAYOUT_MAILDIRPP, STR(".n.b"), &err);
	assert_int_equal(mpath_rename(f->fd, LAYOUT_MAILDIRPP, STR(".x.y"),
	    STR(".n"), &err), -1);
	assert_folders(f->fd, LAYOUT_MAILDIRPP, ". .ab .n.b .x.y .x.y.b");
	assert_int_equal(mpath_rename(f->fd, LAYOUT_MAILDIRPP, STR("."),
	    STR(".q"), &err), -1);
}

static void
only_an_empty_folder_is_removed(void **state)
{
	struct fixture *f = *state;
	struct err err;

	mpath_create(f->fd, LAYOUT_NESTED, STR("a"), &err);
	mpath_create(f->fd, LAYOUT_NESTED, STR("a/b"), &err);
	fixture_file(f, "a/cur/1.h:2,S", "x");
	assert_int_equal(mpath_remove(f->fd, STR("a"), &err), -1);
	assert_int_equal(err.class, ERR_FOLDER);
	assert_true(fixture_has(f, "a/tmp") && fixture_has(f, "a/new") &&
	    fixture_has(f, "a/cur/1.h:2,S"));
	assert_int_equal(unlinkat(f->fd, "a/cur/1.h:2,S", 0), 0);
	fixture_file(f, "a/dovecot-keywords", "0 x\n");
	assert_int_equal(mpath_remove(f->fd, STR("a"), &err), 0);
	assert_folders(f->fd, LAYOUT_NESTED, "a/b");
	assert_int_equal(mpath_remove(f->fd, STR("a/b"), &err), 0);
	assert_false(fixture_has(f, "a/b"));
	assert_int_equal(mpath_remove(f->fd, STR("."), &err), -1);
	assert_true(fixture_has(f, "cur"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_the_documented_paths),
		cmocka_unit_test(every_name_comes_back),
		cmocka_unit_test(random_bytes_come_back),
		cmocka_unit_test(a_path_that_is_not_ours_has_no_names),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(twins_differ_in_case_or_composition_only),
		FIXTURE_TEST(nested_folders_are_made_listed_opened),
		FIXTURE_TEST(no_path_leads_out_of_the_root),
		FIXTURE_TEST(an_unreadable_directory_fails_the_listing),
		FIXTURE_TEST(a_nested_rename_takes_the_tree_along),
		FIXTURE_TEST(a_nested_rename_into_what_is_no_folder),
		FIXTURE_TEST(a_flat_rename_takes_the_children_along),
		FIXTURE_TEST(only_an_empty_folder_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
