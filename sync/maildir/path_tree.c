/* path_tree.c — the tree of a store's directories: listed, made, renamed, removed. */
#include "maildir/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "maildir/at.h"
#include "maildir/path_impl.h"

/* What mpath_list() gathers. */
struct gather {
	enum layout	  layout;
	char		**paths;
	size_t		  n, cap;
};

static int
is_dir(int dir_fd, const struct dirent *e, struct err *err)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	if (fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return at_fail(err, ERR_FOLDER, "look at %s", e->d_name);
	return S_ISDIR(st.st_mode);
}

static void
found(struct gather *g, const char *path)
{
	if (strlen(path) > PATH_LEN_MAX)
		return;
	g->paths = array_room(g->paths, g->n, &g->cap, sizeof(*g->paths));
	g->paths[g->n++] = xstrdup(path);
}

/* Whether to look into the directory ${name} of a directory. */
static bool
leads_on(enum layout layout, const char *name, int depth)
{
	if (layout == LAYOUT_MAILDIRPP)
		return depth == 0 && name[0] == '.';
	/* The top of a file system: this one is not the user's to read. */
	if (depth == 0 && strcmp(name, "lost+found") == 0)
		return false;
	return depth < PATH_DEPTH_MAX && !mpath_reserved(layout, str_z(name));
}

static int walk(struct gather *g, int fd, const char *path, int depth,
    struct err *err);

