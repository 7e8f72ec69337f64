/*
 * remote_impl.h — what remote.c takes in and gather.c makes changes of.  Private
 * to these two.
 */
#ifndef ENGINE_REMOTE_IMPL_H
#define ENGINE_REMOTE_IMPL_H

#include "engine/remote.h"

struct done {
	uint32_t	req;
	struct answer	answer;
};

struct remote {
	/* Reported about the selected folder, in the order of arrival. */
	struct seen	*msg;
	size_t		 n_msg, cap_msg;
	struct uidset	 gone;		/* remote_gone() */
	bool		 expunged;	/* by sequence number: we do not know which */
	bool		 gap;		/* it changed between two SELECTs, and the
					 * server did not say how */
	struct uidset	 found;		/* remote_found() */
	/* Answers that nobody has waited for yet. */
	struct done	*done;
	size_t		 n_done, cap_done;
	bool		 want_msgs;
};

/* What the server said is gone from the selected folder, and what its searches found
 * since the last remote_find(); until more of it is taken in. */
const struct uidset *remote_gone(struct remote *r);
const struct uidset *remote_found(struct remote *r);
/* A search begins: nothing was found. */
void	remote_find(struct remote *r);
/* Forget what was reported about the selected folder. */
void	remote_forget(struct remote *r);

#endif
