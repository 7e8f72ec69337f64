/*
 * undo.h — what was removed here because it was deleted on the server: kept for a
 * while in state_dir/undo/ACCOUNT, and put back from there.
 *
 * A kept file is named "WHEN.FOLDER.MESSAGE.eml", with the info part that it had:
 * seconds, and the ids of the state database.  That name is all there is to know;
 * the audit log has the rest.  Putting back needs no lock and no worker: it is
 * what any mail program might do, and the next round sees a new message.
 */
#ifndef ENGINE_UNDO_H
#define ENGINE_UNDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/conf.h"
#include "store/store.h"

struct kept {
	char		*file;		/* its name in the undo store */
	int64_t		 when;		/* removed, seconds since 1970 */
	int64_t		 folder, msg;	/* ids */
	uint64_t	 size;
};

struct kept_list {
	struct kept	*v;		/* oldest first */
	size_t		 n, cap;
};

/* The directory of ${account}; made when it is missing, if ${make}.  -1 without
 * it, with errnum ENOENT. */
int	undo_open(const char *state_dir, const char *account, bool make,
	    struct err *err);
/* Keep the file of ${row}, which is ${file} in the folder ${folder_fd}.  1: it is
 * not there any more. */
int	undo_keep(int undo_fd, int folder_fd, const struct msg_row *row,
	    const char *file, struct err *err);
/* Everything kept of ${account}; none is no error. */
int	undo_list(const char *state_dir, const char *account,
	    struct kept_list *list, struct err *err);
void	kept_clear(struct kept_list *list);
/* Drop what is older than undo.keep, then the oldest until undo.max holds. */
int	undo_trim(const char *state_dir, const struct account_conf *conf,
	    struct err *err);

/* Open the Maildir folder ${path} of an account whose tree is there, making the
 * folder if need be; a descriptor or -1. */
int	undo_folder(const struct account_conf *conf, const char *path,
	    struct err *err);
/* Put a kept file into cur/ of ${folder_fd} and take it out of the undo store.
 * 1: done; 0: it was not kept any more; -1. */
int	undo_put_back(int undo_fd, int folder_fd, const char *file,
	    struct err *err);

#endif
