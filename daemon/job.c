/* job.c — jobs and their parts. */
#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/attr.h"
#include "base/mem.h"
#include "js.h"

enum { JOBS_KEPT = 64, LINES_MAX = 20000 };

static void
job_free(struct job *job)
{
	for (size_t i = 0; i < job->n; i++) {
		free(job->part[i].account);
		free(job->part[i].folder);
		json_decref(job->part[i].summary);
		json_decref(job->part[i].error);
	}
	free(job->part);
	json_decref(job->lines);
	json_decref(job->script);
	free(job);
}

void
jobs_clear(struct jobs *js)
{
	for (size_t i = 0; i < js->n; i++)
		job_free(js->v[i]);
	free(js->v);
	*js = (struct jobs){ 0 };
}

/* Forget the oldest job that is done, when there are many. */
static void
forget_one(struct jobs *js)
{
	if (js->n < JOBS_KEPT)
		return;
	for (size_t i = 0; i < js->n; i++) {
		if (!job_done(js->v[i]))
			continue;
		job_free(js->v[i]);
		memmove(&js->v[i], &js->v[i + 1],
		    (--js->n - i) * sizeof(js->v[0]));
		return;
	}
}

struct job *
job_new(struct jobs *js, bool dry_run, bool full, enum verdict verdict)
{
	struct job *job = xcalloc(1, sizeof(*job));

	forget_one(js);
	snprintf(job->id, sizeof(job->id), "j%u", ++js->last_job);
	job->dry_run = dry_run;
	job->full = full;
	job->verdict = verdict;
	job->lines = json_array();
	js->v = array_room(js->v, js->n, &js->cap, sizeof(js->v[0]));
	js->v[js->n++] = job;
	return job;
}

void
job_add(struct jobs *js, struct job *job, const char *account,
    const char *folder)
{
	job->part = array_room(job->part, job->n, &job->cap,
	    sizeof(job->part[0]));
	job->part[job->n++] = (struct part){
		.n = ++js->last_part,
		.account = xstrdup(account),
		.folder = xstrdup(folder)
	};
}

struct job *
job_find(const struct jobs *js, const char *id)
{
	for (size_t i = 0; i < js->n; i++)
		if (strcmp(js->v[i]->id, id) == 0)
			return js->v[i];
	return NULL;
}

struct part *
job_part(const struct jobs *js, uint32_t n, struct job **job)
{
	for (size_t i = 0; i < js->n; i++)
		for (size_t k = 0; k < js->v[i]->n; k++) {
			struct part *p = &js->v[i]->part[k];

			if (p->n != n || p->done)
				continue;
			*job = js->v[i];
			return p;
		}
	return NULL;
}

void
job_take_settle(struct part *part, int code, json_t *summary, json_t *error)
{
	must(!part->done);
	part->done = true;
	part->exit = code;
	part->summary = summary;
	part->error = error;
}

void
job_line(struct job *job, const struct part *part, const char *text,
    bool progress)
{
	size_t n = json_array_size(job->lines);

	if (n > LINES_MAX)
		return;
	if (n == LINES_MAX)
		text = "(more lines are not shown)";
	json_array_append_new(job->lines, json_pack("{s:s, s:s, s:s, s:b}",
	    "job", job->id, "account", part->account, "text", text,
	    "progress", progress));
}

bool
jobs_want(const struct jobs *js, const char *account)
{
	for (size_t i = 0; i < js->n; i++)
		for (size_t k = 0; k < js->v[i]->n; k++)
			if (!js->v[i]->part[k].done &&
			    strcmp(js->v[i]->part[k].account, account) == 0)
				return true;
	return false;
}

bool
job_done(const struct job *job)
{
	for (size_t i = 0; i < job->n; i++)
		if (!job->part[i].done)
			return false;
	return true;
}

int
job_worse(int a, int b)
{
	/* From mild to grave; what is not listed is graver. */
	static const int rank[] = { 0, 1, 10, EX_TEMPFAIL, EX_UNAVAILABLE,
	    EX_PROTOCOL, EX_NOINPUT, EX_NOPERM, EX_CONFIG, EX_CANTCREAT, EX_IOERR,
	    EX_SOFTWARE };
	size_t ra = 0, rb = 0;

	while (ra < ARRAY_LEN(rank) && rank[ra] != a)
		ra++;
	while (rb < ARRAY_LEN(rank) && rank[rb] != b)
		rb++;
	return ra >= rb ? a : b;
}

static int
exit_of(const struct job *job)
{
	int worst = 0;

	for (size_t i = 0; i < job->n; i++)
		worst = job_worse(worst, job->part[i].exit);
	return worst;
}

json_t *
job_result(const struct job *job)
{
	json_t *parts = json_array();

	for (size_t i = 0; i < job->n; i++) {
		const struct part *p = &job->part[i];

		json_array_append_new(parts,
		    json_pack("{s:s, s:s?, s:b, s:i, s:O?, s:O?}",
		    "account", p->account, "folder", p->folder, "done", p->done,
		    "exit", p->exit, "summary", p->summary, "error", p->error));
	}
	return json_pack("{s:s, s:b, s:i, s:o}", "job", job->id,
	    "done", job_done(job), "exit", exit_of(job), "parts", parts);
}
