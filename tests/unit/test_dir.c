/* test_dir.c — what is in cur/ and new/, also while others rename. */
#include "maildir_fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/mem.h"
#include "maildir/dir.h"

/* Let the directories' times be in the past, as after a quiet while. */
static void
age(const struct fixture *f)
{
	struct timespec ts[2] = { { .tv_sec = 1000000000 },
	    { .tv_sec = 1000000000 } };

	assert_int_equal(utimensat(f->fd, "cur", ts, 0), 0);
	assert_int_equal(utimensat(f->fd, "new", ts, 0), 0);
}

static void
messages_are_listed_by_unique_name(void **state)
{
	struct fixture *f = *state;
	struct mlist list;
	struct err err;
	struct stat st;

	fixture_file(f, "cur/2.h:2,S", "b");
	fixture_file(f, "cur/2.h+1:2,", "c");
	fixture_file(f, "new/1.h,S=1", "a");
	fixture_file(f, "cur/.uidvalidity", "x");
	fixture_file(f, "cur/:2,S", "x");
	assert_int_equal(mkdirat(f->fd, "cur/3.h", 0700), 0);
	assert_int_equal(symlinkat("2.h:2,S", f->fd, "cur/4.h:2,"), 0);
	assert_int_equal(mkfifoat(f->fd, "new/5.h", 0600), 0);
	age(f);
	assert_int_equal(mdir_list(f->fd, &list, &err), 0);
	assert_true(list.stable);
	assert_int_equal(list.mtime_cur, 1000000000LL * 1000000000);
	assert_int_equal(list.n, 3);
	assert_string_equal(list.file[0].name, "1.h,S=1");
	assert_true(list.file[0].in_new);
	assert_int_equal(list.file[0].n_unique, 3);
	assert_string_equal(list.file[1].name, "2.h:2,S");
	assert_false(list.file[1].in_new);
	assert_string_equal(list.file[2].name, "2.h+1:2,");
	assert_int_equal(fstatat(f->fd, "cur/2.h:2,S", &st, 0), 0);
	assert_int_equal(list.file[1].ino, st.st_ino);
	mlist_clear(&list);
}

static void
of_one_unique_name_one_entry_counts(void **state)
{
	static const struct {
		const char *a, *b, *want;
		bool in_new;
	} t[] = {
		{ "cur/1.h:2,S", "new/1.h", "1.h:2,S", false },
		{ "new/1.h:2,", "cur/1.h:2,Z", "1.h:2,Z", false },
		{ "cur/1.h:2,S", "cur/1.h:2,FS", "1.h:2,FS", false },
		{ "new/1.h,S=1", "new/1.h", "1.h", true },
		{ "cur/1.h", "cur/1.h,W=3", "1.h", false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct mlist list;
		struct err err;

		fixture_file(f, t[i].a, "x");
		fixture_file(f, t[i].b, "x");
		assert_int_equal(mdir_list(f->fd, &list, &err), 0);
		assert_int_equal(list.n, 1);
		assert_string_equal(list.file[0].name, t[i].want);
		assert_int_equal(list.file[0].in_new, t[i].in_new);
		mlist_clear(&list);
		unlinkat(f->fd, t[i].a, 0);
		unlinkat(f->fd, t[i].b, 0);
	}
}

static void
a_directory_that_moved_just_now_is_not_stable(void **state)
{
	struct fixture *f = *state;
	struct mlist list;
	struct err err;

	age(f);
	assert_int_equal(mdir_list(f->fd, &list, &err), 0);
	assert_true(list.stable);
	assert_int_equal(list.n, 0);
	mlist_clear(&list);
	fixture_file(f, "new/1.h", "x");
	assert_int_equal(mdir_list(f->fd, &list, &err), 0);
	assert_false(list.stable);
	mlist_clear(&list);
}

/* The clock was set back: to wait for it would take as long as that. */
static void
a_directory_of_the_future_is_stable(void **state)
{
	struct timespec then[2] = { { .tv_sec = time(NULL) + 3600 } };
	struct fixture *f = *state;
	struct mlist list;
	struct err err;

	then[1] = then[0];
	fixture_file(f, "new/1.h", "x");
	age(f);
	assert_int_equal(utimensat(f->fd, "new", then, 0), 0);
	assert_int_equal(mdir_list(f->fd, &list, &err), 0);
	assert_true(list.stable);
	assert_int_equal(list.n, 1);
	mlist_clear(&list);
}

static void
a_folder_that_cannot_be_read_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct mlist list;
	struct err err;

	assert_int_equal(unlinkat(f->fd, "new", AT_REMOVEDIR), 0);
	assert_int_equal(mdir_list(f->fd, &list, &err), -1);
	assert_int_equal(err.class, ERR_FOLDER);
	assert_int_equal(err.errnum, ENOENT);
	/* A link to another directory is no directory of this folder. */
	assert_int_equal(symlinkat("/tmp", f->fd, "new"), 0);
	assert_int_equal(mdir_list(f->fd, &list, &err), -1);
	assert_null(list.file);
	assert_null(list.text);
}

