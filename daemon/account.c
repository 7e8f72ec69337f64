/*
 * account.c — one account as the parent sees it.
 *
 * A worker that ends is started again: after a second, then twice as long each
 * time, up to 15 minutes; ten minutes of life forgive everything.  Only when a
 * human must act first (credentials, configuration) it stays down.  One that hangs
 * before it is ready is ended for that.
 */
#include "account.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account_impl.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf_json.h"
#include "ipc.h"
#include "js.h"
#include "schedule.h"

static const usec backoff_first = USEC_S(1);
static const usec backoff_most = USEC_S(900);
static const usec forgiven_after = USEC_S(600);
static const usec kill_after = USEC_S(4);

bool
account_one_job(const struct account *a)
{
	return a->env->once || schedule_turns(a->conf);
}

static void
paused_path(const struct account *a, char *out, size_t cap)
{
	must(snprintf(out, cap, "%s/%s.paused", a->env->conf->state_dir,
	    a->name) < (int)cap);
}

static struct account_conf *
conf_copy(const struct account_conf *conf)
{
	json_t *json = account_conf_to_json(conf);
	struct account_conf *copy;
	struct err err;

	copy = account_conf_from_json(json, &err);
	must(copy != NULL);
	json_decref(json);
	return copy;
}

void
account_init(struct account *a, const struct account_env *env,
    const struct account_conf *conf)
{
	char path[4096];

	*a = (struct account){
		.env = env, .conf = conf_copy(conf), .name = xstrdup(conf->name),
		.fd = -1, .kill_at = USEC_NEVER, .since = clock_wall(),
		.last_ok = clock_wall(),
		.page = { .fd = -1 }
	};
	cred_init(&a->cred);
	broker_init(&a->broker, a->conf, env->programs);
	condition_init(&a->condition, a->conf);
	paused_path(a, path, sizeof(path));
	a->paused = !env->once && access(path, F_OK) == 0;
}

void
account_drop_tunnel(struct account *a, size_t i)
{
	if (a->tunnel[i] > 0)
		kill(-a->tunnel[i], SIGTERM);
	a->tunnel[i] = 0;
}

static void
drop_process(struct account *a)
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

void
account_clear(struct account *a)
{
	account_kill(a);
	drop_process(a);
	cred_clear(&a->cred);
	broker_clear(&a->broker);
	condition_clear(&a->condition);
	progress_page_close(&a->page);
	json_decref(a->bye);
	json_decref(a->status);
	account_conf_free(a->conf);
	free(a->name);
	*a = (struct account){ .fd = -1, .page = { .fd = -1 } };
}

void
account_set_conf(struct account *a, const struct account_conf *conf)
{
	account_conf_free(a->conf);
	a->conf = conf_copy(conf);
	a->broker.account = a->conf->name;
	broker_grant(&a->broker, a->conf);
	condition_clear(&a->condition);
	condition_init(&a->condition, a->conf);
	cred_forget(&a->cred);
	account_stop(a);
}

bool
account_running(const struct account *a)
{
	return a->pid > 0;
}

bool
account_active(const struct account *a)
{
	return !a->removed && !a->paused && a->conf->enabled;
}

/* ---- starting and stopping -------------------------------------------- */

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
	int rc = ipc_send(a->fd, type, str_z(text), -1, err);

	json_decref(body);
	free(text);
	return rc;
}

static int
send_conf(struct account *a, struct err *err)
{
	const struct account_env *env = a->env;

	return send_json(a, IPC_CONF,
	    json_pack("{s:o, s:s, s:{s:i, s:b}, s:b, s:b, s:i}",
	    "account", account_conf_to_json(a->conf),
	    "state_dir", env->conf->state_dir,
	    "log", "level", account_log_level(env->conf, a->name),
	    "protocol", traced(env->conf, a->name),
	    "once", account_one_job(a), "online_check", env->online_check,
	    "generation", (int)env->generation), err);
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
	/* A worker that is gone already is reaped, and that says why. */
	if (send_conf(a, &err) < 0)
		log_debug("%s: %s", a->name, err.text);
}

