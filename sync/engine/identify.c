/*
 * identify.c — asking the server which of its messages are which.
 *
 * Up to four flights for a folder, and each only for what the last one left open:
 *
 *	size, date, id	of all that is fresh
 *	Message-ID	where something here has the same size and date
 *	header		where something has the same size
 *	message		where the header does not decide
 *
 * A message that has no partner after that is new, and none of this is asked when
 * nothing waits for a message.
 */
#include "engine/identify.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sorted.h"
#include "engine/candidate.h"
#include "engine/dirsync.h"
#include "engine/header.h"
#include "engine/hooks.h"
#include "engine/local.h"
#include "engine/remote.h"
#include "imap/cmd.h"
#include "maildir/name.h"

/* A fresh message, and what the server said of it. */
struct probe {
	struct like	 like;		/* first */
	struct uid	 uid;
	bool		 told;		/* it answered the flight that is on */
	bool		 headed;	/* .head is known */
	struct hash	 head;
	char		*objid;		/* NULL: none */
};

/* One folder's search for partners. */
struct search {
	struct account		*acc;
	struct folder		*f;
	const struct missing	*missing;
	struct candidates	 cs;
	struct probe		*probe;		/* one for each fresh message, in
						 * their order */
	struct like		**like;		/* of each, in any order */
	size_t			 n;
	struct hasher		*hasher;
	bool			 objids;	/* the server tells its ids */
	bool			 msgids;	/* Message-IDs came with the first
						 * flight */
};

/* ---- asking ------------------------------------------------------------- */

static int
of_uid(const void *uid, const void *probe)
{
	uint32_t a = *(const uint32_t *)uid;
	uint32_t b = ((const struct probe *)probe)->uid.v;

	return (a > b) - (a < b);
}

static struct probe *
probe_of(const struct search *s, struct uid uid)
{
	return sorted_find(&uid.v, s->probe, s->n, sizeof(*s->probe), of_uid);
}

static void
note_msgid(struct probe *p, struct str fields)
{
	struct header h = { 0 };

	header_add(&h, fields);
	header_end(&h);
	like_key_msgid(&p->like, h.msgid);
	header_clear(&h);
}

/* The next kind of key takes the place of the last one. */
static void
note_key(struct probe *p, const struct ev_msg *m, const struct msgid_hash *id)
{
	if (m->have & MSG_OBJID) {
		free(p->objid);
		p->objid = str_dup(m->objid);
		like_key(&p->like, LIKE_OBJID, m->objid);
	}
	if (m->have & MSG_FIELDS)
		note_msgid(p, m->fields);
	if (m->have & MSG_HEADER) {
		p->head = id->head;
		p->headed = true;
		p->like.key = id->head;
		p->like.by = LIKE_HEAD;
	}
	if (m->have & MSG_BODY) {
		p->like.key = id->all;
		p->like.by = LIKE_ALL;
	}
}

/* What came of one message; a body came before it. */
static void
note_answer(struct search *s, const struct ev_msg *m)
{
	struct probe *p = probe_of(s, m->uid);
	struct msgid_hash id;

	if (m->have & MSG_HEADER)
		hasher_add(s->hasher, m->header.p, m->header.n);
	if (m->have & (MSG_HEADER | MSG_BODY))
		hasher_end(s->hasher, &id);
	if (p == NULL || !(m->have & ~(unsigned)(MSG_FLAGS | MSG_MODSEQ)))
		return;
	p->told = true;
	if (m->have & MSG_SIZE)
		p->like.size = m->size;
	if (m->have & MSG_DATE)
		p->like.date = m->date;
	note_key(p, m, &id);
}

/* 0 with *status; -1. */
static int
ask(struct search *s, const struct uidset *uids, unsigned items,
    enum done_status *status, struct err *err)
{
	struct account *acc = s->acc;
	uint32_t req = imap_fetch(acc->work, uids, items, (struct modseq){ 0 });
	struct event ev;
	int r;

