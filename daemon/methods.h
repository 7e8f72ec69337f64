/* methods.h — what the requests of the control socket mean. */
#ifndef DAEMON_METHODS_H
#define DAEMON_METHODS_H

#include "control.h"
#include "parent.h"

/* Answer ${rq}, now or (job.wait) later. */
void	methods_run(struct parent *p, const struct request *rq);
/* Lines and results of jobs for those who wait for them (methods_wait.c).  True: there
 * are more, once what was told is sent. */
bool	methods_tell_waiters(struct parent *p);

#endif
