/* test_stream.c — streams in clear and deflated, over a socket pair. */
#include "net/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

enum { UNREAD_MAX = 256 * 1024 };

struct pair {
	struct stream	*st;
	int		 peer;
};

static struct pair
pair_new(void)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	return (struct pair){ stream_new(fd[0]), fd[1] };
}

static void
pair_free(struct pair *pair)
{
	stream_free(pair->st);
	if (pair->peer >= 0)
		close(pair->peer);
}

static void
peer_sends(struct pair *pair, const void *p, size_t n)
{
	assert_int_equal(send(pair->peer, p, n, 0), n);
}

static void
peer_closes(struct pair *pair)
{
	close(pair->peer);
	pair->peer = -1;
}

static void
assert_unread(struct pair *pair, const char *want)
{
	struct str s = stream_peek(pair->st);

	assert_int_equal(s.n, strlen(want));
	assert_memory_equal(s.p, want, s.n);
}

static void
bytes_are_eaten_in_portions(void **state)
{
	struct pair pair = pair_new();
	struct err err;
	struct str first;

	(void)state;
	assert_int_equal(stream_pull(pair.st, &err), 0);
	peer_sends(&pair, "* OK ready\r\n* BYE", 17);
	assert_int_equal(stream_pull(pair.st, &err), 1);
	first = stream_peek(pair.st);
	stream_eat(pair.st, 12);
	assert_unread(&pair, "* BYE");
	/* Eaten, but still there to be looked at. */
	assert_memory_equal(first.p, "* OK ready\r\n", 12);
	assert_int_equal(stream_pull(pair.st, &err), 0);
	peer_sends(&pair, " now\r\n", 6);
	assert_int_equal(stream_pull(pair.st, &err), 1);
	assert_unread(&pair, "* BYE now\r\n");
	stream_eat(pair.st, 11);
	assert_unread(&pair, "");
	pair_free(&pair);
}

static void
the_end_comes_after_all_bytes_and_stays(void **state)
{
	struct pair pair = pair_new();
	struct err err = { 0 };

	(void)state;
	peer_sends(&pair, "* BYE\r\n", 7);
	peer_closes(&pair);
	assert_int_equal(stream_pull(pair.st, &err), 1);
	assert_unread(&pair, "* BYE\r\n");
	for (int i = 0; i < 2; i++) {
		err = (struct err){ 0 };
		assert_int_equal(stream_pull(pair.st, &err), -1);
		assert_int_equal(err.class, ERR_RETRY);
		assert_string_equal(err.code, "net.closed");
	}
	pair_free(&pair);
}

static unsigned
ready_now(struct stream *st)
{
	struct waiter w = stream_waiter(st);
	struct err err;

	assert_true(wait_any(&w, 1, 0, &err) >= 0);
	return w.got;
}

/* The peer's end never waits here: as much as the socket takes. */
static size_t
peer_floods(struct pair *pair, size_t n)
{
	static char junk[4096];
	size_t sent = 0;

	while (sent < n) {
		size_t chunk = n - sent < sizeof(junk) ? n - sent : sizeof(junk);
		ssize_t put = send(pair->peer, junk, chunk, MSG_DONTWAIT);

		if (put < 0)
			break;
		sent += (size_t)put;
	}
	return sent;
}

static void
unread_bytes_are_bounded(void **state)
{
	struct pair pair = pair_new();
	size_t sent = 0, eaten = 0, most = 0;
	struct err err;

	(void)state;
	for (int i = 0; i < 50; i++) {
		size_t unread;

		sent += peer_floods(&pair, 100000);
		assert_true(stream_pull(pair.st, &err) >= 0);
		unread = stream_peek(pair.st).n;
		assert_true(unread <= UNREAD_MAX);
		most = unread > most ? unread : most;
		if (unread == UNREAD_MAX) {
			/* No room, so no wish to read: a wait must not spin. */
			assert_int_equal(stream_pull(pair.st, &err), 0);
			assert_int_equal(ready_now(pair.st), 0);
			eaten += 70000;
			stream_eat(pair.st, 70000);
			assert_true(ready_now(pair.st) != 0);
		}
	}
	assert_int_equal(most, UNREAD_MAX);
	while (eaten < sent) {
		eaten += stream_peek(pair.st).n;
		stream_eat(pair.st, stream_peek(pair.st).n);
		if (eaten < sent)
			assert_int_equal(stream_pull(pair.st, &err), 1);
	}
	assert_int_equal(eaten, sent);
	pair_free(&pair);
}