enum { N_FILES = 300, N_LISTS = 400 };

/* Rename files between cur/ and new/ and from flag to flag, forever. */
static void
rename_forever(int fd)
{
	char place[N_FILES][32];

	for (int i = 0; i < N_FILES; i++)
		snprintf(place[i], sizeof(place[i]), "new/%d.h", i);
	srandom(7);
	for (int turn = 0;; turn++) {
		int i = (int)(random() % N_FILES);
		char to[32];

		snprintf(to, sizeof(to), "%s/%d.h:2,%s",
		    random() % 3 == 0 ? "new" : "cur", i,
		    random() % 2 == 0 ? "S" : "F");
		if (renameat(fd, place[i], fd, to) == 0)
			strcpy(place[i], to);
		/* A pause now and then, or nothing would ever be stable. */
		if (turn % 64 == 0)
			usleep(40000);
	}
}

static void
no_file_is_missing_from_two_stable_lists(void **state)
{
	struct fixture *f = *state;
	int missing[N_FILES] = { 0 }, n_stable = 0, status;
	pid_t pid;

	for (int i = 0; i < N_FILES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "new/%d.h", i);
		fixture_file(f, name, "x");
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		rename_forever(f->fd);
	}
	for (int round = 0; round < 20 * N_LISTS && n_stable < N_LISTS; round++) {
		bool seen[N_FILES] = { false };
		struct mlist list;
		struct err err;

		assert_int_equal(mdir_list(f->fd, &list, &err), 0);
		for (size_t i = 0; i < list.n; i++) {
			int nr = atoi(list.file[i].name);

			assert_false(seen[nr]);
			seen[nr] = true;
		}
		for (int i = 0; i < N_FILES && list.stable; i++) {
			missing[i] = seen[i] ? 0 : missing[i] + 1;
			assert_true(missing[i] < 2);
		}
		n_stable += list.stable;
		mlist_clear(&list);
		usleep(500);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(n_stable > 10);
}

static void
a_rename_says_what_became_of_it(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct mstat st;

	fixture_file(f, "new/1.h", "abc");
	fixture_file(f, "cur/2.h:2,S", "x");
	assert_int_equal(mdir_rename(f->fd, true, "1.h", f->fd, false,
	    "1.h:2,S", &err), 1);
	assert_int_equal(mdir_rename(f->fd, true, "1.h", f->fd, false,
	    "1.h:2,S", &err), 0);
	assert_int_equal(mdir_rename(f->fd, false, "1.h:2,S", f->fd, false,
	    "2.h:2,S", &err), -1);
	assert_int_equal(err.errnum, EEXIST);
	assert_true(fixture_has(f, "cur/1.h:2,S") &&
	    fixture_has(f, "cur/2.h:2,S"));
	assert_int_equal(mdir_rename(f->fd, false, "1.h:2,S", f->fd, false,
	    "../x", &err), -1);
	/* To its own name: refused, and certainly not removed. */
	assert_int_equal(mdir_rename(f->fd, false, "1.h:2,S", f->fd, false,
	    "1.h:2,S", &err), -1);
	assert_int_equal(mdir_stat(f->fd, false, "1.h:2,S", &st, &err), 1);
	assert_int_equal(st.size, 3);
	/* Half of a rename by link and unlink is completed. */
	assert_int_equal(linkat(f->fd, "cur/1.h:2,S", f->fd, "cur/1.h:2,FS", 0), 0);
	assert_int_equal(mdir_rename(f->fd, false, "1.h:2,S", f->fd, false,
	    "1.h:2,FS", &err), 1);
	assert_false(fixture_has(f, "cur/1.h:2,S"));
	assert_true(fixture_has(f, "cur/1.h:2,FS"));
}

