/*
 * ipc.c — messages between the parent and its workers.
 *
 * One receive buffer for the process: what ipc_recv() lends lives until the
 * next call, and a secret that went through it is wiped by then.
 */
#include "ipc.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ride.h"
#include "base/wait.h"

static uint8_t inbox[1 + IPC_MAX];
static size_t inbox_secret;	/* bytes of a secret that are in it */

union fd_space {
	struct cmsghdr	head;
	char		room[CMSG_SPACE(sizeof(int))];
};

int
ipc_send(int fd, enum ipc_type type, struct str payload, int fd_ride,
    usec deadline, struct err *err)
{
	uint8_t kind = (uint8_t)type;
	struct iovec iov[2] = {
		{ .iov_base = &kind, .iov_len = 1 },
		{ .iov_base = (void *)(uintptr_t)payload.p, .iov_len = payload.n }
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	union fd_space space;

	if (payload.n > IPC_MAX)
		return err_set(err, ERR_LOCAL, "internal.ipc",
		    "a message of %zu bytes is too long", payload.n);
	if (fd_ride >= 0)
		ride_put(&msg, space.room, &fd_ride, 1);
	for (;;) {
		struct waiter w = { .fd = fd, .want = WAIT_WRITE };
		int r;

		if (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return err_sys(err, ERR_CANCEL, "internal.ipc",
			    "the other process is gone");
		r = wait_any(&w, 1, deadline, err);
		if (r < 0)
			return -1;
		if (r == 0)
			return err_set(err, ERR_RETRY, "internal.ipc",
			    "the other process does not read its messages");
	}
}

int
ipc_send_file(int fd, enum ipc_type type, struct str text, usec deadline,
    struct err *err)
{
	int file = memfd_create("syncd", MFD_CLOEXEC), r = -1;
	struct str rest = text;
	ssize_t n = 1;

	while (file >= 0 && rest.n > 0 && (n = write(file, rest.p, rest.n)) > 0)
		rest = str_from(rest, (size_t)n);
	if (file < 0 || n <= 0)
		err_sys(err, ERR_LOCAL, "internal.ipc", "memfd");
	else
		r = ipc_send(fd, type, STR_NONE, file, deadline, err);
	if (file >= 0)
		close(file);
	return r;
}

int
ipc_read_file(int ride, struct buf *out, struct err *err)
{
	ssize_t n = 0;
	uint8_t *room;

	buf_init(out, IPC_FILE_MAX);
	while ((room = buf_room(out, 65536)) != NULL &&
	    (n = pread(ride, room, 65536, (off_t)out->n)) > 0)
		out->n += (size_t)n;
	return room != NULL && n == 0 ? 0 : err_set(err, ERR_PROTO,
	    "internal.ipc", "the other process sent what is no message");
}

int
ipc_recv(int fd, enum ipc_type *type, struct str *payload, int *fd_ride,
    struct err *err)
{
	struct iovec iov = { .iov_base = inbox, .iov_len = sizeof(inbox) };
	union fd_space space;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = space.room, .msg_controllen = sizeof(space.room)
	};
	ssize_t n;
	int ride = -1;

	explicit_bzero(inbox, inbox_secret);
	inbox_secret = 0;
	do
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		return err_sys(err, ERR_CANCEL, "internal.ipc",
		    "the other process is gone");
	if (n == 0)
		return err_set(err, ERR_CANCEL, "internal.ipc",
		    "the other process is gone");
	(void)ride_take(&msg, &ride, 1);
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    inbox[0] < IPC_CONF || inbox[0] > IPC_WAKE) {
		if (ride >= 0)
			close(ride);
		return err_set(err, ERR_PROTO, "internal.ipc",
		    "the other process sent what is no message");
	}
	inbox_secret = inbox[0] == IPC_SECRET ? (size_t)n : 0;
	*type = inbox[0];
	*payload = (struct str){ (const char *)inbox + 1, (size_t)n - 1 };
	*fd_ride = ride;
	return 1;
}
