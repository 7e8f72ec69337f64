/*
 * hook.h — what a plugin host must offer to the engine, and what it may ask.
 *
 * The engine knows nothing of scripts: it hands events to a host and gets plans
 * back.  A plan is only a wish list; nothing of it happens before the engine has
 * checked it against the grants and committed it with the change it belongs to.
 *
 *	engine                        host                       script process
 *	ask(event)  ----------------> frames ------------------>  hooks run
 *	step()      <---- plan        answers  <----------------  ops, kv writes
 *	settle(event, committed)  --> overlay of kv is kept or dropped
 *
 * Who waits: nobody but the engine, in one poll over the host's waiters and its
 * own (hooks.c).  ask() and step() never block.  Events are answered in any order,
 * each exactly once: with a plan, which says of every plugin that failed for which
 * message (.fault).  An event that is not answered by its deadline is answered by
 * the host, with faults for whoever was asked and did not finish; so is every
 * event that was with a process that died.
 *
 * Who owns: what is passed to ask() is borrowed for the call, descriptors too (the
 * host duplicates what it must keep).  A plan, and all that it points to, is
 * borrowed from the host until the next step(), but for descriptors in it that
 * the engine takes by setting them to -1.
 *
 * With no plugins configured there is no host: one NULL test.  The daemon makes
 * the host, from the account's plugin_conf (conf.h), a hook_world of the engine's
 * and a hook_broker of its own, and gives it to the engine.
 */
#ifndef ENGINE_HOOK_H
#define ENGINE_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/flags.h"
#include "base/str.h"
#include "base/types.h"
#include "base/wait.h"
#include "imap/query.h"

/* ---- events ----------------------------------------------------------- */

enum hook_kind {
	HOOK_INCOMING,		/* durable in tmp/, not visible yet */
	HOOK_DELIVERED,		/* visible */
	HOOK_CREATED,		/* a new file here, before its upload */
	HOOK_UPLOADED,		/* the server has it, with a uid */
	HOOK_FLAGS,		/* .added, .removed of each message */
	HOOK_MOVED,		/* .from of each message is where it was */
	HOOK_REMOVING,		/* deletions that are about to go to the server */
	HOOK_REMOVED,		/* gone on both sides: no file, no fields */
	HOOK_FOLDER,		/* .what "created", "renamed" (arg 0: from), "removed" */
	HOOK_SYNC_START,	/* .what "full", "quick", "idle", "push" */
	HOOK_SYNC_DONE,		/* the same; args "downloaded=3", ... */
	HOOK_SETTLED,		/* quiet; messages that changed, args: mailboxes */
	HOOK_ONLINE,
	HOOK_OFFLINE,		/* .what: why, in English; .since */
	HOOK_AUTH_FAILED,	/* the same */
	HOOK_TIMER,		/* .what: its spec as declared; .only is its plugin */
	HOOK_COMMAND,		/* .what: its name; .only; args as typed */
	HOOK_OFFERED,		/* POP3, not fetched yet: .fd has the header only */
	/* Of the script process alone, never asked: a new version takes over. */
	HOOK_START, HOOK_STOP, HOOK_SAVE, HOOK_RESTORE,
	HOOK_KINDS		/* numbers are in states: new ones come last */
};

const char	*hook_kind_name(enum hook_kind kind);	/* "incoming" */

/* Is it one event about all of its messages, not one about each? */
static inline bool
hook_is_batch(enum hook_kind kind)
{
	return kind == HOOK_REMOVING ||
	    (kind >= HOOK_FOLDER && kind < HOOK_OFFERED);
}

/* Where a change came from: "server", "client", "plugin:NAME", "initial", "replay".
 * A plugin is not called for what it caused (the host sees to it). */

enum hook_field {	/* raw header fields that the state has; NULL .p: absent */
	HOOK_SUBJECT, HOOK_FROM, HOOK_MESSAGE_ID, HOOK_FIELDS
};

struct hook_words {	/* keyword names, "\\Seen" and the like not among them */
	const struct str	*v;
	size_t			 n;
};

struct hook_msg {
	int64_t			 id;		/* ours: stable across moves, restarts */
	struct str		 mailbox;	/* UTF-8, '/' between levels */
	struct uid		 uid;		/* 0: not on the server yet */
	uint64_t		 size;		/* bytes of the file (LF lines) */
	int64_t			 date;		/* INTERNALDATE, seconds */
	uint32_t		 sys;		/* enum sysflag */
	struct hook_words	 keywords;
	struct str		 origin;
	struct str		 path;		/* for people; none in tmp/ */
	int			 fd;		/* read-only, at 0; -1: no file */
	struct str		 field[HOOK_FIELDS];	/* may be absent although the
						 * file has it: then scan */
	/* HOOK_FLAGS, and HOOK_SETTLED for what changed. */
	uint32_t		 sys_added, sys_removed;
	struct hook_words	 added, removed;
	struct str		 from;		/* HOOK_MOVED: the mailbox before */
};

