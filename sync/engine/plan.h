/*
 * plan.h — a plan of scripts, taken over from the host: checked against what the
 * configuration grants, and written down with the change it belongs to.
 */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/conf.h"
#include "engine/hook.h"
#include "store/store.h"

struct account;

enum { PLAN_MAILBOX_MAX = 1000 };	/* bytes of a mailbox's name */

/* A copy of a host's plan, which lives on.  Every text has a NUL behind it. */
struct plan {
	struct hook_op		*op;
	size_t			 n_ops;
	struct hook_kv		*kv;
	size_t			 n_kv;
	struct hook_fault	*fault;
	size_t			 n_faults, cap_faults;
	struct str		 reply;
	struct str		*arg;		/* of all ops */
	char			*text;
};

/* Copy ${from}; its descriptors are taken. */
void	plan_take(struct plan *p, struct hook_plan *from);
void	plan_clear(struct plan *p);

/* What a plugin may not do makes all of its ops of this event void, and is a fault
 * of its own: the host is not believed.  ${kind}: the event's. */
void	plan_check(struct plan *p, const struct account_conf *conf,
	    enum hook_kind kind);

/* Something outside of the mail here (effect.c)? */
bool	plan_is_effect(const struct hook_op *op);
/* Is the op still to be done? */
bool	plan_op_counts(const struct hook_op *op);

/* What an OPK_KEEP says. */
enum uidl_keep plan_keeps(const struct hook_op *op);

/* Write down, in a transaction of the caller, all that outlives the event: stores,
 * effects, steps for messages that are here, debts.  Ops about messages that are
 * just landing and that the landing itself does (plan_lands()) are left out if
 * ${landing}; so are those about messages that are offered (offer.c). */
int	plan_commit(struct account *acc, struct plan *p, enum hook_kind kind,
	    unsigned depth, bool landing, struct err *err);
/* Done by the landing: where the message goes and what flags it shows. */
bool	plan_lands(const struct hook_op *op);

const struct plugin_conf *plan_plugin(const struct account_conf *conf,
	    struct str name);

#endif
