/* undo.c — the undo store: hard links, or copies across file systems. */
#include "engine/undo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "engine/account.h"
#include "maildir/at.h"
#include "maildir/dir.h"
#include "maildir/name.h"
#include "maildir/path.h"

int
undo_open(const char *state_dir, const char *account, bool make,
    struct err *err)
{
	char *base = xasprintf("%s/undo", state_dir);
	char *dir = xasprintf("%s/%s", base, account);
	int fd = -1;

	if ((make && ((mkdir(base, 0700) < 0 && errno != EEXIST) ||
	    (mkdir(dir, 0700) < 0 && errno != EEXIST))) ||
	    (fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		err_sys(err, ERR_LOCAL, "store.permission", "open %s", dir);
	free(base);
	free(dir);
	return fd;
}

/* A copy that is not whole yet; no name of a kept file. */
#define PART	"part"

/* ---- keeping ---------------------------------------------------------- */

/* What a full disk took only a part of fails with a reason at the next try. */
static int
write_block(int to, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(to, p, n);

		if (done < 0)
			return -1;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

/* The bytes and the date, on the disk. */
static int
copy_file(int from, int dir, const char *name, struct err *err)
{
	int to = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char block[65536];
	struct stat st;
	ssize_t n = 0;

	if (to < 0)
		return at_fail(err, ERR_LOCAL, "undo: create a copy");
	while ((n = read(from, block, sizeof(block))) > 0)
		if (write_block(to, block, (size_t)n) < 0) {
			n = -1;
			break;
		}
	if (n == 0 && (fstat(from, &st) < 0 ||
	    futimens(to, (struct timespec[]){ st.st_atim, st.st_mtim }) < 0 ||
	    fsync(to) < 0))
		n = -1;
	if (n < 0)
		at_fail(err, ERR_LOCAL, "undo: copy");
	close(to);
	return n < 0 ? -1 : 0;
}

/* What a crash or a full disk leaves of it is written over by the next. */
static int
keep_copy(int undo_fd, int fd, const char *name, struct err *err)
{
	if (copy_file(fd, undo_fd, PART, err) < 0) {
		(void)unlinkat(undo_fd, PART, 0);
		return -1;
	}
	if (renameat(undo_fd, PART, undo_fd, name) < 0)
		return at_fail(err, ERR_LOCAL, "undo: keep a copy");
	return 0;
}

int
undo_keep(int undo_fd, int folder_fd, const struct msg_row *row,
    const char *file, struct err *err)
{
	const char *info = strchr(file, ':');
	char *from = xasprintf("%s/%s", row->in_new ? "new" : "cur", file);
	char *name = xasprintf("%lld.%lld.%lld.eml%s",
	    (long long)(clock_wall() / 1000000), (long long)row->folder,
	    (long long)row->id, info != NULL ? info : "");
	int fd, r = 0;

	if (linkat(folder_fd, from, undo_fd, name, 0) < 0 && errno != EEXIST) {
		if (errno == ENOENT) {
			r = 1;
		} else {
			fd = mdir_open(folder_fd, row->in_new, file, err);
			r = fd < 0 ? -1 : keep_copy(undo_fd, fd, name, err);
			if (fd >= 0)
				close(fd);
		}
	}
	free(from);
	free(name);
	return r;
}

/* ---- looking ---------------------------------------------------------- */

static bool
parse_name(const char *name, struct kept *k)
{
	struct str rest = str_z(name);
	uint64_t v[3];

	for (size_t i = 0; i < 3; i++)
		if (!num_u64(str_split(&rest, '.'), 1, INT64_MAX, &v[i]))
			return false;
	*k = (struct kept){ .when = (int64_t)v[0], .folder = (int64_t)v[1],
	    .msg = (int64_t)v[2] };
	return str_starts(rest, STR("eml"));
}

static int
oldest_first(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	if (x->when != y->when)
		return x->when < y->when ? -1 : 1;
	return (x->msg > y->msg) - (x->msg < y->msg);
}

static void
read_entries(DIR *dir, struct kept_list *list)
{
	struct dirent *e;
	struct stat st;
	struct kept k;

	while ((e = readdir(dir)) != NULL) {
		if (!parse_name(e->d_name, &k) ||
		    fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		k.file = xstrdup(e->d_name);
		k.size = (uint64_t)st.st_size;
		list->v = array_room(list->v, list->n, &list->cap,
		    sizeof(*list->v));
		list->v[list->n++] = k;
	}
	if (list->n > 0)
		qsort(list->v, list->n, sizeof(*list->v), oldest_first);
}

int
undo_list(const char *state_dir, const char *account, struct kept_list *list,
    struct err *err)
{
	struct err why = { 0 };
	int fd = undo_open(state_dir, account, false, &why);
	DIR *dir;

	*list = (struct kept_list){ 0 };
	if (fd < 0 && why.errnum == ENOENT)
		return 0;
	if (fd < 0) {
		*err = why;
		return -1;
	}
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return err_sys(err, ERR_LOCAL, "store.io", "read the undo store");
	}
	read_entries(dir, list);
	closedir(dir);
	return 0;
}

void
kept_clear(struct kept_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].file);
	free(list->v);
	*list = (struct kept_list){ 0 };
}

int
undo_trim(const char *state_dir, const struct account_conf *conf,
    struct err *err)
{
	int64_t oldest = (clock_wall() - conf->undo.keep) / 1000000;
	struct kept_list list;
	uint64_t bytes = 0;
	int fd;

