/*
 * recover.c — settling intents.
 *
 *	LANDING		the file is in cur/ or new/: PRESENT; in tmp/: rename it;
 *			nowhere: forget the row, the message is fetched again
 *	APPENDING	its content is among the UIDs from `seek` on: PRESENT; else
 *			forget the row, the file is new again, or that of the older
 *			version, whose content it is not
 *	MOVING		the same in the target folder, and what a COPY left behind is
 *			REPLACED; else it is back where it was
 *	REPLACED	the newer version is settled by now: expunge this one
 * Recovery may itself be killed at any point: each step is one of the above.
 */
#include "engine/recover.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/apply.h"
#include "engine/land.h"
#include "engine/letters.h"
#include "engine/local.h"
#include "engine/remote.h"
#include "engine/unread.h"
#include "engine/upload_impl.h"
#include "imap/cmd.h"
#include "maildir/deliver.h"
#include "maildir/dir.h"

struct intent {
	int64_t		 row;
	struct folder	*target;
	uint32_t	 seek;
	struct hash	 head;
	uint64_t	 wire_size;
	enum stage	 stage;
	struct uid	 found;
	bool		 put_off;	/* nobody could say: stays open */
	int64_t		 source;	/* row of what was moved away; 0: none */
	int64_t		 older;		/* row of what it replaces; 0: none */
};

struct intents {
	struct intent	*v;
	size_t		 n, cap;
};

/* One folder's trouble is not the account's: its intents stay open, and nothing
 * else is done in it meanwhile. */
static bool
put_off(struct account *acc, struct folder *f, const struct err *err)
{
	if (err->class != ERR_FOLDER && err->class != ERR_MSG)
		return false;
	problem_open(acc, PROBLEM_WARNING, err->code, f, "", "%s", err->text);
	acc->recovered = false;
	unread_mark(f);
	return true;
}

/* ---- landings --------------------------------------------------------- */

/* 1: the file is (now) in place, 0: it never was, -1. */
static int
place(struct account *acc, struct folder *home, struct folder *f,
    const struct msg_row *row, struct err *err)
{
	char *file = str_dup(row->file), *unique = str_dup(row->unique);
	struct mstat st;
	int r = folder_load(acc, f, err);

	if (r == 0)
		r = folder_load(acc, home, err);
	if (r == 0)
		r = mdir_stat(f->fd, row->in_new, file, &st, err);
	/* A reader may have moved it on, with flags: a scan finds it by its
	 * unique name, and until then the row is right about it. */
	if (r == 0) {
		r = deliver_place(home->fd, unique, f->fd, file,
		    row->in_new, err);
		if (r < 0 && err->errnum == 2)
			r = 0;
		else if (r >= 0)
			r = mdir_sync(f->fd, err) < 0 ? -1 : 1;
	}
	free(file);
	free(unique);
	return r;
}

/* The unique name under any flags, in cur/ or new/. */
static int
somewhere(struct account *acc, struct folder *f, struct str unique,
    struct err *err)
{
	struct mlist list;
	int hit = 0;

	if (folder_load(acc, f, err) < 0 || mdir_list(f->fd, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n && !hit; i++) {
		struct mname name;

		hit = mname_parse(str_z(list.file[i].name), &name) &&
		    str_eq(name.unique, unique);
	}
	mlist_clear(&list);
	return hit;
}

/* Where the file of a landing goes: what a script chose, once that is known on
 * both sides; if that cannot be, where the server has it.  NULL: later. */
static struct folder *
landing_place(struct account *acc, struct folder *home, const struct msg_row *row)
{
	struct folder *to;

	if (row->to == 0)
		return home;
	to = account_by_id(acc, row->to);
	if (to != NULL && !account_two_way(acc))
		return to;
	if (to == NULL || to->skip || (!folder_active(to) &&
	    (to->policy.push & POLICY_NEW)))
		return home;
	if (land_ready(acc, to))
		return to;
	acc->filing = true;
	return NULL;
}

/* A row is of the folder that the server has it in, and tells its file from one
 * that was moved by its letters. */
static int
settle_there(struct account *acc, struct folder *home, struct folder *f,
    struct msg_row *row, struct err *err)
{
	char file[MNAME_MAX], name[MNAME_MAX];
	bool in_new = row->in_new;