/* Read what has come to the peer, and check that it counts on from *${at}. */
static void
peer_checks(struct pair *pair, size_t *at)
{
	unsigned char got[8192];
	ssize_t n = recv(pair->peer, got, sizeof(got), MSG_DONTWAIT);

	for (ssize_t i = 0; i < n; i++, ++*at)
		if (got[i] != (unsigned char)(*at % 251))
			fail_msg("byte %zu is wrong", *at);
}

static void
a_slow_peer_gets_every_byte_in_order(void **state)
{
	struct pair pair = pair_new();
	size_t put = 0, got = 0, total = 2000000;
	unsigned char chunk[7001];
	struct err err;
	bool waited = false;

	(void)state;
	while (got < total) {
		int r;

		while (put < total && stream_pending(pair.st) < UNREAD_MAX) {
			size_t n = total - put < 7001 ? total - put : 7001;

			for (size_t i = 0; i < n; i++)
				chunk[i] = (unsigned char)((put + i) % 251);
			/* Secrets move to a new place when it gets narrow. */
			if (put % 3 == 0)
				stream_put_secret(pair.st, chunk, n);
			else
				stream_put(pair.st, chunk, n);
			put += n;
		}
		r = stream_push(pair.st, &err);
		assert_int_equal(r, stream_pending(pair.st) == 0);
		assert_int_equal(stream_waiter(pair.st).want,
		    r ? WAIT_READ : WAIT_READ | WAIT_WRITE);
		waited |= r == 0;
		peer_checks(&pair, &got);
	}
	assert_true(waited);
	assert_int_equal(stream_stats(pair.st).up, total);
	pair_free(&pair);
}

static void
a_dead_peer_is_an_error_and_no_signal(void **state)
{
	struct pair pair = pair_new();
	struct err err = { 0 };

	(void)state;
	peer_sends(&pair, "* BYE\r\n", 7);
	peer_closes(&pair);
	stream_put(pair.st, "a NOOP\r\n", 8);
	assert_int_equal(stream_push(pair.st, &err), -1);
	assert_int_equal(err.class, ERR_RETRY);
	assert_string_equal(err.code, "net.closed");
	/* Its last words are not lost. */
	assert_int_equal(stream_pull(pair.st, &err), 1);
	assert_unread(&pair, "* BYE\r\n");
	pair_free(&pair);
}

static void
a_turn_is_a_flight(void **state)
{
	struct pair pair = pair_new();
	struct err err;

	(void)state;
	for (int flight = 0; flight < 3; flight++) {
		peer_sends(&pair, "* OK\r\n", 6);
		assert_int_equal(stream_pull(pair.st, &err), 1);
		for (int command = 0; command < 4; command++) {
			stream_put(pair.st, "a NOOP\r\n", 8);
			assert_int_equal(stream_push(pair.st, &err), 1);
		}
	}
	assert_int_equal(stream_stats(pair.st).turns, 3);
	assert_int_equal(stream_stats(pair.st).up, 96);
	assert_int_equal(stream_stats(pair.st).down, 18);
	pair_free(&pair);
}

/* --- The transcript. --- */

static void
put_z(struct pair *pair, const char *z)
{
	stream_put(pair->st, z, strlen(z));
}

static void
receive(struct pair *pair, const char *p, size_t n)
{
	struct err err;

	for (size_t i = 0; i < n; i++) {
		peer_sends(pair, p + i, 1);
		assert_int_equal(stream_pull(pair->st, &err), 1);
	}
}

/* The lines of the log without time and level. */
static void
transcript(int fd, char *out, size_t cap)
{
	char all[8192];
	ssize_t n = pread(fd, all, sizeof(all) - 1, 0);

	assert_true(n >= 0);
	all[n] = '\0';
	out[0] = '\0';
	for (char *line = strtok(all, "\n"); line; line = strtok(NULL, "\n")) {
		char *text = strstr(line, "trace: ");

		assert_non_null(text);
		snprintf(out + strlen(out), cap - strlen(out), "%s\n", text + 7);
	}
}

