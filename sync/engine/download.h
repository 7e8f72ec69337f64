/*
 * download.h — fresh messages on their way to tmp/; land.h puts them into folders.
 */
#ifndef ENGINE_DOWNLOAD_H
#define ENGINE_DOWNLOAD_H

#include <stdbool.h>

#include "base/err.h"
#include "engine/land.h"

/* Fetch what is fresh in ${a}'s folder, newest first.  What fills a batch lands at
 * once, the rest is left in ${a}, after an error, too. */
int	download_into(struct arrivals *a, struct err *err);
/* After this error, should what has arrived whole land?  It may be long until the
 * connection is back; but not when it is the disk that fails. */
bool	download_keeps(const struct err *err);

#endif
