/*
 * worker_reload.h — script files that somebody writes to: a script whose file has
 * changed is loaded anew.  What does not load leaves the version that runs.
 */
#ifndef DAEMON_WORKER_RELOAD_H
#define DAEMON_WORKER_RELOAD_H

#include "base/wait.h"
#include "engine/account.h"

struct reload;

/* Watch the directories of the account's scripts.  NULL when there are none, or
 * when that is not possible: then `syncd plugin resume` loads them anew. */
struct reload	*reload_new(struct account *acc);
void		 reload_free(struct reload *r);
struct waiter	 reload_waiter(const struct reload *r);
/* When reload_run() has something to do: a moment after the last write, for
 * editors write more than once. */
usec		 reload_deadline(const struct reload *r);
void		 reload_run(struct reload *r);

#endif
