/* parent_hear.c — what workers are given to do, what they say of it and of
 * themselves, and who is told. */
#include "parent_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/mem.h"
#include "js.h"
#include "once.h"

/* ---- jobs ------------------------------------------------------------- */

/* What a health check is told of: all folders, and for real. */
static bool
is_full_round(const struct parent *p, const struct job *job,
    const struct part *part)
{
	return part->folder == NULL && !job->dry_run && !job->verify.on &&
	    !p->opts->online_check;
}

static void
tell_health(struct parent *p, const struct job *job, const struct part *part)
{
	struct account *a = parent_find(p, part->account);
	json_t *report;
	char *text;

	if (a == NULL || !is_full_round(p, job, part))
		return;
	if (part->exit == 0)
		account_succeeded(a);
	report = json_pack("{s:s, s:i, s:O?, s:O?}", "account", a->name,
	    "exit", part->exit, "summary", part->summary, "error", part->error);
	text = js_dump(report);
	pings_send(&p->pings, a->conf, part->exit == 0 ? PING_SUCCESS : PING_FAIL,
	    text);
	free(text);
	json_decref(report);
}

static void
settle(struct parent *p, struct job *job, struct part *part, int code,
    json_t *summary, json_t *error)
{
	job_take_settle(part, code, summary, error);
	tell_health(p, job, part);
	events_take_add(&p->events, code == 0 ? "sync.done" : "sync.failed",
	    json_pack("{s:s, s:s, s:s?, s:i, s:O?, s:O?}", "job", job->id,
	    "account", part->account, "folder", part->folder, "exit", code,
	    "summary", summary, "error", error));
}

static void
hand_out(struct parent *p, struct account *a, struct job *job, struct part *part)
{
	struct err err;

	if (is_full_round(p, job, part)) {
		a->last_try = clock_wall();
		pings_send(&p->pings, a->conf, PING_START, NULL);
	}
	/* Of one that is gone the reaping tells more. */
	if (account_send_job(a, job, part, &err) == 0 || err.class == ERR_CANCEL)
		return;
	a->n_sent--;
	settle(p, job, part, EX_TEMPFAIL, NULL,
	    js_error(err.code, err.text, NULL));
}

/* Hand out what waits.  Once: one part for each life of a worker. */
void
parent_hand_out(struct parent *p)
{
	for (size_t j = 0; j < p->jobs.n; j++) {
		struct job *job = p->jobs.v[j];

		for (size_t i = 0; i < job->n; i++) {
			struct part *part = &job->part[i];
			struct account *a;

			if (part->sent || part->done)
				continue;
			a = parent_find(p, part->account);
			if (a == NULL || !account_active(a)) {
				settle(p, job, part, EX_TEMPFAIL, NULL,
				    js_error("account.paused",
				    "the account was paused or removed", NULL));
				continue;
			}
			if (account_takes_job(a))
				hand_out(p, a, job, part);
		}
	}
}

static void
job_done_word(struct parent *p, const json_t *body)
{
	json_t *error = json_object_get(body, "error");
	struct job *job;
	struct part *part = job_part(&p->jobs,
	    (uint32_t)js_int(body, "job", 0), &job);

	if (part == NULL)
		return;
	settle(p, job, part, (int)js_int(body, "exit", EX_SOFTWARE),
	    json_incref(json_object_get(body, "summary")),
	    json_is_object(error) ? json_incref(error) : NULL);
}

static void
line_word(struct parent *p, const json_t *body)
{
	const char *text = js_get(body, "text");
	struct job *job;
	struct part *part = job_part(&p->jobs,
	    (uint32_t)js_int(body, "job", 0), &job);

	if (part == NULL || text == NULL)
		return;
	if (p->opts->once)
		once_line(p, part, body);
	else
		job_line(job, part, text, js_bool(body, "progress"));
}

/* What it was not given yet is left for the next one, if this one did anything at
 * all, or was only told to end: its configuration changed. */
