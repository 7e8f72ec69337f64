/* watch.c — the only inotify: which message files came, went or changed name. */
#include "maildir/watch_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "maildir/at.h"
#include "maildir/name.h"
#include "maildir/ours.h"

enum {
	READ_SIZE = 64 * 1024,
	READS_MAX = 16,		/* per watch_read(): the rest stays readable */
	DIR_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
	    IN_DONT_FOLLOW | IN_EXCL_UNLINK,
	FILE_EVENTS = IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE |
	    IN_CLOSE_WRITE | DIR_EVENTS,
	TREE_EVENTS = IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE |
	    DIR_EVENTS
};

struct watch *
watch_new(struct err *err)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct watch *w;

	if (fd < 0) {
		err_sys(err, ERR_LOCAL, "store.watch-limit", "start inotify");
		return NULL;
	}
	w = xcalloc(1, sizeof(*w));
	w->fd = fd;
	map_init(&w->dirs);
	map_init(&w->folders);
	TAILQ_INIT(&w->all);
	TAILQ_INIT(&w->ready);
	TAILQ_INIT(&w->open);
	TAILQ_INIT(&w->taken);
	ours_init(&w->ours);
	return w;
}

int
watch_fd(const struct watch *w)
{
	return w->fd;
}

int64_t
watch_last(const struct watch *w)
{
	return w->last;
}

static struct str
key_of(const void *p, size_t n)
{
	return (struct str){ p, n };
}

static struct watch_dir *
find_dir(const struct watch *w, int wd)
{
	uintptr_t value;

	if (!map_get(&w->dirs, key_of(&wd, sizeof(wd)), &value))
		return NULL;
	return (struct watch_dir *)value;
}

static struct watch_folder *
find_folder(const struct watch *w, int64_t key)
{
	uintptr_t value;

	if (!map_get(&w->folders, key_of(&key, sizeof(key)), &value))
		return NULL;
	return (struct watch_folder *)value;
}

/* Stop watching; ${d} is freed. */
static void
dir_free(struct watch *w, struct watch_dir *d)
{
	if (d == NULL)
		return;
	(void)inotify_rm_watch(w->fd, d->wd);
	map_remove(&w->dirs, key_of(&d->wd, sizeof(d->wd)));
	if (d->folder != NULL)
		d->folder->dirs[d->in_new] = NULL;
	free(d->path);
	free(d);
}

static int
watch_fail(const char *path, struct err *err)
{
	if (errno == ENOSPC || errno == ENOMEM)
		return err_sys(err, ERR_LOCAL, "store.watch-limit",
		    "watch %s (see fs.inotify.max_user_watches)", path);
	return at_fail(err, ERR_FOLDER, "watch %s", path);
}

/* Watch ${path}, which is consumed.  The kernel knows directories, not names:
 * one that is watched already keeps its number, and belongs to the last caller. */
static int
dir_add(struct watch *w, struct watch_folder *f, bool in_new, char *path,
    uint32_t events, struct err *err)
{
	int wd = inotify_add_watch(w->fd, path, events);
	struct watch_dir *d, *was = f != NULL ? f->dirs[in_new] : NULL;

	if (wd < 0) {
		watch_fail(path, err);
		free(path);
		return -1;
	}
	if (was != NULL && was->wd != wd)
		dir_free(w, was);
	d = find_dir(w, wd);
	if (d != NULL) {
		if (d->folder != NULL)
			d->folder->dirs[d->in_new] = NULL;
		free(d->path);
	} else {
		d = xcalloc(1, sizeof(*d));
		d->wd = wd;
		map_put(&w->dirs, key_of(&d->wd, sizeof(d->wd)), (uintptr_t)d);
	}
	d->folder = f;
	d->files = f == NULL && (events & IN_CLOSE_WRITE);
	d->in_new = in_new;
	d->path = path;
	if (f != NULL)
		f->dirs[in_new] = d;
	return 0;
}

static struct watch_folder *
folder_add(struct watch *w, int64_t key)
{
	struct watch_folder *f = find_folder(w, key);

	if (f != NULL)
		return f;
	f = xcalloc(1, sizeof(*f));
	f->key = key;
	map_init(&f->pending);
	map_put(&w->folders, key_of(&f->key, sizeof(f->key)), (uintptr_t)f);
	TAILQ_INSERT_TAIL(&w->all, f, link);
	return f;
}

int
watch_folder(struct watch *w, int64_t key, const char *root, const char *path,
    struct err *err)
{
	struct watch_folder *f = folder_add(w, key);

	if (dir_add(w, f, false, xasprintf("%s/%s/cur", root, path), FILE_EVENTS,
	    err) == 0 && dir_add(w, f, true, xasprintf("%s/%s/new", root, path),
	    FILE_EVENTS, err) == 0)
		return 0;
	watch_forget(w, key);
	return -1;
}

int
watch_tree(struct watch *w, const char *root, const char *path,
    struct err *err)
{
	return dir_add(w, NULL, false, xasprintf("%s/%s", root, path),
	    TREE_EVENTS, err);
}

