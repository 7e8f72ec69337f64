/*
 * ipc.h — messages between the parent and its workers.
 *
 * A SOCK_SEQPACKET pair, one datagram a message: a type, then the payload (JSON
 * text, or raw bytes for secrets).  A star: workers never talk to each other.
 * Nobody parses without bounds, and mail data never travels here.
 */
#ifndef DAEMON_IPC_H
#define DAEMON_IPC_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/types.h"

enum { IPC_MAX = 64 << 10, IPC_FILE_MAX = 16 << 20,
    IPC_FD = 3 };	/* the worker's end */

enum ipc_type {
	/* parent to worker */
	IPC_CONF = 1,	/* {"account": {...}, "state_dir", "log": {"level": n,
			 * "protocol": bool}, "once": bool, "online_check": bool,
			 * "generation": n}: the first message, always; as a
			 * file */
	IPC_SECRET,	/* raw: a status byte, then for '0' the secret; for '1'
			 * (needs the user) and '7' (try later) an error:
			 * "secret.timeout: password_command took too long" */
	IPC_TUNNEL,	/* the tunnel's socket rides along; payload empty or an
			 * error text */
	IPC_JOB,	/* {"job": n, "folder": glob or null, "dry_run", "full",
			 * "approve", "reject"}: one round now; or {"job",
			 * "verify": true, "online", "deep", "percent"};
			 * answered by IPC_JOB_DONE */
	/* worker to parent */
	IPC_READY,	/* "": configuration taken, lock held, state open */
	IPC_SECRET_ASK,	/* {"reason": "connect" | "rejected"} */
	IPC_TUNNEL_ASK,	/* "" */
	IPC_STATUS,	/* {"state", "since", "problems": [...], ...}: the account's
			 * part of `status --json`; sent when it changes; as a file
			 * if it is long: names are a server's, and scripts' */
	IPC_JOB_LINE,	/* {"job": n, "text": "...", "progress": bool}: a line
			 * of the plan, or a folder that is done */
	IPC_JOB_DONE,	/* {"job": n, "exit": code, "summary": {...},
			 * "error": {"code", "message", "remedy"} or null} */
	IPC_MAIL,	/* {"changes": [{"event", "folder", "uid", "path",
			 * "message_id", "subject", "from", "flags"}...],
			 * "changed": n, "new": n, "folders": [...]}: what a
			 * round did to files here */
	IPC_BYE,	/* {"exit", "code", "message", "remedy"}: last words before exit */
	/* worker to parent, for scripts */
	IPC_EXEC,	/* {"call", "plugin", "argv", "env", "timeout", "event",
			 * "send"}: run it; its stdin may ride along.
			 * {"call", "plugin", "secret"}: the secret that this
			 * option of the script names.
			 * {"call", "plugin", "across": true, "argv"}: the message
			 * that rides along, into another account (broker.c).
			 * {"call", "plugin", "connect", "half", "timeout"}: what
			 * rides along, to a service */
	IPC_EXEC_CANCEL,	/* {"call"} */
	IPC_SCRIPT_ASK,	/* {"slot"}: a new process of scripts; one that runs in that
			 * slot is killed */
	IPC_SCRIPT_KILL,	/* {"slot"} */
	/* parent to worker, again */
	IPC_EXIT,	/* {"call", "code", "text", "err", "cut"}: a program of a
			 * script ended; what it printed rides along, or the
			 * secret if .code is 0 */
	IPC_SCRIPT,	/* {"slot", "error"}: the socket of a script process
			 * rides along, or there is an error */
	IPC_WAKE	/* "": we slept, or the network changed: suspect every
			 * connection */
};

/* Both wait until ${deadline} while the socket is full; then ERR_RETRY.  One end may
 * wait for ever, and only one: the parent does not.  ${fd_ride} -1: none. */
int	ipc_send(int fd, enum ipc_type type, struct str payload, int fd_ride,
	    usec deadline, struct err *err);
/* The same of what may be longer than IPC_MAX: it rides along as a file, for
 * ipc_read_file(). */
int	ipc_send_file(int fd, enum ipc_type type, struct str text, usec deadline,
	    struct err *err);
/* All of it into ${out}, which is clear; ${ride} stays the caller's. */
int	ipc_read_file(int ride, struct buf *out, struct err *err);
/* The next message, if there is one: 1 with *type, *payload (borrowed until the
 * next call) and *fd_ride (-1, or the caller's to close); 0: none now; -1: the
 * other side is gone (ERR_CANCEL) or broke the framing. */
int	ipc_recv(int fd, enum ipc_type *type, struct str *payload, int *fd_ride,
	    struct err *err);

#endif
