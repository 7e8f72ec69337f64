/* match_impl.h — what a match is made of, for match.c and query.c. */
#ifndef PLUGINS_MATCH_IMPL_H
#define PLUGINS_MATCH_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "match.h"
#include "regex.h"
#include "script.h"

enum type { GLOBS, BOOL, AGE, MOMENT, SIZE, NUMBER, MAP, FUNCTION, SERVER };

struct key {
	const char	*name;
	enum type	 type;
	enum reg_cost	 cost;
};

struct cond {
	const struct key	*key;
	struct str		 name;		/* MAP: of the header field */
	struct strs		 globs;
	struct regex		**re;
	size_t			 n_re;
	bool			 is_bool, yes;	/* GLOBS: true is "any", false "none" */
	bool			 server;	/* only the server is asked */
	int64_t			 n;
};

enum { CONDS_MAX = 64 };

struct match {
	struct cond	*cond;
	size_t		 n;
	enum reg_cost	 cost;
	bool		 server;	/* the server is asked first */
};

/* The (first) condition of that key; NULL. */
const struct cond *match_cond(const struct match *mt, const char *key);

#endif
