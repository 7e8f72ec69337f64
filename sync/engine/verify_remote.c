/*
 * verify_remote.c — the server against what is here, and what is fetched again.
 *
 * A damaged file is never written to: the server's copy lands beside it, under a
 * name that no mail program reads, when it is what once arrived.  For a file that
 * is missing the message is made unknown, and the next round fetches it.
 */
#include "engine/verify_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/remote_impl.h"
#include "imap/cmd.h"
#include "maildir/deliver.h"
#include "maildir/dir.h"

/* ---- fetching --------------------------------------------------------- */

/* One message to tmp/: 1 with *l filled in, 0 when the server does not give it. */
static int
fetch_one(struct account *acc, struct folder *f, struct uid uid,
    struct landing *l, struct err *err)
{
	struct uidset uids;
	struct event ev;
	bool open = false;
	uint32_t req;
	int r, got = 0;

	uidset_init(&uids);
	uidset_add(&uids, uid.v, uid.v);
	req = imap_fetch(acc->work, &uids, FETCH_DATE | FETCH_BODY,
	    (struct modseq){ 0 });
	uidset_clear(&uids);
	while ((r = remote_next(acc, &ev, err)) > 0) {
		if (ev.kind == EV_DONE && ev.done.req == req)
			break;
		if (ev.kind == EV_BODY && !open && got == 0) {
			r = deliver_begin(acc->deliver, f->fd, err);
			open = r == 0;
		} else if (ev.kind == EV_DATA && open) {
			r = deliver_data(acc->deliver, ev.data, err);
		} else if (ev.kind == EV_MSG && open && ev.msg.uid.v == uid.v) {
			r = deliver_end(acc->deliver, ev.msg.date, l, err);
			open = false;
			got = 1;
		}
		if (r < 0)
			break;
	}
	if (open)
		deliver_discard(acc->deliver);
	if (r < 0)
		remote_drain(acc, req, err);
	return r < 0 ? -1 : got;
}

/* ---- what is damaged -------------------------------------------------- */

static int
place_beside(struct folder *f, const struct damage *d, struct landing *l,
    char name[MNAME_MAX], struct err *err)
{
	struct mname parts;

	must(mname_parse(str_z(d->file), &parts));
	if (snprintf(name, MNAME_MAX, ".%.*s.recovered",
	    STR_ARG(parts.unique)) >= MNAME_MAX)
		return err_set(err, ERR_MSG, "store.name-too-long",
		    "%s: its name leaves no room for another", d->file);
	if (deliver_sync(l, 1, err) < 0)
		return -1;
	/* It may lie there since the last time. */
	if (deliver_place(f->fd, l->unique, f->fd, name, false,
	    err) < 0) {
		deliver_drop(l);
		return err->class == ERR_MSG ? 0 : -1;
	}
	return mdir_sync(f->fd, err);
}

static int
recover_damaged(struct verify *v, struct folder *f, const struct damage *d,
    struct err *err)
{
	char name[MNAME_MAX], *path, *remedy;
	struct msg_row row;
	struct landing l;
	int got = store_find_id(v->acc->store, d->row, &row, err);

	if (got > 0)
		got = fetch_one(v->acc, f, d->uid, &l, err);
	if (got <= 0)
		return got;
	if (!hash_eq(&l.id.all, &row.all)) {
		deliver_drop(&l);
		verify_tell(v, "look at both in a mail program", f->name,
		    "the server's copy of message %" PRIu32 " is not what "
		    "arrived, either", d->uid.v);
		return 0;
	}
	if (place_beside(f, d, &l, name, err) < 0)
		return -1;
	v->out->recovered++;
	path = xasprintf("%s/cur/%s", f->path, name);
	remedy = xasprintf("mv '%s/%s' '%s/%s/%s/%s'", v->acc->root, path,
	    v->acc->root, f->path, d->in_new ? "new" : "cur", d->file);
	v->o->found(v->o->who, path, "fetched again, beside the damaged file",
	    remedy);
	free(path);
	free(remedy);
	return 0;
}

/* Unknown, it is fetched by the next round.  The server must be asked afresh. */
static int
forget_missing(struct verify *v, struct folder *f, const struct damage *d,
    struct err *err)
{
	int r;

	if (account_begin(v->acc, err) < 0)
		return -1;
	f->modseq.v = 0;
	f->uidnext = 0;
	r = store_msg_remove(v->acc->store, d->row, err);
	if (r == 0)
		r = folder_save(v->acc, f, err);
	folder_mark(f, DIRTY_REMOTE);
	v->out->recovered += r == 0;
	return account_end(v->acc, r, err);
}

