/* worker_round.c — rounds, when they are due or a job asks for them. */
#include "worker_impl.h"

#include <string.h>
#include <sysexits.h>

#include <jansson.h>

#include "base/log.h"
#include "engine/drain.h"
#include "engine/hooks.h"
#include "engine/manifest.h"
#include "engine/watcher.h"
#include "ipc.h"
#include "js.h"
#include "worker_backup.h"
#include "worker_job.h"
#include "worker_mail.h"

enum { RETRY_FOLDER_S = 60, RETRY_BUSY_S = 1, AFTER_S = 3, SCRIPT_S = 120, SCRIPT_ROUNDS = 4,
    EXIT_HELD = 10 };

void
worker_mark_all(struct worker *w)
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
		if (w->acc->work == NULL && worker_connect(w, err) < 0)
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

bool
worker_two_way(const struct worker *w)
{
	return protocols[w->conf->protocol].two_way;
}

/* ${r} of a round: did every folder reach what the server has? */
static bool
reached_all(const struct worker *w, const struct round_opts *opts, int r)
{
	return r == 0 && opts->only == NULL && !w->acc->dry_run &&
	    !worker_guard_holds(w->acc);
}

int
worker_round(struct worker *w, struct round_opts *opts, struct err *err)
{
	usec started = clock_now();
	struct tally before = w->acc->tally, did;
	int r;

	worker_report(w, "syncing");
	if (!w->acc->dry_run)
		due_say(w->acc, HOOK_SYNC_START, opts->full ? "full" : "quick",
		    0);
	opts->done = folder_finished;
	opts->who = w;
	r = protocols[w->conf->protocol].round(w, opts, err);
	if (r >= 0 && manifest_continue(w->acc, err) < 0)
		r = -1;
	did = tally_since(&before, &w->acc->tally);
	worker_status_round(&w->status, &did, clock_now() - started,
	    reached_all(w, opts, r));
	w->round_at = USEC_NEVER;
	if (!w->once && did_something(&did))
		worker_mail_tell(w->acc, &w->told);
	if (r < 0)
		return -1;
	if (!w->acc->dry_run)
		due_say(w->acc, HOOK_SYNC_DONE, opts->full ? "full" : "quick",
		    0);
	worker_recovered(w);
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
		w->sweep_at = clock_earlier(w->sweep_at, clock_in(USEC_S(AFTER_S)));
	return r;
}

bool
worker_round_due(const struct worker *w)
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
		r = worker_round(w, opts, err);
	}
	return r;
}

/* A backup is brought up to date before, so that what is lacking is lacking, and
 * after, so that what is missing is fetched.  Others have their own time. */
static int
verify_round(struct worker *w, struct err *err)
{
	struct round_opts opts = { 0 };

	worker_mark_all(w);
	return worker_round(w, &opts, err) < 0 ? -1 : 0;
}

static int
run_verify(struct worker *w, struct job *job, struct err *err)
{
	bool backup = job->online && w->conf->policy.readonly;
	struct verified n;
	int code;

	worker_report(w, "verifying");
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
	bool was_due = worker_round_due(w);
	struct round_opts opts = { .only = job->folder, .full = job->full,
	    .verdict = job->verdict };
	json_t *summary;
	int r;

	worker_mark_all(w);
	w->acc->tally = (struct tally){ 0 };
	w->acc->dry_run = job->dry_run;
	r = worker_round(w, &opts, err);
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

void
worker_fail_jobs(struct worker *w, const struct err *err)
{
	for (size_t i = 0; i < w->link.n_jobs; i++)
		worker_finish_job(w->acc, &w->link.job[i], worker_exit_code(err),
		    worker_summary(&w->acc->tally), err);
	w->link.n_jobs = 0;
}

bool
worker_offline_job(const struct worker *w)
{
	return w->link.n_jobs > 0 && w->link.job[0].verify &&
	    !w->link.job[0].online;
}

int
worker_run_jobs(struct worker *w, int *code, struct err *err)
{
	while (w->link.n_jobs > 0 && (w->acc->work != NULL || worker_offline_job(w))) {
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
