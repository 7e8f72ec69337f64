/* carry.h — carrying out what a pass has decided: called by round.c. */
#ifndef ENGINE_CARRY_H
#define ENGINE_CARRY_H

#include "base/err.h"
#include "engine/round.h"
#include "engine/together.h"

/* Do what was decided for ${f} and record it, or fetch its mail to land it with that of
 * others.  The transaction that it may leave open is the caller's to end.  0; 1: not
 * this time; -1. */
int	carry_folder(struct account *acc, const struct round_opts *o,
	    struct folder *f, struct together *t, struct err *err);
/* Land what waits, and record it. */
int	carry_waiting(struct account *acc, const struct round_opts *o,
	    struct together *t, struct err *err);
/* An error of ${f}: 1, it is a problem of this folder alone, which is left for this
 * time; -1, it is everybody's. */
int	carry_trouble(struct account *acc, struct folder *f, const struct err *err);

#endif
