/*
 * age.h — limits.max_age: what is older stays on the server.
 */
#ifndef ENGINE_AGE_H
#define ENGINE_AGE_H

#include "base/err.h"
#include "engine/account.h"

/* When the limit is not that of the last round, what was left for its age is
 * unknown again: it is looked at anew. */
int	age_begin(struct account *acc, struct err *err);
/* Those of the fresh messages of ${f} that are too old are no longer fresh; but in
 * a dry run, rows say that they are left.  What is here stays here.  Waits for the
 * server. */
int	age_leave(struct account *acc, struct folder *f, struct err *err);

#endif
