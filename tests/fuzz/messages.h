/*
 * messages.h — an input that is messages between parent and worker: a type, a u16
 * length (high byte first) and bytes, one after the other.
 */
#ifndef FUZZ_MESSAGES_H
#define FUZZ_MESSAGES_H

#include <sys/socket.h>

#include "fuzz.h"
#include "ipc.h"

static inline bool
next_message(struct str *in, uint8_t *type, struct str *payload)
{
	size_t n;

	if (in->n < 3)
		return false;
	*type = fuzz_byte(in);
	n = fuzz_byte(in);
	n = n << 8 | fuzz_byte(in);
	*payload = str_head(*in, n);
	*in = str_from(*in, payload->n);
	return true;
}

static inline void
send_raw(int fd, uint8_t type, struct str payload)
{
	struct iovec iov[2] = { { &type, 1 },
	    { (void *)(uintptr_t)payload.p, payload.n } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	(void)!sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

#endif
