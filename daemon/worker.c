/*
 * worker.c — the life of one account: connect, reconcile, wait, report.
 *
 * One thread, one poll.  Whatever happens (a push, a file, a timer, a job from
 * the parent) only marks what may have changed; round_run() does the rest.  A
 * failure ends the connection, never the process, unless only the user can help.
 */
#include "worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wait.h"
#include "conf_json.h"
#include "connect.h"
#include "engine/account.h"
#include "engine/drain.h"
#include "engine/hooks.h"
#include "engine/local.h"
#include "engine/manifest.h"
#include "engine/remote.h"
#include "engine/remove.h"
#include "engine/round.h"
#include "engine/undo.h"
#include "engine/watcher.h"
#include "ipc.h"
#include "js.h"
#include "link.h"
#include "lock.h"
#include "progress.h"
#include "retry.h"
#include "worker_backup.h"
#include "worker_job.h"
#include "worker_mail.h"
#include "worker_reload.h"
#include "worker_sandbox.h"
#include "worker_script.h"
#include "worker_status.h"

enum { EAGER_S = 30, DOUBT_S = 1, SCAN_S = 60, UNDO_S = 86400,
    RETRY_FOLDER_S = 60, RETRY_BUSY_S = 1, EXIT_HELD = 10,
    AFTER_S = 3, SCRIPT_S = 120, SCRIPT_ROUNDS = 4, FILES = 4096 };

struct worker {
	struct account_conf	*conf;
	struct account		*acc;
	char			*state_dir;
	bool			 once, online_check, tap;
	int			 lock_fd;
	struct link		 link;
	unsigned		 failures;	/* in a row */
	const char		*trouble;	/* the code of the last one */
	usec			 retry_at;	/* when to connect again */
	usec			 eager_until;	/* the network changed a moment ago */
	struct outage		 outage;
	struct reload		*reload;
	usec			 round_at;	/* when to look again; NEVER */
	usec			 sweep_at, scan_at, undo_at;
	int64_t			 told;		/* rows of the log, as events */
	struct worker_status	 status;
};

static void
report_status(struct worker *w, const char *state)
{
	char *text = worker_status_json(&w->status, w->acc, w->conf, state,
	    w->acc->work == NULL && w->retry_at > clock_now() ?
	    clock_wall() + w->retry_at - clock_now() : 0);
	struct err err;

	if (text != NULL && ipc_send(IPC_FD, IPC_STATUS, str_z(text), -1,
	    &err) < 0)
		log_debug("parent: %s", err.text);
	free(text);
}

/* ---- connecting ------------------------------------------------------- */

/* ${acc}: NULL, or whose work begins on it. */
static struct lane *
open_lane(struct worker *w, const char *name, struct account *acc,
    struct err *err)
{
	struct lane *ln;
	int tunnel;

	if (link_ask_secret(&w->link, w->conf, "connect", err) < 0 ||
	    link_ask_tunnel(&w->link, w->conf, &tunnel, err) < 0)
		return NULL;
	ln = connect_lane(w->conf, name, tunnel, &w->link.secret, w->tap, acc,
	    err);
	/* A token may have been revoked before its time: one fresh one. */
	if (ln == NULL && err->class == ERR_AUTH && w->conf->auth.token_command.n > 0 &&
	    link_ask_secret(&w->link, w->conf, "rejected", err) == 0)
		ln = connect_lane(w->conf, name, -1, &w->link.secret, w->tap,
		    acc, err);
	secret_clear(&w->link.secret);
	return ln;
}

static int
connect_account(struct worker *w, struct err *err)
{
	struct lane *ln;

	progress_phase(w->acc->progress, PHASE_CONNECT, NULL, 0);
	ln = open_lane(w, "work", w->acc, err);
	if (ln == NULL)
		return -1;
	remote_attach(w->acc, ln);
	worker_status_connected(&w->status, ln);
	worker_script_online(w->acc, &w->outage);
	for (size_t i = 0; i < w->acc->n_folders; i++)
		w->acc->folder[i]->checked = false;
	return 0;
}

/* Somebody who pushes: connections of their own, because what we write on the
 * other one must not be mistaken for news. */
