/* frame.c — frames as bytes, and through the socket. */
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/ride.h"

void
frame_init(struct frame *f, enum frame_type type)
{
	*f = (struct frame){ 0 };
	buf_init(&f->b, FRAME_MAX);
	frame_put_u8(f, type);
}

static void
close_owned(struct frame *f)
{
	for (size_t i = 0; i < f->n_fds; i++) {
		if (f->owned[i])
			close(f->fd[i]);
	}
	f->n_fds = 0;
}

void
frame_clear(struct frame *f)
{
	close_owned(f);
	buf_clear(&f->b);
}

static void
put(struct frame *f, const void *p, size_t n)
{
	if (buf_add(&f->b, p, n) < 0)
		f->bad = true;
}

static void
put_number(struct frame *f, uint64_t v, size_t n)
{
	uint8_t le[8];

	for (size_t i = 0; i < n; i++)
		le[i] = (uint8_t)(v >> 8 * i);
	put(f, le, n);
}

void
frame_put_u8(struct frame *f, unsigned v)
{
	put_number(f, v, 1);
}

void
frame_put_u32(struct frame *f, uint32_t v)
{
	put_number(f, v, 4);
}

void
frame_put_u64(struct frame *f, uint64_t v)
{
	put_number(f, v, 8);
}

void
frame_put_str(struct frame *f, struct str s)
{
	if (s.n > FRAME_MAX) {
		f->bad = true;
		return;
	}
	frame_put_u32(f, (uint32_t)s.n);
	put(f, s.p, s.n);
}

static void
ride(struct frame *f, int fd, unsigned owned)
{
	if (f->n_fds == FRAME_FDS) {
		f->bad = true;
		if (owned)
			close(fd);
		return;
	}
	f->fd[f->n_fds] = fd;
	f->owned[f->n_fds++] = owned;
}

void
frame_take_ride(struct frame *f, int fd)
{
	ride(f, fd, 1);
}

static int
write_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		s = str_from(s, (size_t)n);
	}
	return 0;
}

/* A byte says which: 0 bytes inline, 1 a descriptor. */
void
frame_put_blob(struct frame *f, struct str s)
{
	int fd;

	if (s.n <= FRAME_INLINE) {
		frame_put_u8(f, 0);
		frame_put_str(f, s);
		return;
	}
	fd = s.n <= FRAME_BLOB_MAX ? memfd_create("blob", MFD_CLOEXEC) : -1;
	if (fd < 0 || write_all(fd, s) < 0) {
		f->bad = true;
		if (fd >= 0)
			close(fd);
		return;
	}
	frame_put_u8(f, 1);
	ride(f, fd, 1);
}

void
frame_put_blob_fd(struct frame *f, int fd)
{
	frame_put_u8(f, 1);
	ride(f, fd, 0);
}

void
frame_take_blob(struct frame *f, int fd)
{
	frame_put_u8(f, 1);
	ride(f, fd, 1);
}

size_t
frame_count(struct frame *f)
{
	size_t at = f->b.n;

	frame_put_u32(f, 0);
	return at;
}

void
frame_count_set(struct frame *f, size_t at, uint32_t n)
{
	if (f->bad)
		return;
	for (size_t i = 0; i < 4; i++)
		f->b.p[at + i] = (uint8_t)(n >> 8 * i);
}

union control {
	struct cmsghdr	align;
	char		room[CMSG_SPACE(sizeof(int) * FRAME_FDS)];
};

int
frame_send(int fd, struct frame *f, struct err *err)
{
	struct iovec iov = { f->b.p, f->b.n };
	union control control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (f->bad)
		return err_set(err, ERR_LOCAL, "script.frame",
		    "a frame for the script process is too large");
	if (f->n_fds > 0)
		ride_put(&msg, control.room, f->fd, f->n_fds);
	for (;;) {
		ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			return 1;
		/* Too many descriptors in flight is a full socket, too. */
		if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
			return 0;
		if (errno != EINTR)
			return err_sys(err, ERR_CANCEL, "script.gone",
			    "the other side of the script channel is gone");
	}
}

void
frame_queue_init(struct frame_queue *q)
{
	*q = (struct frame_queue){ .end = &q->first };
}

void
frame_queue_clear(struct frame_queue *q)
{
	while (q->first != NULL)
		frame_queue_drop(q);
}

void
frame_queue_put(struct frame_queue *q, struct frame *f)
{
	struct frame_wait *w = xcalloc(1, sizeof(*w));

	w->f = *f;
	*q->end = w;
	q->end = &w->next;
}

void
frame_queue_drop(struct frame_queue *q)
{
	struct frame_wait *w = q->first;

	q->first = w->next;
	if (q->first == NULL)
		q->end = &q->first;
	frame_clear(&w->f);
	free(w);
}

void
frame_in_init(struct frame_in *in)
{
	*in = (struct frame_in){ 0 };
	in->room = xmalloc(FRAME_MAX);
	for (size_t i = 0; i < ARRAY_LEN(in->blob); i++)
		buf_init(&in->blob[i], FRAME_BLOB_MAX);
}

static void
forget(struct frame_in *in)
{
	for (size_t i = 0; i < in->n_fds; i++) {
		if (in->fd[i] >= 0)
			close(in->fd[i]);
	}
	in->n_fds = in->next_fd = in->n_blobs = 0;
	in->bad = false;
	in->rest = STR_NONE;
}

