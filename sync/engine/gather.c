/*
 * gather.c — from what the server reported to what changed since the base.
 *
 * Deletions are the dangerous part: they are believed only when the numbers add
 * up, and a server that went back in time is not believed at all.
 */
#include "engine/gather.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/guard.h"
#include "engine/remote_impl.h"
#include "imap/cmd.h"

struct placed {
	struct seen	m;
	size_t		at;
};

static int
by_uid_then_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->m.uid != y->m.uid)
		return x->m.uid > y->m.uid ? 1 : -1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Ascending, one for each UID: the last report of it is the true one. */
static void
settle_seen(struct remote *r)
{
	struct placed *p;
	bool sorted = true;
	size_t n = 0;

	for (size_t i = 1; i < r->n_msg; i++)
		sorted = sorted && r->msg[i - 1].uid < r->msg[i].uid;
	if (sorted)
		return;
	p = xreallocarray(NULL, r->n_msg, sizeof(*p));
	for (size_t i = 0; i < r->n_msg; i++)
		p[i] = (struct placed){ r->msg[i], i };
	qsort(p, r->n_msg, sizeof(*p), by_uid_then_place);
	for (size_t i = 0; i < r->n_msg; i++)
		if (i + 1 == r->n_msg || p[i].m.uid != p[i + 1].m.uid)
			r->msg[n++] = p[i].m;
	r->n_msg = n;
	free(p);
}

static void
add_fresh(struct folder *f, const struct seen *m)
{
	struct work *w = &f->work;

	w->fresh = array_room(w->fresh, w->n_fresh, &w->cap_fresh,
	    sizeof(*w->fresh));
	w->fresh[w->n_fresh++] = *m;
}

/* The change of a row on the remote side: the local side may have one already,
 * in the sorted front part of the list. */
static struct change *
change_of(struct folder *f, size_t n_sorted, const struct msg_row *row)
{
	struct work front = { .change = f->work.change, .n = n_sorted };
	struct change *c = work_find(&front, row->id);

	if (c == NULL) {
		c = work_add(&f->work);
		c->msg = row->id;
		c->uid = row->uid;
		c->known = row_known(row);
		c->base = row->flags;
		if (row->unique.n > 0) {
			c->file = str_dup(row->file);
			c->in_new = row->in_new;
			c->ino = row->ino;
		}
	}
	return c;
}

static void
row_present(struct folder *f, size_t n_sorted, const struct msg_row *row,
    const struct seen *m)
{
	struct flags now = { m->sys, m->kw };
	struct change *c;

	if (row_in_flight(row) || row->stage == ST_REFUSED)
		return;
	if (flags_eq(now, row->flags) && row->stage != ST_TOMBSTONE) {
		struct work front = { .change = f->work.change, .n = n_sorted };

		c = work_find(&front, row->id);
		if (c == NULL)
			return;
	} else {
		c = change_of(f, n_sorted, row);
	}
	c->remote = SIDE_PRESENT;
	c->remote_flags = now;
}

static void
row_gone(struct folder *f, size_t n_sorted, const struct msg_row *row)
{
	if (row_in_flight(row) || row->stage == ST_GONE_REMOTE)
		return;
	change_of(f, n_sorted, row)->remote = SIDE_GONE;
}

/* Everything that is there was reported: what was not is gone. */
static int
compare_all(struct account *acc, struct folder *f, struct err *err)
{
	struct remote *r = acc->remote;
	size_t n_sorted = f->work.n, i = 0;
	struct cursor *c = cursor_open(acc->store, f->id, BY_UID, err);
	struct msg_row row;
	int got;

	if (c == NULL)
		return -1;
	while ((got = cursor_next(c, &row, err)) > 0) {
		if (row.uid.v == 0)
			continue;
		for (; i < r->n_msg && r->msg[i].uid < row.uid.v; i++)
			add_fresh(f, &r->msg[i]);
		if (i < r->n_msg && r->msg[i].uid == row.uid.v)
			row_present(f, n_sorted, &row, &r->msg[i++]);
		else
			row_gone(f, n_sorted, &row);
	}
	cursor_close(c);
	for (; i < r->n_msg; i++)
		add_fresh(f, &r->msg[i]);
	return got;
}

