/* test_deliver.c — what came over the wire can be had again from the disk. */
#include "maildir_fixture.h"

#include "base/clock.h"
#include "base/mem.h"
#include "maildir/deliver.h"
#include "maildir/dir.h"

/* Deliver ${wire} in portions of ${part} bytes. */
static void
land(struct deliver *d, int fd, const char *wire, size_t n, size_t part,
    struct landing *l)
{
	struct err err;

	assert_int_equal(deliver_begin(d, fd, &err), 0);
	for (size_t at = 0; at < n; at += part)
		assert_int_equal(deliver_data(d, (struct str){ wire + at,
		    n - at < part ? n - at : part }, &err), 0);
	assert_int_equal(deliver_end(d, 1234567890, l, &err), 0);
}

/* The file of ${l} in tmp/ holds ${wire} in its line-ending class. */
static void
assert_lands_as(const struct fixture *f, const struct landing *l,
    const char *wire, size_t n)
{
	struct hasher *h = hasher_new();
	struct msgid_hash id;
	char path[128], *disk, *back, prev = '\0';
	size_t size, got;

	snprintf(path, sizeof(path), "tmp/%s", l->unique);
	disk = fixture_read(f, path, &size);
	assert_int_equal(size, l->size);
	back = malloc(2 * size + 1);
	assert_non_null(back);
	got = eol_to_wire(l->eol, disk, size, &prev, back);
	assert_int_equal(got, n);
	assert_memory_equal(back, wire, n);
	if (l->eol == EOL_LF)
		assert_null(memchr(disk, '\r', size));
	hasher_add(h, wire, n);
	hasher_end(h, &id);
	assert_true(hash_eq(&id.all, &l->id.all));
	assert_true(hash_eq(&id.head, &l->id.head));
	assert_int_equal(id.wire_size, l->id.wire_size);
	hasher_free(h);
	free(disk);
	free(back);
}

#define BYTES(z)	z, sizeof(z) - 1

static void
every_form_of_line_end_comes_back(void **state)
{
	static const struct {
		const char *wire;
		size_t n;
		enum eol eol;
	} t[] = {
		{ BYTES(""), EOL_LF },
		{ BYTES("A: b\r\n\r\nbody\r\n"), EOL_LF },
		{ BYTES("A: b\r\n\r\nno final newline"), EOL_LF },
		{ BYTES("\r\n\r\n\r\n"), EOL_LF },
		{ BYTES("A: b\r\n\r\nnul\0nul\r\n"), EOL_LF },
		{ BYTES("A: b\n\nbare LF\n"), EOL_VERBATIM },
		{ BYTES("A: b\r\n\r\nlate bare LF\n"), EOL_VERBATIM },
		{ BYTES("A: b\r\n\r\nbare\rCR\r\n"), EOL_VERBATIM },
		{ BYTES("A: b\r\n\r\nlone CR at the end\r"), EOL_VERBATIM },
		{ BYTES("A: b\r\r\n\r\nCR CR LF\r\n"), EOL_VERBATIM },
		{ BYTES("\n"), EOL_VERBATIM },
		{ BYTES("\r"), EOL_VERBATIM },
		{ BYTES("\r\r"), EOL_VERBATIM },
		{ BYTES("\n\r"), EOL_VERBATIM },
		{ BYTES("a\r\n\r"), EOL_VERBATIM },
	};
	static const size_t parts[] = { 1, 2, 3, 7, 1000 };
	struct fixture *f = *state;
	struct deliver *d = deliver_new();

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
			struct landing l;

			land(d, f->fd, t[i].wire, t[i].n, parts[k], &l);
			assert_int_equal(l.eol, t[i].eol);
			assert_lands_as(f, &l, t[i].wire, t[i].n);
		}
	deliver_free(d);
}

static void
large_messages_turn_verbatim_at_any_point(void **state)
{
	enum { N = 1024 * 1024 };
	static const size_t oddities[] = { 0, 1, 65535, 131071, 131072, 131073,
	    262143, 500000, N - 1 };
	struct fixture *f = *state;
	struct deliver *d = deliver_new();
	char *wire = malloc(N);
	struct landing l;

	assert_non_null(wire);
	/* One line of 1 MB, then lines of 61 bytes with an oddity. */
	memset(wire, 'x', N);
	land(d, f->fd, wire, N, 70000, &l);
	assert_int_equal(l.eol, EOL_LF);
	assert_lands_as(f, &l, wire, N);
	for (size_t at = 59; at + 1 < N; at += 61)
		memcpy(wire + at, "\r\n", 2);
	for (size_t i = 0; i < 2 * ARRAY_LEN(oddities); i++) {
		size_t at = oddities[i / 2];
		char was = wire[at];

		wire[at] = i % 2 ? '\n' : '\r';
		land(d, f->fd, wire, N, 65536 + i, &l);
		assert_lands_as(f, &l, wire, N);
		if (was == 'x')
			assert_int_equal(l.eol, EOL_VERBATIM);
		wire[at] = was;
	}
	deliver_free(d);
	free(wire);
}

