/*
 * lane.h — one connection to one IMAP server, pipelined (RFC 9051).
 *
 * imap_open() goes in one straight line from the name of the host to the
 * authenticated state; from then on the lane never waits: requests are
 * submitted with imap/cmd.h and reaped with net/lane.h.
 *
 * Invariants: UIDs only, never a sequence number in a command; capabilities and
 * received bytes are forgotten at the TLS boundary; no mailbox data is believed
 * before authentication; a protocol error is the end of the connection.
 */
#ifndef IMAP_LANE_H
#define IMAP_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/flags.h"
#include "base/secret.h"
#include "base/types.h"
#include "imap/caps.h"
#include "net/lane.h"
#include "net/peer.h"
#include "net/stream.h"

struct imap_conf {
	struct peer_conf peer;
	uint64_t	 forbid;	/* caps_forbid() bits */
	bool		 probe;		/* stop before signing in */
	bool		 compress;	/* use COMPRESS=DEFLATE if offered */
	uint64_t	 max_literal;	/* larger is the end of the connection */
	/* What imap_ahead() said in the last session, or 0; and who then submits
	 * the first commands, to be sent along with our last word of sign-in
	 * (protocol.md's "one flight").  They must be harmless when executed
	 * twice, and hold nothing that is secret. */
	uint64_t	 ahead;
	void		(*first)(void *who, struct lane *ln);
	void		*who;
};

/* What the server says of itself; empty strings when it does not. */
struct imap_server {
	char	name[64], version[64];	/* ID (RFC 2971) */
	char	mechanism[24];		/* how we signed in */
	char	ns_prefix[128];		/* NAMESPACE: personal prefix, raw */
	char	ns_delim;		/* 0: none */
	bool	ns_known;
	bool	utf8;			/* UTF8=ACCEPT is on: names are UTF-8 */
	bool	qresync, condstore;	/* as ENABLED */
};

/* The selected mailbox, as SELECT and what came since told it. */
struct imap_box {
	bool			open;	/* false: nothing is selected */
	bool			readonly;
	uint32_t		exists;
	struct uidvalidity	validity;
	uint32_t		uidnext;	/* 0: the server did not say */
	struct modseq		modseq;	/* HIGHESTMODSEQ; 0: NOMODSEQ */
	char			flags[512];	/* PERMANENTFLAGS, if it names all; "":
						 * unknown, or there may be others */
	bool			uid_not_sticky;
	char			objid[128];	/* MAILBOXID */
};

/*
 * Connect and sign in: dial, TLS by mode, greeting, capabilities, SASL,
 * capabilities again.  ${tunnel_fd} >= 0 is used (and taken) instead of
 * dialling: a PREAUTH greeting is allowed there and nowhere else in clear.
 * With conf->probe it stops before SASL: only imap_caps() and lane_info
 * may be asked of that lane.  Waits until ${deadline}.  NULL with
 *   ERR_AUTH   auth.refused, auth.mechanism-missing (resp holds the code)
 *   ERR_CONFIG tls.*, ERR_RETRY net.*, proto.bye; ERR_PROTO proto.unexpected
 */
struct lane	*imap_open(const struct imap_conf *conf, const char *name,
		    int tunnel_fd, const struct secret *secret,
		    usec deadline, struct err *err);

const struct imap_caps	 *imap_caps(const struct lane *ln);
/* Announced or learned, and not forbidden. */
bool			  imap_can(const struct lane *ln, enum imap_cap cap);
/* A rung turned out to be broken here: do not use it again on this lane. */
void			  imap_avoid(struct lane *ln, enum imap_cap cap);
const struct imap_server *imap_server(const struct lane *ln);
const struct imap_box	 *imap_box(const struct lane *ln);
/* Keywords, $Forwarded among them, that the selected mailbox keeps of nobody: all but
 * those that it names.  None if it takes any, or names no flag at all: then it is not
 * to be written.  Bits that ${kw} has no name for are among them. */
struct flags		  imap_unkept(const struct lane *ln, const struct kwtab *kw);
/* The capabilities with which the next session may speak ahead; 0: this server is
 * not known to understand that, or did not tell them at sign-in.  After ID. */
uint64_t		  imap_ahead(const struct lane *ln);
/* Requests submitted and not yet reaped. */
size_t			  imap_open_requests(const struct lane *ln);

#endif
