/* client.h — the other end of the control socket: what verbs talk through. */
#ifndef DAEMON_CLIENT_H
#define DAEMON_CLIENT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/types.h"

struct line_to {		/* a connection to the daemon */
	int		fd;	/* -1: none */
	struct buf	in;
	json_int_t	last_id;
};

/* -1 with daemon.not-running when nobody listens at ${path}. */
int	 client_open(struct line_to *c, const char *path, usec deadline,
	    struct err *err);
void	 client_close(struct line_to *c);
/* Send a request; ${params} is consumed and may be NULL.  Its number, or -1. */
json_int_t client_send(struct line_to *c, const char *method, json_t *params,
	    usec deadline, struct err *err);
/* The next line from the daemon, a new reference; NULL on an error. */
json_t	*client_next(struct line_to *c, usec deadline, struct err *err);
/* Send, and wait for the answer: an object with "result" or "error"; NULL when
 * the daemon is gone.  Other lines are skipped. */
json_t	*client_call(struct line_to *c, const char *method, json_t *params,
	    usec deadline, struct err *err);

#endif