	row->stage = ST_PRESENT;
	row->to = 0;
	if (!account_two_way(acc))
		row->folder = f->id;
	else if (f != home && local_find(f, row, file, &in_new, err) > 0 &&
	    land_home_name(acc, home, f, file, in_new, name, &in_new) == 0) {
		row->file = str_z(name);
		row->in_new = in_new;
	}
	return store_msg_put(acc->store, row, err);
}

static int
settle_landing(struct account *acc, int64_t id, struct err *err)
{
	struct msg_row row;
	struct folder *f, *home;
	int got = store_find_id(acc->store, id, &row, err);

	if (got <= 0)
		return got;
	home = account_by_id(acc, row.folder);
	if (home == NULL || !folder_active(home))
		return 0;
	f = landing_place(acc, home, &row);
	if (f == NULL)
		return 0;
	got = place(acc, home, f, &row, err);
	if (got == 0) {
		got = store_find_id(acc->store, id, &row, err);
		if (got > 0)
			got = somewhere(acc, f, row.unique, err);
	}
	if (got < 0 && put_off(acc, f, err))
		return 0;
	if (got < 0 || account_begin(acc, err) < 0)
		return -1;
	if (got > 0) {
		got = store_find_id(acc->store, id, &row, err);
		if (got > 0)
			got = settle_there(acc, home, f, &row, err);
	} else {
		/* Not in the base any more: the server must be asked afresh. */
		got = store_msg_remove(acc->store, id, err);
		home->modseq.v = 0;
		home->uidnext = 0;
		if (got == 0)
			got = folder_save(acc, home, err);
		folder_mark(home, DIRTY_REMOTE);
	}
	folder_mark(f, DIRTY_SCAN);
	folder_mark(home, DIRTY_SCAN);
	return account_end(acc, got, err);
}

/* ---- uploads and moves ------------------------------------------------ */

static int
add_intent(struct account *acc, struct intents *in, const struct msg_row *row)
{
	struct folder *t = account_by_id(acc,
	    row->stage == ST_MOVING ? row->to : row->folder);

	/* Its target may have been dropped: then nothing became of it. */
	if (t != NULL && !folder_active(t))
		return 0;
	in->v = array_room(in->v, in->n, &in->cap, sizeof(*in->v));
	in->v[in->n++] = (struct intent){
		.row = row->id,
		.target = t,
		.seek = row->seek > 0 ? row->seek : 1,
		.head = row->head,
		.wire_size = row->wire_size,
		.stage = row->stage,
	};
	return 0;
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
			if (from != in->target && letters_follow(acc, from,
			    in->target, &row, name, err) < 0)
				return -1;
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
	if (!put_off(acc, t, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		in[i].put_off = true;
	return 0;
}

static int
settle_intents(struct account *acc, struct intents *in, struct err *err)
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
		if (!in->v[i].put_off)
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

/* ---- older versions --------------------------------------------------- */

enum expunged { ONLY_MARKED, EXPUNGED, STILL_THERE, REFUSED };

static int
expunge_one(struct account *acc, struct uid uid, enum expunged *how,
    struct err *err)
{
	struct flags deleted = { .sys = FLAG_DELETED };
	struct kwtab none = { 0 };
	struct uidset uids, left;
	int r;

	*how = imap_can(acc->work, CAP_UIDPLUS) ? EXPUNGED : ONLY_MARKED;
	uidset_init(&uids);
	uidset_init(&left);
	uidset_add(&uids, uid.v, uid.v);
	r = remote_expect(acc, imap_store(acc->work, &uids, true, deleted,
	    &none), ERR_FOLDER, "mark an older version", err);
	if (r == 0 && *how == EXPUNGED)
		r = remote_expect(acc, imap_expunge(acc->work, &uids),
		    ERR_FOLDER, "expunge an older version", err);
	if (r < 0 && err->class == ERR_FOLDER) {
		*how = REFUSED;
		r = 0;
	}
	/* As in remove.c, an OK is not proof. */
	if (r == 0 && *how == EXPUNGED)
		r = remote_left(acc, &uids, &left, err);
	if (left.n > 0)
		*how = STILL_THERE;
	uidset_clear(&uids);
	uidset_clear(&left);
	return r;
}

/* It may not be ours to delete: that is tried again, and holds up nothing else. */
static int
leave_replaced(struct account *acc, struct folder *f, struct msg_row *row,
    struct err *err)
{
	problem_open(acc, PROBLEM_WARNING, err->code, f, "", "%s", err->text);
	row->when = clock_wall();
	return store_msg_put(acc->store, row, err);
}

static int
expunge_replaced(struct account *acc, int64_t id, struct err *err)
{
	struct msg_row row;
	struct folder *f;
	struct uid uid;
	enum expunged how = EXPUNGED;
	int r = store_find_id(acc->store, id, &row, err);

	if (r <= 0)
		return r;
	uid = row.uid;
	f = account_by_id(acc, row.folder);
	if (row.stage != ST_REPLACED || f == NULL || !folder_active(f))
		return 0;
	r = uid.v == 0 ? 0 : remote_select(acc, f, err);
	if (r == 0 && uid.v != 0)
		r = expunge_one(acc, uid, &how, err);
	if (r < 0 && err->class == ERR_FOLDER &&
	    strcmp(err->code, "server.uidvalidity") == 0)
		return 0;	/* its number is worthless: gather.c forgets it */
	if (r < 0)
		return put_off(acc, f, err) ? 0 : -1;
	if (how == STILL_THERE) {
		remote_try_again(acc, f);
		return 0;
	}
	if (account_begin(acc, err) < 0)
		return -1;
	r = store_find_id(acc->store, id, &row, err);
	if (r > 0 && how == REFUSED) {
		r = leave_replaced(acc, f, &row, err);
	} else if (r > 0) {
		row.stage = ST_GONE_LOCAL;
		row.to = row.when = 0;
		row.flags.sys |= FLAG_DELETED;
		r = how == EXPUNGED ? store_msg_remove(acc->store, id, err) :
		    store_msg_put(acc->store, &row, err);
	}
	if (r >= 0 && how != REFUSED)
		folder_mark(f, DIRTY_REMOTE);
	return account_end(acc, r, err);
}

/* What was moved by COPY may still be where it was. */
static int
expunge_sources(struct account *acc, const struct intents *in, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < in->n && r == 0; i++)
		if (in->v[i].source != 0)
			r = expunge_replaced(acc, in->v[i].source, err);
	return r;
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
			r = add_intent(acc, &in, &row);
		else if (r > 0)
			r = 0;
	}
	if (in.n > 1)
		qsort(in.v, in.n, sizeof(*in.v), by_target);
	if (r == 0)
		r = settle_intents(acc, &in, err);
	if (r == 0)
		r = expunge_sources(acc, &in, err);
	free(in.v);
	return r;
}

/* ---- all -------------------------------------------------------------- */

struct older {
	int64_t	row, newer;
};

struct open_rows {
	int64_t		*landing;
	size_t		 n_landing, cap_landing;
	struct older	*replaced;
	size_t		 n_replaced, cap_replaced;
	struct intents	 intents;
	int64_t		*refused;
	size_t		 n_refused, cap_refused;
};

/* A person who waits wants it tried now; a daemon tries once a day. */
static bool
worth_another_try(const struct account *acc, const struct msg_row *row)
{
	return row->when != 0 && (acc->once ||
	    row->when < clock_wall() - USEC_S(86400));
}

/* The older version that a refused one was to replace has its file again, as it had
 * when that was tried. */
static int
older_back(struct account *acc, const struct msg_row *refused, struct err *err)
{
	char *file = str_dup(refused->file);
	int64_t folder = refused->folder, id = refused->to;
	bool in_new = refused->in_new;
	struct msg_row old;
	int got = id == 0 ? 0 : store_find_id(acc->store, id, &old, err);

	/* Unless somebody has seen to it meanwhile. */
	if (got > 0 && old.stage == ST_GONE_LOCAL && old.folder == folder)
		got = upload_older_back(acc, id, file, in_new, err);
	free(file);
	return got < 0 ? -1 : 0;
}

/* Without its row the message is new again, on the side that has it. */
static int
try_again(struct account *acc, int64_t id, struct err *err)
{
	struct msg_row row;
	struct folder *f;
	int got = store_find_id(acc->store, id, &row, err);

	if (got <= 0)
		return got;
	f = account_by_id(acc, row.folder);
	if (f == NULL || account_begin(acc, err) < 0)
		return f == NULL ? 0 : -1;
	problem_close_quarantine(acc, f);
	folder_mark(f, DIRTY_SCAN | DIRTY_REMOTE);
	if (row.uid.v != 0)
		f->modseq.v = 0;
	got = store_msg_remove(acc->store, id, err);
	if (got == 0)
		got = older_back(acc, &row, err);
	if (got == 0)
		got = folder_save(acc, f, err);
	return account_end(acc, got, err);
}

static int
collect(struct account *acc, struct open_rows *o, struct err *err)
{
	struct cursor *c = cursor_open(acc->store, 0, BY_STAGE, err);
	struct msg_row row;
	int got;

	if (c == NULL)
		return -1;
	while ((got = cursor_next(c, &row, err)) > 0) {
		switch (row.stage) {
		case ST_LANDING:
			o->landing = array_room(o->landing, o->n_landing,
			    &o->cap_landing, sizeof(*o->landing));
			o->landing[o->n_landing++] = row.id;
			break;
		case ST_REPLACED:
			if (row.when != 0 && !worth_another_try(acc, &row))
				break;
			o->replaced = array_room(o->replaced, o->n_replaced,
			    &o->cap_replaced, sizeof(*o->replaced));
			o->replaced[o->n_replaced++] =
			    (struct older){ row.id, row.to };
			break;
		case ST_APPENDING:
		case ST_MOVING:
			(void)add_intent(acc, &o->intents, &row);
			break;
		case ST_REFUSED:
			if (!worth_another_try(acc, &row))
				break;
			o->refused = array_room(o->refused, o->n_refused,
			    &o->cap_refused, sizeof(*o->refused));
			o->refused[o->n_refused++] = row.id;
			break;
		default:
			break;
		}
	}
	cursor_close(c);
	return got;
}

/* The intent by which ${o} is replaced; NULL: that is settled. */
static struct intent *
newer_of(const struct intents *in, const struct older *o)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->v[i].row == o->newer)
			return &in->v[i];
	return NULL;
}

