/*
 * stream.h — bytes to and from one peer: plain, TLS, deflated, under one face.
 * Reading and writing never wait; the handshake and stream_await() do, and take
 * a deadline.
 * A tap writes a redacted transcript.  zlib lives in net/deflate.c, OpenSSL's
 * TLS in net/tls.c, the transcript in net/tap.c, behind this header.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/types.h"
#include "base/wait.h"

struct stream;

enum tls_verify {
	TLS_VERIFY,		/* chain and host name; the default */
	TLS_VERIFY_PIN_ONLY,	/* the pin alone decides */
	TLS_VERIFY_OFF		/* the user spelled `no-i-accept-mitm` */
};

struct tls_conf {
	const char	*ca_file;	/* NULL: the system's trust store */
	int		 min_version;	/* 12 or 13: TLS 1.2, TLS 1.3 */
	enum tls_verify	 verify;
	char *const	*pins;		/* "sha256/BASE64" of the SPKI; any match
					 * is accepted; adds to verification */
	size_t		 n_pins;
	const char	*client_cert, *client_key;	/* PEM files, or NULL */
};

/* How the peer was reached, for `status` and for SCRAM channel binding. */
struct stream_info {
	const char	*tls_version;	/* "TLSv1.3", or NULL in clear */
	const char	*cipher;
	/* RFC 9266: "tls-exporter" (TLS 1.3) or "tls-server-end-point". */
	const char	*cb_type;
	unsigned char	 cb[64];
	size_t		 n_cb;
	bool		 compressed;
};

/* Takes ${fd}: a connected stream socket of any family. */
struct stream	*stream_new(int fd);
/* Closes at once; sends close_notify if that does not wait.  NULL is fine. */
void		 stream_free(struct stream *st);

/* Handshake as a client, verify ${host} (SAN, SNI) and offer ALPN ${alpn}
 * ("imap", "pop3").  Bytes already received in clear are an injection and fail
 * it (RFC 3207's lesson): ERR_PROTO tls.injected.  ERR_CONFIG with
 * tls.untrusted, tls.name-mismatch, tls.expired, tls.too-old, tls.pin-mismatch,
 * tls.ca-file, tls.client-cert; ERR_RETRY with tls.handshake or net.* for what
 * may pass; the texts leave it to the caller to name the host.  After a failure the
 * stream is only good for stream_free(). */
int	stream_tls(struct stream *st, const struct tls_conf *conf,
	    const char *host, const char *alpn, usec deadline, struct err *err);
/* From now on both directions are raw deflate (RFC 4978); bytes that were
 * received but not eaten yet are deflated already.  Inflating is bounded.
 * Everything put before must have been sent, else ERR_PROTO net.deflate. */
int	stream_deflate(struct stream *st, struct err *err);
const struct stream_info *stream_info(const struct stream *st);

/* Take in what has arrived, at most 256 KiB unread.  1: there is more than
 * before; 0: nothing now (or no room); -1: ERR_RETRY net.closed at the end,
 * net.reset, net.timeout, ERR_PROTO net.deflate.  A failure comes after all
 * bytes that came before it, and stays.  Pull until 0 before waiting. */
int	stream_pull(struct stream *st, struct err *err);
/* The bytes received and not eaten, borrowed until the next stream_pull():
 * eating them leaves them where they are. */
struct str stream_peek(const struct stream *st);
void	stream_eat(struct stream *st, size_t n);

/* Queue bytes for the peer; never waits, never fails.  Keep an eye on
 * stream_pending() and stop at 256 KiB. */
void	stream_put(struct stream *st, const void *p, size_t n);
/* The same, shown as <secret> in the transcript. */
void	stream_put_secret(struct stream *st, const void *p, size_t n);
/* Send what the socket takes.  1: all sent, 0: some left, -1: ERR_RETRY; what the
 * peer said before it went may still be there to pull. */
int	stream_push(struct stream *st, struct err *err);
size_t	stream_pending(const struct stream *st);

/* What to wait for: reading while there is room, writing while bytes are pending
 * (and what TLS asks for). */
struct waiter stream_waiter(const struct stream *st);

/* Copy lines to the log at trace level, each with ${name} before it; literals
 * as "<n bytes>".  Off with NULL. */
void	stream_tap(struct stream *st, const char *name);
/* No line that repeats ${secret} is shown there, by whomever, until NULL is given;
 * borrowed as long. */
void	stream_hide(struct stream *st, const struct secret *secret);

/* Wait for more bytes to read, sending what there is to send: for a protocol's
 * bring-up, which goes in a straight line.  ERR_RETRY net.timeout. */
int	stream_await(struct stream *st, usec deadline, struct err *err);

/* Counters since stream_new(): bytes on the wire, and turns (a send that is the
 * first or follows a receive: one flight). */
struct stream_stats {
	uint64_t	up, down, turns;
};
struct stream_stats stream_stats(const struct stream *st);

#endif
