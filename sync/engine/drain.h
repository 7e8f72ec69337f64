/*
 * drain.h — POP3: mail goes one way, from the server into a folder, and what is
 * done with it here is nobody's business but the user's.
 *
 * The order that loses nothing and doubles nothing: bodies on disk, rows
 * committed (land.c), then DELE, then QUIT, and only its +OK counts.  Until then
 * the server has everything, and the state knows what need not be fetched again.
 * After a failure on this side nothing is said any more: a connection that ends
 * without QUIT deletes nothing.
 */
#ifndef ENGINE_DRAIN_H
#define ENGINE_DRAIN_H

#include "base/err.h"
#include "engine/account.h"
#include "engine/round.h"

/* One session on the work lane, which is closed afterwards.  ${again}: it follows
 * another one of the same round.
 *	0	settled: all that the server showed is here
 *	1	something could not be settled now: try again later
 *	2	there is more: connect and call again
 *	-1	the connection or the disk failed, or ERR_CANCEL */
enum { DRAIN_MORE = 2 };
int	drain_session(struct account *acc, const struct round_opts *o, bool again,
	    struct err *err);

#endif
