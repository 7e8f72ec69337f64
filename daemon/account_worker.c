/*
 * account_worker.c — an account's worker: how it is started, told, stopped, and
 * missed.
 *
 * One that ends is started again: after a second, then twice as long each time, up
 * to 15 minutes; ten minutes of life forgive everything.  Only when a human must act
 * first (credentials, configuration) it stays down.  One that hangs before it is
 * ready is ended for that.
 */
#include "account_impl.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf_json.h"
#include "js.h"
#include "role.h"
#include "schedule.h"

/* It reads no more than it has room for while it is in the middle of something: the
 * others wait here. */
enum { JOBS_AT_ONCE = 16 };

static const usec backoff_first = USEC_S(1);
static const usec backoff_most = USEC_S(900);
static const usec forgiven_after = USEC_S(600);
static const usec kill_after = USEC_S(4);
/* All accounts wait for one that does not listen. */
static const usec patience = USEC_S(1);

bool
account_one_job(const struct account *a)
{
	return a->env->once || schedule_turns(a->conf);
}

bool
account_running(const struct account *a)
{
	return a->pid > 0;
}

/* Another process: how long one waits between its connections is retry.c's. */
static void
start_later(struct account *a)
{
	a->next_start = clock_in(clock_doubled(backoff_first, a->n_failed++,
	    backoff_most));
}

static bool
traced(const struct conf *conf, const char *name)
{
	const struct strlist *list = &conf->log_protocol;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], name) == 0)
			return true;
	return false;
}

int
account_log_level(const struct conf *conf, const char *name)
{
	return traced(conf, name) ? LOG_LV_TRACE : conf->log_level;
}

static int
send_json(struct account *a, enum ipc_type type, json_t *body, struct err *err)
{
	char *text = js_dump(body);
	int rc = ipc_send(a->fd, type, str_z(text), -1, clock_in(patience), err);

	json_decref(body);
	free(text);
	return rc;
}

static int
send_conf(struct account *a, struct err *err)
{
	const struct account_env *env = a->env;
	json_t *body = json_pack("{s:o, s:s, s:{s:i, s:b}, s:b, s:b, s:i}",
	    "account", account_conf_to_json(a->conf),
	    "state_dir", env->conf->state_dir,
	    "log", "level", account_log_level(env->conf, a->name),
	    "protocol", traced(env->conf, a->name),
	    "once", account_one_job(a), "online_check", env->online_check,
	    "generation", (int)env->generation);
	char *text = js_dump(body);
	int rc = ipc_send_file(a->fd, IPC_CONF, str_z(text), clock_in(patience),
	    err);

	json_decref(body);
	free(text);
	return rc;
}

/* Of what the last worker said, only what stays true without it. */
static void
forget_status(struct account *a)
{
	static const char *const lasting[] = { "totals", "last_success",
	    "last_change", "policy" };
	json_t *kept = json_object();

	for (size_t i = 0; i < ARRAY_LEN(lasting); i++)
		if (json_object_get(a->status, lasting[i]) != NULL)
			json_object_set(kept, lasting[i],
			    json_object_get(a->status, lasting[i]));
	json_decref(a->status);
	a->status = kept;
}

void
account_start(struct account *a)
{
	struct err err;

	must(a->pid == 0);
	json_decref(a->bye);
	a->bye = NULL;
	forget_status(a);
	a->n_sent = a->n_done = 0;
	a->started = clock_now();
	if (progress_page_open(&a->page, &err) < 0 ||
	    a->env->spawn(a->name, a->page.fd, &a->pid, &a->fd, &err) < 0) {
		a->pid = 0;
		a->exit = EX_TEMPFAIL;
		start_later(a);
		log_error("%s: cannot start a worker: %s", a->name, err.text);
		return;
	}
	a->exit = 0;
	a->since = clock_wall();
	a->kill_at = clock_in(a->env->begin_within);
	/* It would wait for that.  One that is gone already is reaped, and says why. */
	if (send_conf(a, &err) < 0) {
		log_warn("%s: a worker was started for nothing: %s", a->name,
		    err.text);
		account_kill(a);
	}
}

