/*
 * provider.h — well-known mail providers, so that an address is all that has to be
 * written down.  Data only: nothing is looked up in the network.
 */
#ifndef DAEMON_PROVIDER_H
#define DAEMON_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct provider {
	const char	*name;		/* "Fastmail" */
	const char	*domains;	/* separated by spaces */
	const char	*host;
	uint16_t	 port;		/* implicit TLS */
	bool		 local_user;	/* the user is the part before the @ */
	const char	*hint;		/* what to know about the secret, or NULL */
};

/* The provider of ${email}, by its domain in any case; NULL: not known. */
const struct provider *provider_find(struct str email);

#endif