static void
open_watches(struct worker *w)
{
	struct lane *ln;
	struct err err;

	while (watcher_lacks(w->acc)) {
		ln = open_lane(w, "watch", NULL, &err);
		if (ln == NULL) {
			log_warn("no watch connection: %s", err.text);
			return;
		}
		watcher_start(w->acc, ln);
	}
}

/* ---- failing ---------------------------------------------------------- */

/* What a failure said is over; other problems of the account are not. */
static void
end_trouble(struct worker *w)
{
	if (w->trouble != NULL)
		problem_close(w->acc, w->trouble, NULL);
	w->trouble = NULL;
	w->failures = 0;
}

static void
note_failure(struct worker *w, const struct err *err)
{
	bool user = err->class == ERR_CONFIG || err->class == ERR_LOCAL;

	if (strcmp(err->code, "net.changed") == 0) {
		w->failures = 0;
		w->eager_until = clock_in(USEC_S(EAGER_S));
	}
	remote_detach(w->acc);
	progress_phase(w->acc->progress, PHASE_IDLE, NULL, 0);
	worker_script_offline(w->acc, &w->outage, err->text);
	w->retry_at = clock_in(user ? USEC_S(60) : retry_after(err->code,
	    w->failures, clock_now() < w->eager_until));
	w->failures++;
	if (w->trouble != NULL && strcmp(w->trouble, err->code) != 0)
		problem_close(w->acc, w->trouble, NULL);
	w->trouble = err->code;
	problem_open(w->acc, user ? PROBLEM_ERROR : PROBLEM_WARNING, err->code,
	    NULL, "", "%s", err->text);
	report_status(w, user ? "error" : "offline");
}

/* ---- jobs ------------------------------------------------------------- */

static void
mark_everything(struct worker *w)
{
	w->acc->tree_remote = w->acc->tree_local = true;
	for (size_t i = 0; i < w->acc->n_folders; i++)
		w->acc->folder[i]->checked = false;
}

static void
folder_finished(void *who, const struct folder *f, const struct tally *did,
    usec took)
{
	const struct worker *w = who;
	char text[1024];

	worker_status_folder(f, did, took, text, sizeof(text));
	log_info("%s", text);
	if (w->link.n_jobs > 0)
		link_send(IPC_JOB_LINE, json_pack("{s:I, s:o, s:b}", "job",
		    w->link.job[0].id, "text", js_text(str_z(text)), "progress", 1));
}

static usec
earliest(usec a, usec b)
{
	return a < b ? a : b;
}

static bool
did_something(const struct tally *t)
{
	return t->downloaded + t->uploaded + t->flags_local + t->flags_remote +
	    t->deleted_local + t->deleted_remote + t->moved > 0;
}

/* ---- rounds ----------------------------------------------------------- */

/* POP3: sessions, until one has seen all there is. */
static int
drain(struct worker *w, const struct round_opts *opts, struct err *err)
{
	int r = 0;

	do {
		if (w->acc->work == NULL && connect_account(w, err) < 0)
			return -1;
		r = drain_session(w->acc, opts, r == DRAIN_MORE, err);
	} while (r == DRAIN_MORE);
	return r;
}

static int
reconcile(struct worker *w, const struct round_opts *opts, struct err *err)
{
	return round_run(w->acc, opts, err);
}

/* Where an account's protocol makes a difference. */
static const struct {
	int	(*round)(struct worker *, const struct round_opts *, struct err *);
	bool	  two_way;	/* what happens here matters */
} protocols[] = {
	[PROTOCOL_IMAP] = { reconcile, true },
	[PROTOCOL_POP3] = { drain, false },
};