static int
mend(struct verify *v, struct folder *f, const struct uidset *there,
    struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < v->n_damages && r == 0; i++) {
		const struct damage *d = &v->damage[i];

		if (d->folder != f->id || !uidset_has(there, d->uid))
			continue;
		if (d->file != NULL)
			r = recover_damaged(v, f, d, err);
		else if (f->policy.readonly)
			r = forget_missing(v, f, d, err);
	}
	return r;
}

/* ---- what is lacking -------------------------------------------------- */

static bool
is_damaged(const struct verify *v, int64_t row)
{
	for (size_t i = 0; i < v->n_damages; i++)
		if (v->damage[i].row == row)
			return true;
	return false;
}

/* Which messages of the server are known, with a file or by policy without. */
static int
known_uids(struct verify *v, const struct folder *f, struct uidset *known,
    struct uidset *sample, struct err *err)
{
	struct cursor *c = cursor_open(v->acc->store, f->id, BY_UID, err);
	struct msg_row row;
	int got;

	while ((got = cursor_next(c, &row, err)) > 0) {
		if (row.uid.v == 0 || row.stage == ST_REFUSED)
			continue;
		uidset_add(known, row.uid.v, row.uid.v);
		if (v->o->deep && row.stage == ST_PRESENT &&
		    verify_chosen(v, row.id) && !is_damaged(v, row.id))
			uidset_add(sample, row.uid.v, row.uid.v);
	}
	cursor_close(c);
	return got;
}

static void
tell_lacking(struct verify *v, const struct folder *f,
    const struct uidset *there, const struct uidset *known)
{
	struct uid uid = { 0 };
	size_t at = 0;

	while (uidset_next(there, &at, &uid))
		if (!uidset_has(known, uid))
			verify_tell(v, "syncd sync, and see what it says of it",
			    f->name, "the server has message %" PRIu32
			    ", which is not here", uid.v);
}

static int
compare_deep(struct verify *v, struct folder *f, const struct uidset *sample,
    struct err *err)
{
	struct uid uid = { 0 };
	size_t at = 0;

	while (uidset_next(sample, &at, &uid)) {
		struct landing l;
		struct msg_row row;
		int got = fetch_one(v->acc, f, uid, &l, err);

		if (got < 0)
			return -1;
		if (got == 0)
			continue;
		deliver_drop(&l);
		v->out->fetched++;
		got = store_find_uid(v->acc->store, f->id, uid, &row, err);
		if (got < 0)
			return -1;
		if (got > 0 && !hash_eq(&l.id.all, &row.all))
			verify_tell(v, "look at both in a mail program", f->name,
			    "the server's message %" PRIu32 " is not what once "
			    "arrived", uid.v);
	}
	return 0;
}

static int
check_there(struct verify *v, struct folder *f, struct err *err)
{
	struct uidset all, there, known, sample;
	const struct uidset *found;
	int r;

	uidset_init(&all);
	uidset_init(&there);
	uidset_init(&known);
	uidset_init(&sample);
	uidset_add(&all, 1, UINT32_MAX);
	r = folder_load(v->acc, f, err) < 0 || remote_select(v->acc, f, err) < 0 ?
	    -1 : 0;
	if (r == 0) {
		remote_find(v->acc->remote);
		r = remote_expect(v->acc, imap_search(v->acc->work, &all),
		    ERR_FOLDER, f->name, err);
	}
	found = remote_found(v->acc->remote);
	for (size_t i = 0; r == 0 && i < found->n; i++)
		uidset_add(&there, found->r[i].lo, found->r[i].hi);
	if (r == 0)
		r = known_uids(v, f, &known, &sample, err);
	if (r == 0)
		tell_lacking(v, f, &there, &known);
	if (r == 0)
		r = mend(v, f, &there, err);
	if (r == 0)
		r = compare_deep(v, f, &sample, err);
	uidset_clear(&all);
	uidset_clear(&there);
	uidset_clear(&known);
	uidset_clear(&sample);
	return r;
}

int
verify_remote(struct verify *v, struct err *err)
{
	if (account_delivering(v->acc, err) < 0)
		return -1;
	for (size_t i = 0; i < v->acc->n_folders; i++) {
		struct folder *f = v->acc->folder[i];

		if (!folder_active(f) || f->validity.v == 0 ||
		    check_there(v, f, err) == 0)
			continue;
		if (err->class != ERR_FOLDER && err->class != ERR_MSG)
			return -1;
		verify_tell(v, "syncd status", f->name,
		    "it cannot be compared: %s", err->text);
	}
	return 0;
}