/* Look into the directory ${name} of the directory ${path}. */
static int
walk_below(struct gather *g, int dir_fd, const char *path, const char *name,
    int depth, struct err *err)
{
	char *below = depth == 0 ? xstrdup(name) :
	    xasprintf("%s/%s", path, name);
	/* Gone since readdir(3)?  It may have been renamed to a place that was
	 * already read: the listing is not to be trusted. */
	int rc, fd = openat(dir_fd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		rc = at_fail(err, ERR_FOLDER, "open directory %s", below);
	else
		rc = walk(g, fd, below, depth + 1, err);
	free(below);
	return rc;
}

/* Read the directory ${path}, and those below it that lead on. */
static int
walk_entries(struct gather *g, DIR *dir, const char *path, int depth,
    struct err *err)
{
	bool is_folder = false;
	const struct dirent *e;

	while (errno = 0, (e = readdir(dir)) != NULL) {
		struct str name = str_z(e->d_name);
		int yes = at_plain(name) ? is_dir(dirfd(dir), e, err) : 0;

		if (yes < 0)
			return -1;
		if (yes == 0)
			continue;
		if (str_eq(name, STR("cur")) || str_eq(name, STR("new")))
			is_folder = true;
		if (leads_on(g->layout, e->d_name, depth) &&
		    walk_below(g, dirfd(dir), path, e->d_name, depth, err) != 0)
			return -1;
	}
	if (errno != 0)
		return at_fail(err, ERR_FOLDER, "read directory %s", path);
	if (is_folder && (depth > 0 || g->layout == LAYOUT_MAILDIRPP))
		found(g, path);
	return 0;
}

/* Takes ${fd}. */
static int
walk(struct gather *g, int fd, const char *path, int depth, struct err *err)
{
	DIR *dir = fdopendir(fd);
	int rc;

	if (dir == NULL) {
		at_fail(err, ERR_FOLDER, "read directory %s", path);
		close(fd);
		return -1;
	}
	rc = walk_entries(g, dir, path, depth, err);
	closedir(dir);
	return rc;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
mpath_list(int root_fd, enum layout layout, char ***paths, size_t *n,
    struct err *err)
{
	struct gather g = { .layout = layout };
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*paths = NULL;
	*n = 0;
	if (fd < 0)
		return at_fail(err, ERR_FOLDER, "open the mail directory");
	if (walk(&g, fd, ".", 0, err) != 0) {
		for (size_t i = 0; i < g.n; i++)
			free(g.paths[i]);
		free(g.paths);
		return -1;
	}
	if (g.n > 0)
		qsort(g.paths, g.n, sizeof(*g.paths), by_path);
	*paths = g.paths;
	*n = g.n;
	return 0;
}

int
mpath_open(int root_fd, struct str path, struct err *err)
{
	char *z = str_dup(path);
	int fd = at_open(root_fd, z, O_RDONLY | O_DIRECTORY);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		err_sys(err, ERR_FOLDER, "store.not-a-maildir",
		    "open folder %s", z);
	else if (fd < 0)
		at_fail(err, ERR_FOLDER, "open folder %s", z);
	free(z);
	return fd;
}

/* Make the directory ${name} if it is not there, and open it. */
static int
make_dir(int dir_fd, const char *name)
{
	if (mkdirat(dir_fd, name, 0700) != 0 && errno != EEXIST)
		return -1;
	return openat(dir_fd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Make all directories of ${path}; the last one's descriptor, or -1. */
static int
make_path(int root_fd, struct str path)
{
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!at_beneath(path)) {
		if (fd >= 0)
			close(fd);
		errno = EINVAL;
		return -1;
	}
	while (fd >= 0 && path.p != NULL) {
		char *name = str_dup(str_split(&path, '/'));
		int next = make_dir(fd, name), saved;

		/* Also when it existed: whoever made it may have died before
		 * the sync. */
		if (next >= 0 && at_sync(fd, ".") != 0) {
			saved = errno;
			close(next);
			errno = saved;
			next = -1;
		}
		saved = errno;
		free(name);
		close(fd);
		errno = saved;
		fd = next;
	}
	return fd;
}

/* cur/ comes last: it is what makes a directory a folder for most readers. */
static int
make_subs(int folder_fd)
{
	for (size_t i = 0; i < MPATH_SUBS; i++) {
		int fd = make_dir(folder_fd, mpath_subs[i]);

		if (fd < 0)
			return -1;
		close(fd);
	}
	return at_sync(folder_fd, ".");
}

static int
make_maildirfolder(int folder_fd)
{
	int fd = openat(folder_fd, "maildirfolder",
	    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int
mpath_create(int root_fd, enum layout layout, struct str path, struct err *err)
{
	int fd = make_path(root_fd, path), rc = -1;

	if (fd >= 0 && (layout == LAYOUT_NESTED || str_eq(path, STR(".")) ||
	    make_maildirfolder(fd) == 0))
		rc = make_subs(fd);
	if (rc != 0)
		at_fail(err, ERR_FOLDER, "create folder %.*s", STR_ARG(path));
	if (fd >= 0)
		close(fd);
	return rc;
}

/* The directory that holds ${path}, made if ${make}; *${last} takes the last
 * component, to free().  -1 with errno. */
static int
open_parent(int root_fd, struct str path, bool make, char **last)
{
	size_t cut = path.n;
	struct str parent = STR(".");
	char *z;
	int fd;

	*last = NULL;
	if (!at_beneath(path) || str_eq(path, STR("."))) {
		errno = EINVAL;
		return -1;
	}
	while (cut > 0 && path.p[cut - 1] != '/')
		cut--;
	if (cut > 0)
		parent = str_head(path, cut - 1);
	if (make && cut > 0)
		fd = make_path(root_fd, parent);
	else {
		z = str_dup(parent);
		fd = at_open(root_fd, z, O_RDONLY | O_DIRECTORY);
		free(z);
	}
	if (fd >= 0)
		*last = str_dup(str_from(path, cut));
	return fd;
}

/* What is in ${from} but cur/ and new/ gets the same names in ${to}; or, without
 * ${really}, see whether that could be done. */
static int
rename_entries(int from_fd, int to_fd, bool really)
{
	int fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (rc == 0 && (e = readdir(dir)) != NULL) {
		struct str name = str_z(e->d_name);

		if (str_eq(name, STR(".")) || str_eq(name, STR("..")) ||
		    str_eq(name, STR("cur")) || str_eq(name, STR("new")))
			continue;
		if (really)
			rc = at_rename(from_fd, e->d_name, to_fd, e->d_name);
		else if (faccessat(to_fd, e->d_name, F_OK,
		    AT_SYMLINK_NOFOLLOW) == 0)
			rc = -1;
	}
	closedir(dir);
	if (rc != 0)
		errno = EEXIST;
	return rc;
}

/* ${to} is there, on the way to other folders, and is none itself: the folder goes into
 * it.  cur/ is last: if we die on the way, the same call goes on. */
static int
rename_into(int from_parent, const char *from, int to_parent, const char *to)
{
	int from_fd = openat(from_parent, from,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int to_fd = openat(to_parent, to,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = -1, saved;

	if (from_fd >= 0 && to_fd >= 0 &&
	    faccessat(to_fd, "cur", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		errno = EEXIST;
	else if (from_fd >= 0 && to_fd >= 0 &&
	    rename_entries(from_fd, to_fd, false) == 0 &&
	    rename_entries(from_fd, to_fd, true) == 0 &&
	    (at_rename(from_fd, "new", to_fd, "new") == 0 || errno == ENOENT) &&
	    fsync(to_fd) == 0 && at_rename(from_fd, "cur", to_fd, "cur") == 0 &&
	    fsync(to_fd) == 0 && fsync(from_fd) == 0 &&
	    unlinkat(from_parent, from, AT_REMOVEDIR) == 0)
		rc = 0;
	saved = errno;
	if (from_fd >= 0)
		close(from_fd);
	if (to_fd >= 0)
		close(to_fd);
	errno = saved;
	return rc;
}

static int
rename_nested(int root_fd, struct str from, struct str to)
{
	char *from_name, *to_name = NULL;
	int from_fd = open_parent(root_fd, from, false, &from_name);
	int to_fd = -1, rc = -1, saved;

	if (from_fd >= 0)
		to_fd = open_parent(root_fd, to, true, &to_name);
	if (to_fd >= 0)
		rc = at_rename(from_fd, from_name, to_fd, to_name);
	if (rc != 0 && to_fd >= 0 && errno == EEXIST)
		rc = rename_into(from_fd, from_name, to_fd, to_name);
	if (rc == 0 && (fsync(to_fd) != 0 || fsync(from_fd) != 0))
		rc = -1;
	saved = errno;
	if (from_fd >= 0)
		close(from_fd);
	if (to_fd >= 0)
		close(to_fd);
	free(from_name);
	free(to_name);
	errno = saved;
	return rc;
}

/* ${to} in place of the ${from} that ${name} begins with; NULL when too long. */
static char *
new_name(const char *name, struct str from, struct str to)
{
	size_t n = strlen(name) - from.n + to.n;

	if (n > NAME_MAX) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return xasprintf("%.*s%s", STR_ARG(to), name + from.n);
}

/* Rename each ".from.*", or, without ${really}, see whether that could be done. */
static int
rename_children(int root_fd, char *const *paths, size_t n, struct str from,
    struct str to, bool really)
{
	for (size_t i = 0; i < n; i++) {
		struct stat st;
		char *target;
		int rc;

		if (!str_starts(str_z(paths[i]), from) || paths[i][from.n] != '.')
			continue;
		target = new_name(paths[i], from, to);
		if (target == NULL)
			return -1;
		if (really)
			rc = at_rename(root_fd, paths[i], root_fd, target);
		else {
			rc = fstatat(root_fd, target, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 ? -1 : 0;
			errno = EEXIST;
		}
		free(target);
		if (rc != 0)
			return -1;
	}
	return 0;
}

/* The folder itself goes last: if we die on the way, the same call goes on. */
static int
rename_flat(int root_fd, struct str from, struct str to, struct err *err)
{
	char *from_name = str_dup(from), *to_name = str_dup(to), **paths;
	struct stat st;
	size_t n;
	int rc = mpath_list(root_fd, LAYOUT_MAILDIRPP, &paths, &n, err);

	if (rc == 0) {
		rc = -1;
		errno = EEXIST;
		if (fstatat(root_fd, to_name, &st, AT_SYMLINK_NOFOLLOW) != 0 &&
		    rename_children(root_fd, paths, n, from, to, false) == 0 &&
		    rename_children(root_fd, paths, n, from, to, true) == 0 &&
		    at_rename(root_fd, from_name, root_fd, to_name) == 0)
			rc = at_sync(root_fd, ".");
		if (rc != 0)
			at_fail(err, ERR_FOLDER, "rename folder %s to %s",
			    from_name, to_name);
		for (size_t i = 0; i < n; i++)
			free(paths[i]);
		free(paths);
	}
	free(from_name);
	free(to_name);
	return rc;
}

int
mpath_rename(int root_fd, enum layout layout, struct str from, struct str to,
    struct err *err)
{
	if (layout == LAYOUT_NESTED) {
		if (rename_nested(root_fd, from, to) == 0)
			return 0;
		return at_fail(err, ERR_FOLDER, "rename folder %.*s to %.*s",
		    STR_ARG(from), STR_ARG(to));
	}
	if (!at_plain(from) || !at_plain(to) || from.p[0] != '.' ||
	    to.p[0] != '.')
		return err_set(err, ERR_FOLDER, "store.not-a-maildir",
		    "rename folder %.*s to %.*s: not a folder's directory",
		    STR_ARG(from), STR_ARG(to));
	return rename_flat(root_fd, from, to, err);
}

/* rmdir(2) refuses a directory with anything in it, so a message that arrives
 * meanwhile is safe; what was removed until then is made again.  The first to go is
 * cur/: what is left if we die is no folder any more, not one that is damaged. */
static int
remove_subs(int folder_fd)
{
	for (size_t i = MPATH_SUBS; i-- > 0;) {
		if (unlinkat(folder_fd, mpath_subs[i], AT_REMOVEDIR) == 0 ||
		    errno == ENOENT)
			continue;
		if (errno == EEXIST)
			errno = ENOTEMPTY;
		for (int saved = errno; ++i < MPATH_SUBS; errno = saved)
			(void)mkdirat(folder_fd, mpath_subs[i], 0700);
		return -1;
	}
	return 0;
}

int
mpath_remove(int root_fd, struct str path, struct err *err)
{
	char *name;
	int parent = open_parent(root_fd, path, false, &name);
	int fd = -1, rc = -1;

	if (parent >= 0)
		fd = at_open(parent, name, O_RDONLY | O_DIRECTORY);
	if (fd >= 0 && remove_subs(fd) == 0) {
		/* Only what we write; anything else, or a folder below, keeps
		 * the directory, which is no folder any more. */
		(void)unlinkat(fd, "dovecot-keywords", 0);
		(void)unlinkat(fd, "maildirfolder", 0);
		(void)unlinkat(parent, name, AT_REMOVEDIR);
		rc = fsync(parent);
	}
	if (rc != 0)
		at_fail(err, ERR_FOLDER, "remove folder %.*s", STR_ARG(path));
	if (fd >= 0)
		close(fd);
	if (parent >= 0)
		close(parent);
	free(name);
	return rc;
}
