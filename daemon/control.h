/*
 * control.h — the control socket: JSON lines over a UNIX stream socket, for our
 * own user only.  This is the transport; methods.c knows what requests mean.
 *
 * Nothing here waits.  A client that does not read is not answered any more when its
 * queue of answers is full, and closed when events that it did not get are no longer
 * kept; a request of more than a MiB, or what is no JSON object, closes it too.  Each
 * client has its turn, and when there are too many the one that was idle longest
 * goes.
 */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/types.h"
#include "base/wait.h"
#include "engine/conf.h"
#include "events.h"

enum {
	CONTROL_PROTOCOL = 1,
	CONTROL_CLIENTS = 64,
	CONTROL_LINE = 1 << 20,
	CONTROL_QUEUE = 4 << 20,	/* bytes of answers, before the last one */
	CONTROL_ANSWER = 32 << 20,	/* bytes of one; it is all in memory */
	CONTROL_AHEAD = 256 << 10,	/* bytes of events that wait for a client */
	CONTROL_WAITS = 8,
	CONTROL_TURN = 32		/* requests of one client in a row */
};

/* A job.wait that is not answered yet. */
struct client_wait {
	json_t	*id;		/* of the request; NULL: free */
	char	 job[16];
};

struct client {
	int			 fd;		/* -1: free */
	struct buf		 in, out;
	size_t			 n_seen;	/* bytes of in without a newline */
	unsigned		 turn;		/* requests left before the others */
	usec			 active;	/* when it came, or last asked */
	bool			 closing;	/* when out is empty */
	bool			 eof;		/* it sends no more */
	json_t			*patterns;	/* events subscribed to, or NULL */
	uint64_t		 seq;		/* events up to it are sent */
	struct client_wait	 wait[CONTROL_WAITS];
};

struct control {
	int		 fd;		/* listening; -1: none */
	char		*path;
	struct client	 client[CONTROL_CLIENTS];
};

struct request {
	struct client	*client;
	json_t		*line;		/* the whole request: the caller's to decref */
	json_t		*id;		/* borrowed from line; may be NULL */
	const char	*method;	/* borrowed; never NULL */
	const json_t	*params;	/* borrowed; may be NULL */
};

/* Listen at ${path}, whose directory is made 0700 when it is missing.  A socket
 * file that nobody listens at is replaced; state.locked when somebody does. */
int	control_open(struct control *c, const char *path, struct err *err);
/* Unlinks the socket file, too; fine on one that was never opened. */
void	control_close(struct control *c);

enum { CONTROL_WAITERS = CONTROL_CLIENTS + 1 };
void	control_waiters(const struct control *c, struct waiter w[CONTROL_WAITERS]);
/* Accept, read and write what is possible; ${seq} is for the hello line. */
void	control_step(struct control *c, uint64_t seq);
/* Write what is possible. */
void	control_flush(struct control *c);
/* The next whole request, if there is one.  Malformed ones are answered here. */
bool	control_next(struct control *c, struct request *rq);
/* Whether there are more, whose clients have had their turn. */
bool	control_pending(const struct control *c);
/* Send the events that each subscriber did not get yet, as it reads them: to be called
 * after control_step().  One that misses some is told so and closed. */
void	control_publish(struct control *c, const struct events *e);

/* Answer; ${result} or ${error} (js_error()) is consumed. */
void	control_take_result(struct client *cl, const json_t *id, json_t *result);
void	control_take_error(struct client *cl, const json_t *id, json_t *error);
/* Any line that is no answer: consumes ${line}. */
void	control_take_line(struct client *cl, json_t *line);

#endif
