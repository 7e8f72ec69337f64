/*
 * worker_mail.h — what a round did to the files here, for the parent's events: read
 * from the audit log, which has every change in its order, once each.
 */
#ifndef DAEMON_WORKER_MAIL_H
#define DAEMON_WORKER_MAIL_H

#include <stdint.h>

#include "engine/account.h"

/* Where the log ends now. */
int64_t	 worker_mail_begin(struct account *acc);
/* Tell the parent what came after *seq, which is moved on; nothing is sent when
 * there is nothing that others need to know. */
void	 worker_mail_tell(struct account *acc, int64_t *seq);

#endif