void
account_nudge(struct account *a)
{
	a->n_failed = 0;
	a->next_start = 0;
	condition_again(&a->condition);
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

void
account_wake(struct account *a)
{
	if (a->ready && a->pid > 0) {
		account_tell(a, IPC_WAKE, STR_NONE, -1);
		(void)kill(a->pid, SIGUSR1);
	}
	condition_again(&a->condition);
	/* Whatever failed for lack of a network may work now. */
	if (a->pid == 0 && account_offline(a->exit))
		account_nudge(a);
}

void
account_send_job(struct account *a, const struct job *job, struct part *part)
{
	struct err err;

	must(a->ready && !part->sent);
	part->sent = true;
	a->n_sent++;
	if (send_json(a, IPC_JOB, json_pack("{s:I, s:s?, s:b, s:b, s:b, s:b, "
	    "s:b, s:b, s:b, s:i, s:O?}",
	    "job", (json_int_t)part->n, "folder", part->folder,
	    "dry_run", job->dry_run, "full", job->full,
	    "approve", job->verdict == VERDICT_APPROVE,
	    "reject", job->verdict == VERDICT_REJECT,
	    "verify", job->verify.on, "online", job->verify.online,
	    "deep", job->verify.deep, "percent", (int)job->verify.percent,
	    "script", job->script), &err) < 0)
		log_debug("%s: %s", a->name, err.text);
}

int
account_set_paused(struct account *a, bool paused, struct err *err)
{
	char path[4096];

	paused_path(a, path, sizeof(path));
	if (paused) {
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return err_sys(err, ERR_LOCAL, "state.io", "%s", path);
		close(fd);
	} else if (unlink(path) < 0 && errno != ENOENT) {
		return err_sys(err, ERR_LOCAL, "state.io", "%s", path);
	}
	if (a->paused != paused)
		a->since = clock_wall();
	a->paused = paused;
	if (paused)
		account_stop(a);
	else
		account_nudge(a);
	return 0;
}

/* ---- obituaries ------------------------------------------------------- */

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

static void
worker_gone(struct account *a, int status)
{
	bool asked = a->stopping;
	char state[32];

	snprintf(state, sizeof(state), "%s", account_state(a));
	drop_process(a);
	cred_clear(&a->cred);
	a->since = clock_wall();
	a->exit = asked ? 0 : exit_code(status);
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

bool
account_reaped(struct account *a, pid_t pid, int status)
{
	if (cred_reaped(&a->cred, pid, status) ||
	    broker_reaped(&a->broker, pid, status) ||
	    condition_reaped(&a->condition, pid, status))
		return true;
	for (size_t i = 0; i < ACCOUNT_TUNNELS; i++)
		if (pid == a->tunnel[i]) {
			a->tunnel[i] = 0;
			return true;
		}
	if (pid != a->pid)
		return false;
	a->reaped = true;
	a->wait_status = status;
	return true;
}

/* On a disk that does not answer, say: it would not hear a SIGTERM.  Its obituary says
 * so. */
static void
kill_hanging(struct account *a)
{
	char text[64];

	snprintf(text, sizeof(text), "it did not begin within %lld s",
	    (long long)(a->env->begin_within / USEC_S(1)));
	if (a->bye == NULL)
		a->bye = js_error("internal.worker", text, NULL);
	account_kill(a);
}

static void
enforce(struct account *a)
{
	if (a->pid == 0 || a->reaped || clock_now() < a->kill_at)
		return;
	if (a->stopping) {
		log_warn("%s: the worker did not end in time, killing it", a->name);
		account_kill(a);
	} else if (!a->ready && a->n_done == 0) {
		kill_hanging(a);
	} else {
		account_stop(a);
	}
}

int
account_step(struct account *a, struct word *word)
{
	*word = (struct word){ 0 };
	enforce(a);
	if (account_hear(a, word) == 1)
		return 1;
	/* Only now: its last words were still in the socket. */
	if (!a->reaped)
		return 0;
	worker_gone(a, a->wait_status);
	word->kind = WORD_GONE;
	return 1;
}

usec
account_deadline(const struct account *a)
{
	usec own = USEC_NEVER;

	if (a->reaped)
		own = 0;
	else if (a->pid > 0)
		own = a->kill_at;
	else if (account_active(a))
		own = a->next_start;
	own = clock_earlier(own, broker_deadline(&a->broker));
	return clock_earlier(own, cred_deadline(&a->cred));
}

void
account_waiters(const struct account *a, struct waiter w[ACCOUNT_WAITERS])
{
	w[0] = (struct waiter){ .fd = a->fd, .want = WAIT_READ };
	cred_waiters(&a->cred, w + 1);
	broker_waiters(&a->broker, w + 3);
	condition_waiters(&a->condition, w + 3 + BROKER_WAITERS);
}
