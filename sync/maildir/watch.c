/*
 * watch.c — the only inotify: which message files came, went or changed name.
 *
 * A pending event is one unique name of one folder and what became of it.  A file
 * that a client writes in place is kept back until it is closed.  What would take
 * too much memory, and what the kernel lost, becomes one "scan the folder".
 */
#include "maildir/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
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
	PENDING_MAX = 65536,
	DIR_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
	    IN_DONT_FOLLOW | IN_EXCL_UNLINK,
	FILE_EVENTS = IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE |
	    IN_CLOSE_WRITE | DIR_EVENTS,
	TREE_EVENTS = IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE |
	    DIR_EVENTS
};

enum state {
	ST_OPEN,	/* created, and still being written */
	ST_PRESENT,
	ST_GONE,
	ST_SAME		/* only written */
};

struct pending {
	TAILQ_ENTRY(pending)	 link;
	struct folder		*folder;
	enum state		 state;
	bool			 created;	/* and not seen by the caller since */
	bool			 written;	/* in place, under any name */
	bool			 in_new;
	char			*file;
	struct str		 unique;	/* of file: the map's key */
};
TAILQ_HEAD(pendings, pending);

/* One watched directory: cur/ or new/ of a folder, or one of the tree. */
struct dir {
	int		 wd;
	struct folder	*folder;	/* NULL: tree, or files */
	bool		 files;
	bool		 in_new;
	char		*path;
};

struct folder {
	TAILQ_ENTRY(folder)	 link;
	int64_t			 key;
	struct dir		*dirs[2];	/* cur, new; NULL: not watched */
	struct map		 pending;	/* unique name to struct pending */
	bool			 scan;
};

