/* open_files.h — does a test leave as many descriptors open as there were? */
#ifndef OPEN_FILES_H
#define OPEN_FILES_H

#include <dirent.h>
#include <stddef.h>

/* A number to compare with another one. */
static inline size_t
open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

#endif
