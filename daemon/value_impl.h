/* value_impl.h — what value.c and value_parse.c share. */
#ifndef DAEMON_VALUE_IMPL_H
#define DAEMON_VALUE_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/types.h"
#include "diag.h"
#include "engine/conf.h"
#include "options.h"
#include "scalar.h"
#include "yaml_tree.h"

struct reading {
	const struct option	*o;
	const struct node	*key;	/* NULL: of a default */
	struct diags		*diags;
};

/* A value on its way to its field; which member, the option's type says. */
struct value {
	bool			 b;
	int			 i;
	int64_t			 n;
	char			*text;
	struct strlist		 list;
	struct strmap		 map;
	struct policy		 policy;
	struct policy_rule	*rule;
	size_t			 n_rules;
	struct scalar_schedule	 schedule;
};

/* ${n} into ${v}, which is zeroed; -1 after a diagnosis.  To be cleared either way. */
int	value_parse(const struct reading *r, const struct node *n, struct value *v);
/* Frees what no field has taken. */
void	value_clear(struct value *v);

#endif