/* Which upload is that of a newer version? */
static void
link_versions(const struct open_rows *o)
{
	for (size_t i = 0; i < o->n_replaced; i++) {
		struct intent *newer = newer_of(&o->intents, &o->replaced[i]);

		if (newer != NULL)
			newer->older = o->replaced[i].row;
	}
}

/* Landings are settled: what is still in tmp/ never got as far. */
static int
clean_tmp(struct account *acc, struct err *err)
{
	if (acc->dead == 0)
		return 0;
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];

		if (!folder_active(f))
			continue;
		if (folder_load(acc, f, err) < 0 && err->class != ERR_FOLDER)
			return -1;
		if (f->fd >= 0)
			deliver_clean(f->fd, acc->dead);
	}
	return account_buried(acc, err);
}

/* Landings that wait for their folder. */
int
recover_filing(struct account *acc, struct err *err)
{
	struct cursor *c = cursor_open(acc->store, 0, BY_STAGE, err);
	struct msg_row row;
	int got, r = 0;

	acc->filing = false;
	if (c == NULL)
		return -1;
	while (r == 0 && (got = cursor_next(c, &row, err)) > 0)
		if (row.stage == ST_LANDING && row.to != 0)
			r = settle_landing(acc, row.id, err);
	cursor_close(c);
	return r < 0 ? -1 : got;
}