int
watch_files(struct watch *w, const char *path, struct err *err)
{
	return dir_add(w, NULL, false, xstrdup(path), FILE_EVENTS, err);
}

void
watch_forget(struct watch *w, int64_t key)
{
	struct watch_folder *f = find_folder(w, key);

	if (f == NULL)
		return;
	watch_scan(w, f);
	watch_unscan(w, f);
	dir_free(w, f->dirs[0]);
	dir_free(w, f->dirs[1]);
	map_remove(&w->folders, key_of(&f->key, sizeof(f->key)));
	TAILQ_REMOVE(&w->all, f, link);
	free(f);
}

void
watch_ours(struct watch *w, int64_t key, bool in_new, const char *file, bool came)
{
	const struct watch_folder *f = find_folder(w, key);

	if (f != NULL && f->dirs[in_new] != NULL)
		ours_add(&w->ours, f->dirs[in_new]->wd, file, came);
}

void
watch_free(struct watch *w)
{
	struct watch_folder *f;

	if (w == NULL)
		return;
	while ((f = TAILQ_FIRST(&w->all)) != NULL)
		watch_forget(w, f->key);
	for (size_t i = 0; i < w->dirs.cap; i++)
		if (w->dirs.slots[i].key.p != NULL && !w->dirs.slots[i].dead) {
			struct watch_dir *d = (struct watch_dir *)w->dirs.slots[i].value;

			free(d->path);
			free(d);
		}
	watch_free_taken(w);
	ours_clear(&w->ours);
	map_clear(&w->dirs);
	map_clear(&w->folders);
	close(w->fd);
	free(w);
}

/*
 * Whether the file ${name}, just created in ${d}, is complete: link(2) makes it
 * so, open(2) does not, and both look the same.  A read lease is granted only on
 * a file that nobody has open for writing.  Breaking a lease sends a signal,
 * which must be one that is ignored by default: not SIGIO.  Without leases (a
 * network file system), a second link tells.
 */
static bool
is_complete(const struct watch_dir *d, const char *name)
{
	int fd, dir = open(d->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool complete = false;
	struct stat st;

	if (dir < 0)
		return false;
	fd = openat(dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if (fcntl(fd, F_SETSIG, SIGURG) == 0 &&
		    fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
			complete = true;
			(void)fcntl(fd, F_SETLEASE, F_UNLCK);
		} else
			complete = st.st_nlink > 1;
	}
	if (fd >= 0)
		close(fd);
	close(dir);
	return complete;
}

static void
on_file(struct watch *w, struct watch_dir *d, uint32_t mask, const char *file)
{
	struct mname name;

	if (w->scan_all || d->folder->scan ||
	    !mname_parse(str_z(file), &name))
		return;
	if (mask & IN_MOVED_TO)
		watch_came(w, d, name.unique, file);
	else if (mask & IN_CREATE)
		watch_created(w, d, name.unique, file, is_complete(d, file));
	else if (mask & IN_CLOSE_WRITE)
		watch_closed(w, d, name.unique, file);
	else if (mask & (IN_MOVED_FROM | IN_DELETE))
		watch_left(w, d, name.unique, file);
}

static void
on_event(struct watch *w, const struct inotify_event *ev)
{
	struct watch_dir *d;

	if (ev->mask & IN_Q_OVERFLOW) {
		watch_scan_all(w);
		w->last = clock_now();
		return;
	}
	if (ev->len > 0 && (ev->mask & (IN_MOVED_FROM | IN_MOVED_TO)) &&
	    ours_take(&w->ours, ev->wd, ev->name, ev->mask & IN_MOVED_TO))
		return;
	/* Events may still come for a directory that we watch no more. */
	d = find_dir(w, ev->wd);
	if (d == NULL)
		return;
	if (ev->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) {
		w->tree = true;
		if (d->folder != NULL)
			watch_scan(w, d->folder);
		dir_free(w, d);
	} else if (d->files) {
		w->files = true;
	} else if (d->folder == NULL) {
		if ((ev->mask & IN_ISDIR) == 0)
			return;
		w->tree = true;
	} else if ((ev->mask & IN_ISDIR) == 0 && ev->len > 0)
		on_file(w, d, ev->mask, ev->name);
	w->last = clock_now();
}

int
watch_read(struct watch *w, struct err *err)
{
	union {
		struct inotify_event	ev;
		char			bytes[READ_SIZE];
	} u;

	watch_free_taken(w);
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = read(w->fd, u.bytes, sizeof(u.bytes));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			ours_forget(&w->ours);
			break;
		}
		if (n <= 0)
			return err_sys(err, ERR_LOCAL, "store.io",
			    "read inotify events");
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *ev =
			    (const void *)(u.bytes + at);

			on_event(w, ev);
			at += (ssize_t)(sizeof(*ev) + ev->len);
		}
	}
	return (int)(w->n_ready + w->n_scan) + w->scan_all + w->tree + w->files;
}
