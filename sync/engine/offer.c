/*
 * offer.c — headers of new mail, shown to scripts before it is fetched by POP3.
 * Called by drain.c; waits for the server and for the scripts.
 */
#include "engine/offer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/header.h"
#include "engine/hooks_impl.h"
#include "engine/remote.h"
#include "pop3/lane.h"

enum { HEADER_BYTES_MAX = 256 << 10 };	/* the rest is not shown */

struct offer {
	struct maildrop	*m;
	struct hooks	*h;
	struct batch	 b;
	struct drop_msg	*of[HOOK_BATCH];	/* whose is b.msg[i] */
	const struct hook_op *by[HOOK_BATCH];	/* what declines it, or NULL */
};

/* ---- headers ---------------------------------------------------------- */

static int
show(struct offer *o, struct drop_msg *d, int fd, const struct header *header,
    struct err *err)
{
	struct hook_msg *msg = &o->b.msg[o->b.n];

	d->id = store_msg_id(o->h->acc->store, err);
	if (d->id == 0)
		return -1;
	*msg = (struct hook_msg){
		.id = d->id,
		.mailbox = str_z(o->m->f->name),
		.size = d->size,
		.date = o->m->now / USEC_S(1),
		.origin = STR("server"),
		.fd = fd,
		.field = { batch_keep(&o->b, str_z(header->subject)),
		    batch_keep(&o->b, str_z(header->from)),
		    batch_keep(&o->b, str_z(header->msgid)) },
	};
	o->of[o->b.n] = d;
	o->by[o->b.n] = NULL;
	o->b.n++;
	return 0;
}

static int
add_bytes(int fd, struct str bytes, size_t *size, struct err *err)
{
	bytes = str_head(bytes, HEADER_BYTES_MAX - *size);
	if (pwrite(fd, bytes.p, bytes.n, (off_t)*size) != (ssize_t)bytes.n)
		return err_sys(err, ERR_LOCAL, "store.io", "a header");
	*size += bytes.n;
	return 0;
}

/* The answer to one TOP: 1, 0: the server does not give it, -1. */
static int
read_top(struct offer *o, int fd, struct header *header, struct err *err)
{
	struct event ev = { .kind = EV_BODY };
	size_t size = 0;

	while (ev.kind != EV_DONE) {
		if (remote_next(o->h->acc, &ev, err) < 0)
			return -1;
		if (ev.kind != EV_DATA)
			continue;
		header_add(header, ev.data);
		if (add_bytes(fd, ev.data, &size, err) < 0)
			return -1;
	}
	header_end(header);
	return ev.done.status == DONE_OK && size > 0;
}

static int
add_header(struct offer *o, struct drop_msg *d, struct err *err)
{
	struct header header = { 0 };
	int fd = memfd_create("header", MFD_CLOEXEC), r;

	if (fd < 0)
		return err_sys(err, ERR_LOCAL, "store.io", "a header");
	r = read_top(o, fd, &header, err);
	if (r > 0)
		r = show(o, d, fd, &header, err) < 0 ? -1 : 1;
	if (r <= 0)
		close(fd);
	header_clear(&header);
	return r < 0 ? -1 : 0;
}

/* ---- what scripts say ------------------------------------------------- */

/* Nobody can take back what is deleted there: to leave it there goes first. */
static void
decline(struct offer *o, size_t i, const struct hook_op *op)
{
	const char *why = NULL;

	if (op->kind == OPK_SKIP && o->of[i]->uidl == NULL)
		why = "the server has no id to know it by";
	if (op->kind == OPK_DELETE && o->m->f->policy.readonly)
		why = "nothing is deleted there, by policy";
	if (why != NULL)
		log_warn("%.*s: %.*s: %s; the message is fetched",
		    STR_ARG(op->where), STR_ARG(op->verb), why);
	else if (o->by[i] == NULL || op->kind == OPK_SKIP)
		o->by[i] = op;
}

