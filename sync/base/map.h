/*
 * map.h — byte strings to numbers, by open addressing.  Keys are borrowed: they
 * must outlive the map.  Values are the caller's business (often an index).
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map_slot {
	struct str	key;	/* p == NULL: free */
	uintptr_t	value;
	bool		dead;	/* removed: probing goes on past it */
};

struct map {
	struct map_slot	*slots;
	size_t		 cap;	/* a power of two, or 0 */
	size_t		 used;	/* live and dead slots */
	size_t		 n;	/* live entries */
};

void	map_init(struct map *m);
void	map_clear(struct map *m);
/* Set ${key} (non-NULL) to ${value}; true when it was not there before. */
bool	map_put(struct map *m, struct str key, uintptr_t value);
bool	map_get(const struct map *m, struct str key, uintptr_t *value);
bool	map_has(const struct map *m, struct str key);
bool	map_remove(struct map *m, struct str key);

#endif
