/*
 * tls.h — TLS as a client over one wire.  Private to stream.c; what the caller
 * chooses and learns is in net/stream.h.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/types.h"
#include "net/stream.h"
#include "net/wire.h"

struct tls;

/* Handshake and verify; fills the TLS part of ${info}.  ${w} is borrowed until
 * tls_free().  Errors: see stream_tls(). */
struct tls	*tls_connect(struct wire *w, const struct tls_conf *conf,
		    const char *host, const char *alpn, usec deadline,
		    struct stream_info *info, struct err *err);
/* Says goodbye if that does not wait; NULL is fine. */
void		 tls_free(struct tls *tls);

/* How many bytes passed; 0: nothing now, wait for tls_wants(); -1. */
ssize_t		 tls_recv(struct tls *tls, void *p, size_t n, struct err *err);
ssize_t		 tls_send(struct tls *tls, const void *p, size_t n,
		    struct err *err);
/* What to wait for (enum wait_for) in order to receive, to send, or both. */
unsigned	 tls_wants(const struct tls *tls, bool receiving, bool sending);

#endif
