/* preview.h — a look at a server before there is an account: what it can do, and
 * which folders it has, or how much mail by POP3. */
#ifndef DAEMON_CLI_PREVIEW_H
#define DAEMON_CLI_PREVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "engine/conf.h"
#include "net/sasl.h"

struct preview_folder {
	char		*name;		/* as people read it */
	char		*wire;
	unsigned	 attrs;		/* enum list_attr */
	bool		 counted;
	uint32_t	 messages;
	uint64_t	 bytes;		/* 0: the server does not say */
};

struct preview {
	char			 tls[16];	/* "TLSv1.3", or "" */
	struct sasl_names	 sasl;		/* before signing in; by POP3 also
						 * its commands, "USER" */
	char			 mechanism[24];
	struct preview_folder	*folder;
	size_t			 n, cap;	/* none by POP3 */
	uint64_t		 messages, bytes;
};

/* Connect without signing in. */
int	preview_probe(struct preview *p, const struct account_conf *conf,
	    struct err *err);
/* Sign in, list the folders, count; by POP3 count only. */
int	preview_login(struct preview *p, const struct account_conf *conf,
	    const struct secret *secret, struct err *err);
void	preview_clear(struct preview *p);

#endif
