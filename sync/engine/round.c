/*
 * round.c — gather, pair, decide, apply, record.
 *
 * A pass takes all dirty folders together, because a deletion here and a new
 * message there may be one move.  Large folders that are met for the first time
 * and hold nothing here have nothing to pair: they are done one by one, INBOX
 * first, so that memory does not grow with the account.  Passes repeat until nothing is
 * dirty: the last one finds both sides equal and writes nothing.
 */
#include "engine/round.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/ahead.h"
#include "engine/age.h"
#include "engine/apply.h"
#include "engine/brief.h"
#include "engine/carry.h"
#include "engine/diff.h"
#include "engine/dryrun.h"
#include "engine/gather.h"
#include "engine/guard.h"
#include "engine/hooks.h"
#include "engine/list.h"
#include "engine/local.h"
#include "engine/pair.h"
#include "engine/pattern.h"
#include "engine/recover.h"
#include "engine/remote.h"
#include "engine/remove.h"
#include "engine/tree.h"
#include "engine/unread.h"

enum { PASSES_MAX = 8, SMALL_MESSAGES = 1000, EMPTY_AT_ONCE = 100 };

/* ---- deciding --------------------------------------------------------- */

static void
decide(struct account *acc, struct folder *f)
{
	bool keywords = acc->conf->keywords == KEYWORDS_DOVECOT;
	uint64_t shown;
	char letters[27];

	/* What the server has named gets a letter while there are any. */
	if (keywords)
		(void)kwfile_to_letters(&f->kwfile, ~(uint64_t)0, &f->kw,
		    letters);
	shown = kwfile_shown(&f->kwfile, ~(uint64_t)0, &f->kw);
	for (size_t i = 0; i < f->work.n; i++) {
		struct change *c = &f->work.change[i];
		struct diff_in in = {
			.base = c->known,
			.base_flags = c->base,
			.remote = c->remote,
			.local = c->local,
			.remote_flags = c->remote_flags,
			.local_flags = c->local_flags,
			.remote_blind = flags_minus(f->work.unkept,
			    c->remote_flags),
			.local_blind = { .kw = keywords ? ~shown : ~(uint64_t)0 },
		};

		/* What only the file shows is in no row. */
		if (c->local == SIDE_SAME && c->known == KNOWN_BOTH &&
		    c->file != NULL && !flags_none(f->work.unkept)) {
			in.local = SIDE_PRESENT;
			in.local_flags = local_flags(f, str_z(c->file));
		}
		if (!c->done)
			c->out = diff_message(&in, &f->policy,
			    (enum conf_conflict)acc->conf->conflict);
	}
}

/* ---- a pass ----------------------------------------------------------- */

struct list {
	struct folder	**v;
	size_t		  n, cap;
};

static void
list_add(struct list *l, struct folder *f)
{
	l->v = array_room(l->v, l->n, &l->cap, sizeof(*l->v));
	l->v[l->n++] = f;
}

static int
inbox_first(const void *a, const void *b)
{
	const struct folder *x = *(struct folder *const *)a;
	const struct folder *y = *(struct folder *const *)b;
	bool xi = str_ieq(str_z(x->wire), STR("INBOX"));
	bool yi = str_ieq(str_z(y->wire), STR("INBOX"));

	if (xi != yi)
		return xi ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool
is_asked(const struct round_opts *o, const struct folder *f)
{
	return o->only == NULL || pattern_glob(str_z(o->only), str_z(f->name));
}

static bool
matches(const struct round_opts *o, const struct folder *f)
{
	return f->drawn || is_asked(o, f);
}

static bool
first_time(const struct folder *f)
{
	return f->validity.v == 0 && f->work.n == 0;
}

/* What of ${f} may have changed here.  -1 is the folder's trouble, or all's. */
static int
look_local(struct account *acc, struct folder *f, struct err *err)
{
	int r = 0;

	/* The watch stands before the directory is read. */
	if (!acc->once)
		local_watch(acc, f);
	if (!f->checked || (f->dirty & DIRTY_CHECK))
		r = local_check(acc, f, err);
	f->dirty &= ~(unsigned)DIRTY_CHECK;
	f->checked = true;
	if (r == 0 && acc->once && !f->watched && f->dirty && !first_time(f))
		r = brief_watch(acc, f, err);
	if (r == 0 && (f->dirty & (DIRTY_SCAN | DIRTY_LOCAL)))
		r = local_gather(acc, f, err);
	return r;
}

static int
read_local(struct account *acc, const struct round_opts *o, struct list *dirty,
    struct err *err)
{
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];
		int r;

		if (!folder_active(f) || f->skip || !matches(o, f))
			continue;
		if (o->full)
			folder_mark(f, DIRTY_SCAN | DIRTY_REMOTE);
		r = look_local(acc, f, err);
		if (r < 0 && (r = carry_trouble(acc, f, err)) < 0)
			return -1;
		if (r > 0)
			unread_mark_here(f);
		else if (f->dirty || f->work.local_read)
			list_add(dirty, f);
	}
	if (dirty->n > 1)
		qsort(dirty->v, dirty->n, sizeof(*dirty->v), inbox_first);
	return 0;
}

