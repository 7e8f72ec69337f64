/* local_note.c — where something has changed here, by the watch or by the times of
 * directories: only noted, for local_gather() to look at. */
#include "engine/local.h"

#include <stdlib.h>

#include "base/mem.h"
#include "maildir/dir.h"

enum { NOTED_MAX = 4096 };

void
local_forget(struct folder *f)
{
	for (size_t i = 0; i < f->n_noted; i++)
		free(f->noted[i].file);
	f->n_noted = 0;
}

static void
note_name(struct folder *f, const char *file, bool in_new,
    enum watch_what what)
{
	if (f->n_noted >= NOTED_MAX) {
		local_forget(f);
		folder_mark(f, DIRTY_SCAN);
		return;
	}
	f->noted = array_room(f->noted, f->n_noted, &f->cap_noted,
	    sizeof(*f->noted));
	f->noted[f->n_noted++] = (struct noted){
		.file = xstrdup(file),
		.in_new = in_new,
		.gone = what == WATCH_GONE,
		.written = what == WATCH_WRITTEN,
	};
	folder_mark(f, DIRTY_LOCAL);
}

void
local_told(struct folder *f, const char *file, bool in_new, bool gone)
{
	if (!(f->dirty & DIRTY_SCAN))
		note_name(f, file, in_new, gone ? WATCH_GONE : WATCH_PRESENT);
}

void
local_landed(struct account *acc, const struct folder *f, const char *file, bool in_new)
{
	if (acc->watcher != NULL)
		watch_ours(acc->watcher, f->id, in_new, file, true);
}

int
local_note(struct account *acc, struct err *err)
{
	struct watch_event ev;

	if (acc->watcher == NULL)
		return 0;
	if (watch_read(acc->watcher, err) < 0)
		return -1;
	while (watch_take(acc->watcher, &ev)) {
		struct folder *f = account_by_id(acc, ev.key);

		switch (ev.what) {
		case WATCH_SCAN_ALL:
			for (size_t i = 0; i < acc->n_folders; i++)
				folder_mark(acc->folder[i], DIRTY_SCAN);
			acc->tree_local = true;
			break;
		case WATCH_TREE:
			acc->tree_local = true;
			break;
		case WATCH_SCAN:
			if (f != NULL)
				folder_mark(f, DIRTY_SCAN);
			break;
		default:
			if (f != NULL && !(f->dirty & DIRTY_SCAN))
				note_name(f, ev.file, ev.in_new, ev.what);
			break;
		}
	}
	return 0;
}

void
local_watch(struct account *acc, struct folder *f)
{
	struct err err;

	if (acc->watcher == NULL || f->watched)
		return;
	if (watch_folder(acc->watcher, f->id, acc->root, f->path, &err) == 0) {
		f->watched = true;
		/* What happened while nobody watched shows in the times. */
		f->checked = false;
		return;
	}
	/* Who looks only once reads it instead. */
	if (!acc->once && !acc->watch_limit && err.class == ERR_LOCAL) {
		acc->watch_limit = true;
		problem_open(acc, PROBLEM_WARNING, "store.watch-limit", NULL,
		    "sysctl fs.inotify.max_user_watches=1048576",
		    "%s; folders without a watch are read every minute",
		    err.text);
	}
}

int
local_check(struct account *acc, struct folder *f, struct err *err)
{
	int64_t cur, new_;
	uint64_t which;

	if (folder_load(acc, f, err) < 0 ||
	    mdir_times(f->fd, &cur, &new_, err) < 0 ||
	    mdir_which(f->fd, &which, err) < 0)
		return -1;
	/* Two that changed places may be of one age. */
	if (cur != f->mtime_cur || new_ != f->mtime_new || which != f->dirs)
		folder_mark(f, DIRTY_SCAN);
	return 0;
}
