/* drain_impl.h — one session, as drain.c and drain_dele.c share it. */
#ifndef ENGINE_DRAIN_IMPL_H
#define ENGINE_DRAIN_IMPL_H

#include "engine/drain.h"
#include "engine/land.h"
#include "engine/maildrop.h"

struct drain {
	struct account	*acc;
	struct folder	*f;
	const struct round_opts *o;
	struct maildrop	 m;
	struct arrivals	 arrived;
	struct drop_msg	**wanted;	/* to be fetched in this session */
	size_t		 n_wanted;
	struct drop_msg	**big;		/* too big: to be told of */
	size_t		 n_big;
	size_t		 at;		/* wanted[at] is coming */
	uint64_t	 size;		/* of what came of it */
	struct header	 lied;		/* its own, if it is too big after all */
	bool		 more;		/* not all that is new is wanted now */
	bool		 trouble;	/* something is left for later */
	size_t		 n_deleted;
};

/* Why ${msg} is to be deleted there now, or NULL. */
const char *drain_due(const struct drain *d, const struct drop_msg *msg);
/* DELE for what is due, and QUIT, in one flight: 1 if that counts; 0; -1. */
int	drain_goodbye(struct drain *d, struct err *err);
/* What is deleted there by that. */
int	drain_record_deleted(struct drain *d, struct err *err);

#endif