void
frame_in_clear(struct frame_in *in)
{
	forget(in);
	for (size_t i = 0; i < ARRAY_LEN(in->blob); i++)
		buf_clear(&in->blob[i]);
	free(in->room);
	in->room = NULL;
}

void
frame_in_bytes(struct frame_in *in, struct str bytes)
{
	forget(in);
	in->rest = bytes;
	in->type = frame_u8(in);
}

void
frame_in_loop(struct frame_in *in, struct frame *f)
{
	frame_in_bytes(in, buf_str(&f->b));
	for (size_t i = 0; i < f->n_fds; i++)
		in->fd[in->n_fds++] = f->owned[i] ? f->fd[i] :
		    fcntl(f->fd[i], F_DUPFD_CLOEXEC, 3);
	f->n_fds = 0;
}

int
frame_recv(int fd, struct frame_in *in, struct err *err)
{
	struct iovec iov = { in->room, FRAME_MAX };
	union control control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.room, .msg_controllen = sizeof(control.room) };
	ssize_t n;

	forget(in);
	do {
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		return err_sys(err, ERR_CANCEL, "script.gone",
		    "the script channel failed");
	in->n_fds = ride_take(&msg, in->fd, FRAME_FDS);
	if (n == 0)
		return err_set(err, ERR_CANCEL, "script.gone",
		    "the other side closed the script channel");
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return err_set(err, ERR_PROTO, "script.garbage",
		    "a frame on the script channel is too long");
	in->rest = (struct str){ (char *)in->room, (size_t)n };
	in->type = frame_u8(in);
	return 1;
}

static struct str
get(struct frame_in *in, size_t n)
{
	struct str s;

	if (in->bad || n > in->rest.n) {
		in->bad = true;
		in->rest = STR_NONE;
		return STR_NONE;
	}
	s = str_head(in->rest, n);
	in->rest = str_from(in->rest, n);
	return s;
}

static uint64_t
get_number(struct frame_in *in, size_t n)
{
	struct str s = get(in, n);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v |= (uint64_t)(uint8_t)s.p[i] << 8 * i;
	return v;
}

unsigned
frame_u8(struct frame_in *in)
{
	return (unsigned)get_number(in, 1);
}

uint32_t
frame_u32(struct frame_in *in)
{
	return (uint32_t)get_number(in, 4);
}

uint64_t
frame_u64(struct frame_in *in)
{
	return get_number(in, 8);
}

struct str
frame_str(struct frame_in *in)
{
	return get(in, frame_u32(in));
}

/* What a memfd holds.  Its size is what it says now; whoever sent it may still
 * change the bytes, but not what we have read. */
static struct str
read_blob(struct frame_in *in)
{
	int fd = frame_take_fd(in);
	struct buf *b;
	struct stat st;
	uint8_t *room;
	size_t size;

	if (fd < 0)
		return STR_NONE;
	if (in->n_blobs == ARRAY_LEN(in->blob) || fstat(fd, &st) < 0 ||
	    !S_ISREG(st.st_mode) || st.st_size < 0 ||
	    st.st_size > FRAME_BLOB_MAX) {
		close(fd);
		in->bad = true;
		return STR_NONE;
	}
	size = (size_t)st.st_size;
	b = &in->blob[in->n_blobs++];
	buf_reset(b);
	room = buf_room(b, size);
	while (room != NULL && b->n < size) {
		ssize_t n = pread(fd, room + b->n, size - b->n, (off_t)b->n);

		if (n <= 0)
			break;
		b->n += (size_t)n;
	}
	close(fd);
	return buf_str(b);
}

struct str
frame_blob(struct frame_in *in)
{
	switch (frame_u8(in)) {
	case 0:
		return frame_str(in);
	case 1:
		return read_blob(in);
	default:
		in->bad = true;
		return STR_NONE;
	}
}

int
frame_blob_fd(struct frame_in *in)
{
	struct stat st;
	struct str s;
	int fd;

	if (frame_u8(in) == 1) {
		fd = frame_take_fd(in);
		/* What could make its reader wait is no file. */
		if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		    lseek(fd, 0, SEEK_SET) < 0)) {
			close(fd);
			fd = -1;
		}
	} else {
		s = frame_str(in);
		fd = in->bad ? -1 : memfd_create("blob", MFD_CLOEXEC);
		if (fd >= 0 && (write_all(fd, s) < 0 ||
		    lseek(fd, 0, SEEK_SET) < 0)) {
			close(fd);
			fd = -1;
		}
	}
	if (fd < 0)
		in->bad = true;
	return fd;
}

uint32_t
frame_n(struct frame_in *in, size_t least, uint32_t max)
{
	uint32_t n = frame_u32(in);

	if (n > max || n > in->rest.n / least) {
		in->bad = true;
		in->rest = STR_NONE;
		return 0;
	}
	return n;
}

int
frame_take_fd(struct frame_in *in)
{
	int fd;

	if (in->bad || in->next_fd == in->n_fds) {
		in->bad = true;
		return -1;
	}
	fd = in->fd[in->next_fd];
	in->fd[in->next_fd++] = -1;
	return fd;
}

bool
frame_ended(const struct frame_in *in)
{
	return !in->bad && in->rest.n == 0;
}
