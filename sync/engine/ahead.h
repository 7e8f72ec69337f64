/*
 * ahead.h — the first commands of a session.  A server that is known to take it
 * (from its last session: the state remembers) gets them along with our last word
 * of sign-in, before it has let us in: one round trip less.
 */
#ifndef ENGINE_AHEAD_H
#define ENGINE_AHEAD_H

#include "base/err.h"
#include "engine/account.h"

/* ENABLE, ID, NAMESPACE and LIST into acc->greeting. */
void	 ahead_greet(struct account *acc, struct lane *ln);
/* The same before we are let in: for imap_conf.first. */
void	 ahead_speak(void *acc, struct lane *ln);
/* A connection is to be made: *bits is imap_conf.ahead; 0: nothing is known of this
 * server. */
int	 ahead_begin(struct account *acc, uint64_t *bits, struct err *err);
/* The first commands were answered: remember whether they can come ahead. */
int	 ahead_learn(struct account *acc, struct err *err);
/* ${why} a session ended that has not had its answers yet.  True if that may be
 * because they were asked for ahead: then it is not done again with this server. */
bool	 ahead_failed(struct account *acc, const struct err *why);

#endif
