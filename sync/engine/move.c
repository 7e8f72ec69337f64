/*
 * move.c — a file that was moved or copied here becomes UID MOVE or UID COPY: no
 * body on the wire.
 *
 * Not idempotent, so an intent is committed first: the row is MOVING (a move) or
 * a new row is APPENDING (a copy), with the UIDNEXT of the target.  COPYUID
 * settles it; recover.c does if we die in between.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/apply.h"
#include "engine/dirsync.h"
#include "engine/hooks.h"
#include "engine/letters.h"
#include "engine/local.h"
#include "engine/recover.h"
#include "engine/remote.h"
#include "imap/cmd.h"
#include "maildir/dir.h"
#include "maildir/name.h"

/* One file on its way, from where to where. */
struct transfer {
	struct folder	*from, *to;
	struct change	*change;
	int64_t		 row;		/* the row that the target will have */
	struct uid	 uid;		/* in ${from} */
	int64_t		 date;		/* INTERNALDATE */
	bool		 copy;
};

struct transfers {
	struct transfer	*v;
	size_t		 n, cap;
};

/* The file's new name with the letters that it had when it was agreed on: whoever
 * settles it after a crash tells by them whether its client knew of keywords. */
static bool
intend_file(const struct msg_row *source, const struct change *c,
    struct msg_row *row, char name[MNAME_MAX])
{
	struct mname now, was;

	if (!mname_parse(str_z(c->file), &now))
		return false;
	row->unique = now.unique;
	row->file = str_z(c->file);
	row->in_new = c->in_new;
	row->ino = c->ino;
	if (mname_parse(source->file, &was) && mname_print(name, now.base,
	    was.letters, now.rest, c->in_new) == 0)
		row->file = str_z(name);
	return true;
}

/* Nothing can be done about it in this round, nor with its flags: it has no UID. */
static int
not_now(struct folder *to, struct change *c)
{
	to->work.failed = true;
	c->done = true;
	return 0;
}

/* The intent: what will be where, once the server has done it. */
static int
intend(struct account *acc, struct folder *to, struct change *c,
    struct transfers *ts, struct err *err)
{
	struct msg_row source, row;
	char name[MNAME_MAX];
	struct folder *from;
	int got = store_find_id(acc->store, c->from, &source, err);

	if (got < 0)
		return -1;
	from = got > 0 ? account_by_id(acc, source.folder) : NULL;
	if (from == NULL || source.uid.v == 0 || source.stage != ST_PRESENT) {
		c->from = 0;		/* an ordinary upload, then */
		return 0;
	}
	if (from->skip)
		return not_now(to, c);
	struct uid uid = source.uid;
	struct flags flags = source.flags;
	int64_t id = source.id, date = source.date;

	if (c->copy) {
		if (folder_load(acc, from, err) < 0)
			return -1;
		got = row_of_file(acc, to, c, &row, err);
		if (got <= 0)
			return got < 0 ? -1 : not_now(to, c);
		row.stage = ST_APPENDING;
		/* Already with the bits of the folder that the row is in: whoever
		 * settles it after a crash knows no other. */
		row.flags = flags;
		row.flags.kw = kwtab_translate(flags.kw, &from->kw, &to->kw);
		row.seek = to->uidnext > 0 ? to->uidnext : 1;
	} else {
		row = source;
		row.stage = ST_MOVING;
		row.to = to->id;
		row.seek = to->uidnext > 0 ? to->uidnext : 1;
		if (!intend_file(&source, c, &row, name))
			return not_now(to, c);
	}
	if (store_msg_put(acc->store, &row, err) < 0)
		return -1;
	ts->v = array_room(ts->v, ts->n, &ts->cap, sizeof(*ts->v));
	ts->v[ts->n++] = (struct transfer){ .from = from, .to = to, .change = c,
	    .row = c->copy ? row.id : id, .uid = uid,
	    .date = date, .copy = c->copy };
	return 0;
}

/* Its target can take nothing in this round: nor may what looks deleted without it
 * be looked at again. */
static int
hold_source(struct account *acc, const struct change *c, struct err *err)
{
	struct msg_row source;
	struct folder *from;
	int got = store_find_id(acc->store, c->from, &source, err);

	from = got > 0 ? account_by_id(acc, source.folder) : NULL;
	if (from != NULL)
		from->work.failed = true;
	return got < 0 ? -1 : 0;
}

