/* listed.c — the names that LIST has told.  Called by lane.c. */
#include "imap/listed.h"

#include <stdlib.h>

#include "base/mem.h"

/* More than the engine takes; of those beyond, no subscription is told. */
enum { NAMES_MAX = 50000 };

void
listed_want(struct listed *l)
{
	l->wanted++;
}

void
listed_clear(struct listed *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->name[i]);
	free(l->name);
	map_clear(&l->names);
	*l = (struct listed){ 0 };
}

void
listed_end(struct listed *l)
{
	must(l->wanted > 0);
	if (--l->wanted == 0)
		listed_clear(l);
}

void
listed_note(struct listed *l, struct str name)
{
	if (l->wanted == 0 || l->n == NAMES_MAX || map_has(&l->names, name))
		return;
	l->name = array_room(l->name, l->n, &l->cap, sizeof(*l->name));
	l->name[l->n] = str_dup(name);
	map_put(&l->names, (struct str){ l->name[l->n], name.n }, 1);
	l->n++;
}

bool
listed_has(const struct listed *l, struct str name)
{
	return map_has(&l->names, name);
}
