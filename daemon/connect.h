/*
 * connect.h — how a worker reaches its server: what the configuration says as
 * what imap_open() wants, the secret from the parent, the watch connection.
 */
#ifndef DAEMON_CONNECT_H
#define DAEMON_CONNECT_H

#include "base/err.h"
#include "base/secret.h"
#include "engine/account.h"

/* Sign in on a connection called ${name} ("work", "watch").  ${tunnel_fd} -1:
 * none.  ${acc}: the account whose work begins with it (engine/ahead.h), or NULL.
 * NULL with imap_open()'s errors. */
struct lane	*connect_lane(const struct account_conf *conf, const char *name,
		    int tunnel_fd, const struct secret *secret, bool tap,
		    struct account *acc, struct err *err);
/* Connect without signing in: only for imap_caps() or pop3_caps(), and for
 * lane_info. */
struct lane	*connect_probe(const struct account_conf *conf, struct err *err);

#endif
