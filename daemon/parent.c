/*
 * parent.c — spawn, reap, back off, answer.
 *
 * One loop: do what can be done without waiting, then wait for any descriptor or
 * the next deadline.  Whatever happened, the same steps are taken again; none
 * of them depends on an event having been seen.
 */
#include "parent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "config.h"
#include "dirs.h"
#include "js.h"
#include "methods.h"
#include "metrics.h"
#include "notify.h"
#include "once.h"
#include "report.h"
#include "role.h"
#include "schedule.h"
#include "tell.h"

/* A state that must be converted, a disk that has to wake up, 100,000 folders. */
static const usec begin_within = USEC_S(300);

/* ---- accounts --------------------------------------------------------- */

struct account *
parent_find(const struct parent *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->account[i]->removed &&
		    strcmp(p->account[i]->name, name) == 0)
			return p->account[i];
	return NULL;
}

/* Free the accounts that left the configuration and have no worker any more. */
static void
drop_removed(struct parent *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct account *a = p->account[i];

		if (!a->removed || account_running(a)) {
			p->account[kept++] = a;
			continue;
		}
		account_clear(a);
		free(a);
	}
	p->n = kept;
}

/* Its workers do one job each. */
static bool
by_turns(const struct parent *p, const struct account *a)
{
	return p->opts->once || schedule_turns(a->conf);
}

static bool
may_start(const struct parent *p, const struct account *a)
{
	if (account_running(a) || !account_active(a) ||
	    clock_now() < a->next_start)
		return false;
	return jobs_want(&p->jobs, a->name) ||
	    (!by_turns(p, a) && condition_met(&a->condition));
}

static size_t
count_running(const struct parent *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += account_running(p->account[i]);
	return n;
}

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
	if (part->exit == 0) {
		a->last_ok = clock_wall();
		a->succeeded = true;
	}
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

/* Hand out what waits.  Once: one part for each life of a worker. */
static void
send_parts(struct parent *p)
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
			if (!a->ready || a->stopping ||
			    (by_turns(p, a) && a->n_sent > 0))
				continue;
			if (is_full_round(p, job, part)) {
				a->last_try = clock_wall();
				pings_send(&p->pings, a->conf, PING_START, NULL);
			}
			account_send_job(a, job, part);
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

/* The worker is gone: what it had to do failed with it.  What it was not given
 * yet is left for the next one, if this one did anything at all. */
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
			if (part->sent || a->n_done == 0)
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

static void
account_changed(struct parent *p, struct account *a)
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
		fail_parts(p, a);
		break;
	case WORD_READY:
	case WORD_STATUS:
		break;
	}
	account_changed(p, a);
}

static void
hear_accounts(struct parent *p)
{
	struct word word;

	for (size_t i = 0; i < p->n; i++)
		while (account_step(p->account[i], &word) == 1) {
			take_word(p, p->account[i], &word);
			json_decref(word.body);
		}
}

static void
start_due(struct parent *p)
{
	const struct word gone = { .kind = WORD_GONE };
	size_t room = p->opts->once ? once_room(p) : SIZE_MAX;

	for (size_t i = 0; i < p->n && room > 0 && !p->stopping; i++) {
		if (!may_start(p, p->account[i]))
			continue;
		account_start(p->account[i]);
		if (!account_running(p->account[i]))
			take_word(p, p->account[i], &gone);
		room--;
	}
}

/* ---- signals ---------------------------------------------------------- */

static void
reap(struct parent *p)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pings_reaped(&p->pings, pid, status) ||
		    react_reaped(&p->react, pid, status))
			continue;
		for (size_t i = 0; i < p->n; i++)
			if (account_reaped(p->account[i], pid, status))
				break;
	}
}

void
parent_stop(struct parent *p)
{
	if (p->stopping)
		return;
	p->stopping = true;
	notify_stopping();
	events_take_add(&p->events, "daemon.stopping", json_object());
	for (size_t i = 0; i < p->n; i++)
		account_stop(p->account[i]);
}

static void
take_signals(struct parent *p)
{
	struct signalfd_siginfo si;

	while (read(p->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGHUP) {
			parent_reload(p);
		} else if (si.ssi_signo != SIGCHLD) {
			p->interrupted = (int)si.ssi_signo;
			parent_stop(p);
		}
	}
	/* Always: several children make one SIGCHLD. */
	reap(p);
}

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* ---- status ----------------------------------------------------------- */

