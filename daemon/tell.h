/* tell.h — a mistake, as words or as the last line of stderr for programs. */
#ifndef DAEMON_TELL_H
#define DAEMON_TELL_H

#include <stdbool.h>

/* "error[code]: message" and a line of help, or {"error": {...}} when ${json}.
 * ${remedy} may be NULL: the code's own (remedy.h).  Returns ${exit}. */
int	tell_error(bool json, int exit, const char *code, const char *message,
	    const char *remedy);

#endif
