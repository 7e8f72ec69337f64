/* changes_tree.c — files of one account, for the feed of changes. */
#include "changes_tree.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "maildir/dir.h"
#include "maildir/path.h"

const char *const change_names[] = {
	[CHANGE_ADDED] = "added", [CHANGE_CHANGED] = "changed",
	[CHANGE_RENAMED] = "renamed", [CHANGE_REMOVED] = "removed"
};

int
changes_tree_load(struct changes_tree *t, struct store *s, struct err *err)
{
	struct folder_row row;
	struct err why = { 0 };
	int64_t at = 0;

	while (store_folder_next(s, &at, &row, &why)) {
		t->folder = xreallocarray(t->folder, t->n_folders + 1,
		    sizeof(*t->folder));
		t->folder[t->n_folders++] = (struct changes_folder){ row.id,
		    str_dup(row.path), row.mtime_cur, row.mtime_new };
	}
	if (why.class == ERR_NONE)
		return 0;
	*err = why;
	return -1;
}

void
changes_tree_clear(struct changes_tree *t)
{
	for (size_t i = 0; i < t->n_folders; i++)
		free(t->folder[i].path);
	free(t->folder);
	free(t->root);
	free(t->only);
	free(t->shown);
	*t = (struct changes_tree){ 0 };
}

/* Mostly that of the message before. */
static const char *
folder_path(struct changes_tree *t, int64_t id)
{
	if (t->last < t->n_folders && t->folder[t->last].id == id)
		return t->folder[t->last].path;
	for (t->last = 0; t->last < t->n_folders; t->last++)
		if (t->folder[t->last].id == id)
			return t->folder[t->last].path;
	return NULL;
}

static char *
file_path(const char *folder, bool in_new, struct str file)
{
	return xasprintf("%s/%s/%.*s", folder, in_new ? "new" : "cur",
	    (int)file.n, file.p);
}

char *
changes_path(struct changes_tree *t, const struct msg_row *row)
{
	const char *folder = folder_path(t, row->folder);

	if (row->unique.n == 0 || row->file.n == 0 || folder == NULL)
		return NULL;
	return file_path(folder, row->in_new, row->file);
}

/* ---- what to tell -------------------------------------------------------- */

/* The inbox of maildir++ is the root itself, "." in the store. */
static const char *
plain(const char *path)
{
	return path != NULL && strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

/* The part of ${path} below what was asked for; NULL: it is elsewhere. */
static const char *
inside(const struct changes_tree *t, const char *path)
{
	size_t n = strlen(t->only);

	if (path == NULL || n == 0)
		return path;
	if (strncmp(path, t->only, n) != 0 ||
	    (path[n] != '/' && path[n] != '\0'))
		return NULL;
	return path[n] == '/' ? path + n + 1 : path + n;
}

static bool
is_there(const struct changes_tree *t, const char *path, int64_t *mtime)
{
	char *full = xasprintf("%s/%s", t->root, path);
	struct stat st;
	bool there = lstat(full, &st) == 0 && S_ISREG(st.st_mode);

	if (there)
		*mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 +
		    st.st_mtim.tv_nsec;
	free(full);
	return there;
}

static char *
show(const struct changes_tree *t, const char *sub)
{
	bool slash = t->shown[0] != '\0' && t->shown[strlen(t->shown) - 1] != '/';

	return xasprintf("%s%s%s", t->shown, sub[0] != '\0' && slash ? "/" : "",
	    sub);
}

static void
add(struct changes *out, const struct changes_tree *t, enum change_kind kind,
    const char *path, const char *old, int64_t mtime)
{
	if (out->n == out->cap) {
		out->cap = out->cap > 0 ? out->cap * 2 : 64;
		out->v = xreallocarray(out->v, out->cap, sizeof(*out->v));
	}
	out->v[out->n++] = (struct change){ kind, mtime, show(t, path),
	    old != NULL ? show(t, old) : NULL };
}

void
changes_tell(struct changes *out, const struct changes_tree *t,
    const char *was, const char *now, bool rewritten)
{
	const char *old, *path;
	int64_t mtime = 0, ignored;

	was = plain(was);
	now = plain(now);
	old = inside(t, was);
	path = inside(t, now);
	if (path != NULL && !is_there(t, now, &mtime))
		path = NULL;
	if (old != NULL && (out->snapshot || is_there(t, was, &ignored)))
		old = NULL;
	if (path != NULL && old != NULL)
		add(out, t, CHANGE_RENAMED, path, old, mtime);
	else if (path != NULL && (was == NULL || strcmp(was, now) != 0))
		add(out, t, rewritten ? CHANGE_CHANGED : CHANGE_ADDED, path, NULL,
		    mtime);
	else if (path == NULL && old != NULL)
		add(out, t, CHANGE_REMOVED, old, NULL, 0);
}

void
changes_clear(struct changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].path);
		free(c->v[i].old);
	}
	free(c->v);
	free(c->token);
	*c = (struct changes){ 0 };
}