static bool
is_left(const struct parent *p, const struct account *a, const struct part *part)
{
	return !part->sent && (a->n_done > 0 || (a->exit == 0 && !p->stopping));
}

/* The worker is gone: what it had to do failed with it. */
static void
fail_parts(struct parent *p, const struct account *a)
{
	int code = a->exit != 0 ? a->exit : EX_TEMPFAIL;

	for (size_t j = 0; j < p->jobs.n; j++) {
		struct job *job = p->jobs.v[j];

		for (size_t i = 0; i < job->n; i++) {
			struct part *part = &job->part[i];

			if (part->done || strcmp(part->account, a->name) != 0)
				continue;
			if (!is_left(p, a, part))
				settle(p, job, part, code, NULL,
				    account_last_error(a));
		}
	}
}

/* ---- what workers say ------------------------------------------------- */

/* Problems that came and went since they were last told of. */
static void
tell_problems(struct parent *p, const struct account *a, const json_t *status)
{
	json_t *now = json_object(), *was, *problem, *told;
	const char *code;
	size_t i;

	was = json_incref(json_object_get(p->open_problems, a->name));
	json_array_foreach(json_object_get(status, "problems"), i, problem) {
		code = js_get(problem, "code");
		if (code == NULL)
			continue;
		json_object_set(now, code, json_true());
		if (json_object_get(was, code) == NULL)
			events_take_add(&p->events, "problem.opened",
			    json_pack("{s:s, s:O}", "account", a->name,
			    "problem", problem));
	}
	json_object_foreach(was, code, told)
		if (json_object_get(now, code) == NULL)
			events_take_add(&p->events, "problem.closed",
			    json_pack("{s:s, s:s}", "account", a->name,
			    "code", code));
	json_object_set_new(p->open_problems, a->name, now);
	json_decref(was);
}

/* An event for each message, as far as the worker names them, then one for all. */
static void
mail_word(struct parent *p, const struct account *a, json_t *body)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(body, "changes"), i, one) {
		char *name = xstrdup(js_get(one, "event"));

		if (name != NULL && strncmp(name, "mail.", 5) == 0) {
			json_object_set_new(one, "account",
			    json_string(a->name));
			events_take_add(&p->events, name, json_incref(one));
		}
		free(name);
	}
	events_take_add(&p->events, "mail.changed",
	    json_pack("{s:s, s:I, s:I, s:O?}", "account", a->name,
	    "changed", js_int(body, "changed", 0), "new", js_int(body, "new", 0),
	    "folders", json_object_get(body, "folders")));
}

void
parent_tell_state(struct parent *p, struct account *a)
{
	json_t *status = account_status(a);
	const char *state = account_state(a);

	if (strcmp(state, a->told_state) != 0) {
		events_take_add(&p->events, "account.state",
		    json_pack("{s:s, s:s, s:s}", "account", a->name,
		    "state", state, "was", a->told_state));
		snprintf(a->told_state, sizeof(a->told_state), "%s", state);
	}
	tell_problems(p, a, status);
	json_decref(status);
	p->alerts.look = true;
}

void
parent_worker_gone(struct parent *p, struct account *a)
{
	fail_parts(p, a);
	parent_tell_state(p, a);
}

static void
take_word(struct parent *p, struct account *a, const struct word *word)
{
	switch (word->kind) {
	case WORD_LINE:
		line_word(p, word->body);
		return;
	case WORD_JOB_DONE:
		job_done_word(p, word->body);
		return;
	case WORD_MAIL:
		mail_word(p, a, word->body);
		return;
	case WORD_GONE:
		parent_worker_gone(p, a);
		return;
	case WORD_READY:
	case WORD_STATUS:
		break;
	}
	parent_tell_state(p, a);
}

void
parent_hear(struct parent *p)
{
	struct word word;

	for (size_t i = 0; i < p->n; i++)
		while (account_step(p->account[i], &word) == 1) {
			take_word(p, p->account[i], &word);
			json_decref(word.body);
		}
}
