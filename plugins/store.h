/*
 * store.h — what a plugin keeps: named stores of keys and values.
 *
 * A store is read whole when a script first names it, so that reading never waits
 * and no two handlers of different messages can both find a key missing.  A write is
 * seen at once, and goes out with the plan; when the plugin fails in that event, the
 * writes are undone here, too.
 */
#ifndef PLUGINS_STORE_H
#define PLUGINS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct store;

enum { STORE_VALUE_MAX = 1 << 20, STORE_MAX = 16 << 20, STORE_NAME_MAX = 64 };

struct store	*store_find(struct store *list, struct str name);
/* At the head of *${list}. */
struct store	*store_add(struct store **list, struct str name, int64_t expire_s);
void		 store_free(struct store *list);
/* Bytes of keys and values of all stores in the list. */
size_t		 store_size(const struct store *list);

struct str	 store_name(const struct store *st);
int64_t		 store_expire(const struct store *st);
/* The packed value; STR_NONE: absent. */
struct str	 store_get(const struct store *st, struct str key);
/* STR_NONE removes. */
void		 store_set(struct store *st, struct str key, struct str value);
/* The first key after ${after}, in byte order; false at the end. */
bool		 store_next(const struct store *st, struct str after, struct str *key,
		    struct str *value);

#endif
