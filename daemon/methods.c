/*
 * methods.c — the control protocol, one function a method.
 *
 * A method returns its result, or NULL with *error set, or NULL without: then
 * the answer comes later.
 */
#include "methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "conf_json.h"
#include "config.h"
#include "engine/hook.h"
#include "ipc.h"
#include "js.h"
#include "report.h"
#include "target.h"

typedef json_t *method_fn(struct parent *p, const struct request *rq,
    json_t **error);

static json_t *
fail(json_t **error, const char *code, const char *message, const char *remedy)
{
	*error = js_error(code, message, remedy);
	return NULL;
}

static json_t *
fail_err(const struct parent *p, json_t **error, const struct err *err,
    const char *name)
{
	const char *near = NULL;
	char remedy[320];

	if (strcmp(err->code, "target.unknown") == 0)
		near = target_nearest(p->conf, name);
	if (near != NULL)
		snprintf(remedy, sizeof(remedy), "did you mean `%s`?", near);
	return fail(error, err->code, err->text, near != NULL ? remedy : NULL);
}

/* The accounts that params.account (a glob; absent: all) names, as a bit for
 * each of p->account; NULL with an error when there is none. */
static bool *
named_accounts(const struct parent *p, const struct request *rq, json_t **error)
{
	const char *name = js_get(rq->params, "account");
	bool *named = xcalloc(p->n + 1, sizeof(*named)), any = name == NULL;
	char *text = xstrdup(name);
	struct target t;
	struct err err;

	if (target_parse(&t, text, &err) == 0) {
		for (size_t i = 0; i < p->n; i++) {
			named[i] = !p->account[i]->removed &&
			    target_has(&t, p->account[i]->name);
			any |= named[i];
		}
		if (!any)
			err_set(&err, ERR_CONFIG, "target.unknown",
			    "no account `%s`", t.account);
	}
	free(text);
	if (any)
		return named;
	free(named);
	fail_err(p, error, &err, name);
	return NULL;
}

/* ---- asking ----------------------------------------------------------- */

static json_t *
do_ping(struct parent *p, const struct request *rq, json_t **error)
{
	(void)p;
	(void)rq;
	(void)error;
	return json_pack("{s:b}", "pong", 1);
}

static json_t *
do_status(struct parent *p, const struct request *rq, json_t **error)
{
	bool *named = named_accounts(p, rq, error);
	json_t *status, *accounts;

	if (named == NULL)
		return NULL;
	status = parent_status(p);
	accounts = json_array();
	for (size_t i = 0; i < p->n; i++)
		if (named[i])
			json_array_append_new(accounts,
			    account_status(p->account[i]));
	json_object_set_new(status, "accounts", accounts);
	free(named);
	return status;
}

/* ${one} of every named account, in one array. */
static json_t *
collect(struct parent *p, const struct request *rq, json_t **error,
    const char *key, const struct log_query *q)
{
	bool *named = named_accounts(p, rq, error);
	json_t *all = json_array();
	struct err err;

	for (size_t i = 0; named != NULL && i < p->n; i++) {
		const struct account_conf *a = p->account[i]->conf;
		json_t *rows;

		if (!named[i])
			continue;
		rows = q != NULL ? report_log(p->conf, a, q, &err) :
		    report_folders(p->conf, a, &err);
		if (rows == NULL) {
			fail_err(p, error, &err, "");
			break;
		}
		json_array_extend(all, rows);
		json_decref(rows);
	}
	free(named);
	if (*error == NULL)
		return json_pack("{s:o}", key, all);
	json_decref(all);
	return NULL;
}

static json_t *
do_folders(struct parent *p, const struct request *rq, json_t **error)
{
	return collect(p, rq, error, "folders", NULL);
}

static json_t *
do_log_query(struct parent *p, const struct request *rq, json_t **error)
{
	enum { ROWS_MAX = 1000 };
	json_int_t n = js_int(rq->params, "n", 100);
	json_int_t since = js_int(rq->params, "since", 0);
	struct log_query q = {
		.msgid = js_get(rq->params, "message_id"),
		.folder = js_get(rq->params, "folder"),
		.most = n > 0 && n < ROWS_MAX ? (size_t)n : ROWS_MAX
	};

	if (__builtin_mul_overflow(since, 1000000, &q.since))
		return fail(error, "control.bad-request",
		    "`since` is in seconds", NULL);
	return collect(p, rq, error, "log", &q);
}

