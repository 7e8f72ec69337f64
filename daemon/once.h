/* once.h — `run --once`, `sync` without a daemon, `check --online`: one job,
 * printed as it goes, and an exit code. */
#ifndef DAEMON_ONCE_H
#define DAEMON_ONCE_H

#include <jansson.h>
#include <stdbool.h>

#include "parent.h"

enum { ONCE_WORKERS = 8 };	/* at a time */

/* Make the job of p->opts.  -1: an exit code is in *code, and it was said why. */
int	once_begin(struct parent *p, int *code);
/* What of it is for paused accounts, which there are by now, is done: there is nothing
 * to do, or an error for those that were named. */
void	once_skip_paused(struct parent *p);
/* How many workers may be started now. */
size_t	once_room(const struct parent *p);
/* A line of a job was said. */
void	once_line(struct parent *p, const struct part *part, const json_t *body);
/* Show how far the workers are, when it is time. */
void	once_show(struct parent *p);
/* All is done: print the rest; returns the exit code. */
int	once_end(const struct parent *p);

/* Print a job_result() and what failed; with ${quiet}, only that.  Returns the
 * exit code. */
int	once_print_result(const json_t *result, bool json, bool quiet);

#endif
