/*
 * role.h — the only place that makes processes: workers (ourselves again, in
 * another role), commands that print a secret, tunnels, hosts of scripts, and the
 * programs that scripts are granted.
 *
 * Every child gets an empty signal mask, default signal actions, no descriptor
 * but those named here, and a signal when the parent dies: SIGKILL for what is ours,
 * SIGTERM for the commands of others.
 */
#ifndef DAEMON_ROLE_H
#define DAEMON_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/types.h"
#include "base/wait.h"
#include "engine/conf.h"

/* `syncd worker ACCOUNT` with its end of a seqpacket pair at IPC_FD and
 * ${page} at PROGRESS_FD; *fd is ours, non-blocking by the flags of ipc.c. */
int	role_spawn_worker(const char *account, int page, pid_t *pid, int *fd,
	    struct err *err);
/* ${command} with a stream socket as stdin and stdout; *fd is the other end. */
int	role_spawn_tunnel(const struct strlist *command, pid_t *pid, int *fd,
	    struct err *err);

/* `syncd-script` with its end of a seqpacket pair at IPC_FD. */
int	role_spawn_script(pid_t *pid, int *fd, struct err *err);

/* The program's absolute path by PATH, to free(); NULL. */
char	*role_find_program(const char *name);

/* Become syncd-script with these arguments; returns only on an error. */
int	role_exec_script(const struct strlist *argv, struct err *err);

/* What a command learns from us. */
struct role_env {
	const char		*account, *user, *reason;	/* NULL: not set */
	const struct strlist	*more;	/* "NAME=value", or NULL */
	const struct buf	*input;	/* its stdin; NULL: /dev/null */
	bool			 program;	/* of a script: no shell, a session
					 * of its own, .more is all of its
					 * environment */
	int			 in;	/* then, its stdin; -1: /dev/null */
};

enum { ROLE_TAIL = 512 };

/* A running command, stepped from the parent's loop.  One word is a line for
 * /bin/sh, several are an argv.  It has its own process group. */
struct role_command {
	pid_t		pid;		/* 0: none, or reaped */
	pid_t		group;
	int		out, err;	/* -1: closed */
	struct buf	stdout_bytes;	/* never reallocated: it holds a secret */
	bool		overflow;	/* it printed more than the cap */
	char		tail[ROLE_TAIL];	/* the end of its stderr */
	size_t		n_tail;
	usec		deadline;
	int		killed;		/* the last signal sent, or 0 */
	bool		timed_out;
	bool		done;
	int		status;		/* of waitpid(), when done */
};

/* -1: it could not be started; nothing is to be cleared. */
int	role_command_start(struct role_command *c, const struct strlist *command,
	    const struct role_env *env, size_t max_out, usec timeout,
	    struct err *err);
/* What to wait for: fills in w[0] and w[1], negative when closed. */
void	role_command_waiters(const struct role_command *c, struct waiter w[2]);
usec	role_command_deadline(const struct role_command *c);
/* Read what is there; enforce the deadline.  Never waits. */
void	role_command_step(struct role_command *c);
/* Process c->pid ended with ${status}: read the rest; c->done is set. */
void	role_command_reaped(struct role_command *c, int status);
/* Kill what still runs, wipe the output. */
void	role_command_clear(struct role_command *c);

/* Run it to its end: for verbs, which have nothing else to do.  -1 when it could
 * not be started; else c->status says how it ended.  To be cleared. */
int	role_command_run(struct role_command *c, const struct strlist *command,
	    const struct role_env *env, size_t max_out, usec timeout,
	    struct err *err);

/* "exited 3", "was killed by SIGKILL (9)" of a waitpid() status. */
void	role_obituary(int status, char *out, size_t cap);

#endif
