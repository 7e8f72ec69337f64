/*
 * auth.h — SASL (RFC 4422): which mechanism, and what to say in it.  The only
 * user of libgsasl, which does SCRAM, GSSAPI and CRAM-MD5; the mechanisms that
 * only carry a secret are a line each and stay in memory that is wiped.
 *
 * SCRAM: the server must prove that it knows the password too; its iteration
 * count is held between 4,096 and 1,000,000.  Channel binding is "tls-exporter"
 * (TLS 1.3), the one that libgsasl can do.
 */
#ifndef IMAP_AUTH_H
#define IMAP_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "imap/caps.h"
#include "imap/lane.h"

/* The LOGIN command, which is no SASL mechanism. */
#define AUTH_LOGIN_COMMAND	"LOGIN command"

/* The best that ${conf} allows, ${caps} offers and the channel carries, or NULL
 * with ERR_AUTH auth.mechanism-missing.  Static. */
const char	*auth_choose(const struct imap_conf *conf,
		    const struct imap_caps *caps, const struct stream_info *tls,
		    struct err *err);

struct auth_conf {
	const char	*mechanism;	/* as chosen */
	const char	*user, *host;
	uint16_t	 port;
	struct str	 secret;	/* borrowed as long as the auth lives */
	const struct stream_info *tls;
};

struct auth;

struct auth	*auth_new(const struct auth_conf *conf, struct err *err);
void		 auth_free(struct auth *a);
/* The client speaks first: it may do so in the AUTHENTICATE command (SASL-IR). */
bool		 auth_client_first(const struct auth *a);
/* A challenge (base64, empty for none yet) to a response, added to ${out} in
 * base64; nothing is added for an empty response. */
int		 auth_step(struct auth *a, struct str challenge, struct buf *out,
		    struct err *err);
/* Nothing is left to say but an empty answer to the server's proof.  It gives
 * nothing away and auth_end() asks for the proof: it may be sent ahead. */
bool		 auth_said_all(const struct auth *a);
/* The server said OK: is that to be believed?  -1 with ERR_AUTH if it owes us a
 * proof. */
int		 auth_end(const struct auth *a, struct err *err);
/* What an OAuth server told of its refusal (JSON), or "". */
const char	*auth_failure(const struct auth *a);

/* Most that a response takes; a buffer for auth_step() has this maximum and
 * room, so that no secret is left behind where it grew. */
enum { AUTH_RESPONSE_MAX = 48 * 1024 };

#endif
