/*
 * lane.h — one connection to one POP3 server, pipelined where it says that it
 * may be (RFC 1939, 2449, 2595, 5034).
 *
 * pop3_open() goes in one straight line from the name of the host to the
 * transaction state; from then on the lane never waits: what is submitted below
 * is reaped with net/lane.h, in order:
 *	LIST, UIDL	EV_MSG with .uid the number in this session and MSG_SIZE
 *			or MSG_OBJID, for each message; then EV_DONE
 *	RETR, TOP	EV_BODY, EV_DATA..., EV_MSG with MSG_BODY; then EV_DONE
 *	STAT		EV_DONE, whose text is for pop3_maildrop()
 *	the others	EV_DONE
 * A number means nothing outside of its session.
 */
#ifndef POP3_LANE_H
#define POP3_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/types.h"
#include "net/lane.h"
#include "net/peer.h"
#include "net/sasl.h"

struct pop3_conf {
	struct peer_conf peer;
	bool		 lock_step;	/* never more than one command at a time */
	uint64_t	 max_message;	/* larger is the end of the connection */
	bool		 probe;		/* stop before signing in */
};

/* What CAPA says (RFC 2449); nothing, where there is no CAPA. */
struct pop3_caps {
	bool		 known;
	bool		 user, pipelining;
	struct sasl_names sasl;
	uint32_t	 login_delay;	/* seconds between logins; 0: any */
	bool		 expires;	/* EXPIRE 0: what was fetched is gone */
	char		 implementation[64];
};

/*
 * Connect and sign in: dial, TLS by mode, greeting, CAPA, USER and PASS or SASL.
 * ${tunnel_fd} >= 0 is used (and taken) instead of dialling.  CAPA is asked
 * again in the lane's first flight.  Waits until ${deadline}.  NULL with
 *   ERR_AUTH   auth.refused, auth.mechanism-missing (resp holds the code)
 *   ERR_CONFIG tls.*, ERR_RETRY net.*, server.in-use, auth.throttled
 *   ERR_PROTO  proto.unexpected
 * With conf->probe it stops before signing in: only pop3_caps() and lane_info
 * may be asked of that lane.
 */
struct lane	*pop3_open(const struct pop3_conf *conf, const char *name,
		    int tunnel_fd, const struct secret *secret,
		    usec deadline, struct err *err);

/* Complete as soon as any request of the lane has been answered. */
const struct pop3_caps *pop3_caps(const struct lane *ln);
/* What was fetched in a session that ends with QUIT is not listed again, whether
 * it was deleted or not, and not everything is listed (Gmail). */
bool	 pop3_hides(const struct lane *ln);

/* Each returns the number that its EV_DONE has. */
uint32_t pop3_stat(struct lane *ln);
uint32_t pop3_list(struct lane *ln);
uint32_t pop3_uidl(struct lane *ln);
uint32_t pop3_top(struct lane *ln, uint32_t number);	/* the header only */
uint32_t pop3_retr(struct lane *ln, uint32_t number);
uint32_t pop3_dele(struct lane *ln, uint32_t number);
/* Only the answer to this one makes deletions real. */
uint32_t pop3_quit(struct lane *ln);

#endif
