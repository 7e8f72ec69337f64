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
#include "store/store.h"

/* The store of ${a}, to read.  1: *s is open; 0: there is none yet. */
int	 report_open(const struct conf *conf, const struct account_conf *a,
	    struct store **s, struct err *err);
/* A Message-ID as it stands in the header, to free(): users may leave out the
 * <>.  NULL gives NULL. */
char	*report_msgid(const char *id);

/* [{"account", "remote", "local", "messages", "uidvalidity", ...}, ...]; an
 * account that was never synced has none.  NULL on an error. */
json_t	*report_folders(const struct conf *conf, const struct account_conf *a,
	    struct err *err);

struct log_query {
	int64_t		 since;		/* wall clock us; 0: all */
	int64_t		 after;		/* rows with a larger seq; 0: all */
	const char	*msgid;		/* with or without <>; NULL: all */
	const char	*folder;	/* NULL: all */
	size_t		 most;		/* the newest so many */
};

/* [{"account", "seq", "time", "op", "folder", ..., "reason"}], oldest first. */
json_t	*report_log(const struct conf *conf, const struct account_conf *a,
	    const struct log_query *q, struct err *err);

/* {"account", "since", "messages", "bytes", "done": {op: how often},
 * "verified", "findings"}; the last two when it was ever verified.  NULL on an
 * error. */
json_t	*report_period(const struct conf *conf, const struct account_conf *a,
	    int64_t since, struct err *err);

/* Where a message is now: [{"account", "folder", "uid", "file", "state",
 * "text"}]; none when it is nowhere.  NULL on an error. */
json_t	*report_places(const struct conf *conf, const struct account_conf *a,
	    const char *msgid, struct err *err);

/* Messages of the inbox that nobody has read; 0 when that is not known. */
uint32_t report_unseen(const struct conf *conf, const struct account_conf *a);

/* {"messages", "folders"} of the last agreement: the "totals" of a status when
 * no worker is there to tell. */
json_t	*report_totals(const struct conf *conf, const struct account_conf *a);

#endif
