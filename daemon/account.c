/*
 * account.c — one account as the parent sees it.  Its worker is account_worker.c's,
 * what that says account_hear.c's; neither calls anything here.
 */
#include "account.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "account_impl.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf_json.h"
#include "js.h"
#include "schedule.h"

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
		.page = { .fd = -1 }
	};
	account_ok_load(a);
	cred_init(&a->cred);
	broker_init(&a->broker, a->conf, env->programs);
	condition_init(&a->condition, a->conf);
	paused_path(a, path, sizeof(path));
	/* Whether the server lets us in may be asked all the same. */
	a->paused = !env->online_check && access(path, F_OK) == 0;
}

void
account_clear(struct account *a)
{
	account_kill(a);
	account_ok_save(a);
	account_drop_process(a);
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
	/* The next turn was set by times that are no more. */
	if (!schedule_same(a->conf, conf))
		a->due = 0;
	account_conf_free(a->conf);
	a->conf = conf_copy(conf);
	a->broker.account = a->conf->name;
	broker_grant(&a->broker, a->conf);
	condition_clear(&a->condition);
	condition_init(&a->condition, a->conf);
	cred_forget(&a->cred);
	account_stop(a);
}

void
account_nudge(struct account *a)
{
	a->n_failed = 0;
	a->next_start = 0;
	condition_again(&a->condition);
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
	account_worker_gone(a, a->wait_status);
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