static void
the_transcript_hides_what_it_must(void **state)
{
	struct pair pair = pair_new();
	static const char fetch[] =
	    "* 1 FETCH (BODY[] ~{6}\r\nmy\r\nmy FLAGS ())\r\n";
	static const char escape[] = "* OK {x} \033[2J \0!\r\n";
	char got[4096], longest[1000];
	int fd = memfd_create("log", 0);

	(void)state;
	assert_true(fd >= 0);
	log_to(fd, LOG_LV_TRACE);
	stream_tap(pair.st, "work");
	put_z(&pair, "a LOGIN ann ");
	stream_put_secret(pair.st, "hunter2", 7);
	put_z(&pair, "\r\n");
	stream_put_secret(pair.st, "aHVudGVyMg==\r\n", 14);
	put_z(&pair, "b LOGIN {3}\r\nann {7+}\r\n");
	stream_put_secret(pair.st, "hunter2", 7);
	put_z(&pair, "\r\n");
	put_z(&pair, "c APPEND x {11+}\r\nDear\r\nBob{5} {0}\r\n\r\n");
	receive(&pair, fetch, sizeof(fetch) - 1);
	receive(&pair, escape, sizeof(escape) - 1);
	memset(longest, 'l', sizeof(longest));
	stream_put(pair.st, longest, sizeof(longest));
	put_z(&pair, "{4}\r\nsafe\r\n");
	stream_tap(pair.st, NULL);
	put_z(&pair, "unseen\r\n");
	log_to(STDERR_FILENO, LOG_LV_NOTICE);
	longest[600] = '\0';
	transcript(fd, got, sizeof(got));
	close(fd);
	pair_free(&pair);
	static const char want[] =
	    "work C: a LOGIN ann <secret>\n"
	    "work C: <secret>\n"
	    "work C: b LOGIN {3}\n"
	    "work C: <3 bytes> {7+}\n"
	    "work C: <7 bytes>\n"
	    "work C: c APPEND x {11+}\n"
	    "work C: <11 bytes>} {0}\n"
	    "work C: \n"
	    "work S: * 1 FETCH (BODY[] ~{6}\n"
	    "work S: <6 bytes> FLAGS ())\n"
	    "work S: * OK {x} ?[2J ?!\n"
	    "work C: ";
	assert_memory_equal(got, want, sizeof(want) - 1);
	assert_memory_equal(got + sizeof(want) - 1, longest, 600);
	assert_string_equal(got + sizeof(want) - 1 + 600,
	    "... (403 more)\nwork C: <4 bytes>\n");
}

/* --- Deflate. --- */

struct zpeer {
	z_stream	up, down;
};

