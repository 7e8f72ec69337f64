/*
 * wire.h — the socket itself: bytes in and out without waiting, counted.
 * Private to stream.c and tls.c, which both end here.
 */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct wire {
	int		fd;
	bool		sending;	/* the last bytes to pass went out */
	bool		eof;		/* the peer has closed its side */
	int		errnum;		/* what recv or send failed with, or 0 */
	uint64_t	up, down, turns;
};

/* How many bytes passed; 0: nothing now; -1: eof or errnum is set. */
ssize_t	wire_recv(struct wire *w, void *p, size_t n);
ssize_t	wire_send(struct wire *w, const void *p, size_t n);
/* Has one of the two failed? */
bool	wire_broken(const struct wire *w);
/* The failure as ERR_RETRY: net.closed, net.timeout, net.reset; -1. */
int	wire_err(const struct wire *w, struct err *err);

#endif
