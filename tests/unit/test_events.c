/* test_events.c — events are numbered, kept, and taken up again after a restart. */
#include "maildir_fixture.h"

#include <signal.h>
#include <sys/resource.h>

#include "events.h"
#include "js.h"

static struct events *
events_new(const char *path)
{
	struct events *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	if (path != NULL)
		events_open(e, path);
	return e;
}

static void
events_delete(struct events *e)
{
	events_clear(e);
	free(e);
}

static void
add(struct events *e, int n)
{
	for (int i = 0; i < n; i++)
		events_take_add(e, "test.event", json_pack("{s:i}", "i", i));
}

/* How many come after ${seq}, in order. */
static size_t
count_after(const struct events *e, uint64_t seq)
{
	const struct event_kept *ev;
	size_t n = 0;

	while ((ev = events_after(e, seq)) != NULL) {
		assert_true(ev->seq > seq);
		seq = ev->seq;
		n++;
	}
	return n;
}

static void
ring_keeps_the_newest(void **state)
{
	struct events *e = events_new(NULL);

	(void)state;
	assert_null(events_after(e, 0));
	assert_true(events_complete(e, 0));
	add(e, 3);
	assert_int_equal(count_after(e, 0), 3);
	assert_int_equal(count_after(e, 2), 1);
	assert_false(events_complete(e, 4));
	add(e, EVENTS_KEPT);
	assert_int_equal(e->seq, EVENTS_KEPT + 3);
	assert_int_equal(count_after(e, 0), EVENTS_KEPT);
	assert_false(events_complete(e, 2));
	assert_true(events_complete(e, 3));
	events_delete(e);
}

static void
restart_goes_on(void **state)
{
	struct fixture *f = *state;
	char *path;
	struct events *e;

	assert_true(asprintf(&path, "%s/events.jsonl", f->path) > 0);
	e = events_new(path);
	add(e, 10);
	events_delete(e);
	e = events_new(path);
	assert_int_equal(e->seq, 10);
	assert_int_equal(count_after(e, 4), 6);
	assert_true(events_complete(e, 0));
	add(e, EVENTS_KEPT + 5);
	events_delete(e);
	e = events_new(path);
	assert_int_equal(e->seq, EVENTS_KEPT + 15);
	assert_int_equal(count_after(e, 0), EVENTS_KEPT);
	assert_false(events_complete(e, 14));
	assert_true(events_complete(e, 15));
	events_delete(e);
	free(path);
}

/* No file grows beyond ${most} bytes: as on a full disk, a write is short or fails. */
static void
limit_files(rlim_t most)
{
	struct rlimit rl;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &rl), 0);
	rl.rlim_cur = most;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
}

/* Numbers that somebody has seen never come again: what cannot be written anew stays
 * as it was, and what came meanwhile is written once there is room. */
static void
full_disk_loses_no_number(void **state)
{
	struct fixture *f = *state;
	struct events *e;
	char *path;

	assert_true(asprintf(&path, "%s/events.jsonl", f->path) > 0);
	e = events_new(path);
	add(e, 10);
	events_delete(e);
	limit_files(200);
	e = events_new(path);
	assert_int_equal(e->seq, 10);
	add(e, 2);
	events_delete(e);
	e = events_new(path);
	assert_true(e->seq >= 10);
	limit_files(RLIM_INFINITY);
	add(e, 2);
	events_delete(e);
	e = events_new(path);
	assert_int_equal(e->seq, 12);
	assert_int_equal(count_after(e, 0), 12);
	events_delete(e);
	free(path);
}

/* What stands in the file, then the first and last number that are believed. */
static const struct {
	const char	*name, *text;
	uint64_t	 first, seq;
} files[] = {
	{ "nothing", "", 0, 0 },
	{ "junk", "\x01\x02\n[]\n{}\n{\"event\":\"x\"}\n", 0, 0 },
	{ "a torn end", "{\"event\":\"x\",\"seq\":7}\n{\"event\":\"x\",\"se", 7, 7 },
	{ "a gap", "{\"event\":\"x\",\"seq\":7}\n{\"event\":\"x\",\"seq\":9}\n", 9,
	    9 },
	{ "backwards", "{\"event\":\"x\",\"seq\":7}\n{\"event\":\"x\",\"seq\":6}\n",
	    7, 7 },
	{ "negative", "{\"event\":\"x\",\"seq\":-7}\n", 0, 0 },
	{ "two", "{\"event\":\"x\",\"seq\":7}\n{\"event\":\"x\",\"seq\":8}\n", 7, 8 }
};

static void
damaged_files_are_survived(void **state)
{
	struct fixture *f = *state;
	char *path;

	assert_true(asprintf(&path, "%s/events.jsonl", f->path) > 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		FILE *out = fopen(path, "w");
		struct events *e;

		assert_non_null(out);
		fputs(files[i].text, out);
		fclose(out);
		e = events_new(path);
		if (e->first != files[i].first || e->seq != files[i].seq)
			fail_msg("%s: %ju to %ju", files[i].name,
			    (uintmax_t)e->first, (uintmax_t)e->seq);
		add(e, 1);
		events_delete(e);
		e = events_new(path);
		assert_int_equal(e->seq, files[i].seq + 1);
		events_delete(e);
	}
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_keeps_the_newest),
		cmocka_unit_test_setup_teardown(restart_goes_on,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(full_disk_loses_no_number,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(damaged_files_are_survived,
		    fixture_setup, fixture_teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
