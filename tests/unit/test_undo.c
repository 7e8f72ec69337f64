/* test_undo.c — the undo store: what is kept, for how long, and how it comes back. */
#include "maildir_fixture.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "engine/undo.h"
#include "maildir/path.h"

static void
write_file(int dir, const char *name, size_t n)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

/* A kept file of ${age_s} seconds ago. */
static void
keep(int fd, int64_t age_s, int id, size_t n, const char *info)
{
	char name[96];

	snprintf(name, sizeof(name), "%lld.7.%d.eml%s",
	    (long long)(clock_wall() / 1000000 - age_s), id, info);
	write_file(fd, name, n);
}

static void
test_kept_with_its_flags_and_put_back(void **state)
{
	struct fixture *f = *state;
	struct msg_row row = { .id = 41, .folder = 7 };
	struct kept_list list;
	struct err err;
	int undo = undo_open(f->path, "a", true, &err);

	write_file(f->fd, "cur/100.x:2,FS", 5);
	assert_true(undo >= 0);
	assert_int_equal(undo_keep(undo, f->fd, &row, "100.x:2,FS", &err), 0);
	assert_int_equal(undo_keep(undo, f->fd, &row, "nothing:2,", &err), 1);
	assert_int_equal(unlinkat(f->fd, "cur/100.x:2,FS", 0), 0);
	assert_int_equal(undo_list(f->path, "a", &list, &err), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.v[0].msg, 41);
	assert_int_equal(list.v[0].size, 5);
	assert_int_equal(undo_put_back(undo, f->fd, list.v[0].file, &err), 1);
	assert_int_equal(undo_put_back(undo, f->fd, list.v[0].file, &err), 0);
	char name[128];

	snprintf(name, sizeof(name), "cur/%lld.U7M41.syncd:2,FS",
	    (long long)list.v[0].when);
	assert_int_equal(faccessat(f->fd, name, F_OK, 0), 0);
	kept_clear(&list);
	assert_int_equal(undo_list(f->path, "a", &list, &err), 0);
	assert_int_equal(list.n, 0);
	kept_clear(&list);
	close(undo);
}

/* A new directory on another file system than ${here} is; 0 or -1. */
static int
make_away(char path[SCRATCH_PATH], int here)
{
	static const char *const places[] = { "/tmp", "/var/tmp", "/dev/shm", "." };
	struct stat a, b;

	assert_int_equal(fstat(here, &a), 0);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (stat(places[i], &b) < 0 || a.st_dev == b.st_dev)
			continue;
		snprintf(path, SCRATCH_PATH, "%s/syncd-away.XXXXXX", places[i]);
		if (mkdtemp(path) != NULL)
			return 0;
	}
	return -1;
}

/* What cannot be copied back stays where it is kept. */
static void
test_across_file_systems_it_is_copied(void **state)
{
	static const struct timespec then[] = { { .tv_sec = 1000000000 },
	    { .tv_sec = 1000000000 } };
	char away[SCRATCH_PATH], name[128];
	struct fixture *f = *state;
	struct msg_row row = { .id = 41, .folder = 7 };
	struct kept_list list;
	struct stat st;
	struct err err;
	char *text;
	size_t n;
	int undo;

	if (make_away(away, f->fd) < 0)
		skip();
	undo = undo_open(away, "a", true, &err);
	assert_true(undo >= 0);
	fixture_file(f, "cur/100.x:2,FS", "hello");
	assert_int_equal(utimensat(f->fd, "cur/100.x:2,FS", then, 0), 0);
	assert_int_equal(undo_keep(undo, f->fd, &row, "100.x:2,FS", &err), 0);
	assert_int_equal(undo_keep(undo, f->fd, &row, "nothing:2,", &err), 1);
	assert_int_equal(unlinkat(f->fd, "cur/100.x:2,FS", 0), 0);
	assert_int_equal(undo_list(away, "a", &list, &err), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.v[0].size, 5);

	snprintf(name, sizeof(name), "tmp/%lld.U7M41.syncd:2,FS",
	    (long long)list.v[0].when);
	assert_int_equal(mkdirat(f->fd, name, 0700), 0);
	assert_int_equal(undo_put_back(undo, f->fd, list.v[0].file, &err), -1);
	assert_int_equal(faccessat(undo, list.v[0].file, F_OK, 0), 0);
	assert_int_equal(unlinkat(f->fd, name, AT_REMOVEDIR), 0);

	assert_int_equal(undo_put_back(undo, f->fd, list.v[0].file, &err), 1);
	assert_int_equal(faccessat(undo, list.v[0].file, F_OK, 0), -1);
	assert_false(fixture_has(f, name));
	memcpy(name, "cur", 3);
	text = fixture_read(f, name, &n);
	assert_string_equal(text, "hello");
	free(text);
	assert_int_equal(fstatat(f->fd, name, &st, 0), 0);
	assert_int_equal(st.st_mtim.tv_sec, then[1].tv_sec);
	kept_clear(&list);
	close(undo);
	assert_int_equal(scratch_remove(away), 0);
}