static void
absent_is_not_an_error_but_a_link_is(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct mstat st;

	fixture_file(f, "tmp/secret", "x");
	assert_int_equal(symlinkat("../tmp/secret", f->fd, "cur/1.h:2,"), 0);
	assert_int_equal(mkfifoat(f->fd, "cur/2.h:2,", 0600), 0);
	assert_int_equal(mdir_stat(f->fd, true, "none", &st, &err), 0);
	assert_int_equal(mdir_unlink(f->fd, true, "none", &err), 0);
	assert_int_equal(mdir_open(f->fd, true, "none", &err), -1);
	assert_int_equal(err.class, ERR_MSG);
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(mdir_stat(f->fd, false, "1.h:2,", &st, &err), -1);
	assert_int_equal(mdir_open(f->fd, false, "1.h:2,", &err), -1);
	assert_int_equal(mdir_open(f->fd, false, "2.h:2,", &err), -1);
	assert_int_equal(mdir_open(f->fd, false, "../tmp/secret", &err), -1);
	assert_int_equal(mdir_unlink(f->fd, false, "1.h:2,", &err), 1);
	assert_true(fixture_has(f, "tmp/secret"));
	assert_int_equal(mdir_sync(f->fd, &err), 0);
}

static void
a_digest_tells_size_and_line_ends(void **state)
{
	static const struct {
		const char *text;
		enum eol eol;
		uint64_t wire_size;
	} t[] = {
		{ "", EOL_LF, 0 },
		{ "A: b\n\nc\n", EOL_LF, 11 },
		{ "A: b\r\n\r\nc\r\n", EOL_VERBATIM, 11 },
		{ "A: b\n\r\nc\r", EOL_MIXED, 10 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct mcontent c;
		struct err err;
		int fd;

		fixture_file(f, "new/1.h", t[i].text);
		fd = mdir_open(f->fd, true, "1.h", &err);
		assert_true(fd >= 0);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(mdir_digest(fd, &c, &err), 0);
			assert_int_equal(c.eol, t[i].eol);
			assert_int_equal(c.wire_size, t[i].wire_size);
			assert_int_equal(c.id.wire_size, t[i].wire_size);
			assert_false(c.has_nul);
		}
		close(fd);
	}
}

