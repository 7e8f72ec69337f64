/*
 * deliver.c — landing messages: tmp/, sync, rename.
 *
 * A message streams to its file with LF line ends.  When it turns out not to be
 * canonical CRLF, what was written until then is (all of that was canonical), so
 * it can be turned back exactly, and the rest follows verbatim.
 */
#include "maildir/deliver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "maildir/at.h"

enum {
	OUT_SIZE = 128 * 1024,
	DEVICES_MAX = 8,
	TMP_AGE_S = 36 * 60 * 60
};

struct deliver {
	int		 folder_fd;	/* borrowed */
	int		 tmp_fd, fd;	/* -1: no message */
	char		 unique[MNAME_UNIQUE_MAX];
	struct hasher	*hasher;
	enum eol	 eol;		/* EOL_LF until proved otherwise */
	char		 prev;		/* of eol_to_disk() */
	size_t		 n;		/* bytes in out */
	char		 out[OUT_SIZE];
};

struct deliver *
deliver_new(void)
{
	struct deliver *d = xmalloc(sizeof(*d));

	d->tmp_fd = d->fd = d->folder_fd = -1;
	d->hasher = hasher_new();
	return d;
}

void
deliver_free(struct deliver *d)
{
	if (d == NULL)
		return;
	deliver_discard(d);
	hasher_free(d->hasher);
	free(d);
}

/* Close what is open of the message; the file stays. */
static void
leave(struct deliver *d)
{
	if (d->fd >= 0)
		close(d->fd);
	if (d->tmp_fd >= 0)
		close(d->tmp_fd);
	d->tmp_fd = d->fd = -1;
}

void
deliver_discard(struct deliver *d)
{
	if (d->fd >= 0)
		(void)unlinkat(d->tmp_fd, d->unique, 0);
	leave(d);
}

