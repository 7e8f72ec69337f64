/* fold.h — names that some file systems take for one. */
#ifndef MAILDIR_FOLD_H
#define MAILDIR_FOLD_H

#include <stdbool.h>

#include "base/str.h"

/* Equal but for case and Unicode composition (see fold.c for what is known). */
bool		fold_same(struct str a, struct str b);
/* What equals for those, and for no others: to free(), never NULL. */
struct str	fold_key(struct str s);

#endif