static void
a_header_has_the_identity_that_all_of_it_tells(void **state)
{
	static const struct {
		const char	*start;
		char		 fill;		/* so much of it follows */
		size_t		 n;
		bool		 known;
	} t[] = {
		{ "A: b\n\nbody\n", 'x', 0, true },
		{ "A: b\r\n\r\nbody\r\n", 'x', 0, true },
		{ "A: b\n\n", 'x', 100000, true },
		{ "A: b\n\r\n", 'x', 20000, true },
		{ "\nbody", 'x', 20000, true },
		{ "\r\nbody", 'x', 20000, true },
		{ "A: b\nno end", 'x', 100, true },
		{ "", 'x', 0, true },
		{ "A: ", 'b', 20000, false },
		{ "A: b\n", '\t', 16384 - 5, false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct mcontent c;
		struct hash head;
		struct err err;
		char *text = xcalloc(strlen(t[i].start) + t[i].n + 1, 1);
		int fd;

		strcpy(text, t[i].start);
		memset(text + strlen(text), t[i].fill, t[i].n);
		fixture_file(f, "cur/1.h:2,S", text);
		free(text);
		fd = mdir_open(f->fd, false, "1.h:2,S", &err);
		assert_int_equal(mdir_head(fd, &head, &err), t[i].known);
		assert_int_equal(mdir_digest(fd, &c, &err), 0);
		if (t[i].known)
			assert_memory_equal(&head, &c.id.head, sizeof(head));
		close(fd);
	}
}

static void
date_is_set_where_it_differs(void **state)
{
	static const struct timespec before[2] = { { .tv_nsec = UTIME_OMIT },
	    { .tv_sec = 1234567890, .tv_nsec = 500 } };
	struct fixture *f = *state;
	struct err err;
	struct stat st;

	fixture_file(f, "cur/1.h:2,S", "x");
	assert_int_equal(utimensat(f->fd, "cur/1.h:2,S", before, 0), 0);
	assert_int_equal(mdir_set_date(f->fd, false, "1.h:2,S", 1234567890, &err),
	    1);
	assert_int_equal(fstatat(f->fd, "cur/1.h:2,S", &st, 0), 0);
	assert_int_equal(st.st_mtim.tv_nsec, 500);	/* nobody wrote */
	assert_int_equal(mdir_set_date(f->fd, false, "1.h:2,S", 987654321, &err),
	    1);
	assert_int_equal(fstatat(f->fd, "cur/1.h:2,S", &st, 0), 0);
	assert_int_equal(st.st_mtime, 987654321);
	assert_int_equal(mdir_set_date(f->fd, false, "2.h:2,S", 1, &err), 0);
}

/* Of two changes within one tick of the kernel's clock the second one shows as well. */
static void
a_time_set_back_tells_of_every_change(void **state)
{
	struct fixture *f = *state;
	struct err err;

	fixture_file(f, "new/1.h", "x");
	for (int i = 0; i < 200; i++) {
		int64_t cur, new_, cur_now, new_now;

		assert_int_equal(mdir_times(f->fd, &cur, &new_, &err), 0);
		if (cur % 1000000000 == 0 || new_ % 1000000000 == 0)
			continue;
		assert_true(mdir_age(f->fd, &cur, &new_));
		assert_int_equal(mdir_times(f->fd, &cur_now, &new_now, &err), 0);
		assert_int_equal(cur_now, cur);
		assert_int_equal(new_now, new_);
		assert_int_equal(mdir_rename(f->fd, i % 2 == 0, "1.h", f->fd,
		    i % 2 != 0, "1.h", &err), 1);
		assert_int_equal(mdir_times(f->fd, &cur_now, &new_now, &err), 0);
		assert_int_not_equal(cur_now, cur);
		assert_int_not_equal(new_now, new_);
	}
}

static void
only_young_times_are_set_back_and_no_second_changes(void **state)
{
	struct fixture *f = *state;
	int64_t cur, new_, was;
	struct timespec ts[2];
	struct err err;

	age(f);
	assert_int_equal(mdir_times(f->fd, &cur, &new_, &err), 0);
	was = cur;
	assert_true(mdir_age(f->fd, &cur, &new_));
	assert_int_equal(cur, was);
	assert_int_equal(new_, was);
	/* Retried should the second be over before it is looked at. */
	for (int tries = 0; tries < 5; tries++) {
		assert_int_equal(clock_gettime(CLOCK_REALTIME, &ts[1]), 0);
		ts[0] = ts[1];
		ts[0].tv_nsec = ts[1].tv_nsec = 0;
		ts[0].tv_sec = ++ts[1].tv_sec;
		(void)clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts[1], NULL);
		assert_int_equal(utimensat(f->fd, "cur", ts, 0), 0);
		assert_int_equal(mdir_times(f->fd, &cur, &new_, &err), 0);
		was = cur;
		if (!mdir_age(f->fd, &cur, &new_))
			break;
		assert_true(tries < 4);
	}
	assert_int_equal(cur, was);
	assert_int_equal(mdir_times(f->fd, &cur, &new_, &err), 0);
	assert_int_equal(cur, was);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(messages_are_listed_by_unique_name),
		FIXTURE_TEST(a_time_set_back_tells_of_every_change),
		FIXTURE_TEST(only_young_times_are_set_back_and_no_second_changes),
		FIXTURE_TEST(of_one_unique_name_one_entry_counts),
		FIXTURE_TEST(a_directory_that_moved_just_now_is_not_stable),
		FIXTURE_TEST(a_directory_of_the_future_is_stable),
		FIXTURE_TEST(a_folder_that_cannot_be_read_is_an_error),
		FIXTURE_TEST(no_file_is_missing_from_two_stable_lists),
		FIXTURE_TEST(a_rename_says_what_became_of_it),
		FIXTURE_TEST(absent_is_not_an_error_but_a_link_is),
		FIXTURE_TEST(a_digest_tells_size_and_line_ends),
		FIXTURE_TEST(a_header_has_the_identity_that_all_of_it_tells),
		FIXTURE_TEST(date_is_set_where_it_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