/* Read too: it may have to be turned back to CRLF. */
static int
create(int tmp_fd, const char *unique)
{
	return openat(tmp_fd, unique,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

int
deliver_begin(struct deliver *d, int folder_fd, struct err *err)
{
	struct msgid_hash unused;

	deliver_discard(d);
	hasher_end(d->hasher, &unused);
	d->folder_fd = folder_fd;
	d->eol = EOL_LF;
	d->prev = '\0';
	d->n = 0;
	mname_unique(d->unique);
	d->tmp_fd = at_tmp(folder_fd);
	if (d->tmp_fd < 0)
		return at_fail(err, ERR_FOLDER, "open directory tmp");
	d->fd = create(d->tmp_fd, d->unique);
	if (d->fd < 0) {
		at_fail(err, ERR_FOLDER, "create tmp/%s", d->unique);
		leave(d);
		return -1;
	}
	return 0;
}

static int
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

static int
flush(struct deliver *d, struct err *err)
{
	if (write_all(d->fd, d->out, d->n) != 0)
		return at_fail(err, ERR_LOCAL, "write tmp/%s", d->unique);
	d->n = 0;
	return 0;
}

static int
add_raw(struct deliver *d, struct str bytes, struct err *err)
{
	while (bytes.n > 0) {
		size_t room = OUT_SIZE - d->n;
		size_t n = bytes.n < room ? bytes.n : room;

		memcpy(d->out + d->n, bytes.p, n);
		d->n += n;
		bytes = str_from(bytes, n);
		if (d->n == OUT_SIZE && flush(d, err) != 0)
			return -1;
	}
	return 0;
}

/* Copy the LF file ${from} into ${to} with CRLF line ends. */
static int
copy_as_crlf(int from, int to)
{
	enum { PART = 16 * 1024 };
	char in[PART], out[2 * PART], prev = '\0';
	off_t at = 0;
	ssize_t n;

	for (;;) {
		n = pread(from, in, sizeof(in), at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		at += n;
		if (write_all(to, out,
		    eol_to_wire(EOL_LF, in, (size_t)n, &prev, out)) != 0)
			return -1;
	}
}

/* All bytes until now were canonical, and *prev may be a CR held back: put them
 * into a new file of that name as they came. */
static int
go_verbatim(struct deliver *d, struct err *err)
{
	int old = d->fd, rc = -1;

	if (flush(d, err) != 0)
		return -1;
	if (unlinkat(d->tmp_fd, d->unique, 0) == 0)
		d->fd = create(d->tmp_fd, d->unique);
	if (d->fd != old && d->fd >= 0)
		rc = copy_as_crlf(old, d->fd);
	if (rc != 0)
		at_fail(err, ERR_LOCAL, "rewrite tmp/%s", d->unique);
	close(old);
	if (rc != 0) {
		if (d->fd == old)
			d->fd = -1;
		return -1;
	}
	d->eol = EOL_VERBATIM;
	return d->prev == '\r' ? add_raw(d, STR("\r"), err) : 0;
}

/* As much of ${bytes} as fits into the buffer; *${taken} is how much. */
static int
add_part(struct deliver *d, struct str bytes, size_t *taken, struct err *err)
{
	size_t room = OUT_SIZE - 1 - d->n, n = bytes.n < room ? bytes.n : room;
	char prev = d->prev;
	bool verbatim = false;
	size_t out = eol_to_disk(bytes.p, n, &prev, &verbatim, d->out + d->n);

	if (verbatim) {
		*taken = 0;
		return go_verbatim(d, err);
	}
	d->prev = prev;
	d->n += out;
	*taken = n;
	return d->n >= OUT_SIZE - 1 ? flush(d, err) : 0;
}

int
deliver_data(struct deliver *d, struct str bytes, struct err *err)
{
	if (d->fd < 0)
		return err_set(err, ERR_LOCAL, "store.io",
		    "write to a message that failed before");
	hasher_add(d->hasher, bytes.p, bytes.n);
	while (bytes.n > 0 && d->eol == EOL_LF) {
		size_t taken;

		if (add_part(d, bytes, &taken, err) != 0)
			return -1;
		bytes = str_from(bytes, taken);
	}
	return add_raw(d, bytes, err);
}

int
deliver_end(struct deliver *d, int64_t date, struct landing *out,
    struct err *err)
{
	struct timespec ts = { .tv_sec = date };
	struct stat st;

	if (d->fd < 0)
		return err_set(err, ERR_LOCAL, "store.io",
		    "end a message that failed before");
	if (d->eol == EOL_LF && d->prev == '\r' && go_verbatim(d, err) != 0)
		return -1;
	if (flush(d, err) != 0)
		return -1;
	/* The date goes first: the sync that follows takes it along. */
	if (futimens(d->fd, (struct timespec[]){ ts, ts }) != 0 ||
	    fstat(d->fd, &st) != 0)
		return at_fail(err, ERR_LOCAL, "finish tmp/%s", d->unique);
	*out = (struct landing){ .folder_fd = d->folder_fd, .eol = d->eol,
	    .size = (uint64_t)st.st_size, .ino = st.st_ino };
	memcpy(out->unique, d->unique, sizeof(out->unique));
	snprintf(out->base, sizeof(out->base), "%s,S=%llu", d->unique,
	    (unsigned long long)out->size);
	hasher_end(d->hasher, &out->id);
	leave(d);
	return 0;
}

/* One syncfs for each file system that the batch is on. */
static int
sync_devices(const struct landing *l, size_t n)
{
	dev_t done[DEVICES_MAX];
	size_t n_done = 0;

	for (size_t i = 0; i < n; i++) {
		bool known = false;
		struct stat st;

		if (i > 0 && l[i].folder_fd == l[i - 1].folder_fd)
			continue;
		if (fstat(l[i].folder_fd, &st) != 0)
			return -1;
		for (size_t k = 0; k < n_done; k++)
			known = known || done[k] == st.st_dev;
		if (known)
			continue;
		if (syncfs(l[i].folder_fd) != 0)
			return -1;
		if (n_done < DEVICES_MAX)
			done[n_done++] = st.st_dev;
	}
	return 0;
}

/* fsync, not fdatasync: the mtime is the message's date.  The file is opened
 * again: a write error that nobody has seen yet is reported to a new descriptor
 * as well (Linux 4.16). */
static int
sync_file(const struct landing *l)
{
	int tmp = at_tmp(l->folder_fd), fd = -1, rc = -1, saved;

	if (tmp >= 0)
		fd = openat(tmp, l->unique, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		rc = fsync(fd);
	saved = errno;
	if (fd >= 0)
		close(fd);
	if (tmp >= 0)
		close(tmp);
	errno = saved;
	return rc;
}

int
deliver_sync(struct landing *l, size_t n, struct err *err)
{
	int rc = 0;

	if (n >= AT_SYNCFS_FROM)
		rc = sync_devices(l, n);
	else
		for (size_t i = 0; i < n && rc == 0; i++)
			rc = sync_file(&l[i]);
	if (rc == 0)
		return 0;
	at_fail(err, ERR_LOCAL, "sync %zu new messages to disk", n);
	for (size_t i = 0; i < n; i++)
		deliver_drop(&l[i]);
	return -1;
}

static bool
same_bytes(int a, int b, uint64_t size)
{
	enum { PART = 16 * 1024 };
	char x[PART], y[PART];

	for (uint64_t at = 0; at < size;) {
		ssize_t n = pread(a, x, sizeof(x), (off_t)at);

		if (n <= 0 || pread(b, y, (size_t)n, (off_t)at) != n ||
		    memcmp(x, y, (size_t)n) != 0)
			return false;
		at += (uint64_t)n;
	}
	return true;
}

/* The name is put beside ours first, and must be of the very file that was read;
 * our own file goes last. */
static int
replace_by_link(struct landing *l, int tmp, int fd, int sub, const char *from)
{
	char beside[MNAME_UNIQUE_MAX + 8];
	struct stat st, linked;

	snprintf(beside, sizeof(beside), "%s.link", l->unique);
	if (fstat(fd, &st) != 0 || linkat(sub, from, tmp, beside, 0) != 0)
		return 0;
	if (fstatat(tmp, beside, &linked, AT_SYMLINK_NOFOLLOW) == 0 &&
	    linked.st_dev == st.st_dev && linked.st_ino == st.st_ino &&
	    renameat(tmp, beside, tmp, l->unique) == 0) {
		l->ino = st.st_ino;
		return 1;
	}
	(void)unlinkat(tmp, beside, 0);
	return 0;
}

int
deliver_link(struct landing *l, int64_t date, int from_fd, bool from_new,
    const char *from)
{
	int ours = -1, fd = -1, r = 0, tmp, sub;
	struct stat a, b;

	if (!at_plain(str_z(from)))
		return 0;
	tmp = at_tmp(l->folder_fd);
	sub = at_sub(from_fd, from_new);
	if (tmp >= 0 && sub >= 0) {
		ours = openat(tmp, l->unique, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		fd = openat(sub, from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
		    O_CLOEXEC);
	}
	if (ours >= 0 && fd >= 0 && fstat(ours, &a) == 0 &&
	    fstat(fd, &b) == 0 && S_ISREG(b.st_mode) && a.st_dev == b.st_dev &&
	    a.st_ino != b.st_ino && a.st_size == b.st_size &&
	    b.st_mtim.tv_sec == date &&
	    same_bytes(ours, fd, (uint64_t)a.st_size) && fsync(fd) == 0)
		r = replace_by_link(l, tmp, fd, sub, from);
	if (fd >= 0)
		close(fd);
	if (ours >= 0)
		close(ours);
	if (sub >= 0)
		close(sub);
	if (tmp >= 0)
		close(tmp);
	return r;
}

int
deliver_name(const struct landing *l, struct str letters, bool in_new,
    char file[MNAME_MAX])
{
	return mname_print(file, str_z(l->base), letters, STR_NONE, in_new);
}

int
deliver_open(const struct landing *l, struct err *err)
{
	char path[MNAME_MAX + 8];
	int fd;

	snprintf(path, sizeof(path), "tmp/%s", l->unique);
	fd = at_open(l->folder_fd, path, O_RDONLY);
	return fd >= 0 ? fd : at_fail(err, ERR_FOLDER, "read tmp/%s", l->unique);
}

int
deliver_place(int from_fd, const char *unique, int to_fd, const char *file,
    bool in_new, struct err *err)
{
	int tmp, sub = -1, rc = -1;
	struct stat st;

	errno = EINVAL;
	tmp = at_plain(str_z(unique)) && at_plain(str_z(file)) ?
	    at_tmp(from_fd) : -1;
	if (tmp >= 0)
		sub = at_sub(to_fd, in_new);
	if (sub < 0)
		at_fail(err, ERR_FOLDER, "deliver %s", file);
	else if (at_rename(tmp, unique, sub, file) == 0)
		rc = 1;
	else if (errno == ENOENT &&
	    fstatat(sub, file, &st, AT_SYMLINK_NOFOLLOW) == 0)
		rc = 0;
	else
		at_fail(err, ERR_MSG, "deliver %s", file);
	if (tmp >= 0)
		close(tmp);
	if (sub >= 0)
		close(sub);
	return rc;
}

/* To a journal a rename is one thing.  btrfs makes one of it when the directory that a
 * file left is synced, or if the file itself was, as far as no transaction of its own
 * has ended in between; not when the other directory is: a power cut would leave both
 * names.  Those few are looked for after a boot (account.c). */
int
deliver_left(int from_fd, size_t total, struct err *err)
{
	if (total < AT_SYNCFS_FROM || at_sync(from_fd, "tmp") == 0)
		return 0;
	return at_fail(err, ERR_LOCAL, "sync directory tmp");
}

void
deliver_drop(const struct landing *l)
{
	int tmp = at_tmp(l->folder_fd);

	if (tmp < 0)
		return;
	(void)unlinkat(tmp, l->unique, 0);
	close(tmp);
}

/* By ctime: the other times may be a message's date already. */
static bool
is_old(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) &&
	    st.st_ctim.tv_sec < clock_wall() / 1000000 - TMP_AGE_S;
}

/* A name that mname_unique() made in the process ${pid}. */
static bool
is_of(const char *name, int pid)
{
	long long sec, usec_part;
	int by, n = 0;

	return pid != 0 && sscanf(name, "%lld.M%lldP%dQ%n", &sec, &usec_part,
	    &by, &n) == 3 && n > 0 && by == pid;
}

void
deliver_clean(int folder_fd, int dead)
{
	int fd = openat(folder_fd, "tmp",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct dirent *e;
	DIR *dir;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' && (is_of(e->d_name, dead) ||
		    is_old(dirfd(dir), e->d_name)))
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	closedir(dir);
}
