/* handover.h — one version of a script after another: on.start, stop, save, restore. */
#ifndef PLUGINS_HANDOVER_H
#define PLUGINS_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/hook.h"

struct plugin;

static inline bool
handover_is(enum hook_kind kind)
{
	return kind >= HOOK_START && kind <= HOOK_RESTORE;
}

/* ${p} has loaded, and takes over from ${old} (NULL: nobody).  What goes wrong is in
 * ${why}: then it must not. */
void	handover_start(struct plugin *old, struct plugin *p, char *why, size_t cap);
/* It has taken over. */
void	handover_stop(struct plugin *old);

#endif
