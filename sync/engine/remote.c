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
#include "base/wait.h"
#include "engine/list.h"
#include "engine/remote_impl.h"
#include "engine/watcher.h"
#include "imap/cmd.h"

/* As many [ALERT]s in that time. */
enum { ALERTS_MAX = 10, ALERTS_S = 3600 };

struct remote *
remote_new(void)
{
	return xcalloc(1, sizeof(struct remote));
}

void
remote_forget(struct remote *r)
{
	/* A first listing is large and comes once. */
	free(r->msg);
	r->msg = NULL;
	r->n_msg = r->cap_msg = 0;
	uidset_clear(&r->gone);
	r->gap = false;
	r->expunged = false;
}

const struct uidset *
remote_gone(struct remote *r)
{
	uidset_settle(&r->gone);
	return &r->gone;
}

const struct uidset *
remote_found(struct remote *r)
{
	uidset_settle(&r->found);
	return &r->found;
}

void
remote_find(struct remote *r)
{
	uidset_clear(&r->found);
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

/* When the network changes, it is the work lane which has to answer. */
static void
doubt_work(const struct account *acc)
{
	wait_doubt_about(acc->work != NULL ?
	    acc->work->ops->waiter(acc->work).fd : -1);
}

void
remote_attach(struct account *acc, struct lane *work)
{
	must(acc->work == NULL);
	acc->work = work;
	acc->renew_at = clock_in(USEC_S(540));
	acc->listen_at = 0;
	acc->listen_failures = 0;
	acc->selected = NULL;
	acc->greeted = false;
	acc->recovered = false;
	acc->tree_remote = true;
	lanes_add(&acc->lanes, work);
	doubt_work(acc);
	remote_forget(acc->remote);
	forget_answers(acc->remote);
}

void
remote_detach(struct account *acc)
{
	watcher_close(acc, NULL);
	if (acc->work != NULL)
		lanes_close(&acc->lanes, acc->work);
	acc->work = NULL;
	acc->selected = NULL;
	wait_doubt_about(-1);
}

int
remote_left(struct account *acc, const struct uidset *uids, struct uidset *left,
    struct err *err)
{
	const struct uidset *gone = remote_gone(acc->remote), *found;
	struct uid uid = { 0 };
	size_t at = 0;

	uidset_init(left);
	while (uidset_next(uids, &at, &uid))
		if (!uidset_has(gone, uid))
			uidset_add(left, uid.v, uid.v);
	if (left->n == 0)
		return 0;
	remote_find(acc->remote);
	if (remote_expect(acc, imap_search(acc->work, left), ERR_FOLDER,
	    "look for deleted messages", err) < 0)
		return -1;
	uidset_clear(left);
	found = remote_found(acc->remote);
	at = 0;
	uid.v = 0;
	while (uidset_next(uids, &at, &uid))
		if (uidset_has(found, uid))
			uidset_add(left, uid.v, uid.v);
	return 0;
}

void
remote_try_again(struct account *acc, struct folder *f)
{
	folder_mark(f, DIRTY_REMOTE);
	/* Older versions are recover.c's. */
	acc->recovered = false;
	acc->unexpunged = acc->busy = true;
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

/* There may be very many, in any order, and one at a time. */
static void
note_uids(struct uidset *to, const struct uidset *uids)
{
	for (size_t i = 0; i < uids->n; i++)
		uidset_collect(to, uids->r[i].lo, uids->r[i].hi);
}

/* The user is to see them (RFC 9051 section 7.1), and not the disk to be filled. */
static void
show_alert(struct account *acc, struct str text)
{
	if (clock_now() >= acc->alerts_until) {
		acc->alerts_until = clock_in(USEC_S(ALERTS_S));
		acc->alerts = 0;
	}
	if (acc->alerts++ < ALERTS_MAX)
		log_warn("the server says: %.*s", STR_ARG(text));
}

/* True when the event was dealt with; false: it is the caller's. */
static bool
take_in(struct account *acc, const struct event *ev)
{
	struct remote *r = acc->remote;

	switch (ev->kind) {
	case EV_LIST:
		list_note(acc, &ev->list);
		return true;
	case EV_STATUS:
		list_note_status(acc, &ev->status, ev->lane != acc->work);
		return true;
	case EV_ALERT:
		show_alert(acc, ev->text);
		return true;
	default:
		break;
	}
	if (ev->lane != acc->work) {
		watcher_event(acc, ev);
		return true;
	}
	switch (ev->kind) {
	case EV_MSG:
		if (ev->msg.have & MSG_BODY)
			return false;
		note_msg(acc, &ev->msg);
		return !r->want_msgs;
	case EV_GONE:
		note_uids(&r->gone, ev->gone.uids);
		return true;
	case EV_EXPUNGE:
		r->expunged = true;
		return true;
	case EV_UIDS:
		if (ev->uids.set != NULL)
			note_uids(&r->found, ev->uids.set);
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
			watcher_lost(acc, ev->lane);
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

void
remote_drain(struct account *acc, uint32_t req, struct err *err)
{
	struct answer a;
	struct err lost;

	if (acc->work == NULL)
		return;
	if (remote_wait(acc, req, &a, &lost) < 0)
		*err = lost;
	else
		answer_clear(&a);
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
	remote_forget(acc->remote);
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
