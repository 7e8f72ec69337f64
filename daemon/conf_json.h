/*
 * conf_json.h — one account's configuration as JSON, by the option table: what
 * the parent tells a worker (daemon/ipc.h, IPC_CONF), and how it sees that an
 * account changed.
 */
#ifndef DAEMON_CONF_JSON_H
#define DAEMON_CONF_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include "base/attr.h"
#include "base/err.h"
#include "engine/conf.h"

/* {"name": "work", "tls.mode": "implicit", ...}; a new reference. */
json_t			*account_conf_to_json(const struct account_conf *a);
/* The inverse; NULL with ERR_LOCAL when a field is missing or has a wrong type. */
struct account_conf	*account_conf_from_json(const json_t *json, struct err *err);
bool			 account_conf_equal(const struct account_conf *a,
			    const struct account_conf *b);
/* What account_conf_from_json() gave. */
void			 account_conf_free(struct account_conf *a);

#endif
