/*
 * report.h — what the stores of accounts can tell without a worker: folders and
 * the audit log.  Readers never disturb the daemon that writes.
 */
#ifndef DAEMON_REPORT_H
#define DAEMON_REPORT_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/conf.h"

/* [{"account", "remote", "local", "messages", "uidvalidity", ...}, ...]; an
 * account that was never synced has none.  NULL on an error. */
json_t	*report_folders(const struct conf *conf, const struct account_conf *a,
	    struct err *err);

struct log_query {
	int64_t		 since;		/* wall clock us; 0: all */
	const char	*msgid;		/* with or without <>; NULL: all */
	const char	*folder;	/* NULL: all */
	size_t		 most;		/* the newest so many */
};

/* [{"account", "seq", "time", "op", "folder", ..., "reason"}], oldest first. */
json_t	*report_log(const struct conf *conf, const struct account_conf *a,
	    const struct log_query *q, struct err *err);

/* {"messages", "folders"} of the last agreement: the "totals" of a status when
 * no worker is there to tell. */
json_t	*report_totals(const struct conf *conf, const struct account_conf *a);

#endif
