/* scratch.h — directories of tests: in memory if possible, and gone afterwards. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCRATCH_PATH = 64 };

/* A new one; ${what} is part of its name.  0 or -1. */
static inline int
scratch_make(char path[SCRATCH_PATH], const char *what)
{
	snprintf(path, SCRATCH_PATH, "%s/syncd-%s.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", what);
	return mkdtemp(path) != NULL ? 0 : -1;
}

static inline int
scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* With all that is in it. */
static inline int
scratch_remove(const char *path)
{
	return nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
