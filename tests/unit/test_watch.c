/* test_watch.c — which message files came, went or changed name. */
#include "maildir_fixture.h"

#include "base/clock.h"
#include "base/mem.h"
#include "maildir/watch.h"

/* Two folders a and b, watched with the keys 1 and 2, and the tree. */
static struct watch *
watch_all(const struct fixture *f)
{
	struct err err;
	struct watch *w = watch_new(&err);

	assert_non_null(w);
	for (int i = 0; i < 2; i++) {
		char path[16];
		const char *folder = i == 0 ? "a" : "b";

		assert_int_equal(mkdirat(f->fd, folder, 0700), 0);
		snprintf(path, sizeof(path), "%s/cur", folder);
		assert_int_equal(mkdirat(f->fd, path, 0700), 0);
		snprintf(path, sizeof(path), "%s/new", folder);
		assert_int_equal(mkdirat(f->fd, path, 0700), 0);
		assert_int_equal(watch_folder(w, i + 1, f->path, folder, &err), 0);
	}
	assert_int_equal(watch_tree(w, f->path, ".", &err), 0);
	return w;
}

/* All events that are known now, as "P1:new/x G2:cur/y T". */
static void
assert_events(struct watch *w, const char *want)
{
	static const char letters[] = "PGWSAT";
	struct watch_event ev;
	char got[1000] = "";
	struct err err;
	int n = watch_read(w, &err), taken = 0;

	assert_true(n >= 0);
	for (; watch_take(w, &ev); taken++) {
		size_t at = strlen(got);

		snprintf(got + at, sizeof(got) - at, "%s%c%.0lld", at ? " " : "",
		    letters[ev.what], (long long)ev.key);
		at = strlen(got);
		if (ev.file != NULL)
			snprintf(got + at, sizeof(got) - at, ":%s/%s",
			    ev.in_new ? "new" : "cur", ev.file);
	}
	assert_string_equal(got, want);
	assert_true(taken >= n);
	assert_int_equal(watch_read(w, &err), 0);
}

static void
move(const struct fixture *f, const char *from, const char *to)
{
	assert_int_equal(renameat(f->fd, from, f->fd, to), 0);
}

static void
a_delivery_is_one_event(void **state)
{
	struct fixture *f = *state;
	struct watch *w = watch_all(f);

	assert_events(w, "");
	assert_int_equal(watch_last(w), 0);
	fixture_file(f, "tmp/1.h", "x");
	assert_events(w, "");
	move(f, "tmp/1.h", "a/new/1.h");
	assert_events(w, "P1:new/1.h");
	assert_true(watch_last(w) > 0 && watch_last(w) <= clock_now());
	watch_free(w);
}

static void
renames_within_a_folder_end_in_one_place(void **state)
{
	struct fixture *f = *state;
	struct watch *w;

	fixture_file(f, "tmp/1.h", "x");
	w = watch_all(f);
	move(f, "tmp/1.h", "a/new/1.h");
	move(f, "a/new/1.h", "a/cur/1.h:2,");
	move(f, "a/cur/1.h:2,", "a/cur/1.h:2,S");
	assert_events(w, "P1:cur/1.h:2,S");
	move(f, "a/cur/1.h:2,S", "a/cur/1.h:2,FS");
	assert_events(w, "P1:cur/1.h:2,FS");
	move(f, "a/cur/1.h:2,FS", "a/new/1.h");
	move(f, "a/new/1.h", "tmp/1.h");
	assert_events(w, "G1:new/1.h");
	watch_free(w);
}

static void
a_move_between_folders_is_two_events(void **state)
{
	struct fixture *f = *state;
	struct watch *w;

	fixture_file(f, "tmp/1.h", "x");
	w = watch_all(f);
	move(f, "tmp/1.h", "a/cur/1.h:2,S");
	assert_events(w, "P1:cur/1.h:2,S");
	move(f, "a/cur/1.h:2,S", "b/cur/1.h:2,S");
	assert_events(w, "G1:cur/1.h:2,S P2:cur/1.h:2,S");
	move(f, "b/cur/1.h:2,S", "a/cur/1.h:2,S");
	move(f, "a/cur/1.h:2,S", "b/cur/9.h:2,S");
	assert_events(w, "G2:cur/1.h:2,S G1:cur/1.h:2,S P2:cur/9.h:2,S");
	watch_free(w);
}

