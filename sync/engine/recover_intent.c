/*
 * recover_intent.c — APPENDING and MOVING: what the server was asked for, and may
 * have done.
 *
 *	APPENDING	its content is among the UIDs from `seek` on: PRESENT; else
 *			forget the row, the file is new again, or that of the older
 *			version, whose content it is not
 *	MOVING		the same in the target folder, and what a COPY left behind is
 *			REPLACED; else it is back where it was
 */
#include "engine/recover.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/letters.h"
#include "engine/local.h"
#include "engine/recover_impl.h"
#include "engine/remote.h"
#include "engine/upload_impl.h"
#include "imap/cmd.h"

void
intents_add(struct account *acc, struct intents *in, const struct msg_row *row)
{
	struct folder *t = account_by_id(acc,
	    row->stage == ST_MOVING ? row->to : row->folder);

	/* Its target may have been dropped: then nothing became of it. */
	if (t != NULL && !folder_active(t))
		return;
	in->v = array_room(in->v, in->n, &in->cap, sizeof(*in->v));
	in->v[in->n++] = (struct intent){
		.row = row->id,
		.target = t,
		.seek = row->seek > 0 ? row->seek : 1,
		.head = row->head,
		.wire_size = row->wire_size,
		.stage = row->stage,
	};
}

static int
match(struct account *acc, struct intent *in, size_t n, const struct ev_msg *m,
    struct hasher *hasher, struct err *err)
{
	struct msgid_hash id;
	struct msg_row row;
	int got;

	if (!(m->have & MSG_HEADER) || m->uid.v == 0)
		return 0;
	hasher_add(hasher, m->header.p, m->header.n);
	hasher_end(hasher, &id);
	for (size_t i = 0; i < n; i++) {
		if (in[i].found.v != 0 || m->uid.v < in[i].seek ||
		    !hash_eq(&in[i].head, &id.head) ||
		    ((m->have & MSG_SIZE) && m->size != in[i].wire_size))
			continue;
		/* One that a row knows already is another message. */
		got = store_find_uid(acc->store, in[i].target->id, m->uid, &row,
		    err);
		if (got < 0)
			return -1;
		if (got == 0)
			in[i].found = m->uid;
		return 0;
	}
	return 0;
}

/* Ask one folder about all intents that aim at it. */
static int
look_for(struct account *acc, struct folder *t, struct intent *in, size_t n,
    struct err *err)
{
	struct hasher *hasher;
	uint32_t seek = UINT32_MAX, req;
	struct uidset uids;
	struct event ev;
	int r;

	for (size_t i = 0; i < n; i++)
		if (in[i].seek < seek)
			seek = in[i].seek;
	/* Selected afresh: what has just been appended must show. */
	if (remote_unselect(acc, err) < 0 || remote_select(acc, t, err) < 0)
		return -1;
	uidset_init(&uids);
	uidset_add(&uids, seek, UINT32_MAX);
	req = imap_fetch(acc->work, &uids, FETCH_SIZE | FETCH_HEADER,
	    (struct modseq){ 0 });
	uidset_clear(&uids);
	hasher = hasher_new();
	remote_want_msgs(acc, true);
	while ((r = remote_next(acc, &ev, err)) > 0) {
		if (ev.kind == EV_DONE && ev.done.req == req) {
			r = ev.done.status == DONE_OK ? 0 : err_set(err,
			    ERR_FOLDER, "server.refused", "%s: look for an "
			    "upload: %.*s", t->name, STR_ARG(ev.done.text));
			break;
		}
		if (ev.kind == EV_MSG &&
		    match(acc, in, n, &ev.msg, hasher, err) < 0) {
			remote_drain(acc, req, err);
			r = -1;
			break;
		}
	}
	remote_want_msgs(acc, false);
	hasher_free(hasher);
	return r;
}

/* It is at its target; whether a server without MOVE has been told to delete it
 * at its source is not known, and it would come back from there. */
static int
doubt_source(struct account *acc, struct intent *in, const struct msg_row *row,
    struct err *err)
{
	struct msg_row source = {
		.folder = row->folder,
		.uid = row->uid,
		.stage = ST_REPLACED,
		.flags = row->flags,
	};

	if (in->stage != ST_MOVING || row->uid.v == 0)
		return 0;
	if (store_msg_put(acc->store, &source, err) < 0)
		return -1;
	in->source = source.id;
	return 0;
}

