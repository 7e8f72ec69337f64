/*
 * worker_sandbox.h — from here on a worker has nothing but its account's mail, the
 * state directory, who is trusted (as the configuration says, else where OpenSSL
 * looks), and what scripts may write.  Layers that this kernel lacks are logged.
 */
#ifndef DAEMON_WORKER_SANDBOX_H
#define DAEMON_WORKER_SANDBOX_H

#include "engine/conf.h"

void	worker_sandbox(const struct account_conf *conf, const char *root,
	    const char *state_dir);

#endif
