/* store.c — stores as sorted arrays. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sorted.h"

struct entry {
	struct str	 key, value;	/* one allocation, at key.p */
};

struct store {
	struct store	*next;
	struct str	 name;
	int64_t		 expire_s;
	struct entry	*v;
	size_t		 n, cap, bytes;
};

struct store *
store_find(struct store *list, struct str name)
{
	while (list != NULL && !str_eq(list->name, name))
		list = list->next;
	return list;
}

struct store *
store_add(struct store **list, struct str name, int64_t expire_s)
{
	struct store *st = xcalloc(1, sizeof(*st));

	st->name = (struct str){ str_dup(name), name.n };
	st->expire_s = expire_s;
	st->next = *list;
	*list = st;
	return st;
}

/* Forget the contents. */
static void
empty(struct store *st)
{
	for (size_t i = 0; i < st->n; i++)
		free((char *)(uintptr_t)st->v[i].key.p);
	st->n = st->bytes = 0;
}

void
store_free(struct store *list)
{
	while (list != NULL) {
		struct store *st = list;

		list = st->next;
		empty(st);
		free(st->v);
		free((char *)(uintptr_t)st->name.p);
		free(st);
	}
}

size_t
store_size(const struct store *list)
{
	size_t sum = 0;

	for (; list != NULL; list = list->next)
		sum += list->bytes;
	return sum;
}

struct str
store_name(const struct store *st)
{
	return st->name;
}

int64_t
store_expire(const struct store *st)
{
	return st->expire_s;
}

static int
by_key(const void *key, const void *entry)
{
	return str_cmp(*(const struct str *)key, ((const struct entry *)entry)->key);
}

/* The index of the first key >= ${key}. */
static size_t
lower_bound(const struct store *st, struct str key)
{
	return sorted_at(&key, st->v, st->n, sizeof(*st->v), by_key);
}

struct str
store_get(const struct store *st, struct str key)
{
	size_t i = lower_bound(st, key);

	return i < st->n && str_eq(st->v[i].key, key) ? st->v[i].value : STR_NONE;
}

static struct entry
entry_of(struct str key, struct str value)
{
	char *p = xmalloc(key.n + value.n + 1);

	memcpy(p, key.p, key.n);
	memcpy(p + key.n, value.p, value.n);
	return (struct entry){ { p, key.n }, { p + key.n, value.n } };
}

static void
drop(struct store *st, size_t i)
{
	st->bytes -= st->v[i].key.n + st->v[i].value.n;
	free((char *)(uintptr_t)st->v[i].key.p);
	memmove(&st->v[i], &st->v[i + 1], (st->n - i - 1) * sizeof(struct entry));
	st->n--;
}

void
store_set(struct store *st, struct str key, struct str value)
{
	size_t i = lower_bound(st, key);
	struct entry fresh = value.p != NULL ? entry_of(key, value) :
	    (struct entry){ STR_NONE, STR_NONE };

	if (i < st->n && str_eq(st->v[i].key, key))
		drop(st, i);
	if (value.p == NULL)
		return;
	st->v = array_room(st->v, st->n, &st->cap, sizeof(struct entry));
	memmove(&st->v[i + 1], &st->v[i], (st->n - i) * sizeof(struct entry));
	st->v[i] = fresh;
	st->n++;
	st->bytes += key.n + value.n;
}

bool
store_next(const struct store *st, struct str after, struct str *key,
    struct str *value)
{
	size_t i = after.p != NULL ? lower_bound(st, after) : 0;

	if (after.p != NULL && i < st->n && str_eq(st->v[i].key, after))
		i++;
	if (i >= st->n)
		return false;
	*key = st->v[i].key;
	*value = st->v[i].value;
	return true;
}