static int
compare_reported(struct account *acc, struct folder *f, struct err *err)
{
	const struct uidset *gone = remote_gone(acc->remote);
	const struct remote *r = acc->remote;
	size_t n_sorted = f->work.n;
	struct msg_row row;
	int got;

	for (size_t i = 0; i < r->n_msg; i++) {
		struct uid uid = { r->msg[i].uid };

		got = store_find_uid(acc->store, f->id, uid, &row, err);
		if (got < 0)
			return -1;
		if (got > 0)
			row_present(f, n_sorted, &row, &r->msg[i]);
		else if (!uidset_has(gone, uid))
			add_fresh(f, &r->msg[i]);
	}
	return 0;
}

/* How many of our UIDs ${set} holds. */
static int
count_known(struct account *acc, const struct folder *f, const struct uidset *set,
    uint32_t *n, struct err *err)
{
	*n = 0;
	for (size_t i = 0; i < set->n; i++) {
		uint32_t some;

		if (store_count_range(acc->store, f->id, set->r[i].lo,
		    set->r[i].hi, &some, err) < 0)
			return -1;
		*n += some;
	}
	return 0;
}

/* Those of our UIDs that ${set} holds, or that it does not hold, are gone. */
static int
mark_gone(struct account *acc, struct folder *f, const struct uidset *set,
    bool inside, struct err *err)
{
	size_t n_sorted = f->work.n, at = 0;
	struct msg_row row;
	struct uid uid = { 0 };
	struct cursor *c;
	int got;

	if (inside && uidset_count(set) <= 4096) {
		while (uidset_next(set, &at, &uid)) {
			got = store_find_uid(acc->store, f->id, uid, &row, err);
			if (got < 0)
				return -1;
			if (got > 0)
				row_gone(f, n_sorted, &row);
		}
		return 0;
	}
	c = cursor_open(acc->store, f->id, BY_UID, err);
	if (c == NULL)
		return -1;
	while ((got = cursor_next(c, &row, err)) > 0)
		if (row.uid.v != 0 && uidset_has(set, row.uid) == inside)
			row_gone(f, n_sorted, &row);
	cursor_close(c);
	return got;
}

/* Which of our UIDs are still there?  For servers, or moments, in which nobody
 * tells of deletions. */
static int
search_gone(struct account *acc, struct folder *f, struct err *err)
{
	const struct uidset *found;
	struct uidset all;
	int r;

	uidset_init(&all);
	uidset_add(&all, 1, UINT32_MAX);
	remote_find(acc->remote);
	r = remote_expect(acc, imap_search(acc->work, &all), ERR_FOLDER,
	    f->name, err);
	uidset_clear(&all);
	if (r < 0)
		return -1;
	found = remote_found(acc->remote);
	if (uidset_count(found) < imap_box(acc->work)->exists)
		return err_set(err, ERR_FOLDER, "proto.unexpected",
		    "%s: the server found %llu messages and says it has %u",
		    f->name,
		    (unsigned long long)uidset_count(found),
		    imap_box(acc->work)->exists);
	return mark_gone(acc, f, found, false, err);
}

/*
 * Deletions are believed only if the numbers add up: known - vanished + new must
 * be what SELECT counted.  Three servers have shipped VANISHED for mail that was
 * still there.
 */
static int
apply_gone(struct account *acc, struct folder *f, struct err *err)
{
	const struct uidset *gone = remote_gone(acc->remote);
	const struct remote *r = acc->remote;
	uint32_t known, vanished, exists = imap_box(acc->work)->exists;

	/* One change for one row: those that were just reported are found. */
	work_sort(&f->work);
	if (store_count_uids(acc->store, f->id, &known, err) < 0 ||
	    count_known(acc, f, gone, &vanished, err) < 0)
		return -1;
	if (!r->expunged &&
	    (uint64_t)known + (uint32_t)f->work.n_fresh == (uint64_t)exists + vanished)
		return mark_gone(acc, f, gone, true, err);
	if (vanished > 0)
		log_warn("%s: the server says that %u messages are gone, but "
		    "the numbers do not add up (%u known, %u new, %u there): "
		    "asking again", f->name, vanished, known,
		    (uint32_t)f->work.n_fresh, exists);
	return search_gone(acc, f, err);
}