	remote_want_msgs(acc, true);
	while ((r = remote_next(acc, &ev, err)) > 0) {
		if (ev.kind == EV_DONE && ev.done.req == req) {
			*status = ev.done.status;
			r = 0;
			break;
		}
		if (ev.kind == EV_DATA)
			hasher_add(s->hasher, ev.data.p, ev.data.n);
		else if (ev.kind == EV_MSG)
			note_answer(s, &ev.msg);
	}
	remote_want_msgs(acc, false);
	if (r < 0)
		remote_drain(acc, req, err);
	return r;
}

/* A server that refuses one message may refuse all: the others are asked for one
 * by one.  What it refuses then is left to the download, which will say so. */
static int
ask_one_by_one(struct search *s, unsigned items, struct err *err)
{
	enum done_status status;
	int r = 0;

	for (size_t i = 0; i < s->n && r == 0; i++) {
		struct probe *p = &s->probe[i];
		struct uidset one;

		if (!p->like.wanted || p->told)
			continue;
		uidset_init(&one);
		uidset_add(&one, p->uid.v, p->uid.v);
		r = ask(s, &one, items, &status, err);
		uidset_clear(&one);
	}
	return r;
}

/* Of those that are wanted. */
static int
ask_wanted(struct search *s, unsigned items, struct err *err)
{
	enum done_status status;
	struct uidset uids;
	int r = 0;

	uidset_init(&uids);
	for (size_t i = 0; i < s->n; i++) {
		struct probe *p = &s->probe[i];

		p->told = false;
		if (p->like.wanted)
			uidset_add(&uids, p->uid.v, p->uid.v);
	}
	if (uids.n > 0) {
		r = ask(s, &uids, items, &status, err);
		if (r == 0 && status != DONE_OK)
			r = ask_one_by_one(s, items, err);
	}
	uidset_clear(&uids);
	return r;
}

/* ---- the flights ---------------------------------------------------------- */

static size_t
seek(struct search *s, enum like_by by, bool dated)
{
	return like_seek(s->like, s->n, s->cs.like, s->cs.n, by, dated);
}

static void
match(struct search *s, enum like_by by)
{
	like_match(s->like, s->n, s->cs.like, s->cs.n, by);
}

/* Where no id can help, and most have a file, the Message-ID comes along. */
static int
by_objid(struct search *s, struct err *err)
{
	bool objids = s->objids && (s->cs.objids || s->missing->n > 0);
	unsigned items = FETCH_SIZE | FETCH_DATE | (objids ? FETCH_OBJID : 0);

	s->msgids = !objids && s->cs.n > s->n / 2;
	if (s->msgids)
		items |= FETCH_MSGID;
	for (size_t i = 0; i < s->n; i++)
		s->like[i]->wanted = true;
	if (ask_wanted(s, items, err) < 0)
		return -1;
	match(s, LIKE_OBJID);
	return 0;
}

static int
by_msgid(struct search *s, struct err *err)
{
	if (seek(s, LIKE_NONE, true) == 0)
		return 0;
	if (candidates_key(s->acc, s->f, &s->cs, LIKE_MSGID, err) < 0)
		return -1;
	if (!s->msgids && seek(s, LIKE_MSGID, true) > 0 &&
	    ask_wanted(s, FETCH_MSGID, err) < 0)
		return -1;
	match(s, LIKE_MSGID);
	return 0;
}

static int
by_head(struct search *s, struct err *err)
{
	(void)seek(s, LIKE_NONE, false);
	if (candidates_key(s->acc, s->f, &s->cs, LIKE_HEAD, err) < 0)
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		struct like *m = s->like[i];

		m->wanted = m->wanted || (m->mate == NULL &&
		    missing_size(s->missing, m->size, s->objids));
	}
	if (ask_wanted(s, FETCH_HEADER, err) < 0)
		return -1;
	match(s, LIKE_HEAD);
	return 0;
}

static int
by_all(struct search *s, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct like *m = s->like[i];

		m->wanted = m->doubt && m->mate == NULL;
		n += m->wanted;
	}
	if (n == 0)
		return 0;
	for (size_t i = 0; i < s->cs.n; i++)
		s->cs.like[i]->wanted = s->cs.like[i]->doubt;
	if (candidates_key(s->acc, s->f, &s->cs, LIKE_ALL, err) < 0 ||
	    ask_wanted(s, FETCH_BODY, err) < 0)
		return -1;
	match(s, LIKE_ALL);
	return 0;
}

