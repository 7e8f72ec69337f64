/*
 * filter.h — what the kernel refuses this process from now on (seccomp(2)).
 *
 * Denied is what a mail program never needs, rather than allowed what it does: libc,
 * the resolver and OpenSSL change what they use, and a worker that falls over a new
 * libc is of no use to anybody.  New processes and programs, the way out of a broken
 * parser, are denied.
 */
#ifndef BASE_FILTER_H
#define BASE_FILTER_H

#include <stdbool.h>

/* For good; without ${network} no socket can be made.  PR_SET_NO_NEW_PRIVS is set.
 * -1: this kernel cannot, and nothing is denied. */
int	filter_enter(bool network);

/* Could it be entered? */
bool	filter_is_there(void);

#endif
