/*
 * carry.c — what was decided for a folder is carried out and recorded: at once, or,
 * where small new folders only want their mail, for several together.
 */
#include "engine/carry.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/apply.h"
#include "engine/record.h"

int
carry_trouble(struct account *acc, struct folder *f, const struct err *err)
{
	if (err->class != ERR_FOLDER && err->class != ERR_MSG)
		return -1;
	problem_open(acc, PROBLEM_WARNING, err->code, f, "", "%s", err->text);
	f->work.failed = true;
	/* What was found out is forgotten with this pass. */
	folder_mark(f, DIRTY_SCAN | DIRTY_REMOTE);
	return 1;
}

static int
apply_folder(struct account *acc, struct folder *f, struct err *err)
{
	/* Uploads come before deletions: a draft's old version goes last. */
	if (apply_flags_remote(acc, f, err) < 0 ||
	    apply_flags_local(acc, f, err) < 0 ||
	    apply_rows(acc, f, err) < 0 ||
	    apply_downloads(acc, f, err) < 0 ||
	    apply_uploads(acc, f, err) < 0 ||
	    apply_deletes_remote(acc, f, err) < 0)
		return -1;
	return 0;
}

static void
tell_done(const struct round_opts *o, const struct folder *f,
    const struct tally *did, usec took)
{
	static const struct tally nothing;

	if (o->done != NULL && memcmp(did, &nothing, sizeof(*did)) != 0)
		o->done(o->who, f, did, took);
}

static int
apply_and_tell(struct account *acc, const struct round_opts *o,
    struct folder *f, struct err *err)
{
	struct tally before = acc->tally, did;
	usec started = clock_now();
	int r;

	progress_phase(acc->progress, PHASE_APPLY, f->name, 0);
	r = apply_folder(acc, f, err);
	did = tally_since(&before, &acc->tally);
	if (did.kept > 0 && f->work.exists == 0)
		log_warn("%s: all %llu messages are gone on the server; they "
		    "are kept here", f->name, (unsigned long long)did.kept);
	tell_done(o, f, &did, clock_now() - started);
	return r;
}

static bool
has_work(const struct folder *f)
{
	return f->work.n > 0 || f->work.n_fresh > 0;
}

/* Do what was decided and record it.  0, or 1: not this time; -1. */
static int
carry_out(struct account *acc, const struct round_opts *o, struct folder *f,
    struct err *err)
{
	int r = 0;

	if (has_work(f)) {
		if (account_end(acc, 0, err) < 0)
			return -1;
		r = apply_and_tell(acc, o, f, err);
	}
	/* Intents may be open: they come first in the next pass. */
	if (r < 0)
		acc->recovered = false;
	if (r < 0 && (r = carry_trouble(acc, f, err)) < 0)
		return -1;
	return r == 0 ? record_folder(acc, f, err) : r;
}

int
carry_waiting(struct account *acc, const struct round_opts *o,
    struct together *t, struct err *err)
{
	int r;

	if (t->n == 0)
		return 0;
	r = account_end(acc, 0, err);
	if (r == 0)
		r = together_land(t, err);
	for (size_t i = 0; i < t->n; i++) {
		const struct waiting *w = &t->v[i];

		if (r == 0)
			tell_done(o, w->f, &w->did, w->took);
		if (r == 0 && !w->failed)
			r = record_folder(acc, w->f, err);
		else
			folder_mark(w->f, DIRTY_REMOTE | DIRTY_SCAN);
		work_clear(&w->f->work);
	}
	together_clear(t);
	if (r == 0)
		return account_end(acc, 0, err);
	store_rollback(acc->store);
	acc->recovered = false;
	/* One of them is the trouble: each by itself, then. */
	return err->class == ERR_FOLDER || err->class == ERR_MSG ? 0 : -1;
}

/* Fetch a folder's mail, to land it with that of others. */
static int
let_wait(struct account *acc, const struct round_opts *o, struct folder *f,
    struct together *t, struct err *err)
{
	struct err ignored;

	if (account_end(acc, 0, err) < 0)
		return -1;
	if (together_take(t, f, err) == 0)
		return together_full(t) ? carry_waiting(acc, o, t, err) : 0;
	acc->recovered = false;
	(void)carry_waiting(acc, o, t, &ignored);
	return carry_trouble(acc, f, err);
}

int
carry_folder(struct account *acc, const struct round_opts *o, struct folder *f,
    struct together *t, struct err *err)
{
	if (together_suits(acc, f))
		return let_wait(acc, o, f, t, err);
	if (!has_work(f))
		return carry_out(acc, o, f, err);
	return carry_waiting(acc, o, t, err) < 0 ? -1 : carry_out(acc, o, f, err);
}
