/*
 * letter.h — problems as a mail to a person (RFC 5322), for sendmail(1).  Pure.
 */
#ifndef DAEMON_LETTER_H
#define DAEMON_LETTER_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"

struct letter {
	const char	*to;
	const char	*user, *host;	/* whom it is from */
	int64_t		 now;		/* wall clock us */
	long		 gmtoff;	/* seconds east of UTC, then */
	uint64_t	 id;		/* no other letter of that moment has it */
};

/* The events problem.notify of ${batch}, with LF line ends.  -1: no room. */
int	letter_write(struct buf *out, const struct letter *l, const json_t *batch);

#endif
