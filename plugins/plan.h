/*
 * plan.h — what the handlers of one run asked for, and what messages look like
 * when that is done.
 *
 * Ops are recorded, never done.  Each knows the line of the script that caused it.
 * A message is filed once: the first move of an event wins, later ones are kept with
 * the reason why they lost, for people to see.  When a plugin fails, its ops are
 * taken out and the states of the messages are computed again from the rest.
 */
#ifndef PLUGINS_PLAN_H
#define PLUGINS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "base/str.h"
#include "engine/hook.h"
#include "mail.h"

struct msg;
struct account;
struct store;

struct op {
	enum hook_op_kind	 kind;
	const char		*verb;
	uint32_t		 plugin;	/* its id */
	struct str		 where;
	struct str		 lost;		/* not to be done: why */
	struct msg		*msg;		/* NULL: about no message */
	struct strs		 arg;
	uint32_t		 sys;
	struct str		 bytes;		/* p == NULL: none */
	bool			 whole;		/* the bytes are the message's */
	bool			 at_most_once;
	int64_t			 timeout;	/* us */
};

struct plan_write {
	uint32_t	 plugin;
	struct str	 store, key, value;
	bool		 remove;
	int64_t		 expires;
	struct store	*st;		/* where it was done already, and what */
	struct str	 before;	/* the key had there; STR_NONE: nothing */
};

struct plan {
	struct op		**op;
	size_t			 n, cap;
	struct plan_write	*write;
	size_t			 n_writes, cap_writes;
};

/* Append an op and give it to be filled in before plan_apply(). */
struct op *plan_add(struct plan *p, struct arena *a);
/* The op is complete: change its message's state, or say why it lost. */
void	plan_apply(struct op *op, const struct account *acc, struct arena *a);
struct plan_write *plan_write(struct plan *p, struct arena *a);
/* Take out what ${plugin} asked for.  ${msg}: all messages of the run. */
void	plan_forget(struct plan *p, uint32_t plugin, struct msg **msg, size_t n,
	    const struct account *acc, struct arena *a);

#endif
