/*
 * parent.c — spawn, reap, back off, answer.
 *
 * One loop: do what can be done without waiting, then wait for any descriptor or
 * the next deadline.  Whatever happened, the same steps are taken again; none
 * of them depends on an event having been seen.
 */
#include "parent.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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
#include "parent_impl.h"
#include "role.h"
#include "schedule.h"
#include "tell.h"

/* A state that must be converted, a disk that has to wake up, 100,000 folders. */
static const usec begin_within = USEC_S(300);

/* ---- accounts --------------------------------------------------------- */

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

static bool
may_start(const struct parent *p, const struct account *a)
{
	if (account_running(a) || !account_active(a) ||
	    clock_now() < a->next_start)
		return false;
	return jobs_want(&p->jobs, a->name) ||
	    (!account_one_job(a) && condition_met(&a->condition));
}

static size_t
count_running(const struct parent *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += account_running(p->account[i]);
	return n;
}

static void
start_due(struct parent *p)
{
	size_t room = p->opts->once ? once_room(p) : SIZE_MAX;

	for (size_t i = 0; i < p->n && room > 0 && !p->stopping; i++) {
		if (!may_start(p, p->account[i]))
			continue;
		account_start(p->account[i]);
		if (!account_running(p->account[i]))
			parent_worker_gone(p, p->account[i]);
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
	while (methods_tell_waiters(p))
		control_flush(&p->control);
	control_flush(&p->control);
	control_publish(&p->control, &p->events);
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
		parent_hear(p);
		drop_removed(p);
		pings_step(&p->pings);
		for (size_t i = 0; i < p->n && !p->opts->once; i++) {
			if (schedule_allow(p->account[i], &p->jobs))
				parent_tell_state(p, p->account[i]);
			schedule_step(p->account[i], &p->jobs);
		}
		start_due(p);
		parent_hand_out(p);
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
		if (opts->once && !opts->online_check)
			once_skip_paused(&p);
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
