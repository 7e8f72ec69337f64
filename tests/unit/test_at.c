/*
 * test_at.c — files beneath a directory, where the kernel helps and where it does not:
 * all of it is asked once with openat2() and RENAME_NOREPLACE, and once without.
 */
#include "maildir_fixture.h"

#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "maildir/at.h"
#include "open_files.h"

#define NAME_TOO_LONG	"a/" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN \
			TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "/x"
#define TEN		"0123456789"

/* ---- without help ----------------------------------------------------- */

/* From now on this process is one on a kernel before 5.6, and on a file system that
 * knows no RENAME_NOREPLACE.  -1: it cannot be one. */
static int
go_without(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args) + 4 * sizeof(uint64_t)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	};
	struct sock_fprog all = { ARRAY_LEN(f), f };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0u, &all);
}

/* ---- opening ---------------------------------------------------------- */

static const struct {
	const char	*path;
	int		 flags;
	int		 why, or;	/* errno; 0: it opens */
} opens[] = {
	{ "file", O_RDONLY, 0, 0 },
	{ "a/b/file", O_RDONLY, 0, 0 },
	{ "a/b", O_RDONLY | O_DIRECTORY, 0, 0 },
	{ ".", O_RDONLY | O_DIRECTORY, 0, 0 },
	{ "a/b/none", O_RDONLY, ENOENT, 0 },
	{ "a/none/file", O_RDONLY, ENOENT, 0 },
	{ "file/file", O_RDONLY, ENOTDIR, 0 },
	{ "a/b/file", O_RDONLY | O_DIRECTORY, ENOTDIR, 0 },
	{ "away", O_RDONLY, ELOOP, 0 },
	{ "away", O_RDONLY | O_DIRECTORY, ELOOP, ENOTDIR },
	{ "away/passwd", O_RDONLY, ELOOP, ENOTDIR },
	{ "a/in/file", O_RDONLY, ELOOP, ENOTDIR },
	{ "..", O_RDONLY | O_DIRECTORY, EINVAL, 0 },
	{ "a/../file", O_RDONLY, EINVAL, 0 },
	{ "a/./b", O_RDONLY, EINVAL, 0 },
	{ "a//b", O_RDONLY, EINVAL, 0 },
	{ "a/", O_RDONLY, EINVAL, 0 },
	{ "/etc/passwd", O_RDONLY, EINVAL, 0 },
	{ "", O_RDONLY, EINVAL, 0 },
	{ NAME_TOO_LONG, O_RDONLY, ENAMETOOLONG, 0 }
};

static void
opened_is_only_what_lies_beneath(void **state)
{
	struct fixture *f = *state;
	size_t before;

	assert_int_equal(mkdirat(f->fd, "a", 0700) | mkdirat(f->fd, "a/b", 0700), 0);
	fixture_file(f, "file", "top");
	fixture_file(f, "a/b/file", "below");
	assert_int_equal(symlinkat("/etc", f->fd, "away"), 0);
	assert_int_equal(symlinkat("b", f->fd, "a/in"), 0);
	before = open_files();
	for (size_t i = 0; i < ARRAY_LEN(opens); i++) {
		int fd = at_open(f->fd, opens[i].path, opens[i].flags);
		int got = fd < 0 ? errno : 0;

		if (got != opens[i].why && (got == 0 || got != opens[i].or))
			fail_msg("%.40s: %s", opens[i].path, strerror(got));
		if (fd >= 0) {
			assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
			close(fd);
		}
	}
	assert_int_equal(open_files(), before);
}

static void
a_path_as_long_as_the_kernels_is_refused(void **state)
{
	char path[PATH_MAX + 1];
	struct fixture *f = *state;

	for (size_t i = 0; i < PATH_MAX; i++)
		path[i] = i % 2 == 0 ? 'a' : '/';
	path[PATH_MAX - 1] = 'a';
	path[PATH_MAX] = '\0';
	assert_false(at_beneath(str_z(path)));
	assert_int_equal(at_open(f->fd, path, O_RDONLY), -1);
	assert_int_equal(errno, EINVAL);
}

/* ---- renaming --------------------------------------------------------- */

/* What is there as "from" and "to" before, and after. */
static const struct {
	const char	*name;
	const char	*from, *to;	/* text; NULL: nothing; "/": a directory,
					 * with a file in it */
	int		 why;		/* errno; 0: it is renamed */
} renames[] = {
	{ "a file", "mail", NULL, 0 },
	{ "an empty file", "", NULL, 0 },
	{ "a directory", "/", NULL, 0 },
	{ "what is not there", NULL, NULL, ENOENT },
	{ "what is not there, to what is", NULL, "mail", ENOENT },
	{ "over a file", "mail", "other", EEXIST },
	{ "over the same text", "mail", "mail", EEXIST },
	{ "over an empty file", "mail", "", EEXIST },
	{ "a file over a directory", "mail", "/", EEXIST }
};