/* It is not there: its file is as it was before. */
static int
forget_upload(struct account *acc, const struct intent *in,
    const struct msg_row *row, struct err *err)
{
	char *file = str_dup(row->file);
	int r = in->older == 0 ? 0 : upload_older_back(acc, in->older, file,
	    row->in_new, err);

	free(file);
	return r < 0 ? -1 : store_msg_remove(acc->store, in->row, err);
}

static int
settle_intent(struct account *acc, struct intent *in, struct err *err)
{
	struct msg_row row, there;
	char name[MNAME_MAX];
	struct err ignored;
	struct folder *from;
	int got = store_find_id(acc->store, in->row, &row, err);

	if (got <= 0)
		return got;
	from = account_by_id(acc, row.folder);
	if (in->target != NULL)
		folder_mark(in->target, DIRTY_SCAN | DIRTY_REMOTE);
	if (from != NULL)
		folder_mark(from, DIRTY_SCAN | DIRTY_REMOTE);
	if (in->found.v == 0 && in->stage == ST_APPENDING)
		return forget_upload(acc, in, &row, err);
	there = row;
	row.stage = ST_PRESENT;
	row.to = 0;
	row.seek = 0;
	if (in->found.v != 0) {
		if (from != NULL && folder_load(acc, from, &ignored) == 0) {
			/* With letters that mean something else there it would
			 * be read as changed here. */
			if (from != in->target && letters_follow(acc, from,
			    in->target, &row, name, err) < 0)
				return recover_stays_open(acc, in->target, err) ?
				    0 : -1;
			row.flags.kw = kwtab_translate(row.flags.kw, &from->kw,
			    &in->target->kw);
		}
		if (local_letters(acc, in->target, row.flags.kw, err) < 0)
			return -1;
		row.folder = in->target->id;
		row.uid = in->found;
	}
	if (store_msg_put(acc->store, &row, err) < 0 ||
	    (in->found.v != 0 && doubt_source(acc, in, &there, err) < 0))
		return -1;
	if (from == NULL)
		return 0;
	return account_audit(acc, "recover", in->found.v != 0 ? in->target :
	    from, &row,
	    in->found.v != 0 ? "found on the server, as intended" :
	    "the server had not done it", err);
}

/* Where are they?  In a mailbox that was renumbered, pairing by content finds
 * out; here they count as not found. */
static int
find_intents(struct account *acc, struct intent *in, size_t n, struct err *err)
{
	struct folder *t = in->target;

	if (t == NULL || (folder_load(acc, t, err) == 0 &&
	    look_for(acc, t, in, n, err) == 0))
		return 0;
	if (err->class == ERR_FOLDER &&
	    strcmp(err->code, "server.uidvalidity") == 0)
		return 0;
	if (!recover_stays_open(acc, t, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		in[i].stays_open = true;
	return 0;
}

static int
settle_all(struct account *acc, struct intents *in, struct err *err)
{
	int r = 0;

	for (size_t i = 0, k; i < in->n && r == 0; i = k) {
		for (k = i + 1; k < in->n &&
		    in->v[k].target == in->v[i].target;)
			k++;
		r = find_intents(acc, &in->v[i], k - i, err);
	}
	if (r < 0 || in->n == 0)
		return r;
	/* Letters may have to be written: their note is a transaction of its own. */
	if (account_delivering(acc, err) < 0 || account_begin(acc, err) < 0)
		return -1;
	for (size_t i = 0; i < in->n && r == 0; i++)
		if (!in->v[i].stays_open)
			r = settle_intent(acc, &in->v[i], err) < 0 ? -1 : 0;
	return account_end(acc, r, err);
}

static int
by_target(const void *a, const void *b)
{
	const struct intent *x = a, *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

/* What was moved by COPY may still be where it was. */
static int
expunge_sources(struct account *acc, const struct intents *in, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < in->n && r == 0; i++)
		if (in->v[i].source != 0)
			r = recover_older(acc, in->v[i].source, err);
	return r;
}

int
intents_settle(struct account *acc, struct intents *in, struct err *err)
{
	if (in->n > 1)
		qsort(in->v, in->n, sizeof(*in->v), by_target);
	return settle_all(acc, in, err) < 0 ? -1 :
	    expunge_sources(acc, in, err);
}

int
recover_rows(struct account *acc, const int64_t *id, size_t n, struct err *err)
{
	struct intents in = { 0 };
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct msg_row row;

		r = store_find_id(acc->store, id[i], &row, err);
		if (r > 0 && (row.stage == ST_APPENDING ||
		    row.stage == ST_MOVING))
			intents_add(acc, &in, &row);
		if (r > 0)
			r = 0;
	}
	if (r == 0)
		r = intents_settle(acc, &in, err);
	free(in.v);
	return r;
}