static void
random_messages_come_back(void **state)
{
	static const char *const tokens[] = { "\r\n", "\r\n", "\r\n", "x", "yz",
	    "\r", "\n", "A: b" };
	struct fixture *f = *state;
	struct deliver *d = deliver_new();

	srandom(11);
	for (int round = 0; round < 3000; round++) {
		/* Half of them have no bare CR and LF to choose from. */
		size_t kinds = round % 2 ? 5 : ARRAY_LEN(tokens), n = 0;
		char wire[512];
		struct landing l;

		for (long left = random() % 60; left > 0; left--) {
			const char *z = tokens[(size_t)random() % kinds];

			memcpy(wire + n, z, strlen(z));
			n += strlen(z);
		}
		land(d, f->fd, wire, n, 1 + (size_t)random() % 40, &l);
		assert_lands_as(f, &l, wire, n);
		if (round % 2)
			assert_int_equal(l.eol, EOL_LF);
		deliver_drop(&l);
	}
	deliver_free(d);
}

static size_t
count_files(const struct fixture *f)
{
	struct mlist list;
	struct err err;
	size_t n;

	assert_int_equal(mdir_list(f->fd, &list, &err), 0);
	n = list.n;
	mlist_clear(&list);
	return n;
}

static void
a_landing_is_placed_once(void **state)
{
	struct fixture *f = *state;
	struct deliver *d = deliver_new();
	char file[MNAME_MAX], path[300], want[MNAME_MAX];
	struct landing l;
	struct err err;
	struct stat st;

	land(d, f->fd, "A: b\r\n\r\n", 8, 8, &l);
	snprintf(want, sizeof(want), "%s,S=6", l.unique);
	assert_string_equal(l.base, want);
	assert_int_equal(count_files(f), 0);
	assert_int_equal(deliver_sync(&l, 1, &err), 0);
	assert_int_equal(deliver_name(&l, STR("SF"), false, file), 0);
	assert_int_equal(deliver_place(f->fd, l.unique, f->fd, file, false, &err), 1);
	assert_int_equal(deliver_place(f->fd, l.unique, f->fd, file, false, &err), 0);
	assert_int_equal(mdir_sync(f->fd, &err), 0);
	snprintf(path, sizeof(path), "cur/%s,S=6:2,FS", l.unique);
	assert_int_equal(fstatat(f->fd, path, &st, 0), 0);
	assert_int_equal(st.st_mtim.tv_sec, 1234567890);
	assert_int_equal(st.st_ino, l.ino);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* Gone from both places: a client was faster. */
	assert_int_equal(unlinkat(f->fd, path, 0), 0);
	assert_int_equal(deliver_place(f->fd, l.unique, f->fd, file, false, &err), -1);
	assert_int_equal(err.errnum, ENOENT);
	deliver_free(d);
}

static void
placing_never_replaces(void **state)
{
	struct fixture *f = *state;
	struct deliver *d = deliver_new();
	struct landing l;
	struct err err;
	char *text;
	size_t n;

	land(d, f->fd, "new\r\n", 5, 5, &l);
	fixture_file(f, "new/1.h", "old");
	assert_int_equal(deliver_place(f->fd, l.unique, f->fd, "1.h", true, &err), -1);
	assert_int_equal(err.errnum, EEXIST);
	assert_int_equal(deliver_place(f->fd, l.unique, f->fd, "../x", true, &err), -1);
	assert_int_equal(deliver_place(f->fd, "../new/1.h", f->fd, "2.h", true, &err), -1);
	text = fixture_read(f, "new/1.h", &n);
	assert_string_equal(text, "old");
	free(text);
	deliver_free(d);
}

static void
a_batch_is_synced_or_thrown_away(void **state)
{
	enum { N = 20 };
	struct fixture *f = *state;
	struct deliver *d = deliver_new();
	struct landing l[N];
	struct err err;
	char path[128];

	for (size_t i = 0; i < N; i++)
		land(d, f->fd, "x\r\n", 3, 3, &l[i]);
	assert_int_equal(deliver_sync(l, N, &err), 0);
	assert_int_equal(deliver_sync(l, 3, &err), 0);
	assert_int_equal(deliver_sync(l, 0, &err), 0);
	deliver_drop(&l[1]);
	deliver_drop(&l[1]);
	assert_int_equal(deliver_sync(l, 3, &err), -1);
	assert_int_equal(err.class, ERR_LOCAL);
	for (size_t i = 0; i < N; i++) {
		snprintf(path, sizeof(path), "tmp/%s", l[i].unique);
		assert_int_equal(fixture_has(f, path), i >= 3);
	}
	deliver_free(d);
}

