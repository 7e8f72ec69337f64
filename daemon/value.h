/*
 * value.h — a node of the file into the field that an option names, and the field
 * as text again.
 */
#ifndef DAEMON_VALUE_H
#define DAEMON_VALUE_H

#include <stdbool.h>

#include "base/buf.h"
#include "diag.h"
#include "options.h"
#include "yaml_tree.h"

/* Read ${n}, the value of ${key} (NULL in a default), into the field of ${base}; only
 * check it when ${base} is NULL or the option has no field.  -1 after a diagnosis,
 * the field is unchanged then.  Relative paths are relative to the file's directory. */
int	value_read(const struct option *o, const struct node *key,
	    const struct node *n, void *base, struct diags *diags);

/* Give the field its default, when it has one that can be written down. */
void	value_default(const struct option *o, void *base);

/* Whether ${n} says no more than the default does. */
bool	value_is_default(const struct option *o, const struct node *n);

/* The field as one would write it in the file. */
void	value_text(const struct option *o, const void *base, struct buf *out);

#endif
