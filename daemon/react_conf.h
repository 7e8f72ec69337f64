/* react_conf.h — what the hooks of syncd.yaml must be like. */
#ifndef DAEMON_REACT_CONF_H
#define DAEMON_REACT_CONF_H

#include <stdbool.h>

#include "diag.h"
#include "engine/conf.h"
#include "yaml_tree.h"

/* False after a diagnosis: leave it out. */
bool	react_conf_check(const struct react_conf *r, const struct node *value,
	    struct diags *diags);
/* Is it the same hook? */
bool	react_conf_equal(const struct react_conf *a, const struct react_conf *b);
/* "5/1m": so many in so much time.  False: it is no rate. */
bool	react_rate(const char *text, size_t *n, usec *per);

#endif