static json_t *
do_config_get(struct parent *p, const struct request *rq, json_t **error)
{
	const char *name = js_get(rq->params, "account");
	const struct account *a = name != NULL ? parent_find(p, name) : NULL;
	struct err err;

	if (name == NULL)
		return config_show_json(p->conf, NULL);
	if (a != NULL)
		return account_conf_to_json(a->conf);
	err_set(&err, ERR_CONFIG, "target.unknown", "no account `%.200s`", name);
	return fail_err(p, error, &err, name);
}

/* ---- doing ------------------------------------------------------------ */

/* One target, or NULL for all accounts. */
static int
add_target(struct parent *p, struct job *job, const char *target, bool *named,
    struct err *err)
{
	/* A copy to look into; the parts keep their own. */
	char *text = xstrdup(target);
	int rc = target_add(&p->jobs, job, p->conf, text, err);

	free(text);
	*named |= target != NULL && strpbrk(target, "*?[") == NULL;
	return rc;
}

/* Nothing of it was sent: there is nothing to wait for. */
static json_t *
abandon(struct job *job)
{
	for (size_t i = 0; i < job->n; i++)
		if (!job->part[i].done)
			job_take_settle(&job->part[i], 0, NULL, NULL);
	return NULL;
}

/* Parts of paused accounts have nothing to do, unless they were named. */
static json_t *
begin_job(struct parent *p, struct job *job, bool named, json_t **error)
{
	for (size_t i = 0; i < job->n; i++) {
		struct account *a = parent_find(p, job->part[i].account);

		if (a != NULL && a->paused && named) {
			fail(error, "account.paused", "the account is paused",
			    "syncd resume");
			return abandon(job);
		}
		if (a != NULL && a->paused)
			job_take_settle(&job->part[i], 0,
			    json_pack("{s:s}", "text", "paused"), NULL);
		else if (a != NULL && !account_running(a))
			account_nudge(a);
	}
	return json_pack("{s:s}", "job", job->id);
}

/* A verdict is on folders that somebody has looked at: one without a target, or with
 * one that is misspelt, must not become one on everything. */
static bool
names_folder(const char *target)
{
	const char *slash = target != NULL ? strchr(target, '/') : NULL;

	return slash != NULL && slash[1] != '\0';
}

static json_t *
sync_now(struct parent *p, const struct request *rq, enum verdict verdict,
    json_t **error)
{
	const json_t *targets = json_object_get(rq->params, "targets");
	struct job *job = job_new(&p->jobs, js_bool(rq->params, "dry_run"),
	    js_bool(rq->params, "full"), verdict);
	const char *target = js_get(rq->params, "target");
	bool named = false;
	struct err err;
	size_t i = 0;

	do {
		if (json_array_size(targets) > 0)
			target = json_string_value(json_array_get(targets, i));
		if (target == NULL && targets != NULL) {
			abandon(job);
			return fail(error, "control.bad-request",
			    "`targets` is a list of text", NULL);
		}
		if (verdict != VERDICT_NONE && !names_folder(target)) {
			abandon(job);
			return fail(error, "control.bad-request",
			    "a verdict names its folders: ACCOUNT/FOLDER", NULL);
		}
		if (add_target(p, job, target, &named, &err) < 0) {
			abandon(job);
			return fail_err(p, error, &err,
			    target != NULL ? target : "");
		}
	} while (++i < json_array_size(targets));
	return begin_job(p, job, named, error);
}

static json_t *
do_sync(struct parent *p, const struct request *rq, json_t **error)
{
	return sync_now(p, rq, VERDICT_NONE, error);
}

static json_t *
do_approve(struct parent *p, const struct request *rq, json_t **error)
{
	return sync_now(p, rq, VERDICT_APPROVE, error);
}

static json_t *
do_reject(struct parent *p, const struct request *rq, json_t **error)
{
	return sync_now(p, rq, VERDICT_REJECT, error);
}

/* A worker takes no more at a time: neither messages, nor bytes. */
static bool
is_too_much(const json_t *script)
{
	return json_dumpb(script, NULL, 0, JSON_COMPACT) > IPC_MAX / 2 ||
	    json_array_size(json_object_get(script, "messages")) > HOOK_BATCH;
}

/* {"script": {"do": ...}, "account"}: something of the scripts of one account, or
 * of all that have any. */
