/* host_impl.h — what the files of the host share. */
#ifndef PLUGINS_HOST_IMPL_H
#define PLUGINS_HOST_IMPL_H

#include "arena.h"
#include "frame.h"
#include "host.h"

enum {
	HOST_PLUGINS	= 64,
	HOST_DECLARED	= 64,
	HOST_EXECS	= 64,
	HOST_METRICS	= 64,
	HOST_OPS_MAX	= 20000,	/* of one event that is no single message's */
	HOST_TRIES	= 3		/* deaths with nobody to blame */
};

#define HOST_HANG	USEC_S(2)

/* As script.h has it: a page that the process writes, and we only read. */
struct host_progress {
	volatile uint32_t	beat, busy, event, index, plugin, handler;
};

/* One syncd-script: slot 0 has all plugins but the trusted ones. */
struct proc {
	unsigned		 slot;
	int			 fd;		/* -1: there is none */
	unsigned		 life;		/* counts spawns */
	bool			 greeted;
	struct frame_in		 in;
	struct frame_queue	 out;
	struct host_progress	*progress;
	uint32_t		 beat;		/* when it was last seen ... */
	usec			 beat_at;	/* ... to change */
	usec			 again;		/* not before: spawn */
	unsigned		 fails;		/* in a row */
	bool			 absent;	/* it could not be started at all */
};

struct host_plugin {
	const struct plugin_conf *conf;
	uint32_t		 id;		/* its index */
	struct proc		*proc;
	bool			 loaded;	/* an answer to LOAD has come */
	unsigned		 life;		/* of the process that it runs in */
	bool			 renewed;	/* asked for by a person, or a new file */
	bool			 stale;		/* a newer version did not load */
	enum hook_state		 state;
	uint64_t		 kinds, initial;
	struct arena		 a;		/* of what follows */
	struct hook_timer	 timer[HOST_DECLARED];
	struct hook_command	 command[HOST_DECLARED];
	size_t			 n_timers, n_commands;
	char			*error, *grant;
	struct hook_metric	 metric[HOST_METRICS];	/* names are ours */
	size_t			 n_metrics;
	uint64_t		 replies, faults;
	/* The breaker: when the last few failures were. */
	usec			 failed[5];
	unsigned		 n_failed, times;
	int64_t			 until;		/* wall clock; 0: not suspended */
	usec			 until_mono;
	usec			 spent[16];	/* the last few events */
	unsigned		 n_spent;
};

/* What one process still owes of one event. */
struct share {
	struct proc	*proc;
	unsigned	 life;		/* the process that was asked */
	bool		 open[HOOK_BATCH];
	size_t		 n_open;
};

struct pending {
	struct pending	*next;
	struct arena	 a;
	struct hook_event event;	/* a copy, all of it in the arena */
	uint32_t	 number;	/* in frames */
	uint64_t	 want;		/* plugins that are asked */
	size_t		 n_parts;	/* answers that each process owes */
	struct share	*share;
	size_t		 n_shares;
	usec		 asked;
	unsigned	 deaths;
	uint32_t	 skip[HOOK_BATCH][2];
	size_t		 n_skips;
	struct hook_op	*op;
	struct {
		uint32_t	plugin, part;
	}		*note;		/* of each op: whose, about which answer */
	size_t		 n_ops, cap_ops;
	struct hook_kv	*kv;
	size_t		 n_kv, cap_kv;
	struct hook_fault *fault;
	size_t		 n_faults, cap_faults;
	struct buf	 reply;
};

/* A program that a script waits for. */
struct waiting_exec {
	uint32_t	 broker_call, call;
	struct proc	*proc;
	unsigned	 life;
	bool		 secret;	/* no program: its .out is all there is */
};

/* A search on the server, waiting for the engine; in its own arena. */
struct server_search {
	struct server_search	*next;
	struct arena		 a;
	struct hook_wish	 wish;
	bool			 given;		/* the engine has it */
	uint32_t		 call;
	struct proc		*proc;
};

/* A write that is not durable yet, or was not told to be. */
struct overlay {
	struct overlay	*next;
	uint64_t	 event;
	struct str	 plugin, store, key, value;	/* one allocation each */
};