static void
zpeer_init(struct zpeer *z)
{
	memset(z, 0, sizeof(*z));
	assert_int_equal(deflateInit2(&z->up, 9, Z_DEFLATED, -15, 9,
	    Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(inflateInit2(&z->down, -15), Z_OK);
}

static void
zpeer_clear(struct zpeer *z)
{
	deflateEnd(&z->up);
	inflateEnd(&z->down);
}

static size_t
zpeer_pack(struct zpeer *z, const void *p, size_t n, int flush, void *out,
    size_t cap)
{
	z->up.next_in = (Bytef *)(uintptr_t)p;
	z->up.avail_in = (uInt)n;
	z->up.next_out = out;
	z->up.avail_out = (uInt)cap;
	assert_true(deflate(&z->up, flush) >= 0);
	assert_int_equal(z->up.avail_in, 0);
	return cap - z->up.avail_out;
}

/* Text that deflates, but not to nothing. */
static void
fill_text(char *p, size_t n)
{
	unsigned x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1103515245U + 12345U;
		p[i] = (char)('a' + (x >> 16) % 7);
	}
}

static void
deflate_round_trip_in_any_portions(void **state)
{
	static const size_t portions[] = { 1, 7, 1000, 40000 };
	enum { TOTAL = 60000 };
	static char text[TOTAL], packed[2 * TOTAL], got[TOTAL];

	(void)state;
	fill_text(text, TOTAL);
	for (size_t i = 0; i < 4; i++) {
		struct pair pair = pair_new();
		struct zpeer z;
		struct err err;
		size_t n, n_got = 0;

		zpeer_init(&z);
		assert_int_equal(stream_deflate(pair.st, &err), 0);
		assert_true(stream_info(pair.st)->compressed);
		/* In. */
		n = zpeer_pack(&z, text, TOTAL, Z_SYNC_FLUSH, packed, sizeof(packed));
		for (size_t at = 0; at < n; at += portions[i]) {
			peer_sends(&pair, packed + at,
			    n - at < portions[i] ? n - at : portions[i]);
			assert_true(stream_pull(pair.st, &err) >= 0);
		}
		assert_int_equal(stream_peek(pair.st).n, TOTAL);
		assert_memory_equal(stream_peek(pair.st).p, text, TOTAL);
		/* Out: each push can be read by the peer to its last byte. */
		for (size_t at = 0; at < TOTAL; at += portions[i]) {
			size_t chunk = TOTAL - at < portions[i] ?
			    TOTAL - at : portions[i];
			ssize_t r;

			stream_put(pair.st, text + at, chunk);
			assert_int_equal(stream_pending(pair.st), chunk);
			assert_int_equal(stream_push(pair.st, &err), 1);
			r = recv(pair.peer, packed, sizeof(packed), 0);
			assert_true(r > 0);
			z.down.next_in = (Bytef *)packed;
			z.down.avail_in = (uInt)r;
			z.down.next_out = (Bytef *)got + n_got;
			z.down.avail_out = (uInt)(TOTAL - n_got);
			assert_int_equal(inflate(&z.down, Z_SYNC_FLUSH), Z_OK);
			n_got = TOTAL - z.down.avail_out;
			assert_int_equal(n_got, at + chunk);
		}
		assert_memory_equal(got, text, TOTAL);
		zpeer_clear(&z);
		pair_free(&pair);
	}
}

/* The tagged OK and the first deflated bytes come in one portion. */
static void
unread_bytes_are_deflated_already(void **state)
{
	struct pair pair = pair_new();
	char bytes[100] = "a OK\r\n";
	struct zpeer z;
	struct err err;
	size_t n;

	(void)state;
	zpeer_init(&z);
	n = zpeer_pack(&z, "* BYE\r\n", 7, Z_SYNC_FLUSH, bytes + 6, 94);
	peer_sends(&pair, bytes, 6 + n);
	assert_int_equal(stream_pull(pair.st, &err), 1);
	stream_eat(pair.st, 6);
	assert_int_equal(stream_deflate(pair.st, &err), 0);
	assert_unread(&pair, "");
	assert_int_equal(stream_pull(pair.st, &err), 1);
	assert_unread(&pair, "* BYE\r\n");
	zpeer_clear(&z);
	pair_free(&pair);
}

static void
deflate_waits_until_all_in_clear_is_sent(void **state)
{
	struct pair pair = pair_new();
	struct err err = { 0 };

	(void)state;
	put_z(&pair, "a COMPRESS DEFLATE\r\n");
	assert_int_equal(stream_deflate(pair.st, &err), -1);
	assert_int_equal(err.class, ERR_PROTO);
	assert_string_equal(err.code, "net.deflate");
	pair_free(&pair);
}

static void
a_zip_bomb_is_taken_in_small_portions(void **state)
{
	enum { TOTAL = 64 << 20 };
	static char packed[200000];
	struct pair pair = pair_new();
	char *zeros = calloc(1, TOTAL);
	struct zpeer z;
	struct err err;
	size_t n, got = 0, pulls = 0;

	(void)state;
	zpeer_init(&z);
	assert_non_null(zeros);
	n = zpeer_pack(&z, zeros, TOTAL, Z_SYNC_FLUSH, packed, sizeof(packed));
	assert_true(n < TOTAL / 500);
	assert_int_equal(stream_deflate(pair.st, &err), 0);
	peer_sends(&pair, packed, n);
	while (got < TOTAL) {
		/* What zlib holds back wakes the wait, too. */
		assert_true(ready_now(pair.st) != 0);
		assert_int_equal(stream_pull(pair.st, &err), 1);
		assert_true(stream_peek(pair.st).n <= UNREAD_MAX);
		got += stream_peek(pair.st).n;
		stream_eat(pair.st, stream_peek(pair.st).n);
		pulls++;
	}
	assert_true(pulls >= TOTAL / UNREAD_MAX);
	assert_int_equal(got, TOTAL);
	assert_int_equal(stream_pull(pair.st, &err), 0);
	free(zeros);
	zpeer_clear(&z);
	pair_free(&pair);
}

static void
blocks_without_content_end_the_stream(void **state)
{
	static const char block[] = "\x00\x00\x00\xff\xff";
	static char blocks[5 * 2000];
	struct pair pair = pair_new();
	struct err err = { 0 };
	int r = 0, n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(blocks); i++)
		blocks[i] = block[i % 5];
	assert_int_equal(stream_deflate(pair.st, &err), 0);
	/* A few are what a flush with nothing to say looks like. */
	for (; r == 0; n++) {
		assert_true(n < 20);
		peer_sends(&pair, blocks, sizeof(blocks));
		r = stream_pull(pair.st, &err);
	}
	assert_true(n > 5);
	assert_int_equal(r, -1);
	assert_int_equal(err.class, ERR_PROTO);
	assert_string_equal(err.code, "net.deflate");
	pair_free(&pair);
}

