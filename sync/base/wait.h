/*
 * wait.h — the only poll(2) of the program.  Whoever waits, waits here, with a
 * deadline, and stops at once when the process is asked to stop.
 */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/types.h"

enum wait_for { WAIT_READ = 1 << 0, WAIT_WRITE = 1 << 1 };

struct waiter {
	int		fd;	/* negative: ignored */
	unsigned	want;	/* enum wait_for */
	unsigned	got;	/* filled in; an error or hang-up counts as both */
};

/* From now on every wait_any() fails with ERR_CANCEL as soon as ${fd} is
 * readable; -1 for none.  The caller keeps the fd. */
void	wait_cancel_fd(int fd);

/* When ${fd}, which does not block, becomes readable, it is emptied, and what is
 * being waited for is in doubt: a wait_any() that nothing answers for ${patience}
 * more fails with ERR_RETRY, net.changed.  -1 for none; the caller keeps the fd. */
void	wait_doubt_fd(int fd, usec patience);

/* Wait until one of ${w} is ready or ${deadline} has passed.  Returns how many
 * are ready (0: the deadline), -1 with ERR_CANCEL, ERR_RETRY or ERR_LOCAL. */
int	wait_any(struct waiter *w, size_t n, usec deadline, struct err *err);

#endif
