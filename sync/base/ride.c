/* ride.c — descriptors that ride on a message of a Unix socket. */
#include "base/ride.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
ride_put(struct msghdr *msg, void *room, const int *fd, size_t n)
{
	struct cmsghdr *c;

	msg->msg_control = room;
	msg->msg_controllen = CMSG_SPACE(n * sizeof(int));
	memset(room, 0, msg->msg_controllen);
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fd, n * sizeof(int));
}

size_t
ride_take(struct msghdr *msg, int *fd, size_t most)
{
	size_t taken = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	    c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int one;

			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (taken < most)
				fd[taken++] = one;
			else
				close(one);
		}
	}
	return taken;
}
