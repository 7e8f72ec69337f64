/* conf.c — lists and maps of strings that a configuration is made of. */
#include "engine/conf.h"

#include <stdlib.h>

#include "base/mem.h"

void
strlist_add(struct strlist *l, const char *text)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = xstrdup(text);
}

void
strlist_copy(struct strlist *to, const struct strlist *from)
{
	*to = (struct strlist){ 0 };
	for (size_t i = 0; i < from->n; i++)
		strlist_add(to, from->v[i]);
}

void
strlist_clear(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strlist){ 0 };
}

void
strmap_add(struct strmap *m, const char *key, const char *value)
{
	m->key = xreallocarray(m->key, m->n + 1, sizeof(*m->key));
	m->value = xreallocarray(m->value, m->n + 1, sizeof(*m->value));
	m->key[m->n] = xstrdup(key);
	m->value[m->n++] = xstrdup(value);
}

void
strmap_copy(struct strmap *to, const struct strmap *from)
{
	*to = (struct strmap){ 0 };
	for (size_t i = 0; i < from->n; i++)
		strmap_add(to, from->key[i], from->value[i]);
}

void
strmap_clear(struct strmap *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->key[i]);
		free(m->value[i]);
	}
	free(m->key);
	free(m->value);
	*m = (struct strmap){ 0 };
}
