/* places.c — maps of paths. */
#include "engine/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/account.h"

enum { TWINS_MAX = 100 };

void
places_init(struct places *p, const struct account *acc)
{
	*p = (struct places){ 0 };
	map_init(&p->here);
	map_init(&p->taken);
	for (size_t i = 0; i < acc->n_folders; i++)
		if (acc->folder[i]->id != 0)
			places_add(p, acc->folder[i]);
}

void
places_clear(struct places *p)
{
	map_clear(&p->here);
	map_clear(&p->taken);
	for (size_t i = 0; i < p->n; i++)
		free((char *)p->key[i].p);
	free(p->key);
}

void
places_add(struct places *p, struct folder *f)
{
	struct str key = mpath_fold(str_z(f->path));

	if (f->wire == NULL)
		map_put(&p->here, str_z(f->path), (uintptr_t)f);
	if (!map_put(&p->taken, key, 0)) {
		free((char *)key.p);
		return;
	}
	p->key = array_room(p->key, p->n, &p->cap, sizeof(*p->key));
	p->key[p->n++] = key;
}

struct folder *
places_here(const struct places *p, const char *path)
{
	uintptr_t at;
	struct folder *f;

	if (!map_get(&p->here, str_z(path), &at))
		return NULL;
	f = (struct folder *)at;
	return f->wire == NULL ? f : NULL;
}

static bool
is_taken(const struct places *p, const char *path)
{
	struct str key = mpath_fold(str_z(path));
	bool taken = map_has(&p->taken, key);

	free((char *)key.p);
	return taken;
}

int
places_avoid(const struct places *p, struct folder *f, struct err *err)
{
	char *path = xstrdup(f->path);

	for (int k = 2; k < TWINS_MAX; k++) {
		if (!is_taken(p, path)) {
			free(f->path);
			f->path = path;
			return 0;
		}
		free(path);
		path = xasprintf("%s~%d", f->path, k);
	}
	free(path);
	return err_set(err, ERR_FOLDER, "store.case-collision",
	    "%s: too many folders whose names differ in case only", f->name);
}