static int
read_remote(struct account *acc, const struct round_opts *o, struct folder *f,
    struct err *err)
{
	int r;

	if (!(f->dirty & DIRTY_REMOTE))
		return 0;
	f->dirty &= ~(unsigned)DIRTY_REMOTE;
	progress_phase(acc->progress, PHASE_COMPARE, f->name, 0);
	r = gather_remote(acc, f, o->verdict, err);
	if (r == 0 && (f->dirty & DIRTY_SCAN)) {
		/* Renumbered: every file is to be found again by content. */
		for (size_t i = 0; i < f->work.n; i++) {
			free(f->work.change[i].file);
			free(f->work.change[i].content);
		}
		f->work.n = 0;
		r = local_gather(acc, f, err);
	}
	if (r != 0)
		folder_mark(f, DIRTY_REMOTE | DIRTY_SCAN);
	return r < 0 ? carry_trouble(acc, f, err) : r;
}

/* What both sides have, and what follows from it. */
static int
compare(struct account *acc, const struct round_opts *o, struct folder **f,
    size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = read_remote(acc, o, f[i], err);

		if (r < 0)
			return -1;
		if (r > 0)
			unread_mark(f[i]);
	}
	if (pair_changes(acc, f, n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		/* What the user says is said of what was asked for. */
		enum verdict verdict = is_asked(o, f[i]) ? o->verdict :
		    VERDICT_NONE;

		/* What is put back was here, whatever its age is by now. */
		if (verdict != VERDICT_REJECT && age_leave(acc, f[i], err) < 0) {
			if (carry_trouble(acc, f[i], err) < 0)
				return -1;
			f[i]->skip = true;
		}
		decide(acc, f[i]);
		if (guard_check(acc, f[i], verdict, err) < 0)
			return -1;
		if (acc->dry_run)
			dryrun_folder(acc, f[i]);
		else if (account_end(acc, pair_bury(acc, f[i], err), err) < 0)
			return -1;
	}
	return 0;
}

