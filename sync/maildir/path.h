/*
 * path.h — folder names as directories, and back, without loss.
 *
 * A folder is a list of components (UTF-8 or, where a server's name is not
 * valid, its raw bytes).  A component that cannot be a directory's name, or
 * would leave the tree, is percent-escaped: control characters, '/', '%', NUL, a
 * leading '.', "", "cur", "new", "tmp"; in maildir++ every '.'.  A component
 * over 255 bytes once escaped is refused.
 *
 *	nested		a/b		INBOX is the directory "INBOX"
 *	maildir++	.a.b		INBOX is the root itself
 */
#ifndef MAILDIR_PATH_H
#define MAILDIR_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum layout { LAYOUT_NESTED, LAYOUT_MAILDIRPP };

enum { PATH_DEPTH_MAX = 64, PATH_LEN_MAX = 4000 };

/* The directory of the folder below the root ("." for the maildir++ INBOX), to
 * free(); NULL with ERR_FOLDER store.name-too-long. */
char	*mpath_from_names(enum layout layout, const struct str *names,
	    size_t n, struct err *err);
/* The components of the directory ${path} into ${names} (each to free());
 * returns how many, -1 when it is not a folder's path in that layout. */
int	 mpath_to_names(enum layout layout, struct str path,
	    char *names[PATH_DEPTH_MAX]);
/* True when both would be one directory on a file system without case, or after
 * Unicode normalisation: the second needs another name. */
bool	 mpath_twins(struct str a, struct str b);
/* The same bytes, to free() and never NULL, for those and for no others. */
struct str mpath_fold(struct str path);

/* Every folder (a directory with cur/ or new/) below the root, as paths
 * relative to it, each to free(), with the array; symlinks are not followed out
 * of the root, dot-directories are ignored in the nested layout.  -1 when any
 * directory could not be read: then nothing may be concluded from absence. */
int	 mpath_list(int root_fd, enum layout layout, char ***paths, size_t *n,
	    struct err *err);
/* Make the folder, with parents, cur/, new/ and tmp/, mode 0700, all synced to
 * disk; existing is fine.  Maildir++ gets "maildirfolder". */
int	 mpath_create(int root_fd, enum layout layout, struct str path,
	    struct err *err);
/* Open the directory of a folder, beneath the root and through no symlink; a
 * descriptor or -1 (ERR_FOLDER). */
int	 mpath_open(int root_fd, struct str path, struct err *err);
/* Rename the folder (nested: the tree below goes with it; maildir++: each
 * ".a.b.*" too).  ERR_FOLDER when the target exists. */
int	 mpath_rename(int root_fd, enum layout layout, struct str from,
	    struct str to, struct err *err);
/* Remove an empty folder's directories; ERR_FOLDER when a message is left. */
int	 mpath_remove(int root_fd, struct str path, struct err *err);

#endif
