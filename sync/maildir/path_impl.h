/* path_impl.h — what path.c and path_tree.c share. */
#ifndef MAILDIR_PATH_IMPL_H
#define MAILDIR_PATH_IMPL_H

#include <stdbool.h>

#include "maildir/path.h"

/* The directories that make one a folder, in the order in which they are made. */
enum { MPATH_SUBS = 3 };
extern const char *const mpath_subs[MPATH_SUBS];

/* Would ${name} mean something else as a directory?  Its first byte is escaped. */
bool	mpath_reserved(enum layout layout, struct str name);

#endif
