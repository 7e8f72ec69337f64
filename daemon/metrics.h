/*
 * metrics.h — figures for Prometheus, as a text file for the node exporter:
 * `metrics.textfile`.  It is written beside and renamed, so that nobody reads half
 * of it; without time stamps, which the collector refuses.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "base/types.h"
#include "parent.h"

/* Write it when it is time: a daemon does every 15 s. */
void	metrics_step(struct parent *p);
usec	metrics_deadline(const struct parent *p);
/* Write it now; nothing without a file. */
void	metrics_write(struct parent *p);

#endif