static int
by_route(const void *a, const void *b)
{
	const struct transfer *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	if (x->copy != y->copy)
		return x->copy ? 1 : -1;
	return (x->uid.v > y->uid.v) - (x->uid.v < y->uid.v);
}

static int
settle(struct account *acc, struct transfer *t, uint32_t uid, struct err *err)
{
	struct hook_was was = { .mailbox = t->from->name, .origin = "client" };
	struct msg_row row;
	int got = store_find_id(acc->store, t->row, &row, err);

	if (got <= 0)
		return got;
	/* Keyword bits are the folder's own; those of a copy are so already. */
	if (!t->copy)
		row.flags.kw = kwtab_translate(row.flags.kw, &t->from->kw,
		    &t->to->kw);
	/* The server kept the date of what it moved or copied. */
	if (local_letters(acc, t->to, row.flags.kw, err) < 0 ||
	    letters_show(acc, t->to, t->change, err) < 0 ||
	    local_set_date(acc, t->to, t->change, t->date, err) < 0)
		return -1;
	row.date = t->date;
	row.file = str_z(t->change->file);
	row.in_new = t->change->in_new;
	row.folder = t->to->id;
	row.uid.v = uid;
	row.stage = ST_PRESENT;
	row.to = 0;
	row.seek = 0;
	if (store_msg_put(acc->store, &row, err) < 0 ||
	    account_audit(acc, t->copy ? "copy-remote" : "move-remote", t->to,
	    &row, t->copy ? "copied here" : "moved here", err) < 0 ||
	    (!t->copy && tell_message(acc, HOOK_MOVED, t->to, &row, &was, err) < 0))
		return -1;
	/* Flags that were changed on the way are found by looking again. */
	if (!flags_eq(row.flags, t->change->local_flags))
		folder_mark(t->to, DIRTY_SCAN);
	folder_mark(t->to, DIRTY_REMOTE);
	t->change->done = true;
	dirsync_came(acc, t->to);
	dirsync_left(acc, t->from);
	acc->tally.moved++;
	return 0;
}

/* The new UID of ${uid}, by position: Gmail's COPYUID descends. */
static uint32_t
copied_to(const struct answer *a, struct uid uid)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->src != NULL && a->src[i] == uid.v)
			return a->dst[i];
	return 0;
}

static int
delete_source(struct account *acc, const struct uidset *uids, bool *stay,
    struct err *err)
{
	struct flags deleted = { .sys = FLAG_DELETED };
	struct kwtab none = { 0 };
	uint32_t flag, expunge = 0;
	struct answer a;

	flag = imap_store(acc->work, uids, true, deleted, &none);
	if (imap_can(acc->work, CAP_UIDPLUS))
		expunge = imap_expunge(acc->work, uids);
	*stay = expunge == 0;
	if (remote_wait(acc, flag, &a, err) < 0)
		return -1;
	*stay = *stay || a.status != DONE_OK;
	answer_clear(&a);
	if (remote_wait(acc, expunge, &a, err) < 0)
		return -1;
	*stay = *stay || a.status != DONE_OK;
	answer_clear(&a);
	return 0;
}

/* The server would not, or did not say where they are now: it is asked.  What it
 * has not done is as before: the file becomes an upload and the old message an
 * ordinary deletion, next time. */
static int
ask_where(struct account *acc, struct transfer *t, size_t n, struct err *err)
{
	int64_t *row = xreallocarray(NULL, n, sizeof(*row));
	size_t open = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		if (!t[i].change->done) {
			t[i].change->done = true;
			row[open++] = t[i].row;
		}
	if (open > 0) {
		folder_mark(t->to, DIRTY_SCAN);
		folder_mark(t->from, DIRTY_SCAN);
		r = recover_rows(acc, row, open, err);
	}
	free(row);
	return r;
}

/* Without UIDPLUS the source stays where it was, marked as deleted: known, so that it
 * is not fetched as if it were new.  Else it is an older version, for recover.c to
 * expunge once the server lets it. */
