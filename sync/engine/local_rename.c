/* local_rename.c — files that get another name here, many in a row. */
#include "engine/dirsync.h"
#include "engine/local.h"
#include "maildir/dir.h"

/* Nothing but renames of one commit holds them: more are not opened at a time. */
enum { HANDLES_MAX = 64 };

static void
spare_handles(struct account *acc)
{
	if (acc->handles < HANDLES_MAX)
		return;
	for (size_t i = 0; i < acc->n_folders; i++)
		folder_drop_handles(acc->folder[i]);
	acc->handles = 0;
}

int
local_rename(struct account *acc, struct folder *from, bool from_new,
    const char *file, struct folder *to, bool to_new, const char *name,
    struct err *err)
{
	int dir[2], got;

	spare_handles(acc);
	acc->handles += (from->handle[from_new] < 0) + (to->handle[to_new] < 0);
	/* Noted first: who syncs them closes the handles, too. */
	if (from != to)
		dirsync_left(acc, from);
	dirsync_came(acc, to);
	dir[0] = folder_handle(from, from_new, err);
	dir[1] = dir[0] >= 0 ? folder_handle(to, to_new, err) : -1;
	if (dir[1] < 0)
		return -1;
	got = mdir_rename_in(dir[0], file, dir[1], name, err);
	if (got > 0 && acc->watcher != NULL) {
		watch_ours(acc->watcher, from->id, from_new, file, false);
		watch_ours(acc->watcher, to->id, to_new, name, true);
	}
	return got;
}
