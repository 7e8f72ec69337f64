/* retry.h — how long a worker waits before it connects again. */
#ifndef DAEMON_RETRY_H
#define DAEMON_RETRY_H

#include <stdbool.h>

#include "base/types.h"

/* After the failure ${code}, which ${failures} like it came before; ${eager}: the
 * network changed a moment ago. */
usec	retry_after(const char *code, unsigned failures, bool eager);

#endif