/* A new epoch, for what ${why} says: what the rows say about UIDs is worthless,
 * what they say about content is not. */
static int
forget_uids(struct account *acc, struct folder *f, const char *why,
    struct err *err)
{
	struct cursor *c;
	struct msg_row row;
	uint32_t known;
	int got;

	if (store_count(acc->store, f->id, &known, err) < 0)
		return -1;
	if (known > 0)
		log_warn("%s [server.uidvalidity] the server %s; matching by "
		    "content, nothing is deleted", f->name, why);
	if (account_begin(acc, err) < 0)
		return -1;
	c = cursor_open(acc->store, f->id, BY_UID, err);
	if (c == NULL)
		return account_end(acc, -1, err);
	while ((got = cursor_next(c, &row, err)) > 0) {
		/* Without a file there is nothing to match: the message, if it
		 * is still there, is new to us. */
		row.uid.v = 0;
		got = row.unique.n == 0 || row.stage == ST_REFUSED ?
		    store_msg_remove(acc->store, row.id, err) :
		    store_msg_put(acc->store, &row, err);
		if (got < 0)
			break;
	}
	cursor_close(c);
	f->uidnext = 0;
	f->modseq.v = 0;
	f->validity.v = 0;
	/* Every file must be looked at again, even by a later process. */
	f->mtime_cur = f->mtime_new = 0;
	if (got == 0)
		got = folder_save(acc, f, err);
	folder_mark(f, DIRTY_SCAN);
	return account_end(acc, got, err);
}

static uint32_t
ask_flags(struct account *acc, struct modseq since)
{
	struct uidset all;
	uint32_t req;

	uidset_init(&all);
	uidset_add(&all, 1, UINT32_MAX);
	req = imap_fetch(acc->work, &all, FETCH_FLAGS, since);
	uidset_clear(&all);
	return req;
}

/* SELECT with as much asked in the same flight as the server's rung allows. */
static int
open_and_ask(struct account *acc, struct folder *f, bool *complete,
    struct err *err)
{
	const struct imap_box *box = imap_box(acc->work);
	bool qresync = imap_server(acc->work)->qresync &&
	    imap_can(acc->work, CAP_QRESYNC);
	bool condstore = qresync || imap_can(acc->work, CAP_CONDSTORE);
	struct modseq since = f->validity.v != 0 && condstore ? f->modseq :
	    (struct modseq){ 0 };
	uint32_t select, fetch = 0;

	acc->selected = f;
	remote_forget(acc->remote);
	select = imap_select(acc->work, str_z(f->wire), f->policy.readonly,
	    f->validity, since);
	if (!qresync || since.v == 0)
		fetch = ask_flags(acc, since);
	if (remote_expect(acc, select, ERR_FOLDER, f->name, err) < 0) {
		struct answer ignored;

		acc->selected = NULL;
		if (acc->work != NULL && fetch != 0 &&
		    remote_wait(acc, fetch, &ignored, err) == 0)
			answer_clear(&ignored);
		return -1;
	}
	if (fetch != 0 && remote_expect(acc, fetch, ERR_FOLDER, f->name, err) < 0)
		return -1;
	*complete = since.v == 0;
	if (box->modseq.v == 0 && since.v != 0) {
		/* The server has lost its mod-sequences. */
		remote_forget(acc->remote);
		*complete = true;
		return remote_expect(acc, ask_flags(acc, box->modseq),
		    ERR_FOLDER, f->name, err);
	}
	return 0;
}

/* HIGHESTMODSEQ or UIDNEXT that goes back means a server restored from a backup:
 * its deltas say nothing about what we know. */
static bool
went_back(const struct folder *f, const struct imap_box *box)
{
	return (box->modseq.v != 0 && box->modseq.v < f->modseq.v) ||
	    (box->uidnext != 0 && box->uidnext < f->uidnext);
}

/* STATUS has told already what SELECT would: a folder that is new to us, without mail on
 * either side.  A round trip each, in a first sync.  1, 0, -1. */