/* ---- what was found ------------------------------------------------------- */

/* The same message on both sides, and no row says so yet: now one does. */
static void
bind_change(struct change *c, const struct seen *m)
{
	c->uid.v = m->uid;
	/* A row that lost its uid to a renumbering is agreed, after all; and of
	 * what both sides moved here, the flags were once agreed on. */
	if (c->msg != 0 || c->was != 0)
		c->known = KNOWN_BOTH;
	c->remote = SIDE_PRESENT;
	c->remote_flags = (struct flags){ m->sys, m->kw };
	c->from = 0;
	c->copy = false;
}

/* The change of a row that was only here, and is on the server again; new ones go
 * to ${more}, for those of the folder do not move now.  1, 0: it is gone, -1. */
static int
bind_kept(struct account *acc, struct folder *f, int64_t id,
    const struct seen *m, struct work *more, struct err *err)
{
	struct change *c = work_find(&f->work, id);
	struct msg_row row;
	int got = store_find_id(acc->store, id, &row, err);

	if (got <= 0)
		return got;
	if (c == NULL) {
		c = work_add(more);
		c->msg = row.id;
		c->file = str_dup(row.file);
		c->in_new = row.in_new;
		c->ino = row.ino;
		c->local = SIDE_PRESENT;
		c->local_flags = local_flags(f, row.file);
	}
	c->known = KNOWN_BOTH;
	c->base = row.flags;
	c->uid.v = m->uid;
	c->remote = SIDE_PRESENT;
	c->remote_flags = (struct flags){ m->sys, m->kw };
	return 1;
}

/* Both sides moved it here.  Its row comes along at once: what was agreed on would
 * else be forgotten with the folder that it has left, and whatever goes wrong before
 * this one is done, nobody could tell any more which side has changed a flag. */
static int
bind_moved(struct account *acc, struct folder *f, struct change *c,
    const struct probe *p, struct err *err)
{
	struct hook_was was = { .origin = "client" };
	struct folder *home;
	struct change *old;
	struct mname name;
	struct msg_row row;
	int got = store_find_id(acc->store, c->was, &row, err);

	home = got > 0 ? account_by_id(acc, row.folder) : NULL;
	old = home != NULL ? work_find(&home->work, c->was) : NULL;
	/* Of two files that were it, the first one. */
	if (old == NULL || old->done || !mname_parse(str_z(c->file), &name)) {
		c->was = 0;
		return got < 0 ? -1 : 0;
	}
	if (account_join(acc, err) < 0)
		return -1;
	was.mailbox = home->name;
	row.folder = f->id;
	row.uid = p->uid;
	row.objid = p->objid != NULL ? str_z(p->objid) : STR_NONE;
	row.stage = ST_PRESENT;
	row.when = 0;
	row.unique = name.unique;
	row.file = str_z(c->file);
	row.in_new = c->in_new;
	row.ino = c->ino;
	row.size = c->content->size;
	row.wire_size = c->content->wire_size;
	row.eol = c->content->eol;
	row.head = c->content->id.head;
	row.all = c->content->id.all;
	row.flags = c->base;
	old->done = true;
	dirsync_came(acc, f);
	dirsync_left(acc, home);
	if (store_msg_put(acc->store, &row, err) < 0 ||
	    account_audit(acc, "match", f, &row, "moved on both sides", err) < 0)
		return -1;
	return tell_message(acc, HOOK_MOVED, f, &row, &was, err);
}

/* Their rows are those of this folder now.  Are there any?  Then the list is not in
 * order. */
static bool
take_rows(struct folder *f)
{
	bool any = false;

	for (size_t i = 0; i < f->work.n; i++) {
		struct change *c = &f->work.change[i];

		if (c->was != 0 && c->remote == SIDE_PRESENT) {
			c->msg = c->was;
			c->was = 0;
			any = true;
		}
	}
	return any;
}

static int
bind_one(struct search *s, const struct probe *p, const struct seen *m,
    struct work *more, struct err *err)
{
	struct candidate *c = (struct candidate *)p->like.mate;

