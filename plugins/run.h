/*
 * run.h — one event (of one message, as a rule) on its way through the plugins.
 *
 * Hooks of one message never overlap.  A run that waits for an answer, or that has
 * used up its share of instructions, lets others go on; which of its plugins failed
 * is in .fault, and those that did not are not touched by that.
 */
#ifndef PLUGINS_RUN_H
#define PLUGINS_RUN_H

#include "frame.h"
#include "plan.h"
#include "script.h"

struct fault {
	uint32_t	plugin;
	struct str	where, text;
};

/* An answer to a call, with everything in the arena of its run. */
struct reply {
	bool		 failed;
	struct str	 text;		/* failed: why */
	unsigned	 code;		/* exec; a count */
	bool		 cut, more;
	struct str	 out, err;
	struct msg	**msg;
	size_t		 n_msgs;
	struct strs	 key, value;	/* a store's, pairwise */
};

enum run_why {		/* why a coroutine gave up the CPU */
	WHY_NONE, WHY_CALL, WHY_PARKED, WHY_ABORTED
};

struct run {
	struct script	*s;
	struct run	*next;
	uint32_t	 event, index, only;
	enum hook_kind	 kind;
	struct str	 mailbox, what;
	struct strs	 args;
	int64_t		 since;
	struct { uint32_t plugin; } skip[PLUGINS_MAX];
	size_t		 n_skips;
	struct arena	 a;

	struct msg	**msg;		/* the first .n_own are the event's */
	size_t		 n_msgs, cap_msgs, n_own;

	/* Where it is. */
	size_t		 at_plugin, at_handler;
	struct plugin	*plugin;
	struct lua_State *thread;	/* NULL: no handler is open */
	int		 thread_ref;
	enum run_why	 why;
	uint64_t	 spent;		/* instructions of this plugin */
	unsigned	 parks;
	bool		 stopped, dropped;
	bool		 in_set;	/* an action on a set counts once */
	struct plugin	*load;		/* not an event: this one loads */
	bool		 begun;

	struct plan	 plan;
	unsigned	 actions;	/* of this plugin */
	struct fault	 fault[PLUGINS_MAX];
	size_t		 n_faults;
	struct buf	 reply_text;	/* command: for people */
	struct str	 held;

	/* The call it waits for. */
	uint32_t	 call;
	enum frame_call	 call_kind;
	struct msg	*reply_to;	/* CALL_MESSAGE: whom it is about */
	struct reply	 reply;
};

struct run	*run_new(struct script *s, enum hook_kind kind);
void		 run_free(struct run *r);
/* A message of the run, its fields still to be filled in; NULL at the maximum. */
struct msg	*run_msg(struct run *r, int64_t id);
/* One with that id, made if it is new; NULL at the maximum. */
struct msg	*run_msg_by_id(struct run *r, int64_t id);
/* The message behind a handle; NULL when its event is over. */
struct msg	*run_msg_at(struct script *s, uint32_t slot, uint32_t generation);
/* To the end of the queue of those that can go on. */
void		 run_ready(struct run *r);
/* Go on until it waits, parks or ends; true: it ended, and still lives. */
bool		 run_step(struct run *r);
/* Is the plugin to be asked about this event? */
bool		 run_wants(const struct run *r, const struct plugin *p);
/* The current plugin failed: "spam.lua:9: text". */
void		 run_fault(struct run *r, struct str text);

#endif
