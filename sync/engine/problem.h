/*
 * problem.h — what is wrong with an account or a folder of it: each text is said once
 * in the log, and the last one is shown by `status` until it is over.
 */
#ifndef ENGINE_PROBLEM_H
#define ENGINE_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "engine/conf.h"

struct account;
struct folder;

enum problem_severity { PROBLEM_WARNING, PROBLEM_ERROR };

/* Something that `status` shows until it is over. */
struct problem {
	const char		*code;		/* static */
	enum problem_severity	 severity;
	char			*where;		/* folder name, or "" */
	char			*message;	/* the last one */
	struct strlist		 said;		/* those that are in the log */
	char			*remedy;	/* what to type, or "" */
	int64_t			 since;		/* wall clock us */
	uint32_t		 count;
	bool			 needs_user;
};

void	problem_open(struct account *acc, enum problem_severity severity,
	    const char *code, const struct folder *f, const char *remedy,
	    const char *fmt, ...) PRINTF(6, 7);
/* The folder as `syncd approve` takes it, one word for a shell; free() it. */
char   *problem_target(const struct account *acc, const struct folder *f);
/* ${code} NULL: every problem of the folder but those of messages that are
 * quarantined; ${f} NULL: of the account. */
void	problem_close(struct account *acc, const char *code, const struct folder *f);
/* The folder's quarantined messages are to be tried again. */
void	problem_close_quarantine(struct account *acc, const struct folder *f);
/* With the account. */
void	problem_clear(struct account *acc);

#endif