static json_t *
do_script(struct parent *p, const struct request *rq, json_t **error)
{
	json_t *script = json_object_get(rq->params, "script");
	const char *account = js_get(rq->params, "account");
	struct job *job;
	bool named = account != NULL;

	if (!json_is_object(script))
		return fail(error, "control.bad-request",
		    "`script` is an object", NULL);
	if (is_too_much(script))
		return fail(error, "usage",
		    "a script is given 64 messages at a time", NULL);
	job = job_new(&p->jobs, false, false, VERDICT_NONE);
	job->script = json_incref(script);
	for (size_t i = 0; i < p->n; i++) {
		const struct account *a = p->account[i];

		if (!a->removed && a->conf->n_plugins > 0 &&
		    (!named || strcmp(a->name, account) == 0))
			job_add(&p->jobs, job, a->name, NULL);
	}
	if (job->n == 0)
		return fail(error, "target.unknown", named ?
		    "no such account, or it has no scripts" :
		    "no account has scripts", "syncd plugin list");
	return begin_job(p, job, named, error);
}

static json_t *
do_verify(struct parent *p, const struct request *rq, json_t **error)
{
	const struct verify_wish wish = { .on = true,
	    .online = js_bool(rq->params, "online"),
	    .deep = js_bool(rq->params, "deep"),
	    .percent = (unsigned)js_int(rq->params, "percent", 100) };
	json_t *result = sync_now(p, rq, VERDICT_NONE, error);
	struct job *job = result != NULL ?
	    job_find(&p->jobs, js_get(result, "job")) : NULL;

	/* No part of it was handed out yet. */
	if (job != NULL)
		job->verify = wish;
	return result;
}

static json_t *
do_job_wait(struct parent *p, const struct request *rq, json_t **error)
{
	const char *id = js_get(rq->params, "job");

	if (id == NULL || job_find(&p->jobs, id) == NULL)
		return fail(error, "job.unknown", "no such job", NULL);
	for (size_t i = 0; i < CONTROL_WAITS; i++) {
		struct client_wait *w = &rq->client->wait[i];

		if (w->id != NULL)
			continue;
		w->id = rq->id != NULL ? json_incref(rq->id) : json_null();
		snprintf(w->job, sizeof(w->job), "%s", id);
		return NULL;
	}
	return fail(error, "control.too-many", "too many waits", NULL);
}

static json_t *
set_paused(struct parent *p, const struct request *rq, bool paused,
    json_t **error)
{
	bool *named = named_accounts(p, rq, error);
	json_t *names = json_array();
	struct err err;

	for (size_t i = 0; named != NULL && i < p->n; i++) {
		if (!named[i])
			continue;
		if (account_set_paused(p->account[i], paused, &err) < 0) {
			fail_err(p, error, &err, "");
			break;
		}
		json_array_append_new(names, json_string(p->account[i]->name));
	}
	free(named);
	if (*error == NULL)
		return json_pack("{s:o}", "accounts", names);
	json_decref(names);
	return NULL;
}

static json_t *
do_pause(struct parent *p, const struct request *rq, json_t **error)
{
	return set_paused(p, rq, true, error);
}

static json_t *
do_resume(struct parent *p, const struct request *rq, json_t **error)
{
	return set_paused(p, rq, false, error);
}

static json_t *
do_reload(struct parent *p, const struct request *rq, json_t **error)
{
	(void)rq;
	if (parent_reload(p) == 0)
		return json_pack("{s:I}", "accounts",
		    (json_int_t)p->conf->n_accounts);
	*error = json_incref(p->conf_error);
	return NULL;
}

static json_t *
do_stop(struct parent *p, const struct request *rq, json_t **error)
{
	(void)rq;
	(void)error;
	parent_stop(p);
	return json_object();
}

static json_t *
do_subscribe(struct parent *p, const struct request *rq, json_t **error)
{
	json_t *patterns = json_object_get(rq->params, "events");
	json_int_t since = js_int(rq->params, "since", -1);
	const struct events *e = &p->events;
	struct client *cl = rq->client;
	uint64_t after = since >= 0 ? (uint64_t)since : e->seq;
	bool complete = events_complete(e, after);

	if (patterns != NULL && !json_is_array(patterns))
		return fail(error, "control.bad-request",
		    "`events` is a list of patterns", NULL);
	json_decref(cl->patterns);
	cl->patterns = patterns != NULL ? json_incref(patterns) :
	    json_pack("[s]", "*");
	/* Numbers that are still to come are of a state directory that was lost. */
	cl->seq = complete ? after : after > e->seq ? e->seq : e->first - 1;
	return json_pack("{s:I, s:b}", "seq", (json_int_t)e->seq, "complete",
	    (int)complete);
}

