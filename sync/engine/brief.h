/*
 * brief.h — rounds of a process that ends with them (`syncd sync`): directories in which
 * something is done are watched while it is done.
 *
 * What we write changes a directory's times, and so does what others write meanwhile:
 * without a watch all of a large folder would be read again after each round, and once
 * more in the next one.  The watch says what others did; if they did nothing, the times
 * at the end are those of what is known.
 */
#ifndef ENGINE_BRIEF_H
#define ENGINE_BRIEF_H

#include "base/err.h"
#include "engine/account.h"

/* Something is to be done in ${f}: watch it from here on.  Its times are compared once
 * more; if that cannot be, they are compared afterwards, as without. */
int	brief_watch(struct account *acc, struct folder *f, struct err *err)
	    MUST_CHECK;
/* All seems to be done: read the times, so that a change after them would be seen, and
 * note what others did until then.  May wait a few hundredths of a second where times
 * cannot be set. */
int	brief_settle(struct account *acc, struct err *err) MUST_CHECK;
/* They are what the next round compares with, where nothing was noted. */
int	brief_keep(struct account *acc, struct err *err) MUST_CHECK;

#endif