struct host {
	struct hook_host		 head;
	const struct account_conf	*conf;
	char				*lua_dir;
	const struct hook_world		*world;
	const struct hook_broker	*broker;
	bool				 online;
	struct host_plugin		 plugin[HOST_PLUGINS];
	size_t				 n_plugins;
	struct proc			 proc[HOST_PLUGINS + 1];
	size_t				 n_procs;
	struct pending			*pending, *given;
	uint32_t			 next_number;
	struct waiting_exec		 exec[HOST_EXECS];
	size_t				 n_execs;
	struct overlay			*overlay;
	struct server_search		*server;	/* oldest first */
};

/* host_proc.c */
void	proc_init(struct proc *p, unsigned slot);
void	proc_clear(struct host *h, struct proc *p);
/* Start it if it is down and may be started. */
void	proc_keep_up(struct host *h, struct proc *p);
/* Is an answer of it waited for? */
bool	proc_owes(const struct host *h, const struct proc *p);
/* It is gone, or has to go: kill, blame, ask others again.  ${why}: for people. */
void	proc_down(struct host *h, struct proc *p, const char *why);
/* A fresh one in its place; nobody is to blame. */
void	proc_restart(struct host *h, struct proc *p);
/* What is in ${f} is taken. */
void	proc_send(struct host *h, struct proc *p, struct frame *f);
void	proc_flush(struct host *h, struct proc *p);
/* On the CPU for too long without a sign of life? */
bool	proc_hangs(struct proc *p, usec now);
void	proc_load(struct host *h, struct host_plugin *pl);
void	proc_account(struct host *h, struct proc *p);

/* host_ask.c */
void	ask_send(struct host *h, struct pending *pe, struct share *sh);
struct pending *ask_find(struct host *h, uint32_t number);
/* ${alone}: nobody else reads by that descriptor's offset. */
void	ask_put_msg(struct frame *f, const struct hook_msg *m, bool alone);
/* The same file with an offset of its own; a duplicate when /proc is not there. */
int	ask_reopen(int fd);
struct pending *ask_copy(const struct hook_event *ev);
void	ask_free(struct pending *pe);
/* The process died in the middle of that answer: what came of it does not count. */
void	ask_drop_part(struct pending *pe, uint32_t part);
/* All answers are in. */
bool	ask_complete(const struct pending *pe);

/* host_answer.c: frames of a script process; -1: it breaks the protocol. */
int	answer_read(struct host *h, struct proc *p);
void	answer_fault(struct host *h, struct pending *pe, struct host_plugin *pl,
	    int64_t msg, struct str where, struct str text);
/* Put the ops in the order of the plugins, and settle who filed first. */
void	answer_order(struct host *h, struct pending *pe);

/* host_call.c */
int	call_read(struct host *h, struct proc *p);
/* Programs that ended. */
void	call_poll(struct host *h);
/* The process is gone: nobody waits any more. */
void	call_forget(struct host *h, const struct proc *p);

/* The answer that begins with ${call}; what is put into it follows. */
void	call_begin(struct frame *f, uint32_t call);
/* ... or why there is none; ${f} is not sent, then. */
void	call_fail(struct host *h, struct proc *p, struct frame *f, uint32_t call,
	    const char *why);

/* host_file.c: files that scripts read */
void	file_call(struct host *h, struct proc *p, const struct host_plugin *pl,
	    uint32_t call);

/* host_server.c: searches on the server */
void	server_call(struct host *h, struct proc *p, uint32_t call);
/* Messages by their ids. */
void	server_look(struct host *h, struct proc *p, uint32_t call);
bool	server_wish(struct hook_host *head, struct hook_wish *wish);
void	server_found(struct hook_host *head, uint32_t number, const int64_t *id,
	    size_t n, const char *why);
/* The process is gone; NULL: all are. */
void	server_forget(struct host *h, const struct proc *p);

/* host_plugin.c */
/* The plugin failed once more; ${killed}: it had to be killed for. */
void	plugin_failed(struct host *h, struct host_plugin *pl, struct str text,
	    bool killed);
/* Suspensions that are over. */
void	plugin_poll(struct host_plugin *pl);
int	plugin_loaded(struct host *h, struct proc *p);
bool	plugin_wants(const struct host_plugin *pl, const struct hook_event *ev);
usec	plugin_median(const struct host_plugin *pl);

#endif
