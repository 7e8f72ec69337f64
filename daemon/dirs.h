/* dirs.h — directories of ours, private to the user. */
#ifndef DAEMON_DIRS_H
#define DAEMON_DIRS_H

/* Make every directory on the way to the file ${path}, mode 0700; what fails shows
 * when the file is made. */
void	dirs_make(const char *path);

#endif
