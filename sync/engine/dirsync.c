/* dirsync.c — names are on the disk before a row relies on them. */
#include "engine/dirsync.h"

#include <errno.h>

#include "maildir/dir.h"

void
dirsync_came(struct account *acc, struct folder *f)
{
	if (f->unsynced == UNSYNCED_NOT)
		f->unsynced = UNSYNCED_CAME;
	acc->unsynced = true;
}

void
dirsync_left(struct account *acc, struct folder *f)
{
	f->unsynced = UNSYNCED_LEFT;
	acc->unsynced = true;
}

/* A directory that is gone, and the folder with it, has no names to keep. */
static int
sync_folder(struct folder *f, struct err *err)
{
	folder_drop_handles(f);
	if (f->fd >= 0 && mdir_sync(f->fd, err) < 0 && err->errnum != ENOENT)
		return -1;
	f->unsynced = UNSYNCED_NOT;
	return 0;
}

/* Where they left from is first: to a journal a rename is one thing, and btrfs makes
 * one of it when that directory is synced.  When the other one is, it writes the new
 * name only: a power cut would leave both. */
int
dirsync_all(struct account *acc, struct err *err)
{
	for (int how = UNSYNCED_LEFT; acc->unsynced && how <= UNSYNCED_CAME; how++)
		for (size_t i = 0; i < acc->n_folders; i++)
			if ((int)acc->folder[i]->unsynced == how &&
			    sync_folder(acc->folder[i], err) < 0)
				return -1;
	acc->unsynced = false;
	acc->handles = 0;
	return 0;
}