int
recover_all(struct account *acc, struct err *err)
{
	struct open_rows o = { 0 };
	int r = collect(acc, &o, err);

	acc->filing = false;
	for (size_t i = 0; i < o.n_landing && r == 0; i++)
		r = settle_landing(acc, o.landing[i], err);
	if (r == 0 && !acc->filing)
		r = clean_tmp(acc, err);
	if (o.intents.n > 1)
		qsort(o.intents.v, o.intents.n, sizeof(*o.intents.v), by_target);
	link_versions(&o);
	if (r == 0)
		r = settle_intents(acc, &o.intents, err);
	if (r == 0)
		r = expunge_sources(acc, &o.intents, err);
	for (size_t i = 0; i < o.n_replaced && r == 0; i++) {
		const struct intent *newer = newer_of(&o.intents,
		    &o.replaced[i]);

		if (newer == NULL || !newer->put_off)
			r = expunge_replaced(acc, o.replaced[i].row, err);
	}
	for (size_t i = 0; i < o.n_refused && r == 0; i++)
		r = try_again(acc, o.refused[i], err);
	free(o.refused);
	if (r == 0 && o.n_landing + o.intents.n + o.n_replaced > 0)
		log_notice("settled %zu landings, %zu uploads and moves, %zu "
		    "older versions that were under way", o.n_landing,
		    o.intents.n, o.n_replaced);
	free(o.landing);
	free(o.replaced);
	free(o.intents.v);
	return r;
}
