/* dirs.c — directories of ours. */
#include "dirs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

void
dirs_make(const char *path)
{
	char *at = xstrdup(path);

	for (char *p = at + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(at, 0700);
		*p = '/';
	}
	free(at);
}
