/*
 * path.c — folder names as directories, and back; and the tree of directories.
 *
 * Escaping is a bijection: a path counts as a folder's only if printing its
 * names gives that path again.  So "%41" or a client's "100%" is nobody's path,
 * rather than a second path of "A" or a name that changes on the way.
 */
#include "maildir/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "maildir/at.h"
#include "maildir/fold.h"

static const char *const subs[] = { "tmp", "new", "cur" };

/* A name that would mean something else as a directory: its first byte is
 * escaped.  In maildir++ the dot before "syncd-store" makes the store's marker. */
static bool
is_reserved(enum layout layout, struct str name)
{
	if (layout == LAYOUT_MAILDIRPP)
		return str_eq(name, STR("syncd-store"));
	for (size_t i = 0; i < ARRAY_LEN(subs); i++)
		if (str_eq(name, str_z(subs[i])))
			return true;
	return name.n > 0 && name.p[0] == '.';
}

static bool
is_unsafe(enum layout layout, unsigned char c)
{
	return c < 0x20 || c == 0x7f || c == '/' || c == '%' ||
	    (layout == LAYOUT_MAILDIRPP && c == '.');
}

/* -1 when it is longer than a file name may be. */
static int
escape(enum layout layout, struct str name, struct buf *out)
{
	size_t before = out->n;

	if (name.n == 0 && buf_add(out, "%", 1) != 0)
		return -1;
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		int rc;

		if (is_unsafe(layout, c) || (i == 0 && is_reserved(layout, name)))
			rc = buf_fmt(out, "%%%02X", c);
		else
			rc = buf_add(out, &c, 1);
		if (rc != 0)
			return -1;
	}
	return out->n - before <= NAME_MAX ? 0 : -1;
}

/* INBOX has one spelling on disk, as it has one meaning (RFC 9051 section
 * 5.1); its children are named by the server. */
static bool
is_inbox(const struct str *names, size_t n)
{
	return n == 1 && str_ieq(names[0], STR("INBOX"));
}

char *
mpath_from_names(enum layout layout, const struct str *names, size_t n,
    struct err *err)
{
	CLEANUP(buf_clear) struct buf b;

	buf_init(&b, PATH_LEN_MAX + 8);
	if (n == 0 || n > PATH_DEPTH_MAX)
		goto refuse;
	if (is_inbox(names, n))
		return xstrdup(layout == LAYOUT_NESTED ? "INBOX" : ".");
	for (size_t i = 0; i < n; i++) {
		if (layout == LAYOUT_MAILDIRPP && buf_add(&b, ".", 1) != 0)
			goto refuse;
		if (layout == LAYOUT_NESTED && i > 0 && buf_add(&b, "/", 1) != 0)
			goto refuse;
		if (escape(layout, names[i], &b) != 0)
			goto refuse;
	}
	if (b.n > (layout == LAYOUT_NESTED ? PATH_LEN_MAX : NAME_MAX))
		goto refuse;
	return buf_steal(&b);
refuse:
	err_set(err, ERR_FOLDER, "store.name-too-long",
	    "folder \"%.*s\"%s: %zu levels, too long for a directory's name",
	    n > 0 ? (int)(names[0].n < 100 ? names[0].n : 100) : 0,
	    n > 0 && names[0].p != NULL ? names[0].p : "",
	    n > 1 ? "..." : "", n);
	return NULL;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The name behind ${part}, to free(), and its length: it may hold NUL. */
static char *
unescape(struct str part, size_t *len)
{
	char *out = xmalloc(part.n + 1);
	size_t o = 0;

	for (size_t i = 0; i < part.n; i++) {
		int hi = -1, lo = -1;

		if (part.p[i] == '%' && i + 2 < part.n) {
			hi = hex(part.p[i + 1]);
			lo = hex(part.p[i + 2]);
		}
		if (hi >= 0 && lo >= 0) {
			out[o++] = (char)(hi << 4 | lo);
			i += 2;
		} else if (part.p[i] != '%' || part.n > 1)
			out[o++] = part.p[i];
	}
	out[o] = '\0';
	*len = o;
	return out;
}

int
mpath_to_names(enum layout layout, struct str path,
    char *names[PATH_DEPTH_MAX])
{
	struct str left = path, name[PATH_DEPTH_MAX] = { 0 };
	struct err ignored;
	char *again = NULL;
	bool same = false;
	size_t n = 0;

	if (layout == LAYOUT_MAILDIRPP) {
		if (str_eq(path, STR(".")))
			left = STR("INBOX");
		else if (!str_starts(path, STR(".")))
			return -1;
		else
			left = str_from(path, 1);
	}
	while (left.p != NULL && n < PATH_DEPTH_MAX) {
		struct str part = str_split(&left,
		    layout == LAYOUT_NESTED ? '/' : '.');

		names[n] = unescape(part, &name[n].n);
		name[n].p = names[n];
		n++;
	}
	if (left.p == NULL)
		again = mpath_from_names(layout, name, n, &ignored);
	same = again != NULL && str_eq(str_z(again), path);
	free(again);
	/* A C string cannot hold a NUL: such a name has a path, but no way back. */
	for (size_t i = 0; i < n; i++)
		same = same && strlen(names[i]) == name[i].n;
	if (same)
		return (int)n;
	while (n > 0)
		free(names[--n]);
	return -1;
}

bool
mpath_twins(struct str a, struct str b)
{
	return fold_same(a, b);
}

struct str
mpath_fold(struct str path)
{
	return fold_key(path);
}

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
	return depth < PATH_DEPTH_MAX && !is_reserved(layout, str_z(name));
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
	for (size_t i = 0; i < ARRAY_LEN(subs); i++) {
		int fd = make_dir(folder_fd, subs[i]);

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

static int
rename_nested(int root_fd, struct str from, struct str to)
{
	char *from_name, *to_name = NULL;
	int from_fd = open_parent(root_fd, from, false, &from_name);
	int to_fd = -1, rc = -1, saved;

	if (from_fd >= 0)
		to_fd = open_parent(root_fd, to, true, &to_name);
	if (to_fd >= 0 && at_rename(from_fd, from_name, to_fd, to_name) == 0 &&
	    fsync(to_fd) == 0 && fsync(from_fd) == 0)
		rc = 0;
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
	for (size_t i = ARRAY_LEN(subs); i-- > 0;) {
		if (unlinkat(folder_fd, subs[i], AT_REMOVEDIR) == 0 ||
		    errno == ENOENT)
			continue;
		if (errno == EEXIST)
			errno = ENOTEMPTY;
		for (int saved = errno; ++i < ARRAY_LEN(subs); errno = saved)
			(void)mkdirat(folder_fd, subs[i], 0700);
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
