/*
 * peer.h — whom to talk to, as whom and how safely: what every protocol needs to
 * know before the first byte; and what servers of every protocol complain of.
 */
#ifndef NET_PEER_H
#define NET_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/types.h"
#include "net/stream.h"

enum tls_mode { TLS_IMPLICIT, TLS_STARTTLS, TLS_NONE };

struct peer_conf {
	const char	*host;
	uint16_t	 port;
	const char	*user;
	enum tls_mode	 tls_mode;
	struct tls_conf	 tls;
	/* In order of preference; NULL: the strongest that the server and the
	 * kind of secret allow (never CRAM-MD5 and older unless named). */
	char *const	*mechanisms;
	size_t		 n_mechanisms;
	bool		 token;		/* the secret is an OAuth access token */
	bool		 external;	/* SASL EXTERNAL by client certificate */
	usec		 response_timeout;	/* no byte for that long while a
						 * request is open: dead */
	bool		 tap;		/* transcript at trace level */
};

/* What a server means by the text of a goodbye, or of a refusal to sign us in:
 * sets *class and *code if it is a known complaint (too many connections, too
 * fast, wrong kind of password), else leaves them. */
void	peer_complaint(struct str text, enum err_class *class, const char **code);
/* Does a refusal, with ${code} and ${text}, say that we ask too much?  Not what was
 * asked is refused then, but whatever we would ask now.  By a code, or by how it begins:
 * a refusal may repeat the name of a folder. */
bool	peer_throttles(struct str code, struct str text);
/* So much of ${text}, which a server said while we signed in, as people may see:
 * not all of it, and nothing if it repeats the secret (NULL: there is none). */
struct str peer_said(const struct secret *secret, struct str text);

/* Wait for the first word of a server, which speaks first, and leave it there.  -1
 * also when it is another protocol's: ERR_CONFIG proto.other-server; ${mine} is
 * "IMAP" or "POP3".  What is nobody's greeting is left to the caller. */
int	peer_meet(struct stream *st, const char *mine, usec deadline,
	    struct err *err);

#endif
