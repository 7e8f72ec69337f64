/*
 * pair.c — finding messages again that the server moved or renumbered.
 *
 * What is fresh in a folder may be what waits in it (identify.c), or what was lost
 * in another one: by the server's own id, or by its header and size.
 */
#include "engine/pair_impl.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/follow.h"
#include "engine/identify.h"
#include "engine/missing.h"
#include "engine/unread.h"

/* Rows whose message the server no longer has keep their file a while. */
int
pair_bury(struct account *acc, struct folder *f, struct err *err)
{
	struct msg_row row;

	for (size_t i = 0; i < f->work.n; i++) {
		struct change *c = &f->work.change[i];
		int got;

		if (c->remote != SIDE_GONE || c->known != KNOWN_BOTH ||
		    c->local == SIDE_GONE || c->done ||
		    !(f->policy.pull & POLICY_DELETE))
			continue;
		got = store_find_id(acc->store, c->msg, &row, err);
		if (got < 0)
			return -1;
		if (got == 0 || row.stage == ST_TOMBSTONE)
			continue;
		acc->no_tombstones = false;
		row.stage = ST_TOMBSTONE;
		row.when = clock_wall();
		row.uid.v = 0;
		if (c->local == SIDE_PRESENT) {
			/* Renamed meanwhile: it is this file that goes. */
			row.file = str_z(c->file);
			row.in_new = c->in_new;
		}
		if (account_join(acc, err) < 0 ||
		    store_msg_put(acc->store, &row, err) < 0)
			return -1;
	}
	return 0;
}

/* 1: its file has followed, 0: it is fetched, -1. */
static int
follow_stranger(struct account *acc, const struct stranger *s,
    const struct follow *follow, struct err *err)
{
	struct msg_row row;
	int got = follow_find(acc, str_z(s->objid), s->known ? &s->head : NULL,
	    s->size, &row, err);

	if (got > 0)
		got = follow_move(acc, s->f, follow, work_fresh(&s->f->work,
		    s->uid), &row, str_z(s->objid), err);
	if (got < 0 && err->class == ERR_MSG) {
		/* A file of that name is there. */
		log_info("%s: %s", s->f->name, err->text);
		got = 0;
	}
	return got;
}

/* 1: what it may be is left for another round, or cannot be looked at now; 0, -1. */
static int
leave_stranger(struct account *acc, const struct stranger *s, struct err *err)
{
	int got = follow_later(acc, str_z(s->objid), s->known ? &s->head : NULL,
	    s->size, err);

	if (got > 0)
		s->f->work.failed = true;
	return got;
}

/* All folders have been asked: what is new in one may be lost in another. */
static int
match_strangers(struct account *acc, const struct strangers *others,
    struct err *err)
{
	struct uid *taken = xcalloc(others->n + 1, sizeof(*taken));
	struct follow follow;
	struct err ignored;
	size_t n = 0;
	int r = 0;

	follow_begin(acc, &follow);
	for (size_t i = 0; i < others->n && r >= 0; i++) {
		const struct stranger *s = &others->v[i];

		r = follow_stranger(acc, s, &follow, err);
		if (r == 0)
			r = leave_stranger(acc, s, err);
		if (r > 0)
			taken[n++] = s->uid;
		if (r >= 0 && i + 1 < others->n && others->v[i + 1].f == s->f)
			continue;
		/* What was followed stays so, whatever came after. */
		if (account_end(acc, 0, r < 0 ? &ignored : err) < 0)
			r = -1;
		identify_drop(s->f, taken, n);
		n = 0;
	}
	follow_end(&follow);
	free(taken);
	return r < 0 ? -1 : 0;
}

static bool
any_fresh(struct folder **f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (f[i]->work.n_fresh > 0)
			return true;
	return false;
}

/* What is fresh on the server: is it what was lost, or waits for it? */
static int
pair_fresh(struct account *acc, struct folder **f, size_t n, struct err *err)
{
	struct missing missing = { 0 };
	struct strangers others = { 0 };
	int r = missing_find(acc, f, n, &missing, err);

	for (size_t i = 0; i < n && r == 0; i++) {
		if (!f[i]->work.remote_read)
			continue;
		r = identify_fresh(acc, f[i], &missing, &others, err);
		if (r == 0)
			continue;
		if (err->class != ERR_FOLDER && err->class != ERR_MSG) {
			err_wrap(err, "pair %s", f[i]->name);
			break;
		}
		problem_open(acc, PROBLEM_WARNING, err->code, f[i], "", "%s",
		    err->text);
		unread_mark(f[i]);
		r = 0;
	}
	if (r == 0)
		r = match_strangers(acc, &others, err);
	strangers_clear(&others);
	missing_clear(&missing);
	return r;
}

/* What is gone here may have come to where nobody could look. */
static void
leave_gone(struct folder *f)
{
	for (size_t i = 0; i < f->work.n; i++) {
		struct change *c = &f->work.change[i];

		if (c->local == SIDE_GONE && !c->done && c->known != KNOWN_NOT)
			work_leave(&f->work, c);
	}
}

int
pair_changes(struct account *acc, struct folder **f, size_t n, struct err *err)
{
	bool blind = unread_here(acc), waits;
	int r = pair_files(acc, f, n, err);

	if (r < 0 || (acc->dry_run && !acc->conf->restore.on))
		return r;
	for (size_t i = 0; i < n && r == 0; i++)
		r = pair_letters(acc, f[i], err);
	for (size_t i = 0; i < n && blind; i++)
		leave_gone(f[i]);
	if (r == 0 && any_fresh(f, n))
		r = pair_fresh(acc, f, n, err);
	/* What was moved on both sides may be in a folder that nobody could read. */
	waits = unread_waits(acc);
	for (size_t i = 0; i < n && r == 0; i++)
		if (f[i]->skip || waits)
			r = pair_waiting(acc, f[i], err);
	return r;
}
