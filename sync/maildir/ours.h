/*
 * ours.h — what the kernel is going to report of changes that we made ourselves, in the
 * order in which we made them, which is the order in which it reports them.
 *
 * Only the next one is compared with what comes.  One that never comes (its watch had
 * just ended) hides those behind it: they are reported, as if nobody had said anything.
 */
#ifndef MAILDIR_OURS_H
#define MAILDIR_OURS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct ours {
	struct our	*v;
	size_t		 n, cap;
	size_t		 next;		/* those before it were reported */
	struct buf	 names;
};

void	ours_init(struct ours *o);
void	ours_clear(struct ours *o);
/* ${file} came into, or left, the directory of the watch descriptor ${wd}.  What would
 * take too much memory is not remembered. */
void	ours_add(struct ours *o, int wd, const char *file, bool came);
/* Is that what is to come next?  Then it has come. */
bool	ours_take(struct ours *o, int wd, const char *file, bool came);
/* The kernel has nothing left to report of what was done until now. */
void	ours_forget(struct ours *o);

#endif
