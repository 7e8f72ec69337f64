/*
 * dirsync.h — names are on the disk before a row relies on them.
 *
 * A row says which file shows what both sides agreed on.  If a power cut took back
 * the file's new name, or its removal, and not the row, that would be read as
 * somebody's wish: a flag would be cleared on the server, what was deleted would come
 * back.  One journal keeps the order; btrfs, and a state directory on another disk, do
 * not.  So changed names are noted, and account_end() syncs their directories.
 */
#ifndef ENGINE_DIRSYNC_H
#define ENGINE_DIRSYNC_H

#include "engine/account.h"

/* A file got its name in cur/ or new/ of ${f}, or another one there; it had one there
 * and has none now.  Whoever did that, it is what the next commit is about. */
void	dirsync_came(struct account *acc, struct folder *f);
void	dirsync_left(struct account *acc, struct folder *f);
/* Sync what was noted. */
int	dirsync_all(struct account *acc, struct err *err);

#endif
