/* sandbox.h — what the script process gives up before it runs a line of a script. */
#ifndef PLUGINS_SANDBOX_H
#define PLUGINS_SANDBOX_H

#include <stddef.h>

enum { SANDBOX_DIRS = 70 };

/* From now on only these directories (and the system's libraries) can be read.  What
 * this kernel cannot do is said in ${remarks}. */
void	sandbox_enter(const char *const *dir, size_t n, char *remarks, size_t cap);

#endif