struct watch {
	int			 fd;
	struct map		 dirs;		/* wd to struct dir */
	struct map		 folders;	/* key to struct folder */
	TAILQ_HEAD(, folder)	 all;
	struct pendings		 ready;		/* to be taken, oldest first */
	struct pendings		 open;		/* ST_OPEN: kept back */
	struct pendings		 taken;		/* names lent to the caller */
	size_t			 n_ready, n_open, n_scan;
	struct ours		 ours;
	bool			 scan_all, tree, files;
	usec			 last;
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

static struct dir *
find_dir(const struct watch *w, int wd)
{
	uintptr_t value;

	if (!map_get(&w->dirs, key_of(&wd, sizeof(wd)), &value))
		return NULL;
	return (struct dir *)value;
}

static struct folder *
find_folder(const struct watch *w, int64_t key)
{
	uintptr_t value;

	if (!map_get(&w->folders, key_of(&key, sizeof(key)), &value))
		return NULL;
	return (struct folder *)value;
}

/* Pending events. */

static void
pending_free(struct pending *p)
{
	free(p->file);
	free(p);
}

/* Take ${p} out of its queue and its folder's map. */
static void
pending_detach(struct watch *w, struct pending *p)
{
	if (p->state == ST_OPEN) {
		TAILQ_REMOVE(&w->open, p, link);
		w->n_open--;
	} else {
		TAILQ_REMOVE(&w->ready, p, link);
		w->n_ready--;
	}
	map_remove(&p->folder->pending, p->unique);
	if (p->folder->pending.n == 0)
		map_clear(&p->folder->pending);
}

/* Into the queue of its state, and into the map under its present name. */
static void
pending_attach(struct watch *w, struct pending *p, enum state state)
{
	p->state = state;
	if (state == ST_OPEN) {
		TAILQ_INSERT_TAIL(&w->open, p, link);
		w->n_open++;
	} else {
		TAILQ_INSERT_TAIL(&w->ready, p, link);
		w->n_ready++;
	}
	map_put(&p->folder->pending, p->unique, (uintptr_t)p);
}

/* Forget what is pending in ${f}, or in all folders (NULL). */
static void
drop_pending(struct watch *w, const struct folder *f, struct pendings *queue)
{
	struct pending *p = TAILQ_FIRST(queue);

	while (p != NULL) {
		struct pending *after = TAILQ_NEXT(p, link);

		if (f == NULL || p->folder == f) {
			pending_detach(w, p);
			pending_free(p);
		}
		p = after;
	}
}

/* From here until the caller takes it, single events in ${f} mean nothing. */
static void
scan_folder(struct watch *w, struct folder *f)
{
	if (f->scan)
		return;
	drop_pending(w, f, &w->ready);
	drop_pending(w, f, &w->open);
	f->scan = true;
	w->n_scan++;
}

static void
unscan_folder(struct watch *w, struct folder *f)
{
	if (f->scan)
		w->n_scan--;
	f->scan = false;
}

static void
scan_all(struct watch *w)
{
	struct folder *f;

	drop_pending(w, NULL, &w->ready);
	drop_pending(w, NULL, &w->open);
	TAILQ_FOREACH(f, &w->all, link)
		unscan_folder(w, f);
	w->scan_all = w->tree = true;
}

/* Directories and folders. */

/* Stop watching; ${d} is freed. */
static void
dir_free(struct watch *w, struct dir *d)
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
dir_add(struct watch *w, struct folder *f, bool in_new, char *path,
    uint32_t events, struct err *err)
{
	int wd = inotify_add_watch(w->fd, path, events);
	struct dir *d, *was = f != NULL ? f->dirs[in_new] : NULL;

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

static struct folder *
folder_add(struct watch *w, int64_t key)
{
	struct folder *f = find_folder(w, key);

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
	struct folder *f = folder_add(w, key);

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
	struct folder *f = find_folder(w, key);

	if (f == NULL)
		return;
	scan_folder(w, f);
	unscan_folder(w, f);
	dir_free(w, f->dirs[0]);
	dir_free(w, f->dirs[1]);
	map_remove(&w->folders, key_of(&f->key, sizeof(f->key)));
	TAILQ_REMOVE(&w->all, f, link);
	free(f);
}

void
watch_ours(struct watch *w, int64_t key, bool in_new, const char *file, bool came)
{
	const struct folder *f = find_folder(w, key);

	if (f != NULL && f->dirs[in_new] != NULL)
		ours_add(&w->ours, f->dirs[in_new]->wd, file, came);
}

static void
free_taken(struct watch *w)
{
	struct pending *p;

	while ((p = TAILQ_FIRST(&w->taken)) != NULL) {
		TAILQ_REMOVE(&w->taken, p, link);
		pending_free(p);
	}
}

void
watch_free(struct watch *w)
{
	struct folder *f;

	if (w == NULL)
		return;
	while ((f = TAILQ_FIRST(&w->all)) != NULL)
		watch_forget(w, f->key);
	for (size_t i = 0; i < w->dirs.cap; i++)
		if (w->dirs.slots[i].key.p != NULL && !w->dirs.slots[i].dead) {
			struct dir *d = (struct dir *)w->dirs.slots[i].value;

			free(d->path);
			free(d);
		}
	free_taken(w);
	ours_clear(&w->ours);
	map_clear(&w->dirs);
	map_clear(&w->folders);
	close(w->fd);
	free(w);
}

/* Events. */

static struct pending *
find_pending(const struct folder *f, struct str unique)
{
	uintptr_t value;

	if (!map_get(&f->pending, unique, &value))
		return NULL;
	return (struct pending *)value;
}

/* What is true of ${unique} now: ${state}, as ${file} of ${d}.  The event; NULL
 * when the folder is to be scanned instead. */
static struct pending *
now(struct watch *w, struct dir *d, struct str unique, const char *file,
    enum state state)
{
	struct pending *p = find_pending(d->folder, unique);

	if (p == NULL) {
		if (w->n_ready + w->n_open == PENDING_MAX) {
			scan_folder(w, d->folder);
			return NULL;
		}
		p = xcalloc(1, sizeof(*p));
		p->folder = d->folder;
	} else
		pending_detach(w, p);
	if (p->file == NULL || strcmp(p->file, file) != 0) {
		free(p->file);
		p->file = xstrdup(file);
	}
	p->unique = (struct str){ p->file, unique.n };
	p->in_new = d->in_new;
	pending_attach(w, p, state);
	return p;
}

/*
 * Whether the file ${name}, just created in ${d}, is complete: link(2) makes it
 * so, open(2) does not, and both look the same.  A read lease is granted only on
 * a file that nobody has open for writing.  Breaking a lease sends a signal,
 * which must be one that is ignored by default: not SIGIO.  Without leases (a
 * network file system), a second link tells.
 */
static bool
is_complete(const struct dir *d, const char *name)
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
on_created(struct watch *w, struct dir *d, struct str unique, const char *file)
{
	struct pending *p = now(w, d, unique, file,
	    is_complete(d, file) ? ST_PRESENT : ST_OPEN);

	if (p != NULL)
		p->created = true;
}

static void
on_closed(struct watch *w, struct dir *d, struct str unique, const char *file)
{
	struct pending *p = find_pending(d->folder, unique);

	if (p == NULL) {
		p = now(w, d, unique, file, ST_SAME);
		if (p != NULL)
			p->written = true;
	} else if (p->state == ST_OPEN)
		now(w, d, unique, file, ST_PRESENT);
	else if (p->state == ST_PRESENT && !p->created &&
	    p->in_new == d->in_new && strcmp(p->file, file) == 0)
		p->written = true;
}

static void
on_left(struct watch *w, struct dir *d, struct str unique, const char *file)
{
	struct pending *p = find_pending(d->folder, unique);

	/* The old name of a message that has a new one already. */
	if (p != NULL && p->state != ST_GONE &&
	    (p->in_new != d->in_new || strcmp(p->file, file) != 0))
		return;
	now(w, d, unique, file, ST_GONE);
}

static void
on_file(struct watch *w, struct dir *d, uint32_t mask, const char *file)
{
	struct mname name;

	if (w->scan_all || d->folder->scan ||
	    !mname_parse(str_z(file), &name))
		return;
	if (mask & IN_MOVED_TO)
		now(w, d, name.unique, file, ST_PRESENT);
	else if (mask & IN_CREATE)
		on_created(w, d, name.unique, file);
	else if (mask & IN_CLOSE_WRITE)
		on_closed(w, d, name.unique, file);
	else if (mask & (IN_MOVED_FROM | IN_DELETE))
		on_left(w, d, name.unique, file);
}

static void
on_event(struct watch *w, const struct inotify_event *ev)
{
	struct dir *d;

	if (ev->mask & IN_Q_OVERFLOW) {
		scan_all(w);
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
			scan_folder(w, d->folder);
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

	free_taken(w);
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

static bool
take_scan(struct watch *w, struct watch_event *ev)
{
	struct folder *f;

	TAILQ_FOREACH(f, &w->all, link)
		if (f->scan) {
			unscan_folder(w, f);
			*ev = (struct watch_event){ .what = WATCH_SCAN,
			    .key = f->key };
			return true;
		}
	return false;
}

bool
watch_take(struct watch *w, struct watch_event *ev)
{
	struct pending *p;

	if (w->files) {
		*ev = (struct watch_event){ .what = WATCH_FILES };
		w->files = false;
		return true;
	}
	if (w->scan_all || w->tree) {
		*ev = (struct watch_event){
		    .what = w->scan_all ? WATCH_SCAN_ALL : WATCH_TREE };
		if (w->scan_all)
			w->scan_all = false;
		else
			w->tree = false;
		return true;
	}
	if (w->n_scan > 0 && take_scan(w, ev))
		return true;
	p = TAILQ_FIRST(&w->ready);
	if (p == NULL)
		return false;
	*ev = (struct watch_event){ .key = p->folder->key, .file = p->file,
	    .in_new = p->in_new, .what = p->state == ST_PRESENT ? WATCH_PRESENT :
	    p->state == ST_GONE ? WATCH_GONE : WATCH_WRITTEN };
	if (p->state == ST_PRESENT && p->written) {
		/* Two facts: the second one is the next to be taken. */
		p->state = ST_SAME;
		return true;
	}
	pending_detach(w, p);
	TAILQ_INSERT_TAIL(&w->taken, p, link);
	return true;
}
