/* reply.h — answers to calls, back to the runs that wait for them. */
#ifndef PLUGINS_REPLY_H
#define PLUGINS_REPLY_H

#include "run.h"

/* FRAME_REPLY: the run that waits goes on.  -1: the frame is bad. */
int	reply_read(struct script *s, struct frame_in *in);
/* Take the run out of those that wait and queue it; its .reply is filled in. */
void	reply_give(struct run *r);

#endif
