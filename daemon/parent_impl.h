/* parent_impl.h — parent_hear.c, for parent.c. */
#ifndef DAEMON_PARENT_IMPL_H
#define DAEMON_PARENT_IMPL_H

#include "parent.h"

/* Take all that the workers have said. */
void	parent_hear(struct parent *p);
/* Give the jobs that wait to the workers that can take them. */
void	parent_hand_out(struct parent *p);
/* The worker of ${a} is gone, or could not be started: so are its jobs. */
void	parent_worker_gone(struct parent *p, struct account *a);
/* Events for what has changed of ${a} since they were last told: its state, its
 * problems. */
void	parent_tell_state(struct parent *p, struct account *a);

#endif
