/*
 * wire.c — the socket itself.  MSG_NOSIGNAL instead of ignoring SIGPIPE: a
 * library has no business with the process's signals, and OpenSSL's own socket
 * BIO, which would raise it, is not used (net/tls.c).
 */
#include "net/wire.h"

#include <errno.h>
#include <sys/socket.h>

static ssize_t
failed(struct wire *w)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	w->errnum = errno;
	return -1;
}

ssize_t
wire_recv(struct wire *w, void *p, size_t n)
{
	ssize_t got;

	if (w->eof)
		return -1;
	do
		got = recv(w->fd, p, n, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return failed(w);
	if (got == 0) {
		w->eof = true;
		return -1;
	}
	w->down += (uint64_t)got;
	w->sending = false;
	return got;
}

ssize_t
wire_send(struct wire *w, const void *p, size_t n)
{
	ssize_t put;

	do
		put = send(w->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return failed(w);
	w->up += (uint64_t)put;
	if (put > 0 && !w->sending) {
		w->sending = true;
		w->turns++;
	}
	return put;
}

bool
wire_broken(const struct wire *w)
{
	return w->eof || w->errnum != 0;
}

int
wire_err(const struct wire *w, struct err *err)
{
	errno = w->errnum;
	switch (w->errnum) {
	case 0:
	case EPIPE:
		return err_set(err, ERR_RETRY, "net.closed",
		    "the peer closed the connection");
	case ETIMEDOUT:
		return err_sys(err, ERR_RETRY, "net.timeout",
		    "the connection is dead");
	default:
		return err_sys(err, ERR_RETRY, "net.reset",
		    "the connection broke");
	}
}
