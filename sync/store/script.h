/*
 * script.h — what scripts keep in the state database, and what they planned and
 * is not done yet.  Rules as in store.h: changes inside a transaction of the
 * caller; borrowed text lives until the next call of the same function.
 */
#ifndef STORE_SCRIPT_H
#define STORE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/types.h"
#include "store/store.h"

/* ---- stores of plugins ------------------------------------------------ */

enum { SCRIPT_VALUE_MAX = 1 << 20, SCRIPT_KEY_MAX = 4096,
    SCRIPT_STORE_MAX = 16 << 20 };

struct script_key {
	struct str	plugin, store, key;
};

/* What has expired by ${now} (wall clock seconds) is not there.  1, 0, -1. */
int	store_kv_get(struct store *s, const struct script_key *k, int64_t now,
	    struct buf *value, struct err *err);
/* The first key above k->key. */
int	store_kv_next(struct store *s, const struct script_key *k, int64_t now,
	    struct buf *key, struct buf *value, struct err *err);
/* ERR_MSG (plugin.store-full) when a cap would be passed: nothing is written. */
int	store_kv_put(struct store *s, const struct script_key *k,
	    struct str value, int64_t expires, struct err *err);
int	store_kv_remove(struct store *s, const struct script_key *k,
	    struct err *err);
/* Drop what has expired by ${now}, of all plugins: until then it counts for the cap. */
int	store_kv_expire(struct store *s, int64_t now, struct err *err);

/* ---- events ------------------------------------------------------------ */

/* Two queues: what is told as soon as possible, and what is told when nothing
 * changes any more. */
enum event_queue { EVENTS_NOW, EVENTS_LATER };
enum { EVENT_KINDS_MAX = 64 };

struct script_event {
	int64_t		seq;
	enum event_queue queue;
	unsigned	kind;		/* enum hook_kind, < EVENT_KINDS_MAX */
	int64_t		msg;
	struct str	origin;
	unsigned	depth;
	struct str	mailbox, detail;
	uint32_t	sys_in, sys_out;
	struct str	kw_in, kw_out;
};

int	store_event_add(struct store *s, const struct script_event *e,
	    struct err *err);
/* The first of that queue with a number above *at.  1, 0, -1. */
int	store_event_next(struct store *s, enum event_queue q, int64_t *at,
	    struct script_event *e, struct err *err);
/* All of that queue up to and with ${seq} are answered. */
int	store_event_drop(struct store *s, enum event_queue q, int64_t seq,
	    struct err *err);

/* ---- steps: what is to be done to messages ----------------------------- */

struct script_step {
	int64_t		seq, msg;
	unsigned	op;		/* enum hook_op_kind */
	uint32_t	sys;
	struct str	arg, plugin, place;
	unsigned	depth;
};

int	store_step_add(struct store *s, const struct script_step *st,
	    struct err *err);
int	store_step_next(struct store *s, int64_t *at, struct script_step *st,
	    struct err *err);
int	store_step_drop(struct store *s, int64_t seq, struct err *err);

/* ---- effects ------------------------------------------------------------ */

enum effect_state { EFFECT_READY, EFFECT_STARTED, EFFECT_FAILED };

struct script_effect {
	int64_t			id;
	struct str		plugin, place, verb;
	unsigned		op;
	int64_t			msg;
	struct str		argv;	/* each with a NUL behind it */
	bool			whole, input;	/* fed the message; has bytes */
	unsigned		once;	/* enum hook_once */
	usec			timeout;
	enum effect_state	state;
	int64_t			when;
	unsigned		tries;
	struct str		why;
};

enum { SCRIPT_INPUT_MAX = 32 << 20 };

/* ${input} none: no bytes of its own. */
int	store_effect_add(struct store *s, const struct script_effect *e,
	    struct str input, struct err *err);
/* The first in that state with an id above *at. */
int	store_effect_next(struct store *s, enum effect_state state, int64_t *at,
	    struct script_effect *e, struct err *err);
/* Its bytes, appended to ${input}; 1, 0: none, -1. */
int	store_effect_input(struct store *s, int64_t id, struct buf *input,
	    struct err *err);
/* STARTED counts a try. */
int	store_effect_set(struct store *s, int64_t id, enum effect_state state,
	    int64_t when, struct str why, struct err *err);
/* Done: nothing is kept of it. */
int	store_effect_drop(struct store *s, int64_t id, struct err *err);
/* Forget what failed before ${when}. */
int	store_effect_trim(struct store *s, int64_t when, struct err *err);

/* ---- owed --------------------------------------------------------------- */

struct script_owed {
	struct str	plugin;
	int64_t		msg, when;
	unsigned	tries;
	struct str	why;
};

/* One more try has failed. */
int	store_owed_put(struct store *s, const struct script_owed *o,
	    struct err *err);
int	store_owed_remove(struct store *s, struct str plugin, int64_t msg,
	    struct err *err);
/* Of ${plugin}, the first with a message above *at. */
int	store_owed_next(struct store *s, struct str plugin, int64_t *at,
	    struct script_owed *o, struct err *err);
int	store_owed_count(struct store *s, struct str plugin, uint32_t *n,
	    struct err *err);

/* ---- who caused it ------------------------------------------------------ */

struct script_cause {
	int64_t		msg;
	unsigned	kind;		/* enum hook_kind: MOVED, FLAGS */
	struct str	plugin;
	unsigned	depth;
	int64_t		when;		/* wall clock us */
};

int	store_cause_put(struct store *s, const struct script_cause *c,
	    struct err *err);
/* Take it out, if it is not older than ${since}.  1, 0, -1. */
int	store_cause_take(struct store *s, int64_t msg, unsigned kind,
	    int64_t since, struct script_cause *c, struct err *err);

/* ---- timers and marks ---------------------------------------------------- */

/* Wall clock seconds of the last run; 0: never. */
int	store_timer_get(struct store *s, struct str plugin, struct str spec,
	    int64_t *last, struct err *err);
int	store_timer_put(struct store *s, struct str plugin, struct str spec,
	    int64_t last, struct err *err);
int	store_mark(struct store *s, int64_t folder, struct err *err);
/* 1, 0, -1. */
int	store_marked(struct store *s, int64_t folder, struct err *err);

/* ---- looking for messages -------------------------------------------------- */

struct script_query {
	int64_t		folder;
	uint32_t	sys_set, sys_clear;
	int64_t		since, before;	/* 0: open */
	uint64_t	larger, smaller;
	struct str	msgid;
};

/* The first message on disk with an id above ${after}. */
int	store_search(struct store *s, const struct script_query *q,
	    int64_t after, struct msg_row *row, struct err *err);

#endif
