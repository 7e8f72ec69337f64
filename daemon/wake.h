/*
 * wake.h — did the machine sleep, or the network change?  Then every connection
 * is suspect.  Two descriptors of the kernel say so; no bus is needed.
 */
#ifndef DAEMON_WAKE_H
#define DAEMON_WAKE_H

#include <stdbool.h>

#include "base/types.h"
#include "base/wait.h"

struct wake {
	int	timer;		/* cancelled when the wall clock is set */
	int	net;		/* rtnetlink; -1: not available */
	usec	asleep;		/* CLOCK_BOOTTIME - CLOCK_MONOTONIC, last seen */
	usec	due;		/* a change to report then; USEC_NEVER: none */
};

void	wake_init(struct wake *w);
void	wake_clear(struct wake *w);
void	wake_waiters(const struct wake *w, struct waiter out[2]);
usec	wake_deadline(const struct wake *w);
/* Read what arrived; true once for each burst of changes. */
bool	wake_step(struct wake *w);

#endif