static void
what_is_not_ended_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct deliver *d = deliver_new();
	struct landing l;
	struct err err;

	assert_int_equal(deliver_begin(d, f->fd, &err), 0);
	assert_int_equal(deliver_data(d, STR("half\r\n and a\nhalf"), &err), 0);
	assert_int_equal(deliver_begin(d, f->fd, &err), 0);
	assert_int_equal(deliver_data(d, STR("x"), &err), 0);
	deliver_discard(d);
	assert_int_equal(deliver_data(d, STR("x"), &err), -1);
	assert_int_equal(deliver_end(d, 0, &l, &err), -1);
	assert_int_equal(deliver_begin(d, f->fd, &err), 0);
	deliver_free(d);
	/* rmdir(2) wants it empty. */
	assert_int_equal(unlinkat(f->fd, "tmp", AT_REMOVEDIR), 0);
	d = deliver_new();
	assert_int_equal(deliver_begin(d, f->fd, &err), -1);
	assert_int_equal(err.class, ERR_FOLDER);
	deliver_free(d);
}

static void
only_what_is_equal_is_linked(void **state)
{
	static const struct {
		const char *what, *there;	/* NULL: no such file */
		time_t date;
		int linked;
	} t[] = {
		{ "the same", "A: b\n\nbody\n", 1234567890, 1 },
		{ "another date", "A: b\n\nbody\n", 1234567891, 0 },
		{ "other bytes", "A: b\n\nbodY\n", 1234567890, 0 },
		{ "another size", "A: b\n\nbody\n\n", 1234567890, 0 },
		{ "nothing", NULL, 0, 0 },
	};
	struct fixture *f = *state;
	struct deliver *d = deliver_new();

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct timespec ts = { .tv_sec = t[i].date };
		struct landing l;
		struct stat there = { 0 }, here;
		char path[128];
		uint64_t ino;

		if (t[i].there != NULL) {
			fixture_file(f, "cur/1.h:2,S", t[i].there);
			assert_int_equal(utimensat(f->fd, "cur/1.h:2,S",
			    (struct timespec[]){ ts, ts }, 0), 0);
			assert_int_equal(fstatat(f->fd, "cur/1.h:2,S", &there,
			    0), 0);
		}
		land(d, f->fd, BYTES("A: b\r\n\r\nbody\r\n"), 100, &l);
		ino = l.ino;
		if (deliver_link(&l, 1234567890, f->fd, false, "1.h:2,S") !=
		    t[i].linked)
			fail_msg("%s", t[i].what);
		snprintf(path, sizeof(path), "tmp/%s", l.unique);
		assert_int_equal(fstatat(f->fd, path, &here, 0), 0);
		assert_int_equal(here.st_ino, l.ino);
		assert_int_equal(l.ino, t[i].linked ? there.st_ino : ino);
		assert_lands_as(f, &l, BYTES("A: b\r\n\r\nbody\r\n"));
		deliver_drop(&l);
		(void)unlinkat(f->fd, "cur/1.h:2,S", 0);
	}
	deliver_free(d);
	/* Nothing was left beside. */
	assert_int_equal(unlinkat(f->fd, "tmp", AT_REMOVEDIR), 0);
}

static void
tmp_is_cleaned_of_nothing_recent(void **state)
{
	struct fixture *f = *state;
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	/* Its ctime is now, whatever its date: somebody is at work on it. */
	fixture_file(f, "tmp/1.h", "x");
	assert_int_equal(utimensat(f->fd, "tmp/1.h", old, 0), 0);
	deliver_clean(f->fd, 0);
	assert_true(fixture_has(f, "tmp/1.h"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(every_form_of_line_end_comes_back),
		FIXTURE_TEST(large_messages_turn_verbatim_at_any_point),
		FIXTURE_TEST(random_messages_come_back),
		FIXTURE_TEST(a_landing_is_placed_once),
		FIXTURE_TEST(placing_never_replaces),
		FIXTURE_TEST(a_batch_is_synced_or_thrown_away),
		FIXTURE_TEST(what_is_not_ended_leaves_nothing),
		FIXTURE_TEST(only_what_is_equal_is_linked),
		FIXTURE_TEST(tmp_is_cleaned_of_nothing_recent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