enum { HOOK_BATCH = 64, HOOK_OPS_MAX = 32, HOOK_DEPTH_MAX = 4,
    HOOK_ARGS_MAX = 64, HOOK_TEXT_MAX = 64 << 10 };

struct hook_event {
	uint64_t		 id;		/* the engine's, never 0, never reused in
						 * one life of the worker */
	enum hook_kind		 kind;
	const char		*only;		/* this plugin alone; NULL: all */
	unsigned		 depth;		/* 0: people or servers; n: caused by a
						 * plan of depth n - 1 */
	usec			 deadline;	/* answered by then */
	const struct hook_msg	*msg;		/* up to HOOK_BATCH */
	size_t			 n_msgs;
	struct str		 mailbox;	/* REMOVING, FOLDER */
	struct str		 what;
	const struct str	*arg;
	size_t			 n_args;
	int64_t			 since;		/* wall clock seconds */
};

/* ---- plans ------------------------------------------------------------ */

enum hook_op_kind {
	OPK_MOVE,	/* arg 0: mailbox, made if missing.  Of several moves of a
			 * message the last in the plan counts: who filed first is
			 * for the script side to settle (.lost) */
	OPK_ARCHIVE,	/* arg 0: mailbox, patterns filled in; or none: by role */
	OPK_TRASH,	/* to the Trash of the account */
	OPK_COPY,	/* arg 0: mailbox */
	OPK_DELETE,	/* for good, by the trash policy; granted by `delete` */
	OPK_FLAG,	/* .sys */
	OPK_UNFLAG,	/* .sys */
	OPK_TAG,	/* args: keywords */
	OPK_UNTAG,	/* args: keywords */
	OPK_KEEP,	/* POP3: arg 0 "yes" or "no" to keep it on the server */
	OPK_HOLD,	/* CREATED, REMOVING: arg 0 says why */
	OPK_RUN,	/* args: argv; stdin: .fd, or the message if .whole */
	OPK_SEND,	/* args: recipients; .fd: the whole message, as composed */
	OPK_SAVE,	/* arg 0: path, patterns filled in; bytes: .fd or .whole */
	OPK_APPEND,	/* mailbox:append: arg 0 mailbox; .sys; .fd */
	OPK_MAILBOX,	/* arg 0: "create" "rename" "remove", arg 1 name, arg 2 new */
	OPK_STOP,	/* nothing to do; shown in plans */
	OPK_SKIP,	/* OFFERED: leave it on the server for good */
	OPK_ACROSS,	/* arg 0: mailbox, arg 1: another account; arg 2 "move": and
			 * delete it here once it is safe there */
	OPK_KINDS
};

const char	*hook_op_name(enum hook_op_kind kind);	/* "move" */

enum hook_once { ONCE_AT_LEAST, ONCE_AT_MOST };

/* refile is OPK_MOVE, pipe is OPK_RUN with .whole, reply and forward are OPK_SEND:
 * .verb is what the script wrote, for plans and logs. */
struct hook_op {
	enum hook_op_kind	 kind;
	struct str		 verb;
	struct str		 plugin;	/* its name in syncd.yaml */
	struct str		 where;		/* "spam.lua:9" */
	struct str		 lost;		/* not to be done, only shown: why,
						 * "already filed by lists.lua:4" */
	int64_t			 msg;		/* id; 0: about no message */
	const struct str	*arg;
	size_t			 n_args;
	uint32_t		 sys;
	int			 fd;		/* bytes, at 0; -1: none */
	bool			 whole;		/* the bytes are the message's */
	enum hook_once		 once;
	usec			 timeout;	/* OPK_RUN: duration; 0: as configured */
};

/* A write to a plugin's store; committed with the ops.  .value none: remove. */
struct hook_kv {
	struct str	plugin, store, key, value;	/* value: the host's own
						 * encoding, opaque here */
	int64_t		expires;	/* wall clock seconds; 0: never */
};

/* Plugin ${plugin} failed: its ops and kv writes of this event, or of this message
 * if .msg is not 0, are not in the plan.  INCOMING: the pair (plugin, message) is
 * owed and comes again with origin "replay" and .only. */