json_t *
parent_status(const struct parent *p)
{
	json_t *accounts = json_array(), *files = json_array();

	for (size_t i = 0; i < p->n; i++)
		if (!p->account[i]->removed)
			json_array_append_new(accounts,
			    account_status(p->account[i]));
	for (size_t i = 0; i < p->conf->files.n; i++)
		json_array_append_new(files,
		    js_text(str_z(p->conf->files.v[i])));
	return json_pack("{s:s, s:b, s:i, s:o, s:I, s:{s:o, s:O?}, s:o}",
	    "version", SYNCD_VERSION, "running", 1, "pid", (int)getpid(),
	    "started", js_time(p->started), "uptime_s",
	    (json_int_t)((clock_wall() - p->started) / 1000000),
	    "config", "files", files, "error", p->conf_error,
	    "accounts", accounts);
}

/* The line of `systemctl status`: the first problem, or that all is well. */
static void
tell_systemd(const struct parent *p)
{
	char line[256];

	if (getenv("NOTIFY_SOCKET") == NULL)
		return;
	snprintf(line, sizeof(line), "%zu of %zu accounts running",
	    count_running(p), p->n);
	for (size_t i = 0; i < p->n; i++) {
		json_t *s = account_status(p->account[i]);
		const json_t *first =
		    json_array_get(json_object_get(s, "problems"), 0);
		const char *text = js_get(first, "message");

		if (text != NULL)
			snprintf(line, sizeof(line), "%s: %s",
			    p->account[i]->name, text);
		json_decref(s);
		if (text != NULL)
			break;
	}
	notify_status(line);
}

/* ---- the loop --------------------------------------------------------- */

/* Those that wait for room, for work, or for a network that may be used are not
 * due. */
static usec
deadline_of(const struct parent *p, const struct account *a)
{
	usec asks = condition_deadline(&a->condition), one;

	if (account_running(a))
		one = account_deadline(a);
	else if (p->stopping || p->opts->once)
		return USEC_NEVER;
	else if (jobs_want(&p->jobs, a->name))
		one = account_deadline(a);
	else if (schedule_turns(a->conf))
		one = schedule_deadline(a);
	else
		one = condition_met(&a->condition) ? account_deadline(a) :
		    USEC_NEVER;
	return one < asks ? one : asks;
}

static usec
next_deadline(const struct parent *p)
{
	usec least = notify_watchdog(), one = wake_deadline(&p->wake);

	if (control_pending(&p->control))
		return 0;
	if (pings_deadline(&p->pings) < least)
		least = pings_deadline(&p->pings);
	if (metrics_deadline(p) < least)
		least = metrics_deadline(p);
	if (react_deadline(&p->react) < least)
		least = react_deadline(&p->react);
	if (alerts_deadline(&p->alerts) < least)
		least = alerts_deadline(&p->alerts);
	if (meter_due(&p->meter) < least)
		least = meter_due(&p->meter);
	if (one < least)
		least = one;
	for (size_t i = 0; i < p->n; i++) {
		one = deadline_of(p, p->account[i]);
		if (one < least)
			least = one;
	}
	return least;
}

static int
wait_for_work(struct parent *p, struct err *err)
{
	enum { FIXED = 3 + CONTROL_WAITERS };
	size_t mine = FIXED + p->n * ACCOUNT_WAITERS;
	size_t hooks = mine + 2 * p->pings.n;
	size_t n = hooks + p->react.n * REACT_WAITERS;
	struct waiter *w = xcalloc(n, sizeof(*w));
	int rc;

	w[0] = (struct waiter){ .fd = p->signals, .want = WAIT_READ };
	wake_waiters(&p->wake, w + 1);
	control_waiters(&p->control, w + 3);
	for (size_t i = 0; i < p->n; i++)
		account_waiters(p->account[i], w + FIXED + i * ACCOUNT_WAITERS);
	pings_waiters(&p->pings, w + mine);
	react_waiters(&p->react, w + hooks);
	rc = wait_any(w, n, next_deadline(p), err);
	free(w);
	return rc;
}

static void
answer_requests(struct parent *p)
{
	struct request rq;

	control_step(&p->control, p->events.seq);
	while (control_next(&p->control, &rq)) {
		methods_run(p, &rq);
		json_decref(rq.line);
	}
	methods_tell_waiters(p);
	control_publish(&p->control, &p->events);
	control_flush(&p->control);
}

static bool
is_finished(const struct parent *p)
{
	if (count_running(p) > 0)
		return false;
	if (p->stopping && !p->opts->once)
		return true;
	/* A health check waits for the last word, too. */
	if (p->pings.n > 0)
		return false;
	if (p->stopping)
		return true;
	return p->opts->once && job_done(p->jobs.v[0]);
}

