/* test_frame.c — what the worker and its script process say to each other: what comes
 * through, what does not fit, and what the other side may send instead. */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"
#include "open_files.h"
#include "plugins/frame.h"

static int sv[2];
static struct frame_in in;
static struct err err;

static int
setup(void **state)
{
	(void)state;
	frame_in_init(&in);
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv);
}

static int
teardown(void **state)
{
	(void)state;
	frame_in_clear(&in);
	close(sv[0]);
	if (sv[1] >= 0)
		close(sv[1]);
	return 0;
}

static int
file_of(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void
assert_holds(int fd, const char *text)
{
	char got[64] = "";

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, got, sizeof(got) - 1, 0), strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

/* Send and receive it, or, without a socket, only hand it over. */
static void
carry(struct frame *f, bool socket)
{
	if (!socket) {
		frame_in_loop(&in, f);
		return;
	}
	assert_int_equal(frame_send(sv[0], f, &err), 1);
	assert_int_equal(frame_recv(sv[1], &in, &err), 1);
}

/* ---- what comes through ----------------------------------------------- */

static void
fields_come_in_the_order_in_which_they_were_put(void **state)
{
	(void)state;
	for (int socket = 0; socket < 2; socket++) {
		int mine = file_of("mine");
		struct frame f;
		size_t at, before = open_files();

		frame_init(&f, FRAME_EVENT);
		frame_put_u8(&f, 200);
		frame_put_u32(&f, UINT32_MAX - 1);
		frame_put_u64(&f, UINT64_MAX - 1);
		frame_put_str(&f, STR("text"));
		frame_put_str(&f, STR_NONE);
		at = frame_count(&f);
		frame_put_blob(&f, STR("blob"));
		frame_put_blob_fd(&f, mine);
		frame_take_blob(&f, file_of("taken"));
		frame_take_ride(&f, file_of("beside"));
		frame_count_set(&f, at, 3);
		carry(&f, socket);
		assert_int_equal(in.type, FRAME_EVENT);
		assert_int_equal(frame_u8(&in), 200);
		assert_int_equal(frame_u32(&in), UINT32_MAX - 1);
		assert_true(frame_u64(&in) == UINT64_MAX - 1);
		assert_true(str_eq(frame_str(&in), STR("text")));
		assert_int_equal(frame_str(&in).n, 0);
		assert_int_equal(frame_n(&in, 1, 3), 3);
		assert_true(str_eq(frame_blob(&in), STR("blob")));
		assert_holds(frame_blob_fd(&in), "mine");
		assert_true(str_eq(frame_blob(&in), STR("taken")));
		assert_holds(frame_take_fd(&in), "beside");
		assert_true(frame_ended(&in));
		frame_clear(&f);
		/* The caller's stays, what was taken is gone. */
		assert_int_equal(open_files(), before);
		assert_holds(mine, "mine");
	}
}

static void
blobs_have_any_length(void **state)
{
	static const size_t sizes[] = { 0, 1, FRAME_INLINE, FRAME_INLINE + 1,
	    FRAME_MAX, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
		struct str want = { xmalloc(sizes[i / 2] + 1), sizes[i / 2] }, got;
		char *p = (char *)want.p;
		struct frame f;

		for (size_t k = 0; k < want.n; k++)
			p[k] = (char)(k * 7 + k / 256);
		frame_init(&f, FRAME_EVENT);
		frame_put_blob(&f, want);
		carry(&f, true);
		if (i % 2 == 0) {
			got = frame_blob(&in);
			assert_int_equal(got.n, want.n);
			assert_memory_equal(got.p, want.p, want.n);
		} else {
			int fd = frame_blob_fd(&in);

			assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
			assert_int_equal(lseek(fd, 0, SEEK_END), want.n);
			close(fd);
		}
		assert_true(frame_ended(&in));
		frame_clear(&f);
		free(p);
	}
}

/* ---- what does not fit ------------------------------------------------ */

static void
put_many(struct frame *f)
{
	for (size_t i = 0; i <= FRAME_MAX / 8; i++)
		frame_put_u64(f, i);
}

static void
put_long(struct frame *f)
{
	frame_put_str(f, (struct str){ "", FRAME_MAX + 1 });
}

static void
put_huge(struct frame *f)
{
	char *p = xcalloc(1, FRAME_BLOB_MAX + 1);

	frame_put_blob(f, (struct str){ p, FRAME_BLOB_MAX + 1 });
	free(p);
}

static void
put_riders(struct frame *f)
{
	for (size_t i = 0; i <= FRAME_FDS; i++)
		frame_take_ride(f, file_of(""));
}

static void
what_does_not_fit_is_not_sent(void **state)
{
	static void (*const put[])(struct frame *) = { put_many, put_long, put_huge,
	    put_riders };
	size_t before = open_files();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(put); i++) {
		struct frame f;

		frame_init(&f, FRAME_EVENT);
		put[i](&f);
		assert_true(f.bad);
		assert_int_equal(frame_send(sv[0], &f, &err), -1);
		assert_int_equal(err.class, ERR_LOCAL);
		assert_int_equal(frame_recv(sv[1], &in, &err), 0);
		frame_clear(&f);
		assert_int_equal(open_files(), before);
	}
}