struct hook_fault {
	struct str	plugin, where, text;
	int64_t		msg;		/* 0: the event as a whole */
	bool		owed;		/* worth another try (not: denied for good) */
};

struct hook_plan {
	uint64_t		 event;
	struct hook_op		*op;		/* plugins in order, then as recorded */
	size_t			 n_ops;
	const struct hook_kv	*kv;
	size_t			 n_kv;
	const struct hook_fault	*fault;
	size_t			 n_faults;
	struct str		 reply;		/* COMMAND: text for people */
};

/* ---- what the engine asks of a host ------------------------------------ */

enum hook_state { HOOK_OK, HOOK_SUSPENDED, HOOK_DISABLED /* see .error */ };

struct hook_timer {
	const char	*spec;		/* "every 15m", "daily 03:30", "cron 0 4 * * 1";
					 * timer_parse() took it (engine/timer.h) */
	bool		 catch_up;
};

struct hook_command {
	const char	*name, *doc;
};

struct hook_metric {
	const char	*name;
	int64_t		 n;		/* the sum of what was added */
};

/* One plugin, for status and for deciding what to ask; borrowed until the next
 * call of step(). */
struct hook_info {
	const char		*name;
	enum hook_state		 state;
	uint64_t		 kinds;		/* 1 << enum hook_kind */
	uint64_t		 initial;	/* those it wants of a first sync, too */
	uint64_t		 replies;	/* events answered */
	usec			 median;	/* of one event */
	uint64_t		 faults;
	const char		*error;		/* the last: "file.lua:31: ..."; NULL */
	int64_t			 until;		/* SUSPENDED: wall clock seconds */
	unsigned		 times;		/* ... the how-many-th time */
	const struct hook_timer	*timer;
	size_t			 n_timers;
	const struct hook_command *command;
	size_t			 n_commands;
	const struct hook_metric *metric;
	size_t			 n_metrics;
	const char		*grant;		/* DISABLED for that: the YAML to add */
	bool			 stale;		/* the file has a newer version, which
						 * does not load (.error) */
};

/* A search on the server that a script waits for.  It is done between rounds, so
 * whoever makes a round wait must not wait for it. */
struct hook_wish {
	uint32_t		 number;	/* the host's */
	const struct str	*mailbox;	/* globs; none: all of them */
	size_t			 n_mailboxes;
	const struct imap_term	*term;		/* not checked yet */
	size_t			 n_terms;
};

struct hook_host {
	const struct hook_ops	*ops;		/* a host's own struct begins so */
};

struct hook_ops {
	/* Union of the plugins' kinds, and of .initial; all known once step() has
	 * run after the start (before: every kind that could be wanted). */
	uint64_t	(*kinds)(const struct hook_host *);
	uint64_t	(*initial)(const struct hook_host *);
	/* Take an event.  Never fails: what cannot be asked is answered with
	 * faults by the next step(). */
	void		(*ask)(struct hook_host *, const struct hook_event *);
	/* Go on without waiting: send, receive, serve what the script asks
	 * (struct hook_world), respawn.  1: *plan is an answer; 0: nothing now. */
	int		(*step)(struct hook_host *, struct hook_plan *plan);
	/* So much later than .deadline said. */
	void		(*extend)(struct hook_host *, uint64_t event, usec by);
	/* The plan of that event is durable, or was dropped as a whole. */
	void		(*settle)(struct hook_host *, uint64_t event, bool committed);
	/* Descriptors to wait for; returns how many, at most ${cap}. */
	size_t		(*waiters)(const struct hook_host *, struct waiter *, size_t cap);
	/* When to step() even if nothing arrives; USEC_NEVER. */
	usec		(*deadline)(const struct hook_host *);
	/* The i-th plugin in order; false past the last. */
	bool		(*info)(struct hook_host *, size_t i, struct hook_info *);
	/* Its file has changed: load it anew, and go on with what runs until that
	 * has worked. */
	void		(*reload)(struct hook_host *, const char *plugin);
	/* Load anew what is suspended or disabled; NULL: all. */
	void		(*resume)(struct hook_host *, const char *plugin);
	/* The next search that nobody has done: true with *wish, borrowed until it
	 * is answered. */
	bool		(*wish)(struct hook_host *, struct hook_wish *wish);
	/* ... and its answer: ids of the messages found that are here; or ${why}
	 * there is none, in English.  A number that is forgotten is ignored. */
	void		(*found)(struct hook_host *, uint32_t number,
			    const int64_t *id, size_t n, const char *why);
	void		(*free)(struct hook_host *);
};

/* ---- what a host may ask of the engine --------------------------------- */

