/*
 * watcher.h — the connection that only listens: NOTIFY for the whole account
 * where the server has it, else IDLE on INBOX.
 *
 * It is another connection than the one that writes: a server does not tell a
 * connection of its own changes, and STATUS of a selected mailbox lies.
 */
#ifndef ENGINE_WATCHER_H
#define ENGINE_WATCHER_H

#include <stdbool.h>

#include "base/types.h"
#include "engine/account.h"

/* Would a watch connection hear anything? */
bool	watcher_useful(const struct account *acc);
/* Take ${ln} as the watch connection and make it listen.  Nothing waits: what
 * comes is dealt with by remote_note() and remote_next(). */
void	watcher_start(struct account *acc, struct lane *ln);
/* An answer came on the watch connection (remote.c passes it on). */
void	watcher_answer(struct account *acc, const struct ev_done *done);
/* IDLE is renewed, NOTIFY and the work connection get a NOOP, when due. */
void	watcher_keep_alive(struct account *acc);
usec	watcher_deadline(const struct account *acc);

#endif
