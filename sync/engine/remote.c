/*
 * remote.c — the server's side: asking, and taking in what it says.
 *
 * Every untagged datum is mailbox state, never the answer to a command.  FETCH
 * and VANISHED about the selected folder are collected; remote_gather() turns
 * them into changes, and remote_quiet() tells after the writing whether anything
 * came that was not an echo.
 */
#include "engine/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/tree.h"
#include "engine/watcher.h"
#include "imap/cmd.h"

struct done {
	uint32_t	req;
	struct answer	answer;
};

struct remote {
	/* Reported about the selected folder, in the order of arrival. */
	struct seen	*msg;
	size_t		 n_msg, cap_msg;
	struct uidset	 gone;
	bool		 expunged;	/* by sequence number: we do not know which */
	bool		 gap;		/* it changed between two SELECTs, and the
					 * server did not say how */
	struct uidset	 found;
	uint64_t	 found_count;
	/* Answers that nobody has waited for yet. */
	struct done	*done;
	size_t		 n_done, cap_done;
	bool		 want_msgs;
};

struct remote *
remote_new(void)
{
	return xcalloc(1, sizeof(struct remote));
}

static void
forget(struct remote *r)
{
	/* A first listing is large and comes once. */
	free(r->msg);
	r->msg = NULL;
	r->n_msg = r->cap_msg = 0;
	uidset_clear(&r->gone);
	r->gap = false;
	r->expunged = false;
}

static void
forget_answers(struct remote *r)
{
	for (size_t i = 0; i < r->n_done; i++)
		answer_clear(&r->done[i].answer);
	r->n_done = 0;
}

void
remote_free(struct remote *r)
{
	if (r == NULL)
		return;
	forget_answers(r);
	uidset_clear(&r->gone);
	uidset_clear(&r->found);
	free(r->msg);
	free(r->done);
	free(r);
}

void
answer_clear(struct answer *a)
{
	free(a->src);
	free(a->dst);
	*a = (struct answer){ 0 };
}

void
remote_attach(struct account *acc, struct lane *work)
{
	must(acc->work == NULL);
	acc->work = work;
	acc->renew_at = clock_in(USEC_S(540));
	acc->selected = NULL;
	acc->greeted = false;
	acc->recovered = false;
	acc->tree_remote = true;
	lanes_add(&acc->lanes, work);
	forget(acc->remote);
	forget_answers(acc->remote);
}

void
remote_detach(struct account *acc)
{
	if (acc->watch != NULL)
		lanes_close(&acc->lanes, acc->watch);
	if (acc->work != NULL)
		lanes_close(&acc->lanes, acc->work);
	acc->watch = acc->work = NULL;
	acc->selected = NULL;
	acc->notify = false;
}

const struct uidset *
remote_found(const struct account *acc)
{
	return &acc->remote->found;
}

void
remote_want_msgs(struct account *acc, bool yes)
{
	acc->remote->want_msgs = yes;
}

/* ---- taking in -------------------------------------------------------- */

static uint32_t *
dup_u32(const uint32_t *v, size_t n)
{
	if (v == NULL || n == 0)
		return NULL;
	return memcpy(xreallocarray(NULL, n, sizeof(*v)), v, n * sizeof(*v));
}

static void
keep_answer(struct remote *r, const struct ev_done *d)
{
	struct answer *a;

	r->done = array_room(r->done, r->n_done, &r->cap_done, sizeof(*r->done));
	r->done[r->n_done].req = d->req;
	a = &r->done[r->n_done++].answer;
	*a = (struct answer){ .status = d->status, .modseq = d->modseq };
	snprintf(a->code, sizeof(a->code), "%.*s", STR_ARG(d->code));
	snprintf(a->text, sizeof(a->text), "%.*s", STR_ARG(d->text));
	a->validity = d->copied.validity;
	a->n = d->copied.n;
	a->src = dup_u32(d->copied.src, a->n);
	a->dst = dup_u32(d->copied.dst, a->n);
}

static void
note_msg(struct account *acc, const struct ev_msg *m)
{
	struct remote *r = acc->remote;
	struct flags flags = { 0 };

	if (acc->selected == NULL || m->uid.v == 0 || !(m->have & MSG_FLAGS))
		return;
	for (size_t i = 0; i < m->n_flags; i++)
		flags_from_imap(&flags, &acc->selected->kw, m->flags[i]);
	r->msg = array_room(r->msg, r->n_msg, &r->cap_msg, sizeof(*r->msg));
	r->msg[r->n_msg++] = (struct seen){ m->uid.v, flags.sys, flags.kw };
}

