/*
 * provider.h — well-known mail providers, so that an address is all that has to be
 * written down.  Data only: nothing is looked up in the network.
 */
#ifndef DAEMON_PROVIDER_H
#define DAEMON_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct provider {
	const char	*name;		/* "Fastmail" */
	const char	*domains;	/* separated by spaces; NULL: only by MX */
	const char	*mx;		/* ends of the mail exchangers' names of the
					 * domains that it hosts, or NULL */
	const char	*host;		/* NULL: no IMAP, hint says what then */
	uint16_t	 port;		/* implicit TLS */
	bool		 local_user;	/* the user is the part before the @ */
	bool		 token_only;	/* takes no passwords */
	const char	*hint;		/* what to know about the secret, or NULL */
	const char	*url;		/* where to make an app password, or NULL */
};

extern const struct provider providers[];
extern const size_t n_providers;

/* The provider of ${email}, by its domain in any case; NULL: not known. */
const struct provider *provider_find(struct str email);
/* The one whose mail exchanger is called ${host}. */
const struct provider *provider_by_mx(struct str host);

#endif