static int
leave_source(struct account *acc, const struct transfer *t, struct err *err)
{
	struct msg_row row = {
		.folder = t->from->id,
		.uid = t->uid,
		.stage = imap_can(acc->work, CAP_UIDPLUS) ? ST_REPLACED :
		    ST_GONE_LOCAL,
		.flags = { .sys = FLAG_DELETED },
	}, here;
	int got = store_find_uid(acc->store, t->from->id, t->uid, &here, err);

	if (got != 0)
		return got < 0 ? -1 : 0;
	if (row.stage == ST_REPLACED)
		remote_try_again(acc, t->from);
	return store_msg_put(acc->store, &row, err);
}

/* All transfers of one route, in one command. */
static int
run_route(struct account *acc, struct transfer *t, size_t n, struct err *err)
{
	bool stay = false, copy = t->copy, move = !copy && imap_can(acc->work, CAP_MOVE);
	struct uidset uids;
	struct answer a;
	int r;

	uidset_init(&uids);
	for (size_t i = 0; i < n; i++)
		uidset_collect(&uids, t[i].uid.v, t[i].uid.v);
	uidset_settle(&uids);
	r = account_delivering(acc, err);
	if (r == 0)
		r = remote_select(acc, t->from, err);
	if (r == 0)
		r = remote_wait(acc, imap_copy(acc->work, &uids,
		    str_z(t->to->wire), move), &a, err);
	if (r < 0)
		goto out;
	/* What MOVE will not do, COPY may, in the next pass. */
	if (a.status != DONE_OK && move)
		imap_avoid(acc->work, CAP_MOVE);
	if (a.status != DONE_OK && !move)
		problem_open(acc, PROBLEM_WARNING, "server.refused", t->to, "",
		    "%s: the server would not %s: %s", t->to->name,
		    copy ? "copy" : "move", a.text);
	if (a.status == DONE_OK && !copy && !move)
		r = delete_source(acc, &uids, &stay, err);
	if (r == 0)
		r = account_begin(acc, err);
	for (size_t i = 0; i < n && r == 0; i++) {
		uint32_t uid = a.status == DONE_OK ?
		    copied_to(&a, t[i].uid) : 0;

		if (uid != 0)
			r = settle(acc, &t[i], uid, err);
		if (uid != 0 && r == 0 && stay)
			r = leave_source(acc, &t[i], err);
	}
	r = account_end(acc, r, err);
	if (r == 0)
		r = ask_where(acc, t, n, err);
	answer_clear(&a);
out:
	uidset_clear(&uids);
	return r;
}

/* Two folders' trouble: their intents stay open, to be settled first next time, and
 * until then these have no UID that flags could be sent for. */
static bool
trouble_on_route(struct account *acc, struct transfer *t, size_t n,
    const struct err *err)
{
	if (err->class != ERR_FOLDER && err->class != ERR_MSG)
		return false;
	problem_open(acc, PROBLEM_WARNING, err->code, t->to, "", "%s", err->text);
	acc->recovered = false;
	t->from->work.failed = t->to->work.failed = true;
	for (size_t i = 0; i < n; i++)
		t[i].change->done = true;
	return true;
}

static bool
same_route(const struct transfer *a, const struct transfer *b)
{
	return a->from == b->from && a->to == b->to && a->copy == b->copy;
}

/* A message that was copied to one folder twice goes there in two commands: in
 * one it would be one copy. */
int
apply_moves(struct account *acc, struct folder **f, size_t n, struct err *err)
{
	struct transfers ts = { 0 };
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		for (size_t k = 0; k < f[i]->work.n && r == 0; k++) {
			struct change *c = &f[i]->work.change[k];

			if (c->done || c->from == 0)
				continue;
			r = account_join(acc, err);
			if (r == 0)
				r = f[i]->skip ? hold_source(acc, c, err) :
				    intend(acc, f[i], c, &ts, err);
		}
	r = account_end(acc, r, err);
	if (ts.n > 1)
		qsort(ts.v, ts.n, sizeof(*ts.v), by_route);
	for (size_t i = 0, k; i < ts.n && r == 0; i = k) {
		for (k = i + 1; k < ts.n && same_route(&ts.v[i], &ts.v[k]) &&
		    ts.v[k].uid.v != ts.v[k - 1].uid.v;)
			k++;
		r = run_route(acc, &ts.v[i], k - i, err);
		if (r < 0 && trouble_on_route(acc, &ts.v[i], k - i, err))
			r = 0;
	}
	free(ts.v);
	return r;
}