static void
note_gone(struct remote *r, const struct uidset *uids)
{
	for (size_t i = 0; i < uids->n; i++)
		uidset_add(&r->gone, uids->r[i].lo, uids->r[i].hi);
}

static void
note_found(struct remote *r, const struct event *ev)
{
	if (ev->uids.set == NULL)
		return;
	for (size_t i = 0; i < ev->uids.set->n; i++)
		uidset_add(&r->found, ev->uids.set->r[i].lo,
		    ev->uids.set->r[i].hi);
}

/* On a watch lane only that something happened is of interest. */
static void
note_watch(struct account *acc, const struct event *ev)
{
	struct folder *inbox;

	switch (ev->kind) {
	case EV_EXISTS:
	case EV_EXPUNGE:
	case EV_GONE:
	case EV_MSG:
		inbox = account_by_wire(acc, STR("INBOX"));
		if (inbox != NULL)
			folder_mark(inbox, DIRTY_REMOTE);
		break;
	case EV_OVERFLOW:
		/* NOTIFY is off now: look at everything, then arm it again. */
		acc->tree_remote = true;
		acc->watch_req = imap_notify(acc->watch);
		break;
	case EV_DONE:
		watcher_answer(acc, &ev->done);
		break;
	default:
		break;
	}
}

/* True when the event was dealt with; false: it is the caller's. */
static bool
take_in(struct account *acc, const struct event *ev)
{
	struct remote *r = acc->remote;

	switch (ev->kind) {
	case EV_LIST:
		tree_note_list(acc, &ev->list);
		return true;
	case EV_STATUS:
		tree_note_status(acc, &ev->status, ev->lane == acc->watch);
		return true;
	case EV_ALERT:
		log_warn("the server says: %.*s", STR_ARG(ev->text));
		return true;
	default:
		break;
	}
	if (ev->lane != acc->work) {
		note_watch(acc, ev);
		return true;
	}
	switch (ev->kind) {
	case EV_MSG:
		if (ev->msg.have & MSG_BODY)
			return false;
		note_msg(acc, &ev->msg);
		return !r->want_msgs;
	case EV_GONE:
		note_gone(r, ev->gone.uids);
		return true;
	case EV_EXPUNGE:
		r->expunged = true;
		return true;
	case EV_UIDS:
		note_found(r, ev);
		return true;
	case EV_EXISTS:
	case EV_OVERFLOW:
		return true;
	default:
		return false;
	}
}

int
remote_note(struct account *acc, struct event *ev, struct err *err)
{
	if (ev->kind == EV_LOST) {
		if (ev->lane != acc->work) {
			log_info("watch connection lost: %s", ev->err.text);
			lanes_close(&acc->lanes, ev->lane);
			acc->watch = NULL;
			acc->notify = false;
			return 0;
		}
		*err = ev->err;
		remote_detach(acc);
		return -1;
	}
	(void)take_in(acc, ev);
	return 0;
}

int
remote_next(struct account *acc, struct event *ev, struct err *err)
{
	for (;;) {
		if (acc->work == NULL)
			return err_set(err, ERR_RETRY, "net.closed",
			    "the connection is gone");
		if (lanes_reap(&acc->lanes, ev, NULL, 0, USEC_NEVER, err) < 0)
			return -1;
		if (ev->kind == EV_LOST) {
			if (remote_note(acc, ev, err) < 0)
				return -1;
		} else if (!take_in(acc, ev)) {
			return 1;
		}
	}
}

static bool
claim(struct remote *r, uint32_t req, struct answer *a)
{
	for (size_t i = 0; i < r->n_done; i++) {
		if (r->done[i].req != req)
			continue;
		*a = r->done[i].answer;
		r->done[i] = r->done[--r->n_done];
		return true;
	}
	return false;
}