static int
known_empty(struct account *acc, const struct folder *f, struct err *err)
{
	const unsigned need = STATUS_UIDVALIDITY | STATUS_UIDNEXT | STATUS_MESSAGES;
	const struct remote_status *s = &f->status;
	uint32_t rows;

	if (f->validity.v != 0 || !f->work.local_read || f->work.n > 0 ||
	    (s->have & need) != need || s->messages > 0 || s->validity.v == 0 ||
	    s->uidnext == 0)
		return 0;
	return store_count(acc->store, f->id, &rows, err) < 0 ? -1 : rows == 0;
}

static void
take_status(struct folder *f)
{
	f->validity = f->status.validity;
	f->work.remote_read = true;
	f->work.uidnext = f->status.uidnext;
	f->work.exists = 0;
	f->work.modseq = f->status.modseq;
}

int
gather_remote(struct account *acc, struct folder *f, enum verdict verdict,
    struct err *err)
{
	const struct imap_box *box = imap_box(acc->work);
	int empty = known_empty(acc, f, err);
	bool complete;

	if (empty < 0)
		return -1;
	if (empty > 0) {
		take_status(f);
		return 0;
	}
	if (open_and_ask(acc, f, &complete, err) < 0)
		return -1;
	if (f->validity.v != 0 &&
	    (box->validity.v != f->validity.v || went_back(f, box))) {
		if (box->validity.v != f->validity.v &&
		    guard_renumbered(acc, f, verdict)) {
			remote_forget(acc->remote);
			return 1;
		}
		if (forget_uids(acc, f, box->validity.v != f->validity.v ?
		    "renumbered its messages (UIDVALIDITY)" :
		    "went back to what it was before (a backup?)", err) < 0)
			return -1;
		if (!complete) {
			remote_forget(acc->remote);
			complete = true;
			if (remote_expect(acc,
			    ask_flags(acc, (struct modseq){ 0 }), ERR_FOLDER,
			    f->name, err) < 0)
				return -1;
		}
	}
	settle_seen(acc->remote);
	if (complete && acc->remote->n_msg < box->exists && !acc->remote->expunged)
		return err_set(err, ERR_FOLDER, "proto.unexpected",
		    "%s: the server listed %zu messages and says it has %u",
		    f->name, acc->remote->n_msg, box->exists);
	/* Each is announced before it is described. */
	if (acc->remote->n_msg > box->exists && !acc->remote->expunged)
		return err_set(err, ERR_FOLDER, "proto.unexpected",
		    "%s: the server describes %zu messages and says it has %u",
		    f->name, acc->remote->n_msg, box->exists);
	work_sort(&f->work);
	if (complete ? compare_all(acc, f, err) < 0 :
	    compare_reported(acc, f, err) < 0 || apply_gone(acc, f, err) < 0)
		return -1;
	work_sort(&f->work);
	f->validity = box->validity;
	f->work.remote_read = true;
	f->work.uidnext = box->uidnext;
	f->work.exists = box->exists;
	f->work.modseq = box->modseq;
	f->work.unkept = imap_unkept(acc->work, &f->kw);
	remote_forget(acc->remote);
	return 0;
}

int
gather_quiet(struct account *acc, struct folder *f, bool *quiet, struct err *err)
{
	struct remote *r = acc->remote;
	struct msg_row row;
	uint32_t n;
	int got;

	*quiet = false;
	if (acc->selected != f || r->expunged || r->gap)
		return 0;
	for (size_t i = 0; i < r->n_msg; i++) {
		struct flags now = { r->msg[i].sys, r->msg[i].kw };

		got = store_find_uid(acc->store, f->id,
		    (struct uid){ r->msg[i].uid }, &row, err);
		if (got < 0)
			return -1;
		if (got == 0 || !flags_eq(row.flags, now))
			return 0;
	}
	if (count_known(acc, f, remote_gone(acc->remote), &n, err) < 0)
		return -1;
	*quiet = n == 0;
	return 0;
}

bool
gather_silent(const struct account *acc, const struct folder *f)
{
	const struct remote *r = acc->remote;

	return acc->selected == f && !r->expunged && !r->gap && r->n_msg == 0 &&
	    remote_gone(acc->remote)->n == 0 &&
	    imap_box(acc->work)->exists == f->work.exists;
}
