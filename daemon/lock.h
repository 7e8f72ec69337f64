/*
 * lock.h — one writer for an account, however many syncd there are.
 */
#ifndef DAEMON_LOCK_H
#define DAEMON_LOCK_H

#include "base/err.h"

/* Returns the descriptor that holds the lock, which is the caller's to close; it is
 * free again when its process has ended, however it did.  Waits up to 3 s for one
 * who is on his way out.  -1: ERR_RETRY state.locked, ERR_LOCAL store.permission. */
int	lock_account(const char *state_dir, const char *name, struct err *err);

#endif