/* 0 settled, 1 not quite, -1. */
static int
run_round(struct worker *w, struct round_opts *opts, struct err *err)
{
	usec started = clock_now();
	struct tally before = w->acc->tally, did;
	int r;

	report_status(w, "syncing");
	if (!w->acc->dry_run)
		due_say(w->acc, HOOK_SYNC_START, opts->full ? "full" : "quick",
		    0);
	opts->done = folder_finished;
	opts->who = w;
	r = protocols[w->conf->protocol].round(w, opts, err);
	if (r >= 0 && manifest_continue(w->acc, err) < 0)
		r = -1;
	did = tally_since(&before, &w->acc->tally);
	worker_status_round(&w->status, &did, clock_now() - started, r);
	w->round_at = USEC_NEVER;
	if (!w->once && did_something(&did))
		worker_mail_tell(w->acc, &w->told);
	if (r < 0)
		return -1;
	if (!w->acc->dry_run)
		due_say(w->acc, HOOK_SYNC_DONE, opts->full ? "full" : "quick",
		    0);
	end_trouble(w);
	/* A login is dearer than a look: POP3 has its times. */
	if (!protocols[w->conf->protocol].two_way)
		return r;
	if (r > 0)
		w->round_at = clock_in(USEC_S(w->acc->busy ? RETRY_BUSY_S :
		    RETRY_FOLDER_S));
	else if (round_has_tombstones(w->acc))
		w->round_at = clock_in(opts->grace);
	/* Where much goes on, a push can get lost (Dovecot notices some changes
	 * only half a minute later): one look at all counters afterwards. */
	if (did_something(&did))
		w->sweep_at = earliest(w->sweep_at, clock_in(USEC_S(AFTER_S)));
	return r;
}

static bool
round_due(const struct worker *w)
{
	usec now = clock_now();

	if (now >= w->round_at)
		return true;
	if (!account_dirty(w->acc))
		return false;
	return w->acc->watcher == NULL || watch_last(w->acc->watcher) == 0 ||
	    now >= watch_last(w->acc->watcher) + w->conf->watch.settle;
}

/* A dry run has seen changes and left them.  Who is told of changes takes them
 * up at once, as without it; what is only polled waits for its time. */
static void
look_again(struct worker *w, bool was_due)
{
	struct account *acc = w->acc;

	if (was_due || (w->conf->watch.remote == WATCH_AUTO && watcher_useful(acc)))
		acc->tree_remote = true;
	if (!was_due && acc->watcher == NULL)
		return;
	acc->tree_local = true;
	for (size_t i = 0; i < acc->n_folders; i++)
		acc->folder[i]->checked = false;
}

/* Nobody is here afterwards to do what scripts planned. */
static int
finish_scripts(struct worker *w, struct round_opts *opts, int r, struct err *err)
{
	for (int i = 0; i < SCRIPT_ROUNDS && r >= 0; i++) {
		if (hooks_finish(w->acc, clock_in(USEC_S(SCRIPT_S)), err) < 0)
			return -1;
		if (!account_dirty(w->acc))
			break;
		r = run_round(w, opts, err);
	}
	return r;
}

/* A backup is brought up to date before, so that what is lacking is lacking, and
 * after, so that what is missing is fetched.  Others have their own time. */
static int
verify_round(struct worker *w, struct err *err)
{
	struct round_opts opts = { 0 };

	mark_everything(w);
	return run_round(w, &opts, err) < 0 ? -1 : 0;
}

static int
run_verify(struct worker *w, struct job *job, struct err *err)
{
	bool backup = job->online && w->conf->policy.readonly;
	struct verified n;
	int code;

	report_status(w, "verifying");
	if ((backup && verify_round(w, err) < 0) ||
	    worker_verify(w->acc, job, &n, err) < 0 ||
	    (backup && n.recovered > 0 && verify_round(w, err) < 0))
		return -1;
	code = n.findings > 0;
	worker_finish_job(w->acc, job, code, worker_verified_json(&n), NULL);
	return code;
}

static int
run_job(struct worker *w, struct job *job, struct err *err)
{
	bool was_due = round_due(w);
	struct round_opts opts = { .only = job->folder, .full = job->full,
	    .verdict = job->verdict };
	json_t *summary;
	int r;

	mark_everything(w);
	w->acc->tally = (struct tally){ 0 };
	w->acc->dry_run = job->dry_run;
	r = run_round(w, &opts, err);
	w->acc->dry_run = false;
	if (job->dry_run)
		worker_send_plan(w->acc, job);
	if (r >= 0 && w->once && !job->dry_run)
		r = finish_scripts(w, &opts, r, err);
	if (r < 0)
		return -1;
	if (job->dry_run)
		look_again(w, was_due);
	if (worker_guard_holds(w->acc))
		r = EXIT_HELD;
	summary = worker_summary(&w->acc->tally);
	if (worker_no_such_folder(w->acc, job, err)) {
		worker_finish_job(w->acc, job, EX_NOINPUT, summary, err);
		return EX_NOINPUT;
	}
	if (!job->dry_run && worker_after_round(w->acc, job, summary, &r,
	    err) < 0) {
		json_decref(summary);
		return -1;
	}
	worker_finish_job(w->acc, job, r, summary, NULL);
	return r;
}

