/*
 * sasl.h — SASL (RFC 4422): which mechanism, and what to say in it.  With scram.c
 * the only user of libgsasl, which does SCRAM, GSSAPI and CRAM-MD5; the mechanisms
 * that only carry a secret are a line each and stay in memory that is wiped.
 *
 * SCRAM: the server must prove that it knows the password too; its iteration
 * count is held between 4,096 and 1,000,000.  Channel binding is "tls-exporter"
 * (TLS 1.3), the one that libgsasl can do.
 */
#ifndef NET_SASL_H
#define NET_SASL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "net/peer.h"
#include "net/stream.h"

enum { SASL_MECHS_MAX = 32, SASL_NAME_MAX = 24 };

/* Mechanisms that a server announces, in capitals. */
struct sasl_names {
	char	v[SASL_MECHS_MAX][SASL_NAME_MAX];
	size_t	n;
};

/* Twice the same, more than there is room for and what is no name are left out. */
void	sasl_names_add(struct sasl_names *names, struct str mechanism);
bool	sasl_names_have(const struct sasl_names *names, const char *mechanism);

/* A protocol's own way to sign in with a password, which is no mechanism. */
struct sasl_command {
	const char	*word;		/* as the user names it: "LOGIN" */
	const char	*name;		/* for people: "LOGIN command" */
	bool		 named_only;	/* weak: the user wants it */
};

/* What a server takes. */
struct sasl_offer {
	const struct sasl_names *names;
	const struct sasl_command *command;
	size_t		 n_commands;
};

/* The best that ${conf} allows, ${offer} has and the channel carries: the name of
 * a mechanism or of a command, static; NULL with ERR_AUTH
 * auth.mechanism-missing. */
const char	*sasl_choose(const struct peer_conf *conf,
		    const struct sasl_offer *offer, const struct stream_info *tls,
		    struct err *err);

struct sasl_conf {
	const char	*mechanism;	/* as chosen */
	const char	*service;	/* "imap", "pop" */
	const char	*user, *host;
	uint16_t	 port;
	struct str	 secret;	/* borrowed as long as the auth lives */
	const struct stream_info *tls;
};

struct sasl;

struct sasl	*sasl_new(const struct sasl_conf *conf, struct err *err);
void		 sasl_free(struct sasl *a);
/* The client speaks first: it may do so in the command itself (SASL-IR). */
bool		 sasl_client_first(const struct sasl *a);
/* A challenge (base64, empty for none yet) to a response, added to ${out} in
 * base64; nothing is added for an empty response. */
int		 sasl_step(struct sasl *a, struct str challenge, struct buf *out,
		    struct err *err);
/* The same, handed to ${st} as a secret; with ${initial} as the last word of the
 * command itself (SASL-IR), where "=" stands for an empty response. */
int		 sasl_respond(struct sasl *a, struct stream *st,
		    struct str challenge, bool initial, struct err *err);
/* Nothing is left to say but an empty answer to the server's proof.  It gives
 * nothing away and sasl_end() asks for the proof: it may be sent ahead. */
bool		 sasl_said_all(const struct sasl *a);
/* The server can let us in without one more word of ours (but that empty one). */
bool		 sasl_last_word(const struct sasl *a);
/* The server said OK: is that to be believed?  -1 with ERR_AUTH if it owes us a
 * proof. */
int		 sasl_end(const struct sasl *a, struct err *err);
/* What an OAuth server told of its refusal (JSON), or "". */
const char	*sasl_failure(const struct sasl *a);

/* Most that a response takes; a buffer for sasl_step() has this maximum and
 * room, so that no secret is left behind where it grew. */
enum { SASL_RESPONSE_MAX = 48 * 1024 };

#endif
