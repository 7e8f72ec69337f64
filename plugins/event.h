/* event.h — frames of events, and handlers that want them. */
#ifndef PLUGINS_EVENT_H
#define PLUGINS_EVENT_H

#include "run.h"

/* Make runs of FRAME_EVENT and queue them; -1: the frame is bad. */
int	event_read(struct script *s, struct frame_in *in);
/* What follows the id of one message, its descriptor taken. */
void	event_read_msg(struct msg *m, struct frame_in *in);
/* The messages of a frame into the run and its reply; -1: bad, or too many. */
int	event_read_msgs(struct run *r, struct frame_in *in);
/* A count, and that many texts. */
void	event_put_texts(struct frame *f, const struct strs *list);
/* Put the run's entry of FRAME_RESULT, from op ${from} on.  0: all of it is there;
 * else where the next frame has to go on. */
size_t	event_write_result(struct run *r, struct frame *f, size_t from);

/* How many handlers, timers or commands of the plugin the event may go to. */
size_t	event_handlers(const struct run *r, const struct plugin *p);
bool	event_matches(struct run *r, struct plugin *p, size_t i);
/* Put the handler and its arguments on a coroutine of the run; false: the plugin
 * failed (out of memory), which is recorded. */
bool	event_open(struct run *r, struct plugin *p, size_t i);

#endif
