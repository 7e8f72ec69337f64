/*
 * script.h — the process syncd-script: what its parts share.
 *
 * One process serves the plugins of one account.  Each plugin has a Lua state of
 * its own (vm.c), loaded by load.c.  An event becomes a run for each of its messages
 * (run.c): the run goes through the plugins in order, enters their handlers on a
 * coroutine, and records what they ask for (plan.c).  A handler that asks the worker
 * something (call.c) is left there until the answer comes; other runs go on.
 *
 * Nothing here trusts a script, and the worker trusts nothing here.
 */
#ifndef PLUGINS_SCRIPT_H
#define PLUGINS_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "engine/hook.h"
#include "frame.h"
#include "mail.h"

struct lua_State;
struct run;
struct match;
struct mime;

enum {
	PLUGINS_MAX	= 64,
	HANDLERS_MAX	= 200,
	DECLARED_MAX	= 64,		/* timers, commands, grants */
	RUN_MSGS_MAX	= 20000,	/* messages that one event may touch */
	NAMES_MAX	= 5000		/* mailboxes */
};

struct handler {
	enum hook_kind	 kind;
	struct match	*match;		/* NULL: everything but first syncs */
	int		 fn;		/* reference in the Lua registry */
	int		 line;		/* where it was registered */
	int64_t		 after;		/* on.offline: seconds; else 0 */
	int64_t		 served;	/* ... the .since that it was called for */
};

struct declared {
	char		*name;		/* a timer's spec, a command's name, a grant */
	char		*text;		/* a command's doc, a grant's argument */
	int		 fn;
	bool		 catch_up;
};

struct declareds {
	struct declared	 v[DECLARED_MAX];
	size_t		 n;
};

/* One loaded script.  While a new version loads, both live. */
struct plugin {
	struct script		*s;
	uint32_t		 id;		/* the worker's number for it */
	char			*name;		/* as in syncd.yaml */
	char			*path;		/* of the file */
	char			*file;		/* for messages: "spam.lua" */
	char			*dir;		/* what it may require from */
	char			*config;	/* its options, JSON */
	char			*places;	/* where they were written, JSON */
	bool			 trusted;

	struct lua_State	*L;
	size_t			 mem, mem_max;
	int			 pool[8];	/* idle coroutines */
	size_t			 n_pool;

	bool			 loading;
	bool			 has_plugin;	/* plugin{} was called */
	int			 api;
	struct handler		 handler[HANDLERS_MAX];
	size_t			 n_handlers;
	struct declareds	 timers, commands, grants;
	struct store		*stores;
	struct arena		 a;		/* what lives as long as it does */
	struct plugin		*next;		/* retired: waits for its runs */

	struct run		*run;		/* whose code runs now, or NULL */
};

/* What a message is, with the plan so far. */
struct msg_state {
	struct str	mailbox;
	uint32_t	sys;
	struct strs	keywords;
	struct str	filed;		/* "spam.lua:9" when a move is planned */
};

struct msg {
	uint32_t	 slot, generation;
	struct run	*run;
	int64_t		 id;
	bool		 known;		/* the fields below were told */
	bool		 gone;		/* the worker knows no such message */
	bool		 asked;		/* .fd was asked for */
	uint32_t	 uid;
	uint64_t	 size;
	int64_t		 date;
	struct str	 path, origin, from;
	struct str	 message_id;	/* with its brackets, of what has no file */
	uint32_t	 sys_added, sys_removed;
	struct strs	 added, removed;
	struct msg_state base, now;
	int		 fd;
	struct mail	 mail;
	struct mime	*mime;
};

struct mailbox {
	struct str	 name;
	enum frame_role	 role;
	uint32_t	 total;
};

struct account {
	struct arena	 a;
	struct str	 name;
	bool		 online;
	struct strs	 me;
	struct mailbox	*box;
	size_t		 n_boxes;
	struct str	 role[ROLE_N];	/* mailbox with that role, or none */
};

/* What another process can see of us, even when we hang. */
struct progress {
	uint32_t	beat;		/* counts handlers entered and left */
	uint32_t	busy;		/* a handler is on the CPU */
	uint32_t	event, index, plugin, handler;
};

struct script {
	int			 fd;		/* -1: a driver, nobody listens */
	bool			 ended;
	char			*lua_dir;
	struct account		 account;
	unsigned		 max_actions;
	uint64_t		 max_instructions;
	size_t			 max_memory;
	bool			 dry;

	struct plugin		*plugin[PLUGINS_MAX];
	size_t			 n_plugins;

	struct msg		**slot;
	size_t			 n_slots, cap_slots, slot_hint;
	uint32_t		 generation;

	struct run		*ready, **ready_end;	/* in order */
	struct run		*waiting;		/* for an answer */
	struct run		*held, **held_end;	/* for a plugin that loads */
	size_t			 n_loads;		/* runs that load one */
	uint32_t		 next_call;

	struct frame_in		 in;
	struct frame		 result;	/* being collected */
	size_t			 n_results, results_at;
	struct frame_queue	 out;
	struct progress		*progress;	/* never NULL */

	/* Instead of the socket: a driver answers calls, keeps results. */
	struct plugin		*retired;
	const struct driver	*driver;
	void			*driver_data;
};

/* A driver plays the worker inside the process (bench.c). */
struct driver {
	void	(*frame)(struct script *s, struct frame *f);
	/* true: the run is kept by the driver, which frees it. */
	bool	(*done)(struct script *s, struct run *r);
	/* A state was opened: add to it what only this driver's scripts have. */
	void	(*open)(struct script *s, const struct plugin *p,
		    struct lua_State *L);
};

/* Serve the worker at descriptor 3 until it is gone. */
int	script_serve(void);
/* ${fd}: the socket, or -1 with a driver. */
void	script_init(struct script *s, int fd);
/* Go on with the runs that can. */
void	script_work(struct script *s);
/* Send it now or later; what is in it is taken.  With a driver: hand it over. */
void	script_send(struct script *s, struct frame *f);

/* A load is over: what waited for it may go on. */
void	script_loaded(struct script *s);
/* No new run enters ${p}; it is freed when those inside have left. */
void	script_retire(struct script *s, struct plugin *p);

/* The wall clock, seconds; a driver may set it. */
extern int64_t script_fixed_now;
int64_t	script_now(void);

#endif