/* move() of ours from one folder to the other, as the caller says it. */
static void
move_ours(const struct fixture *f, struct watch *w, const char *from, const char *to)
{
	move(f, from, to);
	watch_ours(w, from[0] == 'a' ? 1 : 2, from[2] == 'n', from + 6, false);
	watch_ours(w, to[0] == 'a' ? 1 : 2, to[2] == 'n', to + 6, true);
}

static void
what_we_did_ourselves_is_no_event(void **state)
{
	struct fixture *f = *state;
	struct watch *w = watch_all(f);

	fixture_file(f, "tmp/1.h", "x");
	fixture_file(f, "tmp/2.h", "x");
	move(f, "tmp/1.h", "a/new/1.h");
	move(f, "tmp/2.h", "a/cur/2.h:2,");
	assert_events(w, "P1:new/1.h P1:cur/2.h:2,");
	move_ours(f, w, "a/new/1.h", "b/cur/1.h:2,S");
	move_ours(f, w, "a/cur/2.h:2,", "a/cur/2.h:2,F");
	assert_events(w, "");
	/* Said once: the next time somebody else did the same. */
	move(f, "b/cur/1.h:2,S", "a/new/1.h");
	move(f, "a/new/1.h", "b/cur/1.h:2,S");
	assert_events(w, "G1:new/1.h P2:cur/1.h:2,S");
	watch_free(w);
}

static void
what_others_did_meanwhile_is_an_event(void **state)
{
	struct fixture *f = *state;
	struct watch *w = watch_all(f);

	for (int i = 1; i <= 4; i++) {
		char name[16];

		snprintf(name, sizeof(name), "a/cur/%d.h", i);
		fixture_file(f, "tmp/x", "x");
		move(f, "tmp/x", name);
	}
	assert_events(w, "P1:cur/1.h P1:cur/2.h P1:cur/3.h P1:cur/4.h");
	/* Before ours, between them, and behind. */
	move(f, "a/cur/4.h", "a/cur/4.h:2,T");
	move_ours(f, w, "a/cur/1.h", "b/cur/1.h");
	assert_int_equal(unlinkat(f->fd, "a/cur/3.h", 0), 0);
	move_ours(f, w, "a/cur/2.h", "b/cur/2.h");
	move(f, "b/cur/1.h", "b/cur/1.h:2,R");
	assert_events(w, "P1:cur/4.h:2,T G1:cur/3.h P2:cur/1.h:2,R");
	watch_free(w);
}

static void
what_never_comes_hides_nothing(void **state)
{
	struct fixture *f = *state;
	struct watch *w = watch_all(f);

	fixture_file(f, "tmp/1.h", "x");
	watch_ours(w, 1, false, "9.h", true);
	watch_ours(w, 7, false, "1.h", true);
	watch_ours(w, 1, true, "1.h", true);
	move(f, "tmp/1.h", "a/new/1.h");
	assert_events(w, "P1:new/1.h");
	move(f, "a/new/1.h", "a/cur/1.h");
	move(f, "a/cur/1.h", "a/new/1.h");
	assert_events(w, "P1:new/1.h");
	watch_free(w);
}

static void
deleting_is_gone_and_coming_back_is_present(void **state)
{
	struct fixture *f = *state;
	struct watch *w = watch_all(f);

	fixture_file(f, "tmp/1.h", "x");
	move(f, "tmp/1.h", "a/cur/1.h:2,S");
	assert_int_equal(unlinkat(f->fd, "a/cur/1.h:2,S", 0), 0);
	assert_events(w, "G1:cur/1.h:2,S");
	fixture_file(f, "tmp/1.h", "x");
	move(f, "tmp/1.h", "a/cur/1.h:2,S");
	assert_int_equal(unlinkat(f->fd, "a/cur/1.h:2,S", 0), 0);
	fixture_file(f, "tmp/1.h", "x");
	move(f, "tmp/1.h", "a/new/1.h");
	assert_events(w, "P1:new/1.h");
	watch_free(w);
}

