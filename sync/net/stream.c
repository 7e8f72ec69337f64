/*
 * stream.c — bytes to and from one peer.  Called by whoever speaks a protocol.
 *
 *	stream_put -> clear -> [deflate] -> out -> [TLS] -> wire
 *	stream_peek <- in <- [inflate <- raw] <- [TLS] <- wire
 *
 * Both ends are bounded: `in` by RECV_MAX, `out` by the caller, who watches
 * stream_pending().  Eaten bytes stay where they are until the next
 * stream_pull(), so what was parsed out of them may still be looked at.
 */
#include "net/stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/deflate.h"
#include "net/tap.h"
#include "net/tls.h"
#include "net/wire.h"

enum {
	RECV_MAX	= 256 * 1024,
	RECV_CHUNK	= 32 * 1024,
	KEEP_MAX	= 64 * 1024	/* a larger empty send buffer is freed */
};

struct stream {
	struct wire	 wire;
	struct tls	*tls;		/* NULL: in clear */
	struct deflate	*deflate;	/* NULL: not compressed */
	struct tap	 tap;
	struct stream_info info;

	struct buf	 in;
	size_t		 eaten;		/* of in */
	struct buf	 raw;		/* received, not inflated yet */
	size_t		 inflated;	/* of raw */
	bool		 more;		/* the last pull stopped for room */
	bool		 failed;
	struct err	 failure;	/* to be told when `in` was told */

	struct buf	 clear;		/* to be deflated, then to out */
	struct buf	 out;
	size_t		 sent;		/* of out */
	bool		 secret;	/* there is a secret in out or clear */
};

struct stream *
stream_new(int fd)
{
	struct stream *st = xcalloc(1, sizeof(*st));

	st->wire.fd = fd;
	buf_init(&st->in, RECV_MAX);
	buf_init(&st->raw, RECV_MAX + RECV_CHUNK);
	buf_init(&st->clear, SIZE_MAX);
	buf_init(&st->out, SIZE_MAX);
	return st;
}

static void
wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
}

void
stream_free(struct stream *st)
{
	if (st == NULL)
		return;
	tls_free(st->tls);
	close(st->wire.fd);
	deflate_free(st->deflate);
	tap_close(&st->tap);
	wipe(&st->clear);
	wipe(&st->out);
	buf_clear(&st->in);
	buf_clear(&st->raw);
	buf_clear(&st->clear);
	buf_clear(&st->out);
	free(st);
}

int
stream_tls(struct stream *st, const struct tls_conf *conf, const char *host,
    const char *alpn, usec deadline, struct err *err)
{
	must(st->tls == NULL && st->deflate == NULL);
	if (stream_peek(st).n > 0)
		return err_set(err, ERR_PROTO, "tls.injected",
		    "bytes in clear where the handshake should begin");
	if (stream_pending(st) > 0)
		return err_set(err, ERR_PROTO, "tls.injected",
		    "the server answered before it was asked for TLS");
	st->tls = tls_connect(&st->wire, conf, host, alpn, deadline, &st->info,
	    err);
	return st->tls != NULL ? 0 : -1;
}

const struct stream_info *
stream_info(const struct stream *st)
{
	return &st->info;
}

void
stream_tap(struct stream *st, const char *name)
{
	if (name != NULL)
		tap_open(&st->tap, name);
	else
		tap_close(&st->tap);
}

void
stream_hide(struct stream *st, const struct secret *secret)
{
	st->tap.hidden = secret;
}

struct stream_stats
stream_stats(const struct stream *st)
{
	const struct wire *w = &st->wire;

	return (struct stream_stats){ w->up, w->down, w->turns };
}

/* --- Receiving. --- */

struct str
stream_peek(const struct stream *st)
{
	return str_from(buf_str(&st->in), st->eaten);
}

void
stream_eat(struct stream *st, size_t n)
{
	must(n <= st->in.n - st->eaten);
	st->eaten += n;
}

/* Move the unread bytes to the front, if there are fewer of them than eaten
 * ones (so it costs no more than eating did), or if room is short. */
static void
compact(struct stream *st)
{
	size_t unread = st->in.n - st->eaten;

	if (st->eaten >= unread || st->in.max - st->in.n < RECV_CHUNK) {
		buf_drop(&st->in, st->eaten);
		st->eaten = 0;
	}
}

/* The end of ${b}, with at least a chunk of room unless the maximum is near. */
static uint8_t *
chunk_of(struct buf *b, size_t *room)
{
	size_t left = b->max - b->n;
	uint8_t *p = buf_room(b, left < RECV_CHUNK ? left : RECV_CHUNK);

	must(p != NULL);
	*room = b->cap - b->n < left ? b->cap - b->n : left;
	return p;
}

static ssize_t
recv_some(struct stream *st, void *p, size_t n, struct err *err)
{
	ssize_t got;

	if (st->tls != NULL)
		return tls_recv(st->tls, p, n, err);
	got = wire_recv(&st->wire, p, n);
	return got < 0 ? wire_err(&st->wire, err) : got;
}

static ssize_t
inflate_some(struct stream *st, void *p, size_t n, struct err *err)
{
	for (;;) {
		struct str raw = str_from(buf_str(&st->raw), st->inflated);
		size_t room, yield;
		uint8_t *chunk;
		ssize_t got;

		if (deflate_unpack(st->deflate, &raw, p, n, &yield, err) < 0)
			return -1;
		st->inflated = st->raw.n - raw.n;
		if (yield > 0)
			return (ssize_t)yield;
		buf_drop(&st->raw, st->inflated);
		st->inflated = 0;
		chunk = chunk_of(&st->raw, &room);
		got = recv_some(st, chunk, room, err);
		if (got <= 0)
			return (int)got;
		st->raw.n += (size_t)got;
	}
}

