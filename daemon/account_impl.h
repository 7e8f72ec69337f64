/* account_impl.h — what account.c, account_hear.c and account_status.c share. */
#ifndef DAEMON_ACCOUNT_IMPL_H
#define DAEMON_ACCOUNT_IMPL_H

#include "account.h"
#include "ipc.h"

/* It failed for want of a server or a network: nobody need do anything. */
bool	account_offline(int code);
/* ", downloading INBOX, 120 of 300", or "". */
void	account_doing(const struct account *a, char *out, size_t cap);
/* One job, then its worker ends. */
bool	account_one_job(const struct account *a);
void	account_drop_tunnel(struct account *a, size_t i);
/* To its worker, if it has one. */
void	account_tell(struct account *a, enum ipc_type type, struct str payload,
	    int fd);
/* Answer what is answered by now, and hear what comes.  1 with a word for others; 0:
 * nothing more now. */
int	account_hear(struct account *a, struct word *word);

#endif