void
account_stop(struct account *a)
{
	if (a->pid == 0 || a->stopping || a->reaped)
		return;
	a->stopping = true;
	kill(a->pid, SIGTERM);
	a->kill_at = clock_in(kill_after);
}

void
account_kill(struct account *a)
{
	if (a->pid > 0 && !a->reaped)
		kill(a->pid, SIGKILL);
	a->kill_at = USEC_NEVER;
}

/* ---- telling it ------------------------------------------------------- */

void
account_tell(struct account *a, enum ipc_type type, struct str payload, int fd)
{
	struct err err;

	if (a->fd >= 0 && ipc_send(a->fd, type, payload, fd, clock_in(patience),
	    &err) < 0)
		log_debug("%s: %s", a->name, err.text);
}

bool
account_takes_job(const struct account *a)
{
	if (!a->ready || a->stopping)
		return false;
	return account_one_job(a) ? a->n_sent == 0 :
	    a->n_sent < a->n_done + JOBS_AT_ONCE;
}

int
account_send_job(struct account *a, const struct job *job, struct part *part,
    struct err *err)
{
	must(a->ready && !part->sent);
	part->sent = true;
	a->n_sent++;
	return send_json(a, IPC_JOB, json_pack("{s:I, s:s?, s:b, s:b, s:b, s:b, "
	    "s:b, s:b, s:b, s:i, s:O?}",
	    "job", (json_int_t)part->n, "folder", part->folder,
	    "dry_run", job->dry_run, "full", job->full,
	    "approve", job->verdict == VERDICT_APPROVE,
	    "reject", job->verdict == VERDICT_REJECT,
	    "verify", job->verify.on, "online", job->verify.online,
	    "deep", job->verify.deep, "percent", (int)job->verify.percent,
	    "script", job->script), err);
}

/* ---- its end ---------------------------------------------------------- */

void
account_drop_tunnel(struct account *a, size_t i)
{
	if (a->tunnel[i] > 0)
		kill(-a->tunnel[i], SIGTERM);
	a->tunnel[i] = 0;
}

void
account_drop_process(struct account *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	a->pid = 0;
	a->ready = a->stopping = a->reaped = false;
	a->kill_at = USEC_NEVER;
	for (size_t i = 0; i < ACCOUNT_TUNNELS; i++)
		account_drop_tunnel(a, i);
	broker_stop(&a->broker);
}

static int
exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

static void
log_obituary(const struct account *a, int status, const char *state)
{
	enum log_level level = account_offline(a->exit) ? LOG_LV_WARN : LOG_LV_ERROR;
	const char *words = js_get(a->bye, "message");
	long long lived = (clock_now() - a->started) / USEC_S(1);
	char how[64], next[64] = "waits for you", doing[PROGRESS_NAME + 96];

	role_obituary(status, how, sizeof(how));
	account_doing(a, doing, sizeof(doing));
	if (a->next_start != USEC_NEVER)
		snprintf(next, sizeof(next), "starts again in %lld s",
		    (long long)(a->next_start - clock_now() + 999999) / 1000000);
	if (account_one_job(a))
		snprintf(next, sizeof(next), "gives up");
	log_at(level, "%s: worker %s after %lld s, state %s%s%s%s; %s", a->name,
	    how, lived, state, doing, words != NULL ? ": " : "",
	    words != NULL ? words : "", next);
}

void
account_worker_gone(struct account *a, int status)
{
	bool asked = a->stopping;
	char state[32];

	snprintf(state, sizeof(state), "%s", account_state(a));
	account_drop_process(a);
	a->since = clock_wall();
	a->exit = asked ? 0 : exit_code(status);
	/* One that was refused may have been mended since. */
	if (a->exit == EX_NOPERM)
		cred_clear(&a->cred);
	else
		cred_rest(&a->cred);
	if (asked) {
		a->next_start = 0;
		return;
	}
	if (account_one_job(a)) {
		a->next_start = 0;
		if (a->exit != 0 && a->n_done == 0)
			log_obituary(a, status, state);
		return;
	}
	if (clock_now() - a->started >= forgiven_after)
		a->n_failed = 0;
	start_later(a);
	if (a->exit == EX_NOPERM || a->exit == EX_CONFIG)
		a->next_start = USEC_NEVER;
	log_obituary(a, status, state);
}