int
remote_wait(struct account *acc, uint32_t req, struct answer *a, struct err *err)
{
	struct event ev;

	*a = (struct answer){ .status = DONE_OK };
	if (req == 0)
		return 0;
	while (!claim(acc->remote, req, a)) {
		if (remote_next(acc, &ev, err) < 0)
			return -1;
		if (ev.kind == EV_DONE)
			keep_answer(acc->remote, &ev.done);
	}
	return 0;
}

int
remote_expect(struct account *acc, uint32_t req, enum err_class class,
    const char *what, struct err *err)
{
	struct answer a;
	int r;

	if (remote_wait(acc, req, &a, err) < 0)
		return err_wrap(err, "%s", what);
	r = a.status == DONE_OK ? 0 : err_set(err, class, "server.refused",
	    "%s: the server said %s: %s", what,
	    a.status == DONE_NO ? "NO" : "BAD", a.text);
	if (r < 0)
		snprintf(err->resp, sizeof(err->resp), "%s", a.code);
	answer_clear(&a);
	return r;
}

/* ---- selecting -------------------------------------------------------- */

int
remote_select(struct account *acc, struct folder *f, struct err *err)
{
	const struct imap_box *box = imap_box(acc->work);
	bool read = f->work.remote_read, qresync = read &&
	    imap_server(acc->work)->qresync && imap_can(acc->work, CAP_QRESYNC);
	uint32_t req;

	if (acc->selected == f)
		return 0;
	acc->selected = f;
	forget(acc->remote);
	/* What happened since it was read is told here, or it is lost. */
	req = imap_select(acc->work, str_z(f->wire), f->policy.readonly,
	    qresync ? f->validity : (struct uidvalidity){ 0 },
	    qresync ? f->work.modseq : (struct modseq){ 0 });
	if (remote_expect(acc, req, ERR_FOLDER, f->name, err) < 0) {
		acc->selected = NULL;
		return -1;
	}
	if (f->validity.v != 0 && box->validity.v != f->validity.v) {
		acc->selected = NULL;
		return err_set(err, ERR_FOLDER, "server.uidvalidity",
		    "%s: its UIDVALIDITY changed while we worked", f->name);
	}
	acc->remote->gap = read && !qresync &&
	    box->modseq.v != f->work.modseq.v;
	return 0;
}

int
remote_unselect(struct account *acc, struct err *err)
{
	acc->selected = NULL;
	return remote_expect(acc, imap_unselect(acc->work), ERR_PROTO,
	    "unselect", err);
}

/* ---- gathering -------------------------------------------------------- */

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

static enum known
known_of(const struct msg_row *row)
{
	switch (row->stage) {
	case ST_GONE_LOCAL:
		return KNOWN_REMOTE_ONLY;
	case ST_GONE_REMOTE:
		return KNOWN_LOCAL_ONLY;
	default:
		return KNOWN_BOTH;
	}
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
		c->known = known_of(row);
		c->base = row->flags;
		if (row->unique.n > 0) {
			c->file = str_dup(row->file);
			c->in_new = row->in_new;
			c->ino = row->ino;
		}
	}
	return c;
}

/* Rows that an intent is open for: recover.c settles them. */
static bool
in_flight(const struct msg_row *row)
{
	return row->stage == ST_APPENDING || row->stage == ST_MOVING ||
	    row->stage == ST_LANDING || row->stage == ST_REPLACED;
}

static void
row_present(struct folder *f, size_t n_sorted, const struct msg_row *row,
    const struct seen *m)
{
	struct flags now = { m->sys, m->kw };
	struct change *c;

	if (in_flight(row) || row->stage == ST_REFUSED)
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
	if (in_flight(row) || row->stage == ST_GONE_REMOTE)
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
	struct remote *r = acc->remote;
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
		else if (!uidset_has(&r->gone, uid))
			add_fresh(f, &r->msg[i]);
	}
	return 0;
}

/* How many of our UIDs ${set} holds; with ${mark}, they become changes. */
static int
known_in(struct account *acc, struct folder *f, const struct uidset *set,
    bool inside, bool mark, uint32_t *n, struct err *err)
{
	size_t n_sorted = f->work.n, at = 0;
	struct msg_row row;
	struct uid uid = { 0 };
	struct cursor *c;
	int got;

	*n = 0;
	if (inside && uidset_count(set) <= 4096) {
		while (uidset_next(set, &at, &uid)) {
			got = store_find_uid(acc->store, f->id, uid, &row, err);
			if (got < 0)
				return -1;
			*n += got > 0;
			if (got > 0 && mark)
				row_gone(f, n_sorted, &row);
		}
		return 0;
	}
	c = cursor_open(acc->store, f->id, BY_UID, err);
	if (c == NULL)
		return -1;
	while ((got = cursor_next(c, &row, err)) > 0) {
		if (row.uid.v == 0 || uidset_has(set, row.uid) != inside)
			continue;
		++*n;
		if (mark)
			row_gone(f, n_sorted, &row);
	}
	cursor_close(c);
	return got;
}