static void
put(const struct fixture *f, const char *name, const char *text)
{
	char inside[32];

	if (text == NULL)
		return;
	if (strcmp(text, "/") != 0) {
		fixture_file(f, name, text);
		return;
	}
	assert_int_equal(mkdirat(f->fd, name, 0700), 0);
	snprintf(inside, sizeof(inside), "%s/inside", name);
	fixture_file(f, inside, name);
}

static void
assert_there(const struct fixture *f, const char *name, const char *text)
{
	char inside[32], *got;
	size_t n;

	if (text == NULL) {
		assert_false(fixture_has(f, name));
		return;
	}
	if (strcmp(text, "/") == 0) {
		snprintf(inside, sizeof(inside), "%s/inside", name);
		assert_true(fixture_has(f, inside));
		return;
	}
	got = fixture_read(f, name, &n);
	assert_string_equal(got, text);
	free(got);
}

static void
take_away(const struct fixture *f, const char *name)
{
	char inside[32];

	snprintf(inside, sizeof(inside), "%s/inside", name);
	(void)unlinkat(f->fd, inside, 0);
	(void)unlinkat(f->fd, name, 0);
	(void)unlinkat(f->fd, name, AT_REMOVEDIR);
}

static void
renaming_replaces_nothing(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(renames); i++) {
		int why;

		put(f, "from", renames[i].from);
		put(f, "to", renames[i].to);
		why = at_rename(f->fd, "from", f->fd, "to") == 0 ? 0 : errno;
		if (why != renames[i].why)
			fail_msg("%s: %s", renames[i].name, strerror(why));
		assert_there(f, "from", why == 0 ? NULL : renames[i].from);
		assert_there(f, "to", why == 0 ? renames[i].from : renames[i].to);
		take_away(f, "from");
		take_away(f, "to");
	}
}

/* The errno depends on who is asked. */
static void
a_directory_replaces_none_that_holds_something(void **state)
{
	struct fixture *f = *state;

	put(f, "from", "/");
	put(f, "to", "/");
	assert_int_equal(at_rename(f->fd, "from", f->fd, "to"), -1);
	assert_true(errno == EEXIST || errno == ENOTEMPTY);
	assert_there(f, "from", "/");
	assert_there(f, "to", "/");
}

static void
of_two_links_to_one_file_the_old_name_goes(void **state)
{
	struct fixture *f = *state;

	put(f, "from", "mail");
	assert_int_equal(linkat(f->fd, "from", f->fd, "to", 0), 0);
	assert_int_equal(at_rename(f->fd, "from", f->fd, "to"), 0);
	assert_there(f, "from", NULL);
	assert_there(f, "to", "mail");
}

/* It would be two links of one file, were they looked at by name alone. */
static void
a_file_renamed_to_itself_stays(void **state)
{
	struct fixture *f = *state;

	put(f, "from", "mail");
	assert_int_equal(at_rename(f->fd, "from", f->fd, "from"), -1);
	assert_int_equal(errno, EEXIST);
	assert_there(f, "from", "mail");
}

/* ---- what is said ----------------------------------------------------- */

static void
what_stops_every_folder_is_said_so(void **state)
{
	static const struct {
		int		 errnum;
		enum err_class	 class;
		const char	*code;
	} rows[] = {
		{ ENOENT, ERR_MSG, "store.io" },
		{ EACCES, ERR_MSG, "store.permission" },
		{ EPERM, ERR_MSG, "store.permission" },
		{ ENAMETOOLONG, ERR_MSG, "store.name-too-long" },
		{ ENOSPC, ERR_LOCAL, "store.no-space" },
		{ EDQUOT, ERR_LOCAL, "store.no-space" },
		{ EROFS, ERR_LOCAL, "store.permission" },
		{ EIO, ERR_LOCAL, "store.io" }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };

		errno = rows[i].errnum;
		assert_int_equal(at_fail(&err, ERR_MSG, "write %s", "x"), -1);
		assert_int_equal(err.class, rows[i].class);
		assert_int_equal(err.errnum, rows[i].errnum);
		assert_string_equal(err.code, rows[i].code);
		assert_non_null(strstr(err.text, "write x"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(opened_is_only_what_lies_beneath),
		FIXTURE_TEST(a_path_as_long_as_the_kernels_is_refused),
		FIXTURE_TEST(renaming_replaces_nothing),
		FIXTURE_TEST(a_directory_replaces_none_that_holds_something),
		FIXTURE_TEST(of_two_links_to_one_file_the_old_name_goes),
		FIXTURE_TEST(a_file_renamed_to_itself_stays),
		cmocka_unit_test(what_stops_every_folder_is_said_so)
	};
	int failed = cmocka_run_group_tests_name("with help", tests, NULL, NULL);

	if (go_without() < 0) {
		print_message("no seccomp: not tried without openat2()\n");
		return failed;
	}
	return failed + cmocka_run_group_tests_name("without", tests, NULL, NULL);
}