static void
fail_jobs(struct worker *w, const struct err *err)
{
	for (size_t i = 0; i < w->link.n_jobs; i++)
		worker_finish_job(w->acc, &w->link.job[i], worker_exit_code(err),
		    worker_summary(&w->acc->tally), err);
	w->link.n_jobs = 0;
}

/* What needs no server does not wait for one. */
static bool
offline_job(const struct worker *w)
{
	return w->link.n_jobs > 0 && w->link.job[0].verify &&
	    !w->link.job[0].online;
}

static int
run_jobs(struct worker *w, int *code, struct err *err)
{
	while (w->link.n_jobs > 0 && (w->acc->work != NULL || offline_job(w))) {
		struct job *job = &w->link.job[0];
		int r = job->verify ? run_verify(w, job, err) :
		    run_job(w, job, err);

		if (r < 0)
			return -1;
		*code = r;
		w->link.n_jobs--;
		memmove(&w->link.job[0], &w->link.job[1], w->link.n_jobs * sizeof(*w->link.job));
	}
	return 0;
}

/* ---- the loop --------------------------------------------------------- */

/* When something must be done even if nothing happens. */
static usec
next_deadline(const struct worker *w)
{
	usec t = w->round_at;

	if (clock_now() < w->retry_at)
		return earliest(w->retry_at, w->outage.tell_at);
	t = earliest(t, w->sweep_at);
	if (w->acc->watch_limit || w->acc->watcher == NULL)
		t = earliest(t, w->scan_at);
	t = earliest(t, w->undo_at);
	t = earliest(t, watcher_deadline(w->acc));
	/* A burst of local changes is let settle. */
	if (account_dirty(w->acc) && w->acc->watcher != NULL &&
	    watch_last(w->acc->watcher) != 0)
		t = earliest(t, watch_last(w->acc->watcher) +
		    w->conf->watch.settle);
	return t;
}

static void
run_timers(struct worker *w)
{
	usec now = clock_now();
	struct err err;

	if (now >= w->sweep_at) {
		bool was = w->acc->tree_remote;

		mark_everything(w);
		if (watcher_listen_again(w->acc))
			w->acc->tree_remote = was;
		w->sweep_at = clock_in(w->conf->watch.poll);
	}
	if (now >= w->scan_at) {
		for (size_t i = 0; i < w->acc->n_folders; i++) {
			w->acc->folder[i]->checked = false;
			if (!w->acc->folder[i]->watched)
				folder_mark(w->acc->folder[i], DIRTY_CHECK);
		}
		w->scan_at = clock_in(USEC_S(SCAN_S));
	}
	if (now >= w->undo_at) {
		if (undo_trim(w->acc->state_dir, w->acc->conf,
		    &err) < 0)
			log_warn("undo: %s", err.text);
		if (worker_verify_due(w->acc, 0, &err) < 0)
			log_warn("verify: %s", err.text);
		w->undo_at = clock_in(USEC_S(UNDO_S));
	}
	watcher_keep_alive(w->acc);
}

static int
run_scripts(struct worker *w, struct err *err)
{
	if (clock_now() >= w->outage.tell_at)
		worker_script_offline(w->acc, &w->outage, w->trouble);
	reload_run(w->reload);
	if (hooks_run(w->acc, err) < 0)
		return -1;
	worker_script_jobs(w->acc, &w->link);
	/* How scripts fare changes between rounds, too; nothing is said twice. */
	if (w->acc->hooks != NULL && w->status.state[0] != '\0')
		report_status(w, w->status.state);
	return 0;
}

static int
listen_once(struct worker *w, struct err *err)
{
	struct waiter extra[3 + HOOKS_WAITERS] = {
		{ .fd = IPC_FD, .want = WAIT_READ },
		{ .fd = w->acc->watcher != NULL ? watch_fd(w->acc->watcher) : -1,
		  .want = WAIT_READ },
		reload_waiter(w->reload),
	};
	size_t n = 3 + hooks_waiters(w->acc, extra + 3, HOOKS_WAITERS);
	struct event ev;
	int got = lanes_reap(&w->acc->lanes, &ev, extra, n, earliest(
	    next_deadline(w), earliest(hooks_deadline(w->acc),
	    reload_deadline(w->reload))), err);

	if (got < 0)
		return -1;
	if (got > 0 && remote_note(w->acc, &ev, err) < 0)
		return -1;
	if (link_hear(&w->link, err) < 0 || run_scripts(w, err) < 0)
		return -1;
	if (w->link.woken) {
		w->link.woken = false;
		return err_set(err, ERR_RETRY, "net.changed",
		    "the network changed: connecting again");
	}
	return local_note(w->acc, err);
}