static void
run(struct parent *p)
{
	struct err err;

	for (;;) {
		hear_accounts(p);
		drop_removed(p);
		pings_step(&p->pings);
		for (size_t i = 0; i < p->n && !p->opts->once; i++) {
			if (schedule_allow(p->account[i], &p->jobs))
				account_changed(p, p->account[i]);
			schedule_step(p->account[i], &p->jobs);
		}
		start_due(p);
		send_parts(p);
		alerts_step(p);
		react_hear(&p->react, &p->events);
		react_step(&p->react);
		answer_requests(p);
		tell_systemd(p);
		metrics_step(p);
		if (p->opts->once)
			once_show(p);
		if (is_finished(p))
			return;
		if (wait_for_work(p, &err) < 0) {
			log_error("%s", err.text);
			parent_stop(p);
		}
		take_signals(p);
		if (wake_step(&p->wake))
			for (size_t i = 0; i < p->n; i++)
				account_wake(p->account[i]);
	}
}

/* ---- beginning and end ------------------------------------------------ */

static int
make_state_dir(const char *dir, struct err *err)
{
	struct stat st;
	char *path = xasprintf("%s/", dir);

	dirs_make(path);
	free(path);
	if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_sys(err, ERR_LOCAL, "state.io", "state_dir %s", dir);
	return 0;
}

/* The log file takes the place of stderr, so that every child has it, too. */
static int
open_log(const struct conf *conf, struct err *err)
{
	int fd;

	log_to(STDERR_FILENO, (enum log_level)conf->log_level);
	if (conf->log_file == NULL)
		return 0;
	fd = open(conf->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, ERR_LOCAL, "state.io", "log file %s",
		    conf->log_file);
	dup2(fd, STDERR_FILENO);
	close(fd);
	return 0;
}

static void
open_events(struct parent *p)
{
	char *path = xasprintf("%s/events.jsonl", p->conf->state_dir);

	events_open(&p->events, path);
	free(path);
	path = xasprintf("%s/told.json", p->conf->state_dir);
	alerts_open(&p->alerts, path);
	free(path);
}

static int
begin(struct parent *p, struct err *err)
{
	if (make_state_dir(p->conf->state_dir, err) < 0)
		return -1;
	p->signals = open_signals();
	if (p->signals < 0)
		return err_sys(err, ERR_LOCAL, "internal.signals", "signalfd");
	if (p->opts->once)
		return 0;
	if (control_open(&p->control, p->conf->socket, err) < 0)
		return -1;
	if (open_log(p->conf, err) < 0)
		return -1;
	open_events(p);
	react_init(&p->react, p->conf, p->events.seq);
	wake_init(&p->wake);
	notify_ready();
	log_notice("syncd %s started, %zu accounts", SYNCD_VERSION,
	    p->conf->n_accounts);
	return 0;
}

static void
end(struct parent *p)
{
	control_flush(&p->control);
	control_close(&p->control);
	wake_clear(&p->wake);
	pings_clear(&p->pings);
	react_clear(&p->react);
	alerts_clear(&p->alerts);
	if (p->signals >= 0)
		close(p->signals);
	for (size_t i = 0; i < p->n; i++) {
		account_clear(p->account[i]);
		free(p->account[i]);
	}
	free(p->account);
	jobs_clear(&p->jobs);
	events_clear(&p->events);
	json_decref(p->conf_error);
	json_decref(p->open_problems);
	config_free(p->conf);
}

static int
exit_of(const struct err *err)
{
	if (err->class == ERR_RETRY)
		return EX_TEMPFAIL;
	return err->class == ERR_CONFIG ? EX_CONFIG : EX_IOERR;
}

int
parent_run(struct conf *conf, const struct parent_opts *opts)
{
	struct parent p = {
		.conf = conf, .opts = opts, .signals = -1,
		.env = { .conf = conf, .once = opts->once,
		    .online_check = opts->online_check,
		    .spawn = opts->spawn != NULL ? opts->spawn : role_spawn_worker,
		    .begin_within = opts->begin_within != 0 ?
			opts->begin_within : begin_within },
		.control = { .fd = -1 },
		.wake = { .timer = -1, .net = -1, .due = USEC_NEVER },
		.meter = { .due = USEC_NEVER },
		.started = clock_wall(), .open_problems = json_object()
	};
	unsigned programs = 0;
	struct err err;
	int code = 0;

	p.env.programs = &programs;
	sandbox_private();
	if (begin(&p, &err) < 0) {
		code = exit_of(&err);
		tell_error(opts->json, code, err.code, err.text, NULL);
	} else if (!opts->once || once_begin(&p, &code) == 0) {
		for (size_t i = 0; i < conf->n_accounts; i++)
			parent_add(&p, &conf->account[i]);
		run(&p);
		if (!opts->dry_run && !opts->online_check)
			metrics_write(&p);
		meter_clear(&p.meter);
		if (opts->once)
			code = p.interrupted != 0 ? 130 : once_end(&p);
		else
			log_notice("syncd stopped");
	}
	end(&p);
	return code;
}
