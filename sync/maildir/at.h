/*
 * at.h — files relative to a directory descriptor, so that nothing a server or
 * another process names can lead out of the Maildir (no symlink is followed).
 * Descriptors are close-on-exec, files 0600, directories 0700.
 */
#ifndef MAILDIR_AT_H
#define MAILDIR_AT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* As many files are synced at once, by syncfs(). */
enum { AT_SYNCFS_FROM = 8 };

/* One component that stays in its directory: no '/', not "", "." or "..". */
bool	at_plain(struct str name);
/* Components of which each is plain, at most PATH_MAX in all; or ".". */
bool	at_beneath(struct str path);

/* openat() of ${path} beneath ${dir_fd}, through no symlink; never creates.  A
 * descriptor or -1 with errno. */
int	at_open(int dir_fd, const char *path, int flags);
/* cur/ or new/ of a folder, as a mere handle; tmp/ likewise. */
int	at_sub(int folder_fd, bool in_new);
int	at_tmp(int folder_fd);

/* renameat() that never replaces: -1 with EEXIST.  When both names are links to
 * one file, the old name goes. */
int	at_rename(int from_fd, const char *from, int to_fd, const char *to);
/* fsync() of the directory ${path} (one component, or "."). */
int	at_sync(int dir_fd, const char *path);

/* err_sys() with the code that fits errno; what stops every folder (no space, a
 * bad disk) is ERR_LOCAL whatever ${class} says. */
int	at_fail(struct err *err, enum err_class class, const char *fmt, ...)
	    PRINTF(3, 4);

#endif
