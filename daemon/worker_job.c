/* worker_job.c — plans, summaries, exit codes and remedies. */
#include "worker_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "engine/pattern.h"
#include "js.h"
#include "remedy.h"

int
worker_exit_code(const struct err *err)
{
	switch (err->class) {
	case ERR_AUTH:
		return 77;
	case ERR_CONFIG:
		return strncmp(err->code, "tls.", 4) == 0 ? 69 : 78;
	case ERR_LOCAL:
		return 74;
	case ERR_PROTO:
		return 76;
	case ERR_CANCEL:
		return 0;
	case ERR_RETRY:
		return strncmp(err->code, "net.", 4) == 0 ? 69 : 75;
	default:
		return 75;
	}
}


json_t *
worker_error(const struct account_conf *conf, const char *state_dir,
    const struct err *err)
{
	struct remedy_place at = { .account = conf, .state_dir = state_dir,
	    .said = err->text };
	char remedy[1024];

	return js_error(err->code, err->text, remedy_text(err->code, &at, remedy,
	    sizeof(remedy)));
}

json_t *
worker_problem(const struct account *acc, const struct problem *p)
{
	struct remedy_place at = { .account = acc->conf, .folder = p->where,
	    .state_dir = acc->state_dir, .said = p->message };
	char remedy[1024];

	return js_error(p->code, p->message, p->remedy[0] != '\0' ? p->remedy :
	    remedy_text(p->code, &at, remedy, sizeof(remedy)));
}

void
worker_send_plan(struct account *acc, const struct job *job)
{
	struct str rest = buf_str(&acc->plan);

	while (rest.n > 0) {
		struct str line = str_split(&rest, '\n');

		if (line.n > 0)
			link_send(IPC_JOB_LINE, json_pack("{s:I, s:o}", "job",
			    job->id, "text", js_text(line)));
	}
	buf_reset(&acc->plan);
}

/* What a person should read first. */
static const struct problem *
worst_problem(const struct account *acc)
{
	const struct problem *worst = NULL;

	for (size_t i = 0; i < acc->n_problems; i++)
		if (worst == NULL || acc->problem[i].severity > worst->severity)
			worst = &acc->problem[i];
	return worst;
}

bool
worker_guard_holds(const struct account *acc)
{
	for (size_t i = 0; i < acc->n_problems; i++)
		if (strncmp(acc->problem[i].code, "guard.", 6) == 0)
			return true;
	return false;
}

json_t *
worker_summary(const struct tally *t)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
	    "s:I}",
	    "downloaded", (json_int_t)t->downloaded,
	    "uploaded", (json_int_t)t->uploaded,
	    "flags_local", (json_int_t)t->flags_local,
	    "flags_remote", (json_int_t)t->flags_remote,
	    "deleted_local", (json_int_t)t->deleted_local,
	    "deleted_remote", (json_int_t)t->deleted_remote,
	    "moved", (json_int_t)t->moved,
	    "refused", (json_int_t)t->refused,
	    "kept", (json_int_t)t->kept,
	    "bytes_down", (json_int_t)t->bytes_down,
	    "bytes_up", (json_int_t)t->bytes_up);
}

bool
worker_no_such_folder(const struct account *acc, const struct job *job,
    struct err *err)
{
	struct suggest near;

	/* A dry run makes no folder, so it does not know those to come. */
	if (job->folder == NULL || job->dry_run)
		return false;
	suggest_init(&near, str_z(job->folder));
	for (size_t i = 0; i < acc->n_folders; i++) {
		if (pattern_glob(str_z(job->folder), str_z(acc->folder[i]->name)))
			return false;
		suggest_offer(&near, acc->folder[i]->name);
	}
	err_set(err, ERR_FOLDER, "target.unknown", "there is no folder `%s`%s%s%s",
	    job->folder, near.best[0] != '\0' ? ": did you mean `" : "", near.best,
	    near.best[0] != '\0' ? "`?" : "");
	return true;
}

void
worker_finish_job(const struct account *acc, struct job *job, int code,
    json_t *summary, const struct err *err)
{
	const struct problem *p = code != 0 ? worst_problem(acc) : NULL;
	json_t *error = json_null();

	if (err != NULL)
		error = worker_error(acc->conf, acc->state_dir, err);
	else if (p != NULL)
		error = worker_problem(acc, p);
	link_send(IPC_JOB_DONE, json_pack("{s:I, s:i, s:o, s:o}", "job", job->id,
	    "exit", code, "summary", summary, "error", error));
	free(job->folder);
}
