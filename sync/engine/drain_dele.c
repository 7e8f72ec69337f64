/* drain_dele.c — what the server need not keep any longer. */
#include "engine/drain_impl.h"

#include <stdlib.h>

#include "engine/remote.h"
#include "pop3/lane.h"

static enum uidl_keep
said_of(const struct drop_msg *msg)
{
	return msg->row != NULL ? msg->row->keep : msg->landed.keep;
}

static bool
is_due(const struct drain *d, const struct drop_msg *msg)
{
	enum uidl_keep said = said_of(msg);
	usec keep = said == KEEP_NO ? 0 : d->acc->conf->pop3.keep_on_server;

	/* Without an id it would come again and again. */
	if (said == KEEP_YES && msg->uidl != NULL)
		return false;
	if (keep == USEC_NEVER || d->f->policy.readonly)
		return false;
	if (msg->row == NULL)
		return msg->landed.row != 0 && keep == 0;
	/* It is in tmp/ yet, if at all. */
	if (msg->row->stage == ST_LANDING)
		return false;
	return (msg->row->stage != ST_REFUSED || said == KEEP_NO) &&
	    msg->row->since + keep <= d->m.now;
}

static const char *
why_due(const struct drop_msg *msg)
{
	if (msg->declined || (msg->row != NULL &&
	    msg->row->stage == ST_REFUSED))
		return "a script deletes it there";
	return said_of(msg) == KEEP_NO ?
	    "safe here, and a script does not keep it there" :
	    "safe here, and pop3.keep_on_server is over";
}

const char *
drain_due(const struct drain *d, const struct drop_msg *msg)
{
	return is_due(d, msg) ? why_due(msg) : NULL;
}

static int
record_one(struct drain *d, const struct drop_msg *msg, struct err *err)
{
	struct uidl_row listed = msg->row != NULL ? *msg->row :
	    maildrop_row(&d->m, msg);
	struct msg_row row;
	int r;

	if (msg->row == NULL)
		listed.message = msg->landed.row;
	r = store_find_id(d->acc->store, listed.message, &row, err);
	if (r > 0)
		r = account_audit(d->acc, "delete-remote", d->f, &row,
		    why_due(msg), err);
	/* Among twins nobody could tell later which one it was. */
	if (r == 0 && (msg->uidl == NULL || msg->twin)) {
		r = store_msg_remove(d->acc->store, listed.message, err);
	} else if (r == 0) {
		listed.gone = d->m.now;
		r = store_uidl_put(d->acc->store, &listed, err);
	}
	if (msg->row == NULL)
		free(listed.uidl);
	return r;
}

/* Rows without an id that no message fits: the server has deleted theirs, and we
 * died before that was noted. */
static int
forget_nameless(struct drain *d, struct err *err)
{
	for (size_t i = 0; i < d->m.n_rows; i++)
		if (d->m.row[i].uidl == NULL && !d->m.taken[i] &&
		    store_msg_remove(d->acc->store, d->m.row[i].message, err) < 0)
			return -1;
	return 0;
}

int
drain_record_deleted(struct drain *d, struct err *err)
{
	int r = 0;

	if (account_begin(d->acc, err) < 0)
		return -1;
	for (size_t i = 0; i < d->m.n && r == 0; i++)
		if (d->m.v[i].deleted)
			r = record_one(d, &d->m.v[i], err);
	if (r == 0 && !d->more)
		r = forget_nameless(d, err);
	if (r == 0)
		d->acc->tally.deleted_remote += d->n_deleted;
	return account_end(d->acc, r, err);
}

static void
keeps(struct drain *d, const char *what, struct str text)
{
	d->trouble = true;
	problem_open(d->acc, PROBLEM_WARNING, "server.refused", d->f, "",
	    "%s: the server does not delete: it answers %s with: %.*s",
	    d->f->name, what, STR_ARG(text));
}

int
drain_goodbye(struct drain *d, struct err *err)
{
	struct event ev;
	uint32_t quit;
	size_t n = 0, at = 0;

	for (size_t i = 0; i < d->m.n && !d->acc->dry_run; i++)
		if (is_due(d, &d->m.v[i])) {
			d->wanted[n++] = &d->m.v[i];
			(void)pop3_dele(d->acc->work, d->m.v[i].number);
		}
	quit = pop3_quit(d->acc->work);
	for (;;) {
		if (remote_next(d->acc, &ev, err) < 0)
			return -1;
		if (ev.kind != EV_DONE)
			continue;
		if (ev.done.req == quit)
			break;
		d->wanted[at]->deleted = ev.done.status == DONE_OK;
		d->n_deleted += d->wanted[at++]->deleted;
		if (ev.done.status != DONE_OK)
			keeps(d, "DELE", ev.done.text);
	}
	if (ev.done.status != DONE_OK && d->n_deleted > 0) {
		keeps(d, "QUIT", ev.done.text);
		d->n_deleted = 0;
	}
	return d->n_deleted > 0;
}
