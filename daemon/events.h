/*
 * events.h — what happened, numbered, for subscribers of the control socket.
 * The newest are kept, so that a subscriber who comes back learns what it
 * missed, or that it missed too much.
 */
#ifndef DAEMON_EVENTS_H
#define DAEMON_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { EVENTS_KEPT = 1024 };

struct event_kept {
	uint64_t	 seq;		/* 0: none */
	char		*name;
	char		*line;		/* JSON, without the newline */
};

struct events {
	uint64_t		seq;	/* of the newest */
	struct event_kept	kept[EVENTS_KEPT];
};

void	events_clear(struct events *e);
/* Consumes the object ${body}; "event", "seq" and "ts" are added. */
void	events_take_add(struct events *e, const char *name, json_t *body);
/* The first event after ${seq} that is still kept, or NULL. */
const struct event_kept	*events_after(const struct events *e, uint64_t seq);
/* Whether everything after ${seq} is still kept. */
bool	events_complete(const struct events *e, uint64_t seq);

#endif
