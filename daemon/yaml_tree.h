/*
 * yaml_tree.h — a YAML file as a tree of nodes that know their place.
 *
 * Scalars stay text: what "no" means is said by the option that takes it.  Refused,
 * with a diagnosis: duplicate keys, tags, merge keys, keys that are no scalars, a
 * second document, and trees beyond the caps.  An alias is its anchor's node once
 * more, and counts as if written out.
 */
#ifndef DAEMON_YAML_TREE_H
#define DAEMON_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"

enum { YAML_BYTES_MAX = 1 << 20, YAML_NODES_MAX = 10000, YAML_DEPTH_MAX = 32 };

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind	 kind;
	struct mark	 at;
	bool		 plain;		/* a scalar without quotes */
	bool		 flow;		/* a list or map in brackets */
	bool		 bad;		/* already complained about */
	char		*text;		/* scalar */
	struct node	**item;		/* list: items; map: key, value, ... */
	size_t		 n;		/* how many in item[] */
	size_t		 total;		/* nodes, aliases written out */
	unsigned	 height;
};

struct yaml {
	struct node	*root;		/* NULL: an empty file */
	struct node	**all;		/* owner of every node */
	size_t		 n, cap;
};

/* Read ${src}, which must outlive the tree.  -1 when the text is not YAML (then
 * there is no tree); mistakes that leave a tree are reported and answered 0. */
int	yaml_read(struct yaml *y, const struct source *src, struct diags *diags);
void	yaml_clear(struct yaml *y);

/* The scalar of a null: nothing, "~" or "null" without quotes. */
bool	node_is_null(const struct node *n);
/* The value of ${key} in a map, or NULL. */
const struct node *node_get(const struct node *map, const char *key);

#endif