static void
apply_plan(struct offer *o, const struct plan *p)
{
	for (size_t k = 0; k < p->n_ops; k++) {
		const struct hook_op *op = &p->op[k];
		size_t i = 0;

		while (i < o->b.n && o->b.msg[i].id != op->msg)
			i++;
		if (i == o->b.n || !plan_op_counts(op))
			continue;
		if (op->kind == OPK_KEEP)
			o->of[i]->landed.keep = plan_keeps(op);
		else if (op->kind == OPK_SKIP || op->kind == OPK_DELETE)
			decline(o, i, op);
	}
}

/* A row that says why the message never comes. */
static int
record(struct offer *o, size_t i, struct err *err)
{
	struct drop_msg *d = o->of[i];
	bool skip = o->by[i]->kind == OPK_SKIP;
	struct msg_row row = {
		.id = d->id,
		.subject = o->b.msg[i].field[HOOK_SUBJECT],
		.from = o->b.msg[i].field[HOOK_FROM],
		.msgid = o->b.msg[i].field[HOOK_MESSAGE_ID],
	};
	struct uidl_row listed;
	char why[200];
	int r;

	snprintf(why, sizeof(why), "a script %s: %.*s", skip ?
	    "leaves it on the server" : "deletes it on the server",
	    STR_ARG(o->by[i]->where));
	d->landed.keep = skip ? KEEP_YES : KEEP_NO;
	listed = maildrop_row(o->m, d);
	r = maildrop_refuse(o->m->acc, o->m->f, &row, &listed, why, err);
	free(listed.uidl);
	return r;
}

static int
commit(struct offer *o, struct plan *p, struct err *err)
{
	struct account *acc = o->h->acc;
	int r;

	if (account_begin(acc, err) < 0)
		return -1;
	r = plan_commit(acc, p, HOOK_OFFERED, 0, false, err);
	for (size_t i = 0; i < o->b.n && r == 0; i++)
		if (o->by[i] != NULL)
			r = record(o, i, err);
	return account_end(acc, r, err);
}

static void
note_declined(struct offer *o)
{
	for (size_t i = 0; i < o->b.n; i++) {
		if (o->by[i] == NULL)
			continue;
		o->of[i]->declined = true;
		o->of[i]->landed.row = o->of[i]->id;
		o->h->acc->tally.refused++;
	}
}

static int
ask(struct offer *o, struct err *err)
{
	struct hooks *h = o->h;
	struct hook_event ev = { .kind = HOOK_OFFERED,
	    .mailbox = str_z(o->m->f->name) };
	struct asked *q;
	int r;

	if (o->b.n == 0)
		return 0;
	ev.deadline = clock_in(hooks_patience(h->acc->conf) *
	    (1 + (usec)o->b.n / 8));
	q = hooks_ask(h, &ev, &o->b);
	q->kept = true;
	if (hooks_wait_for(h, &q, 1, err) < 0)
		return -1;
	plan_check(&q->plan, h->acc->conf, HOOK_OFFERED);
	apply_plan(o, &q->plan);
	r = commit(o, &q->plan, err);
	h->host->ops->settle(h->host, q->event, r == 0);
	if (r == 0)
		note_declined(o);
	hooks_forget(h, q);
	h->effects_due = true;
	batch_clear(&o->b);
	return r;
}

int
offer_all(struct maildrop *m, struct drop_msg **v, size_t n, struct err *err)
{
	struct offer o = { .m = m, .h = m->acc->hooks };
	int r = n > 0 ? hooks_want_surely(m->acc, HOOK_OFFERED, err) : 0;

	if (r <= 0)
		return r;
	for (size_t i = 0; i < n; i++)
		(void)pop3_top(m->acc->work, v[i]->number);
	r = 0;
	for (size_t i = 0; i < n && r == 0; i++) {
		r = add_header(&o, v[i], err);
		if (r == 0 && (o.b.n == HOOK_BATCH || i + 1 == n))
			r = ask(&o, err);
	}
	batch_clear(&o.b);
	return r;
}
