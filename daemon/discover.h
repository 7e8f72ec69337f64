/*
 * discover.h — the server of an address, for `syncd init`: what the user says, the
 * built-in table, what the domain publishes by SRV (RFC 6186), whose mail exchanger
 * it uses.  IMAP comes before POP3.  Nothing is guessed.
 */
#ifndef DAEMON_DISCOVER_H
#define DAEMON_DISCOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/types.h"
#include "net/dns.h"
#include "provider.h"

struct discover_opts {
	const char	*host;		/* "HOST[:PORT]" of the user, or NULL */
	const char	*dns;		/* see net/dns.h; NULL: the system's */
	bool		 offline;	/* ask nobody */
	bool		 pop3;		/* nothing else will do */
	bool		 starttls;	/* of ${host} */
};

struct discovery {
	char		 host[DNS_NAME_MAX];	/* "": none was found */
	uint16_t	 port;
	bool		 pop3;
	bool		 starttls;	/* by POP3: STLS */
	bool		 port_given;	/* by the user */
	bool		 foreign;	/* by SRV, and not in the mail's domain: to
					 * be confirmed (RFC 6186 section 6) */
	const struct provider	*provider;	/* or NULL */
	char		 how[400];	/* "MX mx1.x.org: Fastmail" */
	char		 looked[800];	/* what was looked at in vain */
};

/* -1: ${host} makes no sense.  Names that cannot be looked up are in looked. */
int	discover(const char *email, const struct discover_opts *opts,
	    struct discovery *out, usec deadline, struct err *err);
/* The usual one. */
uint16_t discover_port(bool pop3, bool starttls);

#endif