static json_t *
do_unsubscribe(struct parent *p, const struct request *rq, json_t **error)
{
	(void)p;
	(void)error;
	json_decref(rq->client->patterns);
	rq->client->patterns = NULL;
	return json_object();
}

/* ---- the table -------------------------------------------------------- */

static method_fn do_describe;

static const struct method {
	const char	*name;
	method_fn	*run;
	const char	*params;	/* for describe */
	const char	*about;
} methods[] = {
	{ "ping", do_ping, "", "answers pong" },
	{ "describe", do_describe, "", "lists methods and events" },
	{ "status", do_status, "account?", "what is going on" },
	{ "folders", do_folders, "account?", "folders, server and local" },
	{ "sync", do_sync, "target? targets? dry_run? full?",
	    "sync now; gives a job" },
	{ "approve", do_approve, "target? targets? dry_run?",
	    "delete what a guard holds on the other side, too; gives a job" },
	{ "reject", do_reject, "target? targets?",
	    "bring back what a guard holds; gives a job" },
	{ "script", do_script, "script account?",
	    "run a command of a script, give it mail, start it again; gives a job" },
	{ "verify", do_verify, "target? targets? online? deep? percent?",
	    "compare what is kept with what arrived; gives a job" },
	{ "job.wait", do_job_wait, "job",
	    "answers when the job is done; its lines come as job.line" },
	{ "pause", do_pause, "account?", "stop syncing, also after a restart" },
	{ "resume", do_resume, "account?", "go on; try again at once" },
	{ "reload", do_reload, "", "read the configuration again" },
	{ "stop", do_stop, "", "stop the daemon" },
	{ "log.query", do_log_query, "account? folder? since? message_id? n?",
	    "changes that were made, and why" },
	{ "config.get", do_config_get, "account?", "the values in effect" },
	{ "subscribe", do_subscribe, "events? since?", "send events from now on" },
	{ "unsubscribe", do_unsubscribe, "", "send no more events" }
};

static const char *const event_names[] = {
	"mail.new", "mail.flags", "mail.moved", "mail.removed", "mail.changed",
	"account.state", "sync.done", "sync.failed", "problem.opened",
	"problem.closed", "problem.notify", "config.reloaded",
	"config.rejected", "daemon.stopping", "job.line"
};

static json_t *
do_describe(struct parent *p, const struct request *rq, json_t **error)
{
	json_t *list = json_array(), *events = json_array();

	(void)p;
	(void)rq;
	(void)error;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}",
		    "method", methods[i].name, "params", methods[i].params,
		    "about", methods[i].about));
	for (size_t i = 0; i < ARRAY_LEN(event_names); i++)
		json_array_append_new(events, json_string(event_names[i]));
	return json_pack("{s:i, s:o, s:o}", "protocol", CONTROL_PROTOCOL,
	    "methods", list, "events", events);
}

static json_t *
unknown_method(const char *name)
{
	char text[320], remedy[320];
	struct suggest near;

	suggest_init(&near, str_z(name));
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		suggest_offer(&near, methods[i].name);
	snprintf(text, sizeof(text), "no method `%.200s`", name);
	if (near.best[0] != '\0')
		snprintf(remedy, sizeof(remedy), "did you mean `%s`?", near.best);
	return js_error("method.unknown", text,
	    near.best[0] != '\0' ? remedy : "`describe` lists the methods");
}

void
methods_run(struct parent *p, const struct request *rq)
{
	json_t *error = NULL, *result = NULL;
	size_t i = 0;

	while (i < ARRAY_LEN(methods) && strcmp(methods[i].name, rq->method) != 0)
		i++;
	if (i < ARRAY_LEN(methods))
		result = methods[i].run(p, rq, &error);
	else
		error = unknown_method(rq->method);
	if (error != NULL)
		control_take_error(rq->client, rq->id, error);
	else if (result != NULL)
		control_take_result(rq->client, rq->id, result);
}