/* ---- what syncd has not seen --------------------------------------------- */

/* One row against the listing, both sorted by unique name; *at moves on. */
static void
compare_row(struct changes *out, struct changes_tree *t, const char *folder,
    const struct msg_row *row, const struct mlist *list, bool *seen, size_t *at)
{
	char *was = changes_path(t, row), *now = NULL;
	int order = 1;

	while (*at < list->n) {
		const struct mfile *f = &list->file[*at];

		order = str_cmp((struct str){ f->name, f->n_unique }, row->unique);
		if (order >= 0)
			break;
		++*at;
	}
	if (*at < list->n && order == 0) {
		now = file_path(folder, list->file[*at].in_new,
		    str_z(list->file[*at].name));
		seen[*at] = true;
	}
	if (was != NULL && (now == NULL || strcmp(was, now) != 0))
		changes_tell(out, t, was, now, false);
	free(was);
	free(now);
}

static int
compare(struct changes *out, struct changes_tree *t, struct store *s,
    const struct changes_folder *f, const struct mlist *list, struct err *err)
{
	struct cursor *c = cursor_open(s, f->id, BY_UNIQUE, err);
	bool *seen = xcalloc(list->n + 1, sizeof(*seen));
	struct msg_row row;
	size_t at = 0;
	int got = -1;

	while (c != NULL && (got = cursor_next(c, &row, err)) > 0)
		compare_row(out, t, f->path, &row, list, seen, &at);
	for (size_t i = 0; i < list->n && got == 0; i++) {
		char *now;

		if (seen[i])
			continue;
		now = file_path(f->path, list->file[i].in_new,
		    str_z(list->file[i].name));
		changes_tell(out, t, NULL, now, false);
		free(now);
	}
	cursor_close(c);
	free(seen);
	return got;
}

/* A folder that cannot be read tells nothing: absence is not intent. */
static int
scan_folder(struct changes *out, struct changes_tree *t, struct store *s,
    const struct changes_folder *f, int fd, struct err *err)
{
	struct mlist list = { 0 };
	struct err ignored;
	int64_t cur, new_;
	int r = 0;

	if (mdir_times(fd, &cur, &new_, &ignored) == 0 &&
	    (cur != f->mtime_cur || new_ != f->mtime_new) &&
	    mdir_list(fd, &list, &ignored) == 0)
		r = compare(out, t, s, f, &list, err);
	mlist_clear(&list);
	return r;
}

/* Whether any of the folder can be asked for. */
static bool
concerns(const struct changes_tree *t, const char *folder)
{
	size_t n = strlen(folder);

	folder = strcmp(folder, ".") == 0 ? "" : folder;
	return n == 0 || folder[0] == '\0' || inside(t, folder) != NULL ||
	    (strncmp(t->only, folder, n) == 0 && t->only[n] == '/');
}

int
changes_scan(struct changes *out, struct changes_tree *t, struct store *s,
    struct err *err)
{
	int root = open(t->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct err ignored;

	for (size_t i = 0; root >= 0 && i < t->n_folders && r == 0; i++) {
		const struct changes_folder *f = &t->folder[i];
		int fd = concerns(t, f->path) ?
		    mpath_open(root, str_z(f->path), &ignored) : -1;

		if (fd < 0)
			continue;
		r = scan_folder(out, t, s, f, fd, err);
		close(fd);
	}
	if (root >= 0)
		close(root);
	return r;
}
