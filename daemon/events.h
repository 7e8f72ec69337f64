/*
 * events.h — what happened, numbered, for subscribers of the control socket.
 * The newest are kept, in memory and in a file, so that a subscriber who comes
 * back learns what it missed, or that it missed too much; also over a restart of
 * the daemon.  The file is a convenience: it is not synced, and losing it makes a
 * gap that subscribers are told of.
 */
#ifndef DAEMON_EVENTS_H
#define DAEMON_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENTS_KEPT = 4096 };

struct event_kept {
	uint64_t	 seq;		/* 0: none */
	char		*name;
	char		*line;		/* JSON, without the newline */
};

struct events {
	uint64_t		seq;	/* of the newest */
	uint64_t		first;	/* of the oldest that is kept; 0: none is */
	char			*path;	/* of the file; NULL: none */
	int			fd;	/* of the file; -1: it cannot be written */
	bool			failing;	/* ... and that was said */
	size_t			n_file;	/* bytes in it */
	struct event_kept	kept[EVENTS_KEPT];
};

/* Go on where ${path} ends; from now on events are written there, too. */
void	events_open(struct events *e, const char *path);
void	events_clear(struct events *e);
/* Consumes the object ${body}; "event", "seq" and "ts" are added. */
void	events_take_add(struct events *e, const char *name, json_t *body);
/* The first event after ${seq} that is still kept, or NULL. */
const struct event_kept	*events_after(const struct events *e, uint64_t seq);
/* Whether everything after ${seq} is still kept. */
bool	events_complete(const struct events *e, uint64_t seq);

#endif
