/* map.c — byte strings to numbers.  The hash is seeded per process, so that a
 * sender cannot choose names that collide. */
#include "base/map.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/mem.h"

static uint64_t
seed(void)
{
	static uint64_t s;

	while (s == 0)
		if (getrandom(&s, sizeof(s), GRND_NONBLOCK) != sizeof(s))
			s = (uintptr_t)&s | 1;
	return s;
}

static size_t
hash(struct str key)
{
	uint64_t h = seed() ^ key.n;

	for (size_t i = 0; i < key.n; i++) {
		h ^= (uint8_t)key.p[i];
		h *= 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return (size_t)(h ^ (h >> 32));
}

void
map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void
map_clear(struct map *m)
{
	free(m->slots);
	map_init(m);
}

static struct map_slot *
find(const struct map *m, struct str key)
{
	if (m->cap == 0)
		return NULL;
	for (size_t i = hash(key) & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct map_slot *slot = &m->slots[i];

		if (slot->key.p == NULL)
			return NULL;
		if (!slot->dead && str_eq(slot->key, key))
			return slot;
	}
}

static void
insert_new(struct map *m, struct str key, uintptr_t value)
{
	size_t i = hash(key) & (m->cap - 1);

	while (m->slots[i].key.p != NULL)
		i = (i + 1) & (m->cap - 1);
	m->slots[i] = (struct map_slot){ .key = key, .value = value };
	m->used++;
	m->n++;
}

static void
grow(struct map *m)
{
	struct map old = *m;

	m->cap = old.n * 2 + 16;
	while ((m->cap & (m->cap - 1)) != 0)
		m->cap += m->cap & -m->cap;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	m->used = m->n = 0;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].key.p != NULL && !old.slots[i].dead)
			insert_new(m, old.slots[i].key, old.slots[i].value);
	free(old.slots);
}

bool
map_put(struct map *m, struct str key, uintptr_t value)
{
	struct map_slot *slot = find(m, key);

	must(key.p != NULL);
	if (slot != NULL) {
		slot->value = value;
		return false;
	}
	if ((m->used + 1) * 4 > m->cap * 3)
		grow(m);
	insert_new(m, key, value);
	return true;
}

bool
map_get(const struct map *m, struct str key, uintptr_t *value)
{
	struct map_slot *slot = find(m, key);

	if (slot == NULL)
		return false;
	*value = slot->value;
	return true;
}

bool
map_has(const struct map *m, struct str key)
{
	return find(m, key) != NULL;
}

bool
map_remove(struct map *m, struct str key)
{
	struct map_slot *slot = find(m, key);

	if (slot == NULL)
		return false;
	slot->dead = true;
	m->n--;
	return true;
}
