/*
 * notify.h — sd_notify(3) by hand: one datagram to $NOTIFY_SOCKET.  Without
 * that variable everything here does nothing.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include "base/types.h"

void	notify_ready(void);
void	notify_reloading(void);
void	notify_stopping(void);
/* The line of `systemctl status`; sent only when it changed. */
void	notify_status(const char *text);
/* Tell the watchdog that we live, when it is time; returns when to come again,
 * USEC_NEVER without a watchdog. */
usec	notify_watchdog(void);

#endif