	if (c->change == NULL)
		return bind_kept(s->acc, s->f, c->row, m, more, err);
	bind_change(c->change, m);
	if (c->change->was != 0 &&
	    bind_moved(s->acc, s->f, c->change, p, err) < 0)
		return -1;
	if (p->like.date == LIKE_NO_DATE || p->like.date == c->like.date)
		return 1;
	return local_set_date(s->acc, s->f, c->change, p->like.date, err) < 0 ?
	    -1 : 1;
}

static void
note_stranger(struct strangers *all, struct folder *f, struct probe *p)
{
	all->v = array_room(all->v, all->n, &all->cap, sizeof(*all->v));
	all->v[all->n++] = (struct stranger){ .f = f, .uid = p->uid,
	    .size = p->like.size, .known = p->headed, .head = p->head,
	    .objid = p->objid };
	p->objid = NULL;
}

/* The server's order: changes of one folder are made in it. */
static int
settle(struct search *s, struct strangers *others, struct err *err)
{
	struct uid *bound = xcalloc(s->n + 1, sizeof(*bound));
	struct work more = { 0 };
	bool moved;
	size_t n = 0;
	int got = 0;

	for (size_t i = 0; i < s->n && got >= 0; i++) {
		struct probe *p = &s->probe[i];

		got = 0;
		if (p->like.mate != NULL)
			got = bind_one(s, p, work_fresh(&s->f->work, p->uid),
			    &more, err);
		if (got > 0)
			bound[n++] = p->uid;
		else if (got == 0 && (p->headed || p->objid != NULL))
			note_stranger(others, s->f, p);
	}
	got = account_end(s->acc, got, err);
	identify_drop(s->f, bound, n);
	moved = take_rows(s->f);
	for (size_t i = 0; i < more.n; i++)
		*work_add(&s->f->work) = more.change[i];
	if (more.n > 0 || moved)
		work_sort(&s->f->work);
	free(more.change);
	free(bound);
	return got;
}

void
identify_drop(struct folder *f, const struct uid *uid, size_t n)
{
	struct seen *m = f->work.fresh;
	size_t k = 0, at = 0;

	for (size_t i = 0; i < f->work.n_fresh; i++) {
		if (at < n && uid[at].v == m[i].uid)
			at++;
		else
			m[k++] = m[i];
	}
	f->work.n_fresh = k;
}

void
strangers_clear(struct strangers *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->v[i].objid);
	free(all->v);
	*all = (struct strangers){ 0 };
}

/* ---- one folder ----------------------------------------------------------- */

static void
begin(struct search *s)
{
	const struct work *w = &s->f->work;

	s->n = w->n_fresh;
	s->probe = xcalloc(s->n + 1, sizeof(*s->probe));
	s->like = xcalloc(s->n + 1, sizeof(struct like *));
	s->hasher = hasher_new();
	s->objids = imap_can(s->acc->work, CAP_OBJECTID) ||
	    imap_can(s->acc->work, CAP_GMAIL) ||
	    imap_can(s->acc->work, CAP_XGUID);
	for (size_t i = 0; i < s->n; i++) {
		s->probe[i].uid.v = w->fresh[i].uid;
		s->probe[i].like.date = LIKE_NO_DATE;
		s->probe[i].like.draft = w->fresh[i].sys & FLAG_DRAFT;
		s->like[i] = &s->probe[i].like;
	}
}

static void
end(struct search *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->probe[i].objid);
	free(s->probe);
	free(s->like);
	hasher_free(s->hasher);
}

int
identify_fresh(struct account *acc, struct folder *f,
    const struct missing *missing, struct strangers *others, struct err *err)
{
	struct search s = { .acc = acc, .f = f, .missing = missing };
	int r;

	if (f->work.n_fresh == 0)
		return 0;
	r = candidates_collect(acc, f, missing, &s.cs, err);
	if (r == 0 && (s.cs.n > 0 || missing->n > 0)) {
		begin(&s);
		if (remote_select(acc, f, err) < 0 || by_objid(&s, err) < 0 ||
		    by_msgid(&s, err) < 0 || by_head(&s, err) < 0 ||
		    by_all(&s, err) < 0 || settle(&s, others, err) < 0)
			r = -1;
		end(&s);
	}
	candidates_clear(&s.cs);
	return r;
}
