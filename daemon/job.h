/*
 * job.h — work that somebody asked for (`syncd sync`): one job has a part for
 * each account and folder pattern.  The parent sends parts to workers and
 * settles them; this only keeps the books.
 */
#ifndef DAEMON_JOB_H
#define DAEMON_JOB_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/conf.h"

/* A job that verifies instead of syncing. */
struct verify_wish {
	bool		 on;
	bool		 online, deep;
	unsigned	 percent;
};

struct part {
	uint32_t	 n;		/* the "job" number of IPC_JOB */
	char		*account;
	char		*folder;	/* glob; NULL: all */
	bool		 sent, done;
	int		 exit;
	json_t		*summary, *error;	/* NULL: none */
};

struct job {
	char		 id[16];
	bool		 dry_run, full;
	enum verdict	 verdict;
	json_t		*script;	/* what is wanted of scripts, or NULL */
	struct verify_wish verify;
	struct part	*part;
	size_t		 n, cap;
	json_t		*lines;		/* until all of them are handed out */
	size_t		 n_told;	/* so many of them are */
};

struct jobs {
	struct job	**v;
	size_t		  n, cap;
	uint32_t	  last_job, last_part;
};

void		 jobs_clear(struct jobs *js);
/* Old finished jobs are forgotten as new ones come. */
struct job	*job_new(struct jobs *js, bool dry_run, bool full,
		    enum verdict verdict);
void		 job_add(struct jobs *js, struct job *job, const char *account,
		    const char *folder);
struct job	*job_find(const struct jobs *js, const char *id);
/* The part with number ${n} that is not done, and its job; NULL when none. */
struct part	*job_part(const struct jobs *js, uint32_t n, struct job **job);
/* ${summary} and ${error} are consumed and may be NULL. */
void		 job_take_settle(struct part *part, int code, json_t *summary,
		    json_t *error);
/* A line of output; too many are dropped, and the last one says so. */
void		 job_line(struct job *job, const struct part *part, const char *text,
		    bool progress);
/* Whether any job has something to do for the account. */
bool		 jobs_want(const struct jobs *js, const char *account);
bool		 job_done(const struct job *job);
/* {"job", "done", "exit", "parts": [...]}. */
json_t		*job_result(const struct job *job);
/* The worse of two exit codes. */
int		 job_worse(int a, int b);

#endif