/* Which of our UIDs are still there?  For servers, or moments, in which nobody
 * tells of deletions. */
static int
search_gone(struct account *acc, struct folder *f, struct err *err)
{
	struct uidset all;
	uint32_t n;
	int r;

	uidset_init(&all);
	uidset_add(&all, 1, UINT32_MAX);
	uidset_clear(&acc->remote->found);
	r = remote_expect(acc, imap_search(acc->work, &all), ERR_FOLDER,
	    f->name, err);
	uidset_clear(&all);
	if (r < 0)
		return -1;
	if (uidset_count(&acc->remote->found) < imap_box(acc->work)->exists)
		return err_set(err, ERR_FOLDER, "proto.unexpected",
		    "%s: the server found %llu messages and says it has %u",
		    f->name,
		    (unsigned long long)uidset_count(&acc->remote->found),
		    imap_box(acc->work)->exists);
	return known_in(acc, f, &acc->remote->found, false, true, &n, err);
}

/*
 * Deletions are believed only if the numbers add up: known - vanished + new must
 * be what SELECT counted.  Three servers have shipped VANISHED for mail that was
 * still there.
 */
static int
apply_gone(struct account *acc, struct folder *f, struct err *err)
{
	struct remote *r = acc->remote;
	uint32_t known, vanished, exists = imap_box(acc->work)->exists;

	/* One change for one row: those that were just reported are found. */
	work_sort(&f->work);
	if (store_count_uids(acc->store, f->id, &known, err) < 0 ||
	    known_in(acc, f, &r->gone, true, false, &vanished, err) < 0)
		return -1;
	if (!r->expunged &&
	    (uint64_t)known + (uint32_t)f->work.n_fresh == (uint64_t)exists + vanished)
		return known_in(acc, f, &r->gone, true, true, &vanished, err);
	if (vanished > 0)
		log_warn("%s: the server says that %u messages are gone, but "
		    "the numbers do not add up (%u known, %u new, %u there): "
		    "asking again", f->name, vanished, known,
		    (uint32_t)f->work.n_fresh, exists);
	return search_gone(acc, f, err);
}

/* A new epoch: what the rows say about UIDs is worthless, what they say about
 * content is not. */
static int
forget_uids(struct account *acc, struct folder *f, struct err *err)
{
	struct cursor *c;
	struct msg_row row;
	int got;

	log_warn("%s: the server renumbered its messages (UIDVALIDITY); "
	    "matching by content", f->name);
	if (account_begin(acc, err) < 0)
		return -1;
	c = cursor_open(acc->store, f->id, BY_UID, err);
	if (c == NULL) {
		store_rollback(acc->store);
		return -1;
	}
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
	if (got < 0 || folder_save(acc, f, err) < 0) {
		store_rollback(acc->store);
		return -1;
	}
	/* Every file must be looked at again: they have no uid now. */
	folder_mark(f, DIRTY_SCAN);
	return account_commit(acc, err);
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
	forget(acc->remote);
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
		forget(acc->remote);
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

int
remote_gather(struct account *acc, struct folder *f, struct err *err)
{
	const struct imap_box *box = imap_box(acc->work);
	bool complete;

	if (open_and_ask(acc, f, &complete, err) < 0)
		return -1;
	if (f->validity.v != 0 &&
	    (box->validity.v != f->validity.v || went_back(f, box))) {
		if (forget_uids(acc, f, err) < 0)
			return -1;
		if (!complete) {
			forget(acc->remote);
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
	forget(acc->remote);
	return 0;
}

int
remote_quiet(struct account *acc, struct folder *f, bool *quiet, struct err *err)
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
	if (known_in(acc, f, &r->gone, true, false, &n, err) < 0)
		return -1;
	*quiet = n == 0;
	return 0;
}
