/*
 * dial.h — a TCP connection to a named host.  Names are looked up on the
 * program's one thread (getaddrinfo cannot be given a deadline); addresses are
 * then tried with happy eyeballs (RFC 8305).
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdint.h>

#include "base/err.h"
#include "base/types.h"

/* A connected, non-blocking, close-on-exec socket, which is the caller's, with
 * keep-alive and TCP_USER_TIMEOUT set and Nagle off; -1 with ERR_RETRY
 * (net.dns, net.refused, net.timeout, net.offline) or ERR_CANCEL. */
int	dial(const char *host, uint16_t port, usec deadline, struct err *err);

#endif