static void
as_many_riders_as_there_is_room_for(void **state)
{
	size_t before = open_files();
	struct frame f;

	(void)state;
	frame_init(&f, FRAME_EVENT);
	for (size_t i = 0; i < FRAME_FDS; i++)
		frame_take_ride(&f, file_of("x"));
	carry(&f, true);
	frame_clear(&f);
	assert_int_equal(in.n_fds, FRAME_FDS);
	assert_holds(frame_take_fd(&in), "x");
	/* Nobody took the others: they go with the frame. */
	assert_int_equal(open_files(), before + FRAME_FDS - 1);
	assert_int_equal(frame_recv(sv[1], &in, &err), 0);
	assert_int_equal(open_files(), before);
}

/* ---- what the other side may send ------------------------------------- */

#define BYTES(text)	{ text, sizeof(text) - 1 }

/* After the byte that is the type. */
static void
a_getter_never_reads_past_the_end(void **state)
{
	static const struct {
		struct str	 bytes;
		char		 get;
	} rows[] = {
		{ BYTES("\1"), '1' }, { BYTES("\1abc"), '4' },
		{ BYTES("\1abcdefg"), '8' }, { BYTES("\1\1\0\0"), 's' },
		{ BYTES("\1\2\0\0\0x"), 's' }, { BYTES("\1\xff\xff\xff\xffx"), 's' },
		{ BYTES("\1"), 'b' }, { BYTES("\1\0\1\0\0\0"), 'b' },
		{ BYTES("\1\1"), 'b' }, { BYTES("\1\2\1\0\0\0x"), 'b' },
		{ BYTES("\1\0\1\0\0\0"), 'f' }, { BYTES("\1\1"), 'f' },
		{ BYTES("\1"), 'd' }, { BYTES("\1\3\0\0\0xxxxxx"), 'n' },
		{ BYTES("\1\2\0\0\0xxx"), 'n' }, { BYTES("\1\1\0"), 'n' },
		{ BYTES("\1\xff\xff\xff\xffxxxx"), 'n' }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t got = 0;

		frame_in_bytes(&in, rows[i].bytes);
		switch (rows[i].get) {
		case '1': got = frame_u8(&in); break;
		case '4': got = frame_u32(&in); break;
		case '8': got = frame_u64(&in); break;
		case 's': got = frame_str(&in).n; break;
		case 'b': got = frame_blob(&in).n; break;
		case 'f': got = (uint64_t)(frame_blob_fd(&in) + 1); break;
		case 'd': got = (uint64_t)(frame_take_fd(&in) + 1); break;
		default: got = frame_n(&in, 2, 2); break;
		}
		if (got != 0 || !in.bad || frame_ended(&in))
			fail_msg("row %zu: %c gives %llu", i, rows[i].get,
			    (unsigned long long)got);
	}
}