static void
a_file_written_in_place_waits_for_its_end(void **state)
{
	struct fixture *f = *state;
	struct watch *w = watch_all(f);
	int fd = openat(f->fd, "a/new/1.h", O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_events(w, "");
	assert_int_equal(write(fd, "half", 4), 4);
	assert_events(w, "");
	close(fd);
	assert_events(w, "P1:new/1.h");
	/* Once it is known, another write is just that. */
	fixture_file(f, "a/new/1.h", "again");
	assert_events(w, "W1:new/1.h");
	/* Written and renamed: both facts count. */
	move(f, "a/new/1.h", "a/cur/1.h:2,S");
	fixture_file(f, "a/cur/1.h:2,S", "more");
	assert_events(w, "P1:cur/1.h:2,S W1:cur/1.h:2,S");
	fixture_file(f, "a/cur/1.h:2,S", "most");
	move(f, "a/cur/1.h:2,S", "a/cur/1.h:2,FS");
	assert_events(w, "P1:cur/1.h:2,FS W1:cur/1.h:2,FS");
	/* One that is given up was never there. */
	fd = openat(f->fd, "a/new/2.h", O_WRONLY | O_CREAT, 0600);
	assert_events(w, "");
	assert_int_equal(unlinkat(f->fd, "a/new/2.h", 0), 0);
	close(fd);
	assert_events(w, "G1:new/2.h");
	watch_free(w);
}

static void
a_linked_file_is_present_at_once(void **state)
{
	struct fixture *f = *state;
	struct watch *w = watch_all(f);

	fixture_file(f, "tmp/1.h", "x");
	fixture_file(f, "tmp/2.h", "x");
	assert_int_equal(linkat(f->fd, "tmp/1.h", f->fd, "a/new/1.h", 0), 0);
	assert_int_equal(linkat(f->fd, "tmp/2.h", f->fd, "a/new/2.h", 0), 0);
	assert_int_equal(unlinkat(f->fd, "tmp/2.h", 0), 0);
	assert_events(w, "P1:new/1.h P1:new/2.h");
	watch_free(w);
}

static void
what_is_no_message_is_no_event(void **state)
{
	struct fixture *f = *state;
	struct watch *w = watch_all(f);

	fixture_file(f, "a/cur/.nfs0001", "x");
	assert_int_equal(mkdirat(f->fd, "a/cur/sub", 0700), 0);
	fixture_file(f, "notes.txt", "x");
	assert_events(w, "");
	watch_free(w);
}

static void
folders_that_come_and_go_change_the_tree(void **state)
{
	struct fixture *f = *state;
	struct watch *w = watch_all(f);
	struct err err;

	assert_int_equal(mkdirat(f->fd, "c", 0700), 0);
	assert_events(w, "T");
	move(f, "c", "d");
	assert_events(w, "T");
	/* A watched directory that moves away takes no events with it. */
	move(f, "a/cur", "a/old");
	assert_events(w, "T S1");
	fixture_file(f, "a/old/1.h", "x");
	assert_events(w, "");
	assert_int_equal(mkdirat(f->fd, "a/cur", 0700), 0);
	assert_int_equal(watch_folder(w, 1, f->path, "a", &err), 0);
	fixture_file(f, "a/cur/2.h:2,", "x");
	assert_events(w, "P1:cur/2.h:2,");
	assert_int_equal(unlinkat(f->fd, "b/new", AT_REMOVEDIR), 0);
	assert_events(w, "T S2");
	assert_int_equal(watch_folder(w, 2, f->path, "b", &err), -1);
	assert_int_equal(err.class, ERR_FOLDER);
	watch_free(w);
}

static void
a_forgotten_folder_is_silent(void **state)
{
	struct fixture *f = *state;
	struct watch *w = watch_all(f);
	struct err err;

	fixture_file(f, "a/new/1.h", "x");
	fixture_file(f, "b/new/1.h", "x");
	assert_int_equal(watch_read(w, &err), 2);
	watch_forget(w, 1);
	watch_forget(w, 1);
	fixture_file(f, "a/new/2.h", "x");
	assert_events(w, "P2:new/1.h");
	/* The same directory under another key belongs to that key. */
	assert_int_equal(watch_folder(w, 7, f->path, "b", &err), 0);
	fixture_file(f, "b/new/2.h", "x");
	assert_events(w, "P7:new/2.h");
	watch_free(w);
}

static void
too_many_events_become_one_scan(void **state)
{
	struct fixture *f = *state;
	struct watch *w = watch_all(f);
	struct watch_event ev;
	struct err err;
	char name[32];

	fixture_file(f, "b/new/1.h", "x");
	fixture_file(f, "tmp/1.h", "x");
	for (int i = 0; i < 65600; i++) {
		snprintf(name, sizeof(name), "a/new/%d.h", i);
		assert_int_equal(linkat(f->fd, "tmp/1.h", f->fd, name, 0) == 0 ||
		    errno == EMLINK, 1);
		if (errno == EMLINK) {
			errno = 0;
			assert_int_equal(unlinkat(f->fd, "tmp/1.h", 0), 0);
			fixture_file(f, "tmp/1.h", "x");
			i--;
			continue;
		}
		/* The kernel's own queue is shorter. */
		if (i % 1000 == 0)
			assert_true(watch_read(w, &err) >= 0);
	}
	assert_true(watch_read(w, &err) <= 3);
	assert_true(watch_take(w, &ev));
	assert_int_equal(ev.what, WATCH_SCAN);
	assert_int_equal(ev.key, 1);
	assert_true(watch_take(w, &ev));
	assert_int_equal(ev.what, WATCH_PRESENT);
	assert_int_equal(ev.key, 2);
	assert_false(watch_take(w, &ev));
	watch_free(w);
}

static void
an_overflow_means_scan_everything(void **state)
{
	struct fixture *f = *state;
	struct watch *w = watch_all(f);
	FILE *limit = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	char from[32], to[32];
	int max = 0;

	assert_non_null(limit);
	assert_int_equal(fscanf(limit, "%d", &max), 1);
	fclose(limit);
	if (max > 200000) {
		watch_free(w);
		skip();
	}
	fixture_file(f, "b/new/1.h", "x");
	fixture_file(f, "a/cur/0.h", "x");
	for (int i = 0; i < max; i++) {
		snprintf(from, sizeof(from), "a/cur/%d.h", i);
		snprintf(to, sizeof(to), "a/cur/%d.h", i + 1);
		move(f, from, to);
	}
	for (struct err err; watch_read(w, &err) >= 0;) {
		struct watch_event ev;

		if (!watch_take(w, &ev))
			fail();
		if (ev.what != WATCH_SCAN_ALL)
			continue;
		assert_true(watch_take(w, &ev));
		assert_int_equal(ev.what, WATCH_TREE);
		assert_false(watch_take(w, &ev));
		break;
	}
	fixture_file(f, "b/new/2.h", "x");
	assert_events(w, "P2:new/2.h");
	watch_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_delivery_is_one_event),
		FIXTURE_TEST(renames_within_a_folder_end_in_one_place),
		FIXTURE_TEST(a_move_between_folders_is_two_events),
		FIXTURE_TEST(what_we_did_ourselves_is_no_event),
		FIXTURE_TEST(what_others_did_meanwhile_is_an_event),
		FIXTURE_TEST(what_never_comes_hides_nothing),
		FIXTURE_TEST(deleting_is_gone_and_coming_back_is_present),
		FIXTURE_TEST(a_file_written_in_place_waits_for_its_end),
		FIXTURE_TEST(a_linked_file_is_present_at_once),
		FIXTURE_TEST(what_is_no_message_is_no_event),
		FIXTURE_TEST(folders_that_come_and_go_change_the_tree),
		FIXTURE_TEST(a_forgotten_folder_is_silent),
		FIXTURE_TEST(too_many_events_become_one_scan),
		FIXTURE_TEST(an_overflow_means_scan_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
