/*
 * dir.c — what is in a folder's cur/ and new/ now.  Reads directories with
 * getdents64(2) and a large buffer, for folders of some 100,000 files.
 */
#include "maildir/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "maildir/at.h"
#include "maildir/name.h"

enum {
	DENTS_SIZE = 256 * 1024,
	READ_SIZE = 64 * 1024,
	HEAD_SIZE = 16 * 1024,
	/* A change within this time of the one before may leave no trace in
	 * the directory's mtime: the kernel's clock for files ticks at most
	 * each 10 ms. */
	TICK_US = 20000
};

static int64_t
ns_of(struct timespec ts)
{
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int
dir_stat(int folder_fd, const char *sub, struct stat *st, struct err *err)
{
	if (fstatat(folder_fd, sub, st, AT_SYMLINK_NOFOLLOW) != 0)
		return at_fail(err, ERR_FOLDER, "look at directory %s", sub);
	if (!S_ISDIR(st->st_mode))
		return err_set(err, ERR_FOLDER, "store.not-a-maildir",
		    "%s is not a directory", sub);
	return 0;
}

static int
dir_mtime(int folder_fd, const char *sub, int64_t *mtime, struct err *err)
{
	struct stat st;

	if (dir_stat(folder_fd, sub, &st, err) < 0)
		return -1;
	*mtime = ns_of(st.st_mtim);
	return 0;
}

/* Some deal a file a number whenever they are asked about it again. */
static bool
keeps_numbers(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type != FUSE_SUPER_MAGIC &&
	    (unsigned long)fs.f_type != CIFS_SUPER_MAGIC &&
	    (unsigned long)fs.f_type != SMB2_SUPER_MAGIC;
}

/* Numbers of file systems are dealt anew at each mount: they do not tell. */
int
mdir_which(int folder_fd, uint64_t *which, struct err *err)
{
	struct stat cur, new_;

	*which = 0;
	if (dir_stat(folder_fd, "cur", &cur, err) < 0 ||
	    dir_stat(folder_fd, "new", &new_, err) < 0)
		return -1;
	if (!keeps_numbers(folder_fd))
		return 0;
	*which = ((uint64_t)cur.st_ino << 32 | (uint64_t)cur.st_ino >> 32) ^
	    (uint64_t)new_.st_ino;
	*which += *which == 0;
	return 0;
}

usec
mdir_young_for(int64_t then, int64_t now)
{
	int64_t age = (now - then) / 1000;

	/* A clock that was set back is no reason to wait for it. */
	return age > TICK_US || age < -TICK_US ? 0 : TICK_US - age + 1;
}

int
mdir_times(int folder_fd, int64_t *cur, int64_t *new_, struct err *err)
{
	if (dir_mtime(folder_fd, "cur", cur, err) != 0)
		return -1;
	return dir_mtime(folder_fd, "new", new_, err);
}

/* The clock of files is never behind a time that it gave: back is where it will not
 * come to.  Seconds stay what they are, for those who compare no more than these. */
static bool
age(int folder_fd, const char *sub, int64_t *mtime)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
	    { .tv_sec = *mtime / 1000000000, .tv_nsec = *mtime % 1000000000 - 1 } };
	struct err ignored;
	int64_t now;

	if (mdir_young_for(*mtime, clock_wall() * 1000) == 0)
		return true;
	if (times[1].tv_nsec < 0 ||
	    utimensat(folder_fd, sub, times, AT_SYMLINK_NOFOLLOW) != 0 ||
	    dir_mtime(folder_fd, sub, &now, &ignored) < 0 || now != *mtime - 1)
		return false;
	*mtime = now;
	return true;
}

bool
mdir_age(int folder_fd, int64_t *cur, int64_t *new_)
{
	return age(folder_fd, "cur", cur) && age(folder_fd, "new", new_);
}

/* The text of a list while it grows; names follow each other with their NUL. */
struct arena {
	char	*p;
	size_t	 n, cap;
};

static void
arena_add(struct arena *a, const char *z, size_t n)
{
	if (a->cap - a->n < n) {
		a->cap = a->cap > 0 ? a->cap * 2 : (size_t)64 * 1024;
		a->p = xreallocarray(a->p, a->cap, 1);
	}
	memcpy(a->p + a->n, z, n);
	a->n += n;
}