/* Whoever reads a pipe waits. */
static void
a_blob_is_a_file_or_none(void **state)
{
	size_t before = open_files();

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct frame f;
		int ends[2];

		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		frame_init(&f, FRAME_EVENT);
		frame_take_blob(&f, ends[0]);
		carry(&f, true);
		frame_clear(&f);
		if (kind == 0)
			assert_int_equal(frame_blob(&in).n, 0);
		else
			assert_int_equal(frame_blob_fd(&in), -1);
		assert_true(in.bad);
		close(ends[1]);
		assert_int_equal(open_files(), before);
	}
}

static void
a_file_that_is_too_long_is_no_blob(void **state)
{
	int fd = file_of("");
	struct frame f;

	(void)state;
	assert_int_equal(ftruncate(fd, FRAME_BLOB_MAX + 1), 0);
	frame_init(&f, FRAME_EVENT);
	frame_take_blob(&f, fd);
	carry(&f, true);
	frame_clear(&f);
	assert_int_equal(frame_blob(&in).n, 0);
	assert_true(in.bad);
}

static void
no_more_blobs_are_held_than_a_frame_has(void **state)
{
	struct frame f;

	(void)state;
	frame_init(&f, FRAME_EVENT);
	for (size_t i = 0; i <= ARRAY_LEN(in.blob); i++)
		frame_take_blob(&f, file_of("x"));
	carry(&f, true);
	frame_clear(&f);
	for (size_t i = 0; i < ARRAY_LEN(in.blob); i++)
		assert_true(str_eq(frame_blob(&in), STR("x")));
	assert_false(in.bad);
	assert_int_equal(frame_blob(&in).n, 0);
	assert_true(in.bad);
}

static void
a_datagram_that_is_too_long_is_no_frame(void **state)
{
	char *big = xcalloc(1, FRAME_MAX + 1);

	(void)state;
	assert_int_equal(send(sv[0], big, FRAME_MAX + 1, 0), FRAME_MAX + 1);
	assert_int_equal(frame_recv(sv[1], &in, &err), -1);
	assert_int_equal(err.class, ERR_PROTO);
	free(big);
}

static void
a_full_socket_takes_it_later(void **state)
{
	struct frame f;
	int sent = 0, got;

	(void)state;
	frame_init(&f, FRAME_EVENT);
	for (size_t i = 0; i < 1000; i++)
		frame_put_u64(&f, i);
	while ((got = frame_send(sv[0], &f, &err)) == 1)
		sent++;
	assert_int_equal(got, 0);
	assert_true(sent > 0);
	for (int i = 0; i < sent; i++)
		assert_int_equal(frame_recv(sv[1], &in, &err), 1);
	assert_int_equal(frame_recv(sv[1], &in, &err), 0);
	assert_int_equal(frame_send(sv[0], &f, &err), 1);
	frame_clear(&f);
}

static void
the_other_side_may_be_gone(void **state)
{
	struct frame f;

	(void)state;
	frame_init(&f, FRAME_EVENT);
	close(sv[1]);
	sv[1] = -1;
	assert_int_equal(frame_recv(sv[0], &in, &err), -1);
	assert_int_equal(err.class, ERR_CANCEL);
	err = (struct err){ 0 };
	assert_int_equal(frame_send(sv[0], &f, &err), -1);
	assert_int_equal(err.class, ERR_CANCEL);
	frame_clear(&f);
}

int
main(void)
{
#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(fields_come_in_the_order_in_which_they_were_put),
		T(blobs_have_any_length),
		T(what_does_not_fit_is_not_sent),
		T(as_many_riders_as_there_is_room_for),
		T(a_getter_never_reads_past_the_end),
		T(a_blob_is_a_file_or_none),
		T(a_file_that_is_too_long_is_no_blob),
		T(no_more_blobs_are_held_than_a_frame_has),
		T(a_datagram_that_is_too_long_is_no_frame),
		T(a_full_socket_takes_it_later),
		T(the_other_side_may_be_gone)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
