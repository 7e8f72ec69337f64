/*
 * account_impl.h — the parts of an account.  They call in one direction: account.c,
 * account_hear.c, account_worker.c, account_status.c, account_ok.c.
 */
#ifndef DAEMON_ACCOUNT_IMPL_H
#define DAEMON_ACCOUNT_IMPL_H

#include "account.h"
#include "ipc.h"

/* account_ok.c: what is known of the last full success; and note it. */
void	account_ok_load(struct account *a);
void	account_ok_save(struct account *a);

/* account_hear.c: answer what is answered by now, and hear what comes.  1 with a word
 * for others; 0: nothing more now. */
int	account_hear(struct account *a, struct word *word);

/* account_worker.c: to the worker, if there is one. */
void	account_tell(struct account *a, enum ipc_type type, struct str payload,
	    int fd);
void	account_drop_tunnel(struct account *a, size_t i);
/* All that it had, and its programs. */
void	account_drop_process(struct account *a);
/* It ended, with ${status} of waitpid(): when is the next one started? */
void	account_worker_gone(struct account *a, int status);

/* account_status.c: it failed for want of a server or a network, and nobody need do
 * anything. */
bool	account_offline(int code);
/* ", downloading INBOX, 120 of 300", or "". */
void	account_doing(const struct account *a, char *out, size_t cap);

#endif