static void
add_entry(int dir_fd, struct mlist *list, struct arena *text,
    const struct dirent64 *e, bool in_new)
{
	struct mname name;
	struct stat st;
	size_t n = strlen(e->d_name);

	/* Dovecot's and others' private files begin with a dot. */
	if (!mname_parse((struct str){ e->d_name, n }, &name))
		return;
	if (e->d_type != DT_REG && e->d_type != DT_UNKNOWN)
		return;
	if (e->d_type == DT_UNKNOWN &&
	    (fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode)))
		return;
	list->file = array_room(list->file, list->n, &list->cap,
	    sizeof(*list->file));
	list->file[list->n++] = (struct mfile){ .ino = e->d_ino,
	    .n_unique = (uint16_t)name.unique.n, .in_new = in_new };
	arena_add(text, e->d_name, n + 1);
}

static int
read_dir(int folder_fd, bool in_new, char *dents, struct mlist *list,
    struct arena *text, struct err *err)
{
	const char *sub = in_new ? "new" : "cur";
	int fd = openat(folder_fd, sub,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	long n = -1;

	if (fd < 0)
		return at_fail(err, ERR_FOLDER, "open directory %s", sub);
	while ((n = syscall(SYS_getdents64, fd, dents, DENTS_SIZE)) > 0)
		for (long at = 0; at < n;) {
			const struct dirent64 *e = (void *)(dents + at);

			add_entry(fd, list, text, e, in_new);
			at += e->d_reclen;
		}
	if (n < 0)
		at_fail(err, ERR_FOLDER, "read directory %s", sub);
	close(fd);
	return n < 0 ? -1 : 0;
}

/* By unique name, the order of the state database; of one unique name, cur/
 * before new/, then by name. */
static int
by_unique(const void *a, const void *b)
{
	const struct mfile *x = a, *y = b;
	int c = str_cmp((struct str){ x->name, x->n_unique },
	    (struct str){ y->name, y->n_unique });

	if (c != 0)
		return c;
	if (x->in_new != y->in_new)
		return x->in_new ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* Point the entries at their names, sort them, drop second entries. */
static void
settle(struct mlist *list, struct arena *text)
{
	size_t kept = 0;
	char *p;

	list->text = p = text->p;
	for (size_t i = 0; i < list->n; i++) {
		list->file[i].name = p;
		p += strlen(p) + 1;
	}
	if (list->n > 0)
		qsort(list->file, list->n, sizeof(*list->file), by_unique);
	for (size_t i = 0; i < list->n; i++) {
		struct mfile *f = &list->file[i], *last;

		last = kept > 0 ? &list->file[kept - 1] : NULL;
		if (last != NULL && last->n_unique == f->n_unique &&
		    memcmp(last->name, f->name, f->n_unique) == 0)
			continue;
		list->file[kept++] = *f;
	}
	list->n = kept;
}

int
mdir_list(int folder_fd, struct mlist *list, struct err *err)
{
	char *dents = xmalloc(DENTS_SIZE);
	struct arena text = { 0 };
	int64_t cur, new_, now = clock_wall() * 1000;
	int rc = -1;

	*list = (struct mlist){ 0 };
	if (mdir_times(folder_fd, &list->mtime_cur, &list->mtime_new, err) == 0 &&
	    read_dir(folder_fd, true, dents, list, &text, err) == 0 &&
	    read_dir(folder_fd, false, dents, list, &text, err) == 0)
		rc = mdir_times(folder_fd, &cur, &new_, err);
	free(dents);
	if (rc != 0) {
		free(text.p);
		mlist_clear(list);
		return -1;
	}
	list->stable = cur == list->mtime_cur && new_ == list->mtime_new &&
	    mdir_young_for(cur, now) == 0 && mdir_young_for(new_, now) == 0;
	settle(list, &text);
	return 0;
}

void
mlist_clear(struct mlist *list)
{
	free(list->file);
	free(list->text);
	*list = (struct mlist){ 0 };
}

/* cur/ or new/ for an operation on ${name}; -1 with errno. */
static int
open_sub(int folder_fd, bool in_new, const char *name)
{
	if (!at_plain(str_z(name))) {
		errno = EINVAL;
		return -1;
	}
	return at_sub(folder_fd, in_new);
}

static struct mstat
mstat_of(const struct stat *st)
{
	return (struct mstat){ .ino = st->st_ino, .size = (uint64_t)st->st_size,
	    .mtime = st->st_mtim.tv_sec, .mtime_ns = ns_of(st->st_mtim),
	    .changed_us = ns_of(st->st_ctim) / 1000 };
}

int
mdir_stat_open(int fd, struct mstat *out, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return at_fail(err, ERR_MSG, "look at a message");
	*out = mstat_of(&st);
	return 1;
}

int
mdir_stat(int folder_fd, bool in_new, const char *name, struct mstat *out,
    struct err *err)
{
	int dir = open_sub(folder_fd, in_new, name), rc = 1;
	struct stat st;

	if (dir < 0)
		return at_fail(err, ERR_FOLDER, "look at %s", name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		rc = errno == ENOENT ? 0 :
		    at_fail(err, ERR_MSG, "look at %s", name);
	else if (!S_ISREG(st.st_mode))
		rc = err_set(err, ERR_MSG, "store.not-a-message",
		    "look at %s: not a regular file", name);
	else
		*out = mstat_of(&st);
	close(dir);
	return rc;
}

int
mdir_open(int folder_fd, bool in_new, const char *name, struct err *err)
{
	char path[NAME_MAX + sizeof("new/")];
	struct stat st;
	int fd = -1;

	errno = EINVAL;
	if (at_plain(str_z(name)) && snprintf(path, sizeof(path), "%s/%s",
	    in_new ? "new" : "cur", name) < (int)sizeof(path))
		/* O_NONBLOCK: a fifo of that name must not hold us. */
		fd = at_open(folder_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return at_fail(err, ERR_MSG, "open %s", name);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, ERR_MSG, "store.not-a-message",
		    "open %s: not a regular file", name);
	}
	return fd;
}

int
mdir_digest_by(struct hasher *hasher, int fd, struct mcontent *c,
    struct err *err)
{
	struct eol_scan scan = { 0 };
	char p[READ_SIZE];
	off_t at = 0;
	ssize_t n;

	for (;;) {
		n = pread(fd, p, READ_SIZE, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		hasher_add(hasher, p, (size_t)n);
		eol_scan(&scan, p, (size_t)n);
		at += n;
	}
	if (n < 0)
		at_fail(err, ERR_MSG, "read a message");
	*c = (struct mcontent){ .size = (uint64_t)at, .has_nul = scan.nul };
	hasher_end(hasher, &c->id);
	c->eol = eol_scan_end(&scan, &c->wire_size);
	return n < 0 ? -1 : 0;
}

/* The first empty line is the end of the header; none in all of a short message. */
static bool
has_header(const char *p, size_t n)
{
	return n < HEAD_SIZE || memmem(p, n, "\n\n", 2) != NULL ||
	    memmem(p, n, "\n\r\n", 3) != NULL || p[0] == '\n' ||
	    (p[0] == '\r' && p[1] == '\n');
}

/* One for all: each that is made costs as much as a short message. */
static struct hasher *
usual_hasher(void)
{
	static struct hasher *hasher;

	if (hasher == NULL)
		hasher = hasher_new();
	return hasher;
}

int
mdir_head(int fd, struct hash *head, struct err *err)
{
	char block[HEAD_SIZE];
	struct msgid_hash id;
	ssize_t n = pread(fd, block, sizeof(block), 0);

	if (n < 0)
		return at_fail(err, ERR_MSG, "read a message");
	if (!has_header(block, (size_t)n))
		return 0;
	hasher_add(usual_hasher(), block, (size_t)n);
	hasher_end(usual_hasher(), &id);
	*head = id.head;
	return 1;
}

int
mdir_digest(int fd, struct mcontent *c, struct err *err)
{
	return mdir_digest_by(usual_hasher(), fd, c, err);
}

/* Both directories of a name that is to be in ${to_fd}, too. */
static int
open_both(int from_fd, bool from_new, int to_fd, bool to_new, const char *from,
    const char *to, int dir[2])
{
	dir[0] = open_sub(from_fd, from_new, from);
	dir[1] = dir[0] >= 0 ? open_sub(to_fd, to_new, to) : -1;
	return dir[1] >= 0 ? 0 : -1;
}

static void
close_both(const int dir[2])
{
	for (int i = 0; i < 2; i++)
		if (dir[i] >= 0)
			close(dir[i]);
}

int
mdir_handle(int folder_fd, bool in_new, struct err *err)
{
	int dir = at_sub(folder_fd, in_new);

	return dir >= 0 ? dir : at_fail(err, ERR_FOLDER, "open %s",
	    in_new ? "new" : "cur");
}

int
mdir_rename_in(int from_dir, const char *from, int to_dir, const char *to,
    struct err *err)
{
	struct stat st;

	errno = EINVAL;
	if (at_plain(str_z(from)) && at_plain(str_z(to)) &&
	    at_rename(from_dir, from, to_dir, to) == 0)
		return 1;
	if (errno == ENOENT && fstatat(from_dir, from, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return at_fail(err, ERR_MSG, "rename %s to %s", from, to);
}

int
mdir_rename(int from_fd, bool from_new, const char *from, int to_fd,
    bool to_new, const char *to, struct err *err)
{
	int dir[2], rc = -1;

	if (open_both(from_fd, from_new, to_fd, to_new, from, to, dir) < 0)
		at_fail(err, ERR_FOLDER, "rename %s to %s", from, to);
	else
		rc = mdir_rename_in(dir[0], from, dir[1], to, err);
	close_both(dir);
	return rc;
}

int
mdir_link(int from_fd, bool from_new, const char *from, int to_fd, bool to_new,
    const char *to, struct err *err)
{
	int dir[2], rc = -1;

	if (open_both(from_fd, from_new, to_fd, to_new, from, to, dir) < 0)
		at_fail(err, ERR_FOLDER, "link %s to %s", from, to);
	else if (linkat(dir[0], from, dir[1], to, 0) == 0)
		rc = 1;
	else if (errno == ENOENT || errno == EEXIST)
		rc = 0;
	else
		at_fail(err, ERR_MSG, "link %s to %s", from, to);
	close_both(dir);
	return rc;
}

int
mdir_set_date(int folder_fd, bool in_new, const char *name, int64_t date,
    struct err *err)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
	    { .tv_sec = date } };
	int dir = open_sub(folder_fd, in_new, name), rc = 1;
	struct stat st;

	if (dir < 0)
		return at_fail(err, ERR_FOLDER, "date %s", name);
	/* Setting what it has would still be a write. */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    (st.st_mtime != date &&
	    utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) != 0))
		rc = errno == ENOENT ? 0 : at_fail(err, ERR_MSG, "date %s", name);
	close(dir);
	return rc;
}

int
mdir_unlink(int folder_fd, bool in_new, const char *name, struct err *err)
{
	int dir = open_sub(folder_fd, in_new, name), rc = 1;

	if (dir < 0)
		return at_fail(err, ERR_FOLDER, "remove %s", name);
	if (unlinkat(dir, name, 0) != 0)
		rc = errno == ENOENT ? 0 :
		    at_fail(err, ERR_MSG, "remove %s", name);
	close(dir);
	return rc;
}

int
mdir_sync_sub(int folder_fd, bool in_new, struct err *err)
{
	const char *sub = in_new ? "new" : "cur";

	return at_sync(folder_fd, sub) == 0 ? 0 :
	    at_fail(err, ERR_LOCAL, "sync directory %s", sub);
}

int
mdir_sync(int folder_fd, struct err *err)
{
	return mdir_sync_sub(folder_fd, true, err) < 0 ? -1 :
	    mdir_sync_sub(folder_fd, false, err);
}

int
mdir_sync_all(int folder_fd, struct err *err)
{
	return syncfs(folder_fd) == 0 ? 0 :
	    at_fail(err, ERR_LOCAL, "sync files to disk");
}

int
mdir_sync_files(int folder_fd, const int *fd, size_t n, struct err *err)
{
	if (n >= AT_SYNCFS_FROM)
		return mdir_sync_all(folder_fd, err);
	for (size_t i = 0; i < n; i++)
		if (fsync(fd[i]) != 0)
			return at_fail(err, ERR_LOCAL, "sync a file to disk");
	return 0;
}
