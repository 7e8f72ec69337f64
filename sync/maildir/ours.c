/* ours.c — what the kernel is going to report of changes that we made ourselves. */
#include "maildir/ours.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { NAMES_MAX = 4 * 1024 * 1024 };

struct our {
	int	wd;
	bool	came;
	size_t	name;		/* where in the names, with its NUL */
};

void
ours_init(struct ours *o)
{
	*o = (struct ours){ 0 };
	buf_init(&o->names, NAMES_MAX);
}

void
ours_clear(struct ours *o)
{
	buf_clear(&o->names);
	free(o->v);
	ours_init(o);
}

void
ours_add(struct ours *o, int wd, const char *file, bool came)
{
	struct our our = { .wd = wd, .came = came, .name = o->names.n };

	if (buf_add(&o->names, file, strlen(file) + 1) < 0)
		return;
	o->v = array_room(o->v, o->n, &o->cap, sizeof(*o->v));
	o->v[o->n++] = our;
}

bool
ours_take(struct ours *o, int wd, const char *file, bool came)
{
	const struct our *our = o->v + o->next;

	if (o->next == o->n || our->wd != wd || our->came != came ||
	    strcmp((const char *)o->names.p + our->name, file) != 0)
		return false;
	o->next++;
	return true;
}

void
ours_forget(struct ours *o)
{
	o->n = o->next = 0;
	buf_reset(&o->names);
}
