/*
 * places.h — which directories are taken, for a list of new folders: of 20,000, not
 * all are compared with each.  Paths are borrowed: nothing is renamed meanwhile.
 */
#ifndef ENGINE_PLACES_H
#define ENGINE_PLACES_H

#include <stddef.h>

#include "base/err.h"
#include "base/map.h"
#include "base/str.h"

struct account;
struct folder;

struct places {
	struct map	 here;		/* folders known here only, by path */
	struct map	 taken;		/* by what mpath_fold() makes of a path */
	struct str	*key;		/* those of .taken */
	size_t		 n, cap;
};

/* Of the folders that are in the base. */
void		 places_init(struct places *p, const struct account *acc);
void		 places_clear(struct places *p);
/* ${f} is in the base now. */
void		 places_add(struct places *p, struct folder *f);
/* The folder that has that directory, and no mailbox; NULL. */
struct folder	*places_here(const struct places *p, const char *path);
/* Give the new ${f} another path, if a folder has one that would be the same directory
 * on some file system.  ERR_FOLDER: there is none. */
int		 places_avoid(const struct places *p, struct folder *f,
		    struct err *err);

#endif
