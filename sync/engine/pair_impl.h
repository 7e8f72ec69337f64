/* pair_impl.h — what pair.c and pair_files.c share. */
#ifndef ENGINE_PAIR_IMPL_H
#define ENGINE_PAIR_IMPL_H

#include "base/str.h"
#include "engine/pair.h"

/* The bytes of a number that stays where it is, as the key of a map. */
#define KEY_OF(x)	((struct str){ (const char *)&(x), sizeof(x) })

/* New files that a client moved or copied here: each learns which row it is. */
int	pair_files(struct account *acc, struct folder **f, size_t n,
	    struct err *err);
/* The files of ${f} whose messages the server has lost where they were show their
 * keywords by its letters, before rows or uploads are made of them. */
int	pair_letters(struct account *acc, struct folder *f, struct err *err);
/* What has come to ${f} and was lost by the server waits, with its row. */
int	pair_waiting(struct account *acc, struct folder *f, struct err *err);

#endif
