/* verify_impl.h — what verify.c and verify_remote.c share. */
#ifndef ENGINE_VERIFY_IMPL_H
#define ENGINE_VERIFY_IMPL_H

#include "engine/verify.h"

/* A message that is not well here and that the server may still have. */
struct damage {
	int64_t		 folder, row;
	struct uid	 uid;		/* 0: the server has lost it, too */
	char		*file;		/* NULL: there is none */
	bool		 in_new;
};

struct verify {
	struct account		*acc;
	const struct verify_opts *o;
	struct verified		*out;
	uint64_t		 seed;
	struct damage		*damage;
	size_t			 n_damages, cap_damages;
};

void	verify_tell(struct verify *v, const char *remedy, const char *where,
	    const char *fmt, ...) PRINTF(4, 5);
/* Is the message in the sample? */
bool	verify_chosen(const struct verify *v, int64_t row);
/* Compare with the server and fetch again what is damaged. */
int	verify_remote(struct verify *v, struct err *err);

#endif