/* Until the peer has no more for now: what OpenSSL or zlib hold back would not
 * wake a wait on the socket.  0 or -1. */
static int
fill(struct stream *st, struct err *err)
{
	while (st->in.n < st->in.max) {
		size_t room;
		uint8_t *p = chunk_of(&st->in, &room);
		ssize_t got = st->deflate != NULL ?
		    inflate_some(st, p, room, err) : recv_some(st, p, room, err);

		if (got <= 0)
			return (int)got;
		tap_bytes(&st->tap, TAP_IN, p, (size_t)got);
		st->in.n += (size_t)got;
	}
	st->more = true;
	return 0;
}

int
stream_pull(struct stream *st, struct err *err)
{
	size_t before;

	compact(st);
	st->more = false;
	before = st->in.n;
	if (!st->failed && fill(st, &st->failure) < 0)
		st->failed = true;
	if (st->in.n > before)
		return 1;
	if (!st->failed)
		return 0;
	*err = st->failure;
	return -1;
}

/* --- Sending. --- */

/* Room for ${n} bytes; when it must be elsewhere, the old place is wiped if it
 * holds a secret, which realloc() would leave there. */
static void
reserve(struct stream *st, struct buf *b, size_t n)
{
	struct buf bigger;

	if (!st->secret || b->cap - b->n >= n)
		return;
	buf_init(&bigger, b->max);
	must(buf_room(&bigger, b->cap + n) != NULL);
	must(buf_add(&bigger, b->p, b->n) == 0);
	wipe(b);
	buf_clear(b);
	*b = bigger;
}

static void
queue(struct stream *st, const void *p, size_t n)
{
	struct buf *b = st->deflate != NULL ? &st->clear : &st->out;

	if (st->sent > 0 && st->sent >= st->out.n - st->sent) {
		buf_drop(&st->out, st->sent);
		st->sent = 0;
	}
	reserve(st, b, n);
	must(buf_add(b, p, n) == 0);
}

void
stream_put(struct stream *st, const void *p, size_t n)
{
	tap_bytes(&st->tap, TAP_OUT, p, n);
	queue(st, p, n);
}

void
stream_put_secret(struct stream *st, const void *p, size_t n)
{
	tap_secret(&st->tap, p, n);
	st->secret = true;
	queue(st, p, n);
}

size_t
stream_pending(const struct stream *st)
{
	return st->clear.n + st->out.n - st->sent;
}

static void
empty(struct buf *b, bool secret)
{
	if (secret)
		wipe(b);
	if (b->cap > KEEP_MAX)
		buf_clear(b);
	else
		buf_reset(b);
}

static ssize_t
send_some(struct stream *st, const void *p, size_t n, struct err *err)
{
	ssize_t put;

	if (st->tls != NULL)
		return tls_send(st->tls, p, n, err);
	put = wire_send(&st->wire, p, n);
	return put < 0 ? wire_err(&st->wire, err) : put;
}

int
stream_push(struct stream *st, struct err *err)
{
	if (st->clear.n > 0) {
		deflate_pack(st->deflate, buf_str(&st->clear), &st->out);
		empty(&st->clear, st->secret);
	}
	while (st->sent < st->out.n) {
		struct str rest = str_from(buf_str(&st->out), st->sent);
		ssize_t put = send_some(st, rest.p, rest.n, err);

		if (put <= 0)
			return (int)put;
		st->sent += (size_t)put;
	}
	empty(&st->out, st->secret);
	st->sent = 0;
	st->secret = false;
	return 1;
}

int
stream_deflate(struct stream *st, struct err *err)
{
	struct str rest = stream_peek(st);

	must(st->deflate == NULL);
	if (stream_pending(st) > 0)
		return err_set(err, ERR_PROTO, "net.deflate",
		    "the server answered before it was asked to compress");
	st->deflate = deflate_new();
	st->info.compressed = true;
	must(buf_add_str(&st->raw, rest) == 0);
	stream_eat(st, rest.n);
	tap_restart(&st->tap, TAP_IN);
	return 0;
}

/* --- Waiting. --- */

struct waiter
stream_waiter(const struct stream *st)
{
	struct waiter w = { .fd = st->wire.fd };
	bool receiving = stream_peek(st).n < st->in.max;
	bool sending = stream_pending(st) > 0;

	if (st->tls != NULL)
		w.want = tls_wants(st->tls, receiving, sending);
	else
		w.want = (receiving ? WAIT_READ : 0) |
		    (sending ? WAIT_WRITE : 0);
	/* There is something to pull although the socket may stay silent: have
	 * the wait end at once, by what a socket nearly always is. */
	if (receiving && (st->more || st->failed))
		w.want |= WAIT_WRITE;
	return w;
}

int
stream_await(struct stream *st, usec deadline, struct err *err)
{
	for (;;) {
		struct err lost;
		int sent = stream_push(st, &lost);
		int r = stream_pull(st, err);
		struct waiter w;

		if (r != 0)
			return r < 0 ? -1 : 0;
		if (sent < 0) {
			*err = lost;
			return -1;
		}
		w = stream_waiter(st);
		r = wait_any(&w, 1, deadline, err);
		if (r < 0)
			return -1;
		if (r == 0)
			return err_set(err, ERR_RETRY, "net.timeout",
			    "the server takes too long");
	}
}