	if (undo_list(state_dir, conf->name, &list, err) < 0)
		return -1;
	fd = list.n > 0 ? undo_open(state_dir, conf->name, false, err) : -1;
	for (size_t i = 0; i < list.n; i++)
		bytes += list.v[i].size;
	for (size_t i = 0; i < list.n && fd >= 0; i++) {
		if (list.v[i].when >= oldest && bytes <= (uint64_t)conf->undo.max)
			break;
		bytes -= list.v[i].size;
		(void)unlinkat(fd, list.v[i].file, 0);
	}
	if (fd >= 0)
		close(fd);
	kept_clear(&list);
	return 0;
}

/* ---- putting back ----------------------------------------------------- */

int
undo_folder(const struct account_conf *conf, const char *path, struct err *err)
{
	int root = open(conf->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;

	/* Into an unmounted tree it would be lost. */
	if (root < 0 || faccessat(root, ACCOUNT_MARKER, F_OK, 0) < 0)
		err_set(err, ERR_LOCAL, "store.marker-missing",
		    "%s is not the store syncd left there. Is a disk unmounted?",
		    conf->path);
	else if (mpath_create(root, (enum layout)conf->layout, str_z(path),
	    err) == 0)
		fd = mpath_open(root, str_z(path), err);
	if (root >= 0)
		close(root);
	return fd;
}

/* By way of tmp/: what is in cur/ is whole. */
static int
copy_back(int undo_fd, int cur, int tmp, const char *file, const char *name,
    struct err *err)
{
	int from = openat(undo_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (from < 0)
		return err_sys(err, ERR_LOCAL, "store.io", "undo: open %s", file);
	r = copy_file(from, tmp, name, err);
	close(from);
	/* In the way stands the copy that a crash has kept from being ticked. */
	if (r == 0 && at_rename(tmp, name, cur, name) < 0 && errno != EEXIST)
		r = at_fail(err, ERR_FOLDER, "undo: %s", name);
	(void)unlinkat(tmp, name, 0);
	if (r == 0)
		(void)unlinkat(undo_fd, file, 0);
	return r;
}

int
undo_put_back(int undo_fd, int folder_fd, const char *file, struct err *err)
{
	const char *info = strchr(file, ':');
	int cur = at_sub(folder_fd, false), tmp = at_tmp(folder_fd), r = -1;
	char name[MNAME_MAX];
	struct kept k;

	/* Ids are never reused, so the name is a new one; and the same one when
	 * a copy is made again after a crash. */
	if (!parse_name(file, &k))
		r = err_set(err, ERR_MSG, "target.unknown",
		    "undo: %s is not a kept message", file);
	else if (snprintf(name, sizeof(name), "%lld.U%lldM%lld.syncd%s",
	    (long long)k.when, (long long)k.folder, (long long)k.msg,
	    info != NULL ? info : ":2,") >= (int)sizeof(name))
		r = err_set(err, ERR_MSG, "store.name-too-long", "%s", file);
	else if (cur < 0 || tmp < 0)
		r = at_fail(err, ERR_FOLDER, "undo: open cur/ and tmp/");
	else if (at_rename(undo_fd, file, cur, name) == 0)
		r = 1;
	else if (errno == ENOENT)
		r = 0;
	else if (errno == EXDEV)
		r = copy_back(undo_fd, cur, tmp, file, name, err) < 0 ? -1 : 1;
	else
		at_fail(err, ERR_FOLDER, "undo: %s", name);
	if (r > 0 && mdir_sync(folder_fd, err) < 0)
		r = -1;
	if (cur >= 0)
		close(cur);
	if (tmp >= 0)
		close(tmp);
	return r;
}