static int
live_once(struct worker *w, struct err *err)
{
	struct round_opts opts = { .grace = USEC_S(2) };
	int code;

	if (offline_job(w) && run_jobs(w, &code, err) < 0)
		return -1;
	if (w->acc->work == NULL) {
		if (clock_now() < w->retry_at && w->link.n_jobs == 0)
			return listen_once(w, err);
		report_status(w, "connecting");
		/* What is told of the network until now is no news for a new
		 * connection. */
		if (link_hear(&w->link, err) < 0)
			return -1;
		w->link.woken = false;
		if (connect_account(w, err) < 0)
			return -1;
		mark_everything(w);
	}
	if (w->link.n_jobs > 0 && run_jobs(w, &code, err) < 0)
		return -1;
	if ((round_due(w) && run_round(w, &opts, err) < 0) ||
	    run_scripts(w, err) < 0)
		return -1;
	open_watches(w);
	report_status(w, w->acc->n_listeners > 0 ? "live" : "polling");
	while (!round_due(w) && w->link.n_jobs == 0) {
		if (listen_once(w, err) < 0)
			return -1;
		run_timers(w);
		if (watcher_lacks(w->acc))
			break;
	}
	return 0;
}

/* Only the user can help: the parent does not start us again for these. */
static bool
hopeless(const struct err *err)
{
	return err->class == ERR_AUTH ||
	    (err->class == ERR_CONFIG && strncmp(err->code, "tls.", 4) != 0);
}

static int
live(struct worker *w, struct err *err)
{
	w->sweep_at = clock_in(w->conf->watch.poll);
	w->scan_at = protocols[w->conf->protocol].two_way ?
	    clock_in(USEC_S(SCAN_S)) : USEC_NEVER;
	w->undo_at = clock_in(USEC_S(30));
	for (;;) {
		if (live_once(w, err) == 0)
			continue;
		if (err->class == ERR_CANCEL)
			return 0;
		store_rollback(w->acc->store);
		fail_jobs(w, err);
		if (err->class == ERR_AUTH)
			worker_script_auth_failed(w->acc, err->text);
		if (hopeless(err) || err->class == ERR_LOCAL)
			return -1;
		note_failure(w, err);
	}
}

static int
live_one_round(struct worker *w, int *code, struct err *err)
{
	while (w->link.n_jobs == 0)
		if (link_wait(&w->link, clock_in(USEC_S(30)), err) < 0)
			return -1;
	if ((offline_job(w) || connect_account(w, err) == 0) &&
	    (w->online_check || run_jobs(w, code, err) == 0)) {
		if (w->online_check) {
			worker_finish_job(w->acc, &w->link.job[0], 0,
			    worker_summary(&w->acc->tally), NULL);
			w->link.n_jobs = 0;
		}
		return 0;
	}
	if (err->class == ERR_CANCEL)
		return 0;
	fail_jobs(w, err);
	return -1;
}

/* ---- starting --------------------------------------------------------- */

/* The first to stop; the second says, with IPC_WAKE, that connections are suspect,
 * also to who waits in the middle of something and hears no parent. */
