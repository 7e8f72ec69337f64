/*
 * worker.c — the life of one account: connect, reconcile, wait, report.
 *
 * One thread, one poll.  Whatever happens (a push, a file, a timer, a job from
 * the parent) only marks what may have changed; round_run() does the rest.  A
 * failure ends the connection, never the process, unless only the user can help.
 */
#include "worker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/wait.h"
#include "conf_json.h"
#include "engine/hooks.h"
#include "engine/local.h"
#include "engine/remote.h"
#include "engine/undo.h"
#include "engine/watcher.h"
#include "ipc.h"
#include "js.h"
#include "lock.h"
#include "progress.h"
#include "worker_backup.h"
#include "worker_impl.h"
#include "worker_job.h"
#include "worker_mail.h"
#include "worker_sandbox.h"

enum { DOUBT_S = 1, SCAN_S = 60, UNDO_S = 86400, FILES = 4096 };

/* ---- the loop --------------------------------------------------------- */

/* When something must be done even if nothing happens. */
static usec
next_deadline(const struct worker *w)
{
	usec t = w->round_at;

	if (clock_now() < w->retry_at)
		return clock_earlier(w->retry_at, w->outage.tell_at);
	t = clock_earlier(t, w->sweep_at);
	if (w->acc->watch_limit || w->acc->watcher == NULL)
		t = clock_earlier(t, w->scan_at);
	t = clock_earlier(t, w->undo_at);
	t = clock_earlier(t, watcher_deadline(w->acc));
	/* A burst of local changes is let settle. */
	if (account_dirty(w->acc) && w->acc->watcher != NULL &&
	    watch_last(w->acc->watcher) != 0)
		t = clock_earlier(t, watch_last(w->acc->watcher) +
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

		worker_mark_all(w);
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
		worker_report(w, w->status.state);
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
	int got = lanes_reap(&w->acc->lanes, &ev, extra, n, clock_earlier(
	    next_deadline(w), clock_earlier(hooks_deadline(w->acc),
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

	if (worker_offline_job(w) && worker_run_jobs(w, &code, err) < 0)
		return -1;
	if (w->acc->work == NULL) {
		if (clock_now() < w->retry_at && w->link.n_jobs == 0)
			return listen_once(w, err);
		worker_report(w, "connecting");
		/* What is told of the network until now is no news for a new
		 * connection. */
		if (link_hear(&w->link, err) < 0)
			return -1;
		w->link.woken = false;
		if (worker_connect(w, err) < 0)
			return -1;
		worker_mark_all(w);
	}
	if (w->link.n_jobs > 0 && worker_run_jobs(w, &code, err) < 0)
		return -1;
	if ((worker_round_due(w) && worker_round(w, &opts, err) < 0) ||
	    run_scripts(w, err) < 0)
		return -1;
	worker_listen(w);
	worker_report(w, strcmp(watcher_push(w->acc), "none") != 0 ? "live" :
	    "polling");
	while (!worker_round_due(w) && w->link.n_jobs == 0) {
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

/* The file may be another than when we began, which the sandbox keeps from us, and not
 * from the next worker. */
static bool
shut_out(const struct err *err)
{
	return strcmp(err->code, "tls.ca-file") == 0 ||
	    strcmp(err->code, "tls.client-cert") == 0;
}

static int
live(struct worker *w, struct err *err)
{
	w->sweep_at = clock_in(w->conf->watch.poll);
	w->scan_at = worker_two_way(w) ?
	    clock_in(USEC_S(SCAN_S)) : USEC_NEVER;
	w->undo_at = clock_in(USEC_S(30));
	for (;;) {
		if (live_once(w, err) == 0)
			continue;
		if (err->class == ERR_CANCEL)
			return 0;
		store_rollback(w->acc->store);
		worker_fail_jobs(w, err);
		if (err->class == ERR_AUTH)
			worker_script_auth_failed(w->acc, err->text);
		if (hopeless(err) || err->class == ERR_LOCAL || shut_out(err))
			return -1;
		worker_failed(w, err);
	}
}

static int
live_one_round(struct worker *w, int *code, struct err *err)
{
	while (w->link.n_jobs == 0)
		if (link_wait(&w->link, clock_in(USEC_S(30)), err) < 0)
			return -1;
	if ((worker_offline_job(w) || worker_connect(w, err) == 0) &&
	    (w->online_check || worker_run_jobs(w, code, err) == 0)) {
		if (w->online_check) {
			worker_finish_job(w->acc, &w->link.job[0], 0,
			    worker_summary(&w->acc->tally), NULL);
			w->link.n_jobs = 0;
		}
		return 0;
	}
	if (err->class == ERR_CANCEL)
		return 0;
	worker_fail_jobs(w, err);
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
	CLEANUP(buf_clear) struct buf text = { 0 };
	enum ipc_type type;
	struct str payload;
	int ride, got = 0;

	if (wait_any(&waiter, 1, clock_in(USEC_S(30)), err) < 0)
		return -1;
	got = ipc_recv(IPC_FD, &type, &payload, &ride, err);
	if (got <= 0 || type != IPC_CONF)
		return got < 0 ? -1 : err_set(err, ERR_CONFIG, "internal.ipc",
		    "a worker is started by syncd, not by hand");
	got = ipc_read_file(ride, &text, err);
	if (ride >= 0)
		close(ride);
	return got < 0 ? -1 : take_conf(w, buf_str(&text), err);
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

	if (!w->conf->watch.local || !worker_two_way(w))
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
	return ipc_send(IPC_FD, IPC_READY, STR(""), -1, USEC_NEVER, err);
}

static void
say_bye(const struct worker *w, int code, const struct err *err)
{
	json_t *words = code == 0 ? js_error("", "", NULL) :
	    worker_error(w->conf, w->state_dir, err);

	json_object_set_new(words, "exit", json_integer(code));
	/* What is left is the kernel's, and the parent may go before us. */
	(void)prctl(PR_SET_PDEATHSIG, 0);
	link_send(IPC_BYE, words);
}

/* In whatever we are caught; to be killed does no harm to a worker, and one that nobody
 * stops does: it holds the account. */
static void
die_with_parent(void)
{
	struct ucred parent;
	socklen_t n = sizeof(parent);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before, its first words said; it made the socket. */
	if (getsockopt(IPC_FD, SOL_SOCKET, SO_PEERCRED, &parent, &n) == 0 &&
	    parent.pid != getppid())
		_exit(0);
}

/* What a last word promises: nothing more is written, and the account is free.  The
 * watch, which takes the kernel long to close, is left to the caller. */
static struct watch *
close_account(struct worker *w)
{
	struct watch *watch = w->acc != NULL ? w->acc->watcher : NULL;

	if (watch != NULL)
		w->acc->watcher = NULL;
	account_close(w->acc);
	w->acc = NULL;
	if (w->lock_fd >= 0)
		close(w->lock_fd);
	w->lock_fd = -1;
	return watch;
}

int
worker_main(void)
{
	struct worker w = { .lock_fd = -1, .link = { .tunnel_fd = -1, .script_fd = -1 },
	    .round_at = USEC_NEVER, .outage.tell_at = USEC_NEVER };
	struct watch *watch;
	struct err err = { 0 };
	int code = 0, r;

	die_with_parent();
	umask(077);
	allow_files();
	take_signals();
	r = start(&w, &err);
	if (r == 0)
		r = w.once ? live_one_round(&w, &code, &err) : live(&w, &err);
	if (r < 0)
		code = worker_exit_code(&err);
	reload_free(w.reload);
	watch = close_account(&w);
	say_bye(&w, r < 0 ? code : 0, &err);
	watch_free(watch);
	account_conf_free(w.conf);
	free(w.state_dir);
	worker_status_clear(&w.status);
	link_clear(&w.link);
	return code;
}
