/* account_impl.h — what account.c and account_status.c share. */
#ifndef DAEMON_ACCOUNT_IMPL_H
#define DAEMON_ACCOUNT_IMPL_H

#include "account.h"

/* It failed for want of a server or a network: nobody need do anything. */
bool	account_offline(int code);
/* ", downloading INBOX, 120 of 300", or "". */
void	account_doing(const struct account *a, char *out, size_t cap);

#endif