static void
damage_and_end_are_told_apart(void **state)
{
	static const struct {
		const char	*bytes;
		size_t		 n;
		enum err_class	 class;
		const char	*code;
	} cases[] = {
		{ "\x07 no such block", 15, ERR_PROTO, "net.deflate" },
		{ "* OK this is clear\r\n", 20, ERR_PROTO, "net.deflate" },
		{ "\x03\x00", 2, ERR_RETRY, "net.closed" }	/* last block */
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct pair pair = pair_new();
		struct err err = { 0 };

		assert_int_equal(stream_deflate(pair.st, &err), 0);
		peer_sends(&pair, cases[i].bytes, cases[i].n);
		assert_int_equal(stream_pull(pair.st, &err), -1);
		assert_int_equal(err.class, cases[i].class);
		assert_string_equal(err.code, cases[i].code);
		pair_free(&pair);
	}
}

/* The socket stays open and silent: nothing but us knows of the end. */
static void
an_end_already_seen_wakes_the_wait(void **state)
{
	struct pair pair = pair_new();
	struct err err = { 0 };
	char packed[64];
	struct zpeer z;
	size_t n;

	(void)state;
	zpeer_init(&z);
	n = zpeer_pack(&z, "* BYE\r\n", 7, Z_FINISH, packed, sizeof(packed));
	assert_int_equal(stream_deflate(pair.st, &err), 0);
	peer_sends(&pair, packed, n);
	assert_int_equal(stream_pull(pair.st, &err), 1);
	assert_unread(&pair, "* BYE\r\n");
	assert_true(ready_now(pair.st) != 0);
	assert_int_equal(stream_pull(pair.st, &err), -1);
	assert_string_equal(err.code, "net.closed");
	zpeer_clear(&z);
	pair_free(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_eaten_in_portions),
		cmocka_unit_test(the_end_comes_after_all_bytes_and_stays),
		cmocka_unit_test(unread_bytes_are_bounded),
		cmocka_unit_test(a_slow_peer_gets_every_byte_in_order),
		cmocka_unit_test(a_dead_peer_is_an_error_and_no_signal),
		cmocka_unit_test(a_turn_is_a_flight),
		cmocka_unit_test(the_transcript_hides_what_it_must),
		cmocka_unit_test(deflate_round_trip_in_any_portions),
		cmocka_unit_test(unread_bytes_are_deflated_already),
		cmocka_unit_test(deflate_waits_until_all_in_clear_is_sent),
		cmocka_unit_test(a_zip_bomb_is_taken_in_small_portions),
		cmocka_unit_test(blocks_without_content_end_the_stream),
		cmocka_unit_test(an_end_already_seen_wakes_the_wait),
		cmocka_unit_test(damage_and_end_are_told_apart)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
