/*
 * removed.h — what syncd took away, on either side, and putting it back: here
 * into the undo store, there into the server's \Trash.  The audit log says what
 * was removed and why; both are put back by one file in the right directory,
 * which the next round carries over as it does for any mail program.
 */
#ifndef DAEMON_REMOVED_H
#define DAEMON_REMOVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/conf.h"

enum removed_kind {
	REMOVED_HERE,		/* its file is in the undo store */
	REMOVED_THERE		/* its file is in the Maildir of \Trash */
};

struct removed {
	enum removed_kind	 kind;
	int64_t			 when;		/* wall clock us */
	char			*folder;	/* as people call it */
	char			*path;		/* its directory, below the root */
	char			*from;		/* that of \Trash */
	char			*file;		/* to put back */
	bool			 in_new;
	char			*msgid, *subject, *reason;
};

struct removed_list {
	struct removed	*v;			/* oldest first */
	size_t		 n, cap;
};

struct removed_query {
	int64_t		 since;		/* wall clock us; 0: all */
	const char	*folder;	/* a shell glob; NULL: all */
	const char	*msgid;		/* with or without <>; NULL: all */
};

/* What can be put back. */
int	removed_find(const struct conf *conf, const struct account_conf *a,
	    const struct removed_query *q, struct removed_list *list,
	    struct err *err);
void	removed_clear(struct removed_list *list);
/* 1: done; 0: it is not there any more; -1. */
int	removed_put_back(const struct conf *conf, const struct account_conf *a,
	    const struct removed *r, struct err *err);

#endif