/* A message is not half kept: it would be put back so, and on the server, too. */
static void
test_what_has_no_room_is_not_kept_in_part(void **state)
{
	struct rlimit was, small = { .rlim_cur = 100000 };
	struct msg_row row = { .id = 41, .folder = 7 };
	struct fixture *f = *state;
	char away[SCRATCH_PATH];
	struct kept_list list;
	struct err err;
	int undo;

	if (make_away(away, f->fd) < 0)
		skip();
	undo = undo_open(away, "a", true, &err);
	assert_true(undo >= 0);
	write_file(f->fd, "cur/100.x:2,FS", 200000);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small.rlim_max = was.rlim_max;
	assert_ptr_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(undo_keep(undo, f->fd, &row, "100.x:2,FS", &err), -1);
	assert_int_equal(err.errnum, EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(undo_list(away, "a", &list, &err), 0);
	assert_int_equal(list.n, 0);
	kept_clear(&list);

	assert_int_equal(undo_keep(undo, f->fd, &row, "100.x:2,FS", &err), 0);
	assert_int_equal(undo_list(away, "a", &list, &err), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.v[0].size, 200000);
	kept_clear(&list);
	close(undo);
	assert_int_equal(scratch_remove(away), 0);
}

/* undo.keep and undo.max, oldest first. */
static const struct {
	const char	*name;
	usec		 keep;
	int64_t		 max;
	int		 left[3];	/* ids; 0: none */
} trims[] = {
	{ "all stays", USEC_S(3600), 1000, { 1, 2, 3 } },
	{ "too old", USEC_S(150), 1000, { 2, 3 } },
	{ "too much", USEC_S(3600), 25, { 2, 3 } },
	{ "just enough", USEC_S(3600), 30, { 1, 2, 3 } },
	{ "one is too much", USEC_S(3600), 5, { 0 } },
	{ "nothing is kept", 0, 1000, { 0 } }
};

static void
test_trimmed_by_age_and_size(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(trims); i++) {
		char account[] = "a0";
		struct account_conf conf = { .name = account,
		    .undo = { trims[i].keep, trims[i].max } };
		struct kept_list list;
		struct err err;
		int fd;
		size_t n = 0;

		account[1] = (char)('0' + i);
		fd = undo_open(f->path, account, true, &err);
		keep(fd, 100, 2, 10, "");
		keep(fd, 1, 3, 10, ":2,S");
		keep(fd, 200, 1, 10, "");
		write_file(fd, "README", 500);
		assert_int_equal(undo_trim(f->path, &conf, &err), 0);
		assert_int_equal(undo_list(f->path, account, &list, &err), 0);
		while (n < 3 && trims[i].left[n] != 0)
			n++;
		if (list.n != n)
			fail_msg("%s: %zu are left", trims[i].name, list.n);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(list.v[k].msg, trims[i].left[k]);
		assert_int_equal(faccessat(fd, "README", F_OK, 0), 0);
		kept_clear(&list);
		close(fd);
	}
}

static void
test_hostile_names_are_not_ours(void **state)
{
	static const char *const names[] = { "1.2.eml", "x.2.3.eml", "1.2.3.txt",
	    "-1.2.3.eml", "1.0.3.eml", "99999999999999999999.1.1.eml" };
	struct fixture *f = *state;
	struct kept_list list;
	struct err err;
	int fd = undo_open(f->path, "a", true, &err);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		write_file(fd, names[i], 1);
	assert_int_equal(undo_list(f->path, "a", &list, &err), 0);
	assert_int_equal(list.n, 0);
	kept_clear(&list);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(undo_put_back(fd, f->fd, names[i], &err), -1);
	close(fd);
	assert_int_equal(undo_list(f->path, "none", &list, &err), 0);
	assert_int_equal(list.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_kept_with_its_flags_and_put_back,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    test_across_file_systems_it_is_copied,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    test_what_has_no_room_is_not_kept_in_part,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_trimmed_by_age_and_size,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_hostile_names_are_not_ours,
		    fixture_setup, fixture_teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