static int
reconcile(struct account *acc, const struct round_opts *o, struct folder **f,
    size_t n, struct together *t, struct err *err)
{
	int r;

	store_reading(acc->store, true);
	r = compare(acc, o, f, n, err);
	store_reading(acc->store, false);
	if (r < 0)
		return -1;
	if (acc->dry_run)
		return 0;
	if (apply_moves(acc, f, n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (f[i]->skip)
			continue;
		if (carry_folder(acc, o, f[i], t, err) < 0)
			return account_end(acc, -1, err);
		f[i]->skip = f[i]->skip || f[i]->work.failed;
	}
	return account_end(acc, 0, err);
}

static void
forget_work(struct account *acc)
{
	for (size_t i = 0; i < acc->n_folders; i++)
		work_clear(&acc->folder[i]->work);
}

/* A new folder may hold what was moved out of one that we know. */
static bool
is_small(const struct folder *f, uint32_t most)
{
	return (f->status.have & STATUS_MESSAGES) && f->status.messages <= most;
}

/* How many folders, from ${i} on, are done at once: where nothing is to be fetched
 * nobody waits, and they are recorded with one commit. */
static size_t
at_once(const struct list *l, size_t i)
{
	size_t n = 1;

	if (!first_time(l->v[i]) || !is_small(l->v[i], 0))
		return 1;
	while (n < EMPTY_AT_ONCE && i + n < l->n &&
	    first_time(l->v[i + n]) && is_small(l->v[i + n], 0))
		n++;
	return n;
}

static int
pass(struct account *acc, const struct round_opts *o, struct err *err)
{
	struct list dirty = { 0 }, known = { 0 };
	struct together t = { .acc = acc };
	int64_t started = clock_wall();
	struct err ignored;
	int r;

	progress_phase(acc->progress, PHASE_COMPARE, NULL, 0);
	store_reading(acc->store, true);
	r = read_local(acc, o, &dirty, err);
	store_reading(acc->store, false);
	for (size_t i = 0; i < dirty.n; i++)
		if (!first_time(dirty.v[i]))
			list_add(&known, dirty.v[i]);
	for (size_t i = 0; known.n > 0 && i < dirty.n; i++)
		if (first_time(dirty.v[i]) && is_small(dirty.v[i], SMALL_MESSAGES))
			list_add(&known, dirty.v[i]);
	if (r == 0 && known.n > 0)
		r = reconcile(acc, o, known.v, known.n, &t, err);
	for (size_t i = 0, n; i < dirty.n && r == 0; i += n) {
		n = at_once(&dirty, i);
		if (!first_time(dirty.v[i]))
			continue;
		r = reconcile(acc, o, &dirty.v[i], n, &t, err);
		for (size_t k = i; k < i + n && t.n == 0; k++)
			work_clear(&dirty.v[k]->work);
	}
	if (carry_waiting(acc, o, &t, r == 0 ? err : &ignored) < 0)
		r = -1;
	forget_work(acc);
	if (r == 0 && !acc->dry_run)
		r = remove_tombstones(acc, unread_waits(acc) ? 0 :
		    started - o->grace, &acc->tombstones, err);
	free(dirty.v);
	free(known.v);
	return r;
}

static bool
more_to_do(const struct account *acc, const struct round_opts *o)
{
	if (acc->tree_remote || acc->tree_local || acc->filing ||
	    acc->unexpunged)
		return true;
	for (size_t i = 0; i < acc->n_folders; i++) {
		const struct folder *f = acc->folder[i];

		if (folder_active(f) && !f->skip && f->dirty && matches(o, f))
			return true;
	}
	return o->grace == 0 && acc->tombstones > 0 && !unread_waits(acc);
}

static int
ask_tree(struct account *acc, struct err *err)
{
	if (acc->tree_remote || acc->tree_local)
		progress_phase(acc->progress, PHASE_LIST, NULL, 0);
	if (acc->tree_remote && list_ask(acc, !acc->greeted, err) < 0) {
		(void)ahead_failed(acc, err);
		return -1;
	}
	if (acc->tree_remote && !acc->greeted && ahead_learn(acc, err) < 0)
		return -1;
	acc->greeted = true;
	if ((acc->tree_remote || acc->tree_local) && tree_sync(acc, err) < 0)
		return -1;
	acc->tree_remote = acc->tree_local = false;
	return 0;
}

int
round_run(struct account *acc, const struct round_opts *o, struct err *err)
{
	bool failed;
	int passes = 0;

	if (!acc->dry_run && account_claim(acc, err) < 0)
		return -1;
	for (size_t i = 0; i < acc->n_folders; i++)
		acc->folder[i]->skip = acc->folder[i]->unread =
		    acc->folder[i]->unseen = acc->folder[i]->drawn = false;
	acc->busy = false;
	acc->quota_full = false;
	if (age_begin(acc, err) < 0)
		return -1;
	do {
		/* Tombstones are judged by a list that is newer than they. */
		if (o->grace == 0 && acc->tombstones > 0)
			acc->tree_remote = true;
		if (ask_tree(acc, err) < 0)
			return -1;
		if (!acc->recovered && !acc->dry_run) {
			acc->recovered = true;
			acc->unexpunged = false;
			if (recover_all(acc, err) < 0) {
				acc->recovered = false;
				return -1;
			}
		}
		if (acc->filing && !acc->dry_run &&
		    recover_filing(acc, err) < 0)
			return -1;
		if (local_note(acc, err) < 0 || pass(acc, o, err) < 0) {
			forget_work(acc);
			return -1;
		}
		if (local_note(acc, err) < 0 || (acc->once && !acc->dry_run &&
		    !more_to_do(acc, o) && brief_settle(acc, err) < 0))
			return -1;
	} while (!acc->dry_run && more_to_do(acc, o) && ++passes < PASSES_MAX);
	if (acc->once && !acc->dry_run && brief_keep(acc, err) < 0)
		return -1;
	failed = acc->tree_failed;
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];

		failed = failed || f->skip;
		if (!f->skip && folder_active(f) && f->dirty == 0)
			problem_close(acc, NULL, f);
	}
	if (!acc->dry_run && (unread_end(acc, err) < 0 || tell_mark(acc, err) < 0))
		return -1;
	progress_phase(acc->progress, PHASE_IDLE, NULL, 0);
	acc->unknown = false;
	return failed || (more_to_do(acc, o) && !acc->dry_run) ? 1 : 0;
}

bool
round_has_tombstones(const struct account *acc)
{
	return acc->tombstones > 0;
}
