/*
 * watcher.h — the connections that only listen: one with NOTIFY for the whole
 * account where the server has it, else one with IDLE for each folder that
 * watch.idle_folders names, as far as limits.connections goes.
 *
 * They are others than the one that writes: a server does not tell a connection
 * of its own changes, and STATUS of a selected mailbox lies.
 */
#ifndef ENGINE_WATCHER_H
#define ENGINE_WATCHER_H

#include <stdbool.h>

#include "base/types.h"
#include "engine/account.h"

/* Would a watch connection hear anything? */
bool	watcher_useful(const struct account *acc);
/* Would one more, and is it allowed, and now? */
bool	watcher_lacks(const struct account *acc);
/* One more could not be made, or was lost (${ln}, which is closed): the next one waits
 * twice as long as the one before. */
void	watcher_failed(struct account *acc);
void	watcher_lost(struct account *acc, const struct lane *ln);
/* Take ${ln} as a watch connection and make it listen.  Nothing waits: what
 * comes is dealt with by remote_note() and remote_next(). */
void	watcher_start(struct account *acc, struct lane *ln);
/* Say NOTIFY again: Dovecot looks at a file of INBOX's index, and when that index
 * begins another, it notices what comes only twice a minute (QUIRKS.md).  True: a
 * look at all counters follows the answer, so that nothing falls between.  False:
 * there is no NOTIFY here. */
bool	watcher_listen_again(struct account *acc);
/* Something came on a watch connection (remote.c passes it on). */
void	watcher_event(struct account *acc, const struct event *ev);
/* Close ${ln}, or with NULL all of them. */
void	watcher_close(struct account *acc, const struct lane *ln);
/* "notify", "idle" or "none": how news comes. */
const char *watcher_push(const struct account *acc);
/* IDLE is renewed, NOTIFY and the work connection get a NOOP, when due; a folder
 * that the server did not open is tried again. */
void	watcher_keep_alive(struct account *acc);
/* When that is due, or another connection. */
usec	watcher_deadline(const struct account *acc);

#endif
