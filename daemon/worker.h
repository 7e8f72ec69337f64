/* worker.h — the life of one account, in its own process. */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

/* Talk to the parent at IPC_FD until told to stop; returns the exit code. */
int	worker_main(void);

#endif
