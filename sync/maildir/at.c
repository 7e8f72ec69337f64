/* at.c — files relative to a directory descriptor, through no symlink. */
#include "maildir/at.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/openat2.h>

bool
at_plain(struct str name)
{
	return name.n > 0 && !str_eq(name, STR(".")) &&
	    !str_eq(name, STR("..")) && str_find(name, '/') == name.n &&
	    str_find(name, '\0') == name.n;
}

bool
at_beneath(struct str path)
{
	if (path.n >= PATH_MAX)
		return false;
	if (str_eq(path, STR(".")))
		return true;
	do {
		if (!at_plain(str_split(&path, '/')))
			return false;
	} while (path.p != NULL);
	return true;
}

/* For kernels before 5.6, and sandboxes that know no openat2(). */
static int
open_stepwise(int dir_fd, struct str path, int flags)
{
	char name[NAME_MAX + 1];
	int fd = dir_fd;

	while (path.p != NULL) {
		struct str part = str_split(&path, '/');
		int saved, next;

		if (part.n > NAME_MAX) {
			errno = ENAMETOOLONG;
			next = -1;
		} else {
			snprintf(name, sizeof(name), "%.*s", STR_ARG(part));
			next = openat(fd, name, path.p == NULL ? flags :
			    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		}
		saved = errno;
		if (fd != dir_fd)
			close(fd);
		errno = saved;
		if (next < 0)
			return -1;
		fd = next;
	}
	return fd;
}

int
at_open(int dir_fd, const char *path, int flags)
{
	struct open_how how = { .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	int fd;

	if (!at_beneath(str_z(path))) {
		errno = EINVAL;
		return -1;
	}
	flags |= O_CLOEXEC | O_NOFOLLOW;
	how.flags = (unsigned)flags;
	fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = open_stepwise(dir_fd, str_z(path), flags);
	return fd;
}

int
at_sub(int folder_fd, bool in_new)
{
	return openat(folder_fd, in_new ? "new" : "cur",
	    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int
at_tmp(int folder_fd)
{
	return openat(folder_fd, "tmp",
	    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Two names of one file, and not one name twice. */
static bool
are_links(int from_fd, const char *from, int to_fd, const char *to)
{
	struct stat a, b, da, db;

	if (fstatat(from_fd, from, &a, AT_SYMLINK_NOFOLLOW) != 0 ||
	    fstatat(to_fd, to, &b, AT_SYMLINK_NOFOLLOW) != 0 ||
	    fstat(from_fd, &da) != 0 || fstat(to_fd, &db) != 0)
		return false;
	return S_ISREG(a.st_mode) && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino && (da.st_dev != db.st_dev ||
	    da.st_ino != db.st_ino || !str_eq(str_z(from), str_z(to)));
}

/* For file systems that do not know RENAME_NOREPLACE.  Of directories, rename(2)
 * replaces only an empty one: nothing is lost by that. */
static int
rename_by_link(int from_fd, const char *from, int to_fd, const char *to)
{
	struct stat st;

	if (fstatat(from_fd, from, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return -1;
	if (S_ISDIR(st.st_mode))
		return renameat(from_fd, from, to_fd, to);
	if (linkat(from_fd, from, to_fd, to, 0) != 0)
		return -1;
	return unlinkat(from_fd, from, 0);
}

int
at_rename(int from_fd, const char *from, int to_fd, const char *to)
{
	int rc = renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE);

	if (rc != 0 && (errno == EINVAL || errno == ENOSYS))
		rc = rename_by_link(from_fd, from, to_fd, to);
	if (rc == 0 || errno != EEXIST)
		return rc;
	if (are_links(from_fd, from, to_fd, to))
		return unlinkat(from_fd, from, 0);
	errno = EEXIST;
	return -1;
}

int
at_sync(int dir_fd, const char *path)
{
	int fd = openat(dir_fd, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc, saved;

	if (fd < 0)
		return -1;
	rc = fsync(fd);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

static const char *
code_of(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return "store.no-space";
	case EACCES:
	case EPERM:
	case EROFS:
		return "store.permission";
	case ENAMETOOLONG:
		return "store.name-too-long";
	default:
		return "store.io";
	}
}

int
at_fail(struct err *err, enum err_class class, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	int errnum = errno;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (errnum == ENOSPC || errnum == EDQUOT || errnum == EROFS ||
	    errnum == EIO)
		class = ERR_LOCAL;
	errno = errnum;
	return err_sys(err, class, code_of(errnum), "%s", text);
}