static void
take_signals(void)
{
	sigset_t stop, wake;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	sigemptyset(&wake);
	sigaddset(&wake, SIGUSR1);
	sigprocmask(SIG_BLOCK, &wake, NULL);
	signal(SIGPIPE, SIG_IGN);
	wait_cancel_fd(signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
	wait_doubt_fd(signalfd(-1, &wake, SFD_CLOEXEC | SFD_NONBLOCK),
	    USEC_S(DOUBT_S));
}

static int
take_conf(struct worker *w, struct str payload, struct err *err)
{
	json_t *v = js_parse(payload, err), *log;

	if (v == NULL)
		return -1;
	w->conf = account_conf_from_json(json_object_get(v, "account"), err);
	w->state_dir = xstrdup(js_get(v, "state_dir"));
	w->once = js_bool(v, "once");
	w->online_check = js_bool(v, "online_check");
	log = json_object_get(v, "log");
	w->tap = js_bool(log, "protocol");
	log_to(STDERR_FILENO, (enum log_level)js_int(log, "level",
	    LOG_LV_NOTICE));
	json_decref(v);
	if (w->conf == NULL)
		return -1;
	if (w->state_dir == NULL)
		return err_set(err, ERR_CONFIG, "internal.ipc", "no state_dir");
	return 0;
}

static int
first_message(struct worker *w, struct err *err)
{
	struct waiter waiter = { .fd = IPC_FD, .want = WAIT_READ };
	enum ipc_type type;
	struct str payload;
	int ride, got = 0;

	if (wait_any(&waiter, 1, clock_in(USEC_S(30)), err) < 0)
		return -1;
	got = ipc_recv(IPC_FD, &type, &payload, &ride, err);
	if (got <= 0 || type != IPC_CONF)
		return got < 0 ? -1 : err_set(err, ERR_CONFIG, "internal.ipc",
		    "a worker is started by syncd, not by hand");
	return take_conf(w, payload, err);
}

/* Files of uploads are open until they are sent; the usual limit is for programs that
 * use select(). */
static void
allow_files(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0 || rl.rlim_cur >= FILES)
		return;
	rl.rlim_cur = rl.rlim_max < FILES ? rl.rlim_max : FILES;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
}

static void
open_watch(struct worker *w)
{
	struct err err;

	if (!w->conf->watch.local || !protocols[w->conf->protocol].two_way)
		return;
	w->acc->watcher = watch_new(&err);
	/* For one round nothing is lost without it. */
	if (w->once)
		return;
	if (w->acc->watcher == NULL)
		problem_open(w->acc, PROBLEM_WARNING, "store.watch-limit", NULL,
		    "sysctl fs.inotify.max_user_instances=1024",
		    "%s; folders are read every minute", err.text);
	else if (watch_tree(w->acc->watcher, w->acc->root, ".", &err) < 0)
		log_warn("%s", err.text);
}

static int
start(struct worker *w, struct err *err)
{
	struct progress *page;

	if (first_message(w, err) < 0)
		return -1;
	log_context(w->conf->name);
	w->lock_fd = lock_account(w->state_dir, w->conf->name, err);
	if (w->lock_fd < 0)
		return -1;
	w->acc = account_open(w->conf, w->state_dir, err);
	if (w->acc == NULL)
		return -1;
	w->acc->once = w->once;
	if (worker_script_open(w->acc, &w->link, err) < 0)
		return -1;
	w->told = worker_mail_begin(w->acc);
	page = progress_page_inherited();
	if (page != NULL)
		w->acc->progress = page;
	open_watch(w);
	if (!w->once)
		w->reload = reload_new(w->acc);
	worker_sandbox(w->conf, w->acc->root, w->state_dir);
	return ipc_send(IPC_FD, IPC_READY, STR(""), -1, err);
}

static void
say_bye(const struct worker *w, int code, const struct err *err)
{
	json_t *words = code == 0 ? js_error("", "", NULL) :
	    worker_error(w->conf, w->state_dir, err);

	json_object_set_new(words, "exit", json_integer(code));
	link_send(IPC_BYE, words);
}

int
worker_main(void)
{
	struct worker w = { .lock_fd = -1, .link = { .tunnel_fd = -1, .script_fd = -1 },
	    .round_at = USEC_NEVER, .outage.tell_at = USEC_NEVER };
	struct err err = { 0 };
	int code = 0, r;

	/* In whatever we are caught; to be killed does no harm to a worker, and one
	 * that nobody stops does: it holds the account.  If the parent is dead
	 * already, what it should say first does not come. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(077);
	allow_files();
	take_signals();
	r = start(&w, &err);
	if (r == 0)
		r = w.once ? live_one_round(&w, &code, &err) : live(&w, &err);
	if (r < 0)
		code = worker_exit_code(&err);
	say_bye(&w, r < 0 ? code : 0, &err);
	reload_free(w.reload);
	account_close(w.acc);
	account_conf_free(w.conf);
	free(w.state_dir);
	worker_status_clear(&w.status);
	link_clear(&w.link);
	return code;
}
