/*
 * worker.h — the life of one account, in a process of its own.
 */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

/* Speak daemon/ipc.h on IPC_FD until told to stop; returns the exit code:
 * 0, 74 disk, 75 try again, 69 unreachable, 76 protocol, 77 credentials,
 * 78 configuration, 70 bug. */
int	worker_main(void);

#endif
