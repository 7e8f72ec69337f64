/*
 * names.h — a folder's name on the wire, for people, and on disk.
 */
#ifndef ENGINE_NAMES_H
#define ENGINE_NAMES_H

#include "base/err.h"
#include "engine/account.h"

/* f->name from f->wire: decoded, without the personal namespace's prefix, '/'
 * between components. */
void	names_show(struct account *acc, struct folder *f);
/* f->name, and f->path for a folder that has no directory yet: by the rename map
 * and the layout.  ERR_FOLDER store.name-too-long (the path is "" then). */
int	names_place(struct account *acc, struct folder *f, struct err *err);
/* How ${wire} is spelled on a connection that has UTF-8 enabled, where this one has
 * not, and the other way round.  To free(); NULL when it is no such name. */
char	*names_respell(const struct account *acc, struct str wire);
/* What the server is to call the directory ${path}, to free(); NULL when it
 * cannot have such a name. */
char	*names_to_wire(struct account *acc, const char *path);

#endif