struct hook_mailbox {
	struct str	name;
	const char	*role;		/* "inbox" "sent" "trash" "junk" "drafts"
					 * "archive", or "" */
	uint32_t	total;
};

/* What the database answers; the host looks at the rest itself.  Zeroed: all. */
struct hook_query {
	struct str	mailbox;		/* glob; none: any */
	uint32_t	sys_set, sys_clear;
	struct str	keyword;
	int64_t		since, before;		/* INTERNALDATE; 0: open */
	uint64_t	larger, smaller;	/* 0: open */
	struct str	message_id;
};

/* Called from step() only; nothing here waits but for the disk.  Text is borrowed
 * until the next call. */
struct hook_world {
	void	*engine;
	/* 1: *value is filled in, 0: absent, -1. */
	int	(*kv_get)(void *engine, struct str plugin, struct str store,
		    struct str key, struct buf *value, struct err *err);
	/* The first key after ${after}, in byte order; 1, 0 at the end, -1. */
	int	(*kv_next)(void *engine, struct str plugin, struct str store,
		    struct str after, struct buf *key, struct buf *value,
		    struct err *err);
	/* The message as it is now; with ${open} msg->fd is the caller's to close,
	 * else it is -1.  1, 0, -1. */
	int	(*message)(void *engine, int64_t id, bool open,
		    struct hook_msg *msg, struct err *err);
	/* The next match with an id above ${after}, without a descriptor (fd -1);
	 * 1, 0, -1. */
	int	(*search)(void *engine, const struct hook_query *q, int64_t after,
		    struct hook_msg *msg, struct err *err);
	/* How many messages of the mailbox are not read: 1, 0: no such one, -1. */
	int	(*unseen)(void *engine, struct str mailbox, uint32_t *n,
		    struct err *err);
	/* The i-th mailbox; false past the last. */
	bool	(*mailbox)(void *engine, size_t i, struct hook_mailbox *);
};

/* ---- what a host may ask of the daemon --------------------------------- */

struct hook_exec {
	struct str		 plugin;
	const struct str	*arg;		/* argv */
	size_t			 n_args;
	const struct str	*env;		/* "NAME=value", besides the usual */
	size_t			 n_env;
	int			 in;		/* stdin; -1: empty; borrowed */
	usec			 timeout;	/* duration; 0: as configured */
	bool			 send;		/* not a program: args are recipients
						 * for the account's sendmail */
	struct str		 event_id;	/* SYNCD_EVENT_ID, or none */
	struct str		 connect;	/* not a program, but a service:
						 * "unix:/PATH", "HOST:PORT" */
	bool			 half;		/* ... which sees the input end */
	bool			 across;	/* not a program: put .in into another
						 * account; args as in broker.c */
	struct str		 secret;	/* not a program, but the secret that
					 * this option of the plugin names: .out,
					 * or .err says why there is none */
};

enum { HOOK_EXEC_OUT_MAX = 1 << 20 };

struct hook_exit {
	uint32_t	call;
	int		code;		/* exit status; 128 + signal; -1: not run */
	struct str	text;		/* code -1: why ("not granted", "timeout") */
	int		out, err;	/* files with stdout and stderr, at 0; the
					 * caller's to close; -1: nothing came */
	bool		cut;		/* more came than HOOK_EXEC_OUT_MAX */
};

/* The parent, as a worker sees it.  Grants are checked on both sides; a refusal is
 * an exit with code -1, like every other failure.  Nothing here waits but
 * spawn(). */
struct hook_broker {
	void		*daemon;
	/* Start it; its number, never 0.  The host and the engine both use the
	 * broker: each remembers its own numbers. */
	uint32_t	(*exec)(void *daemon, const struct hook_exec *);
	/* How that one ended: 1, 0 not yet.  Numbers that nobody asks for are
	 * dropped with cancel(). */
	int		(*done)(void *daemon, uint32_t call, struct hook_exit *);
	void		(*cancel)(void *daemon, uint32_t call);
	/* What becomes readable when there is news for done(); done() reads it. */
	struct waiter	(*waiter)(void *daemon);
	/* A fresh syncd-script; its socket (SOCK_SEQPACKET), the caller's; -1.
	 * ${slot} 0 is the common process, n > 0 that of the n-th plugin (trusted
	 * ones have their own).  One that runs in that slot is killed first. */
	int		(*spawn)(void *daemon, unsigned slot, usec deadline,
			    struct err *err);
	/* SIGKILL, by the parent. */
	void		(*kill)(void *daemon, unsigned slot);
};

#endif
