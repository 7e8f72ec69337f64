/* retry.h — how long a worker waits before it connects again. */
#ifndef DAEMON_RETRY_H
#define DAEMON_RETRY_H

#include <stdbool.h>

#include "base/types.h"

/* After the failure ${code}, which ${failures} like it came before; ${eager}: the
 * network changed a moment ago. */
usec	retry_after(const char *code, unsigned failures, bool eager);
/* How long at least, by what a server says of itself ("Suggested Backoff Time: 9000
 * milliseconds", Microsoft); 0: it does not.  No more than five minutes. */
usec	retry_asked(const char *said);

#endif
