/*
 * pair.c — finding messages again that the server moved or renumbered.
 *
 * Identity is content: header hash and wire size first (they are known without a
 * download), the server's own id where it has one.
 */
#include "engine/pair_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "engine/candidate.h"
#include "engine/follow.h"
#include "engine/local.h"
#include "engine/remote.h"
#include "imap/cmd.h"
#include "maildir/dir.h"
#include "maildir/name.h"

/* Rows whose message the server no longer has keep their file a while. */
int
pair_bury(struct account *acc, struct folder *f, struct err *err)
{
	struct msg_row row;

	for (size_t i = 0; i < f->work.n; i++) {
		struct change *c = &f->work.change[i];
		int got;

		if (c->remote != SIDE_GONE || c->known != KNOWN_BOTH ||
		    c->local == SIDE_GONE || c->done ||
		    !(f->policy.pull & POLICY_DELETE))
			continue;
		got = store_find_id(acc->store, c->msg, &row, err);
		if (got < 0)
			return -1;
		if (got == 0 || row.stage == ST_TOMBSTONE)
			continue;
		row.stage = ST_TOMBSTONE;
		row.when = clock_wall();
		row.uid.v = 0;
		if (c->local == SIDE_PRESENT) {
			/* Renamed meanwhile: it is this file that goes. */
			row.file = str_z(c->file);
			row.in_new = c->in_new;
		}
		if (store_msg_put(acc->store, &row, err) < 0)
			return -1;
	}
	return 0;
}

/* Messages that the server had, and that it may have moved. */
struct missing {
	size_t	n;
	bool	nameless;	/* of some, the server's id is not known (we
				 * uploaded them) or is another by now */
};

static void
count_missing(struct missing *m, const struct msg_row *row)
{
	m->n++;
	m->nameless = m->nameless || row->objid.n == 0 || row->uid.v == 0;
}

static int
find_missing(struct account *acc, struct folder **f, size_t n,
    struct missing *m, struct err *err)
{
	struct cursor *c = cursor_open(acc->store, 0, BY_STAGE, err);
	struct msg_row row;
	int got;

	if (c == NULL)
		return -1;
	while ((got = cursor_next(c, &row, err)) > 0)
		if (row.stage == ST_TOMBSTONE || row.stage == ST_GONE_REMOTE)
			count_missing(m, &row);
	cursor_close(c);
	for (size_t i = 0; i < acc->n_folders; i++)
		if (acc->folder[i]->missing && acc->folder[i]->policy.readonly)
			count_missing(m, &(struct msg_row){ 0 });
	for (size_t i = 0; i < n && got == 0; i++)
		for (size_t k = 0; k < f[i]->work.n && got == 0; k++) {
			const struct change *gone = &f[i]->work.change[k];

			if (gone->msg == 0 || (gone->remote != SIDE_GONE &&
			    gone->known != KNOWN_NOT))
				continue;
			got = store_find_id(acc->store, gone->msg, &row,
			    err);
			if (got > 0)
				count_missing(m, &row);
			got = got < 0 ? -1 : 0;
		}
	return got;
}

/* Fresh messages that are known after all stay in the list until all answers are
 * in, for the list is sorted. */
struct taken {
	size_t	*at;
	size_t	 n, cap;
};

static void
take_fresh(struct folder *f, struct taken *t, const struct seen *m)
{
	t->at = array_room(t->at, t->n, &t->cap, sizeof(*t->at));
	t->at[t->n++] = (size_t)(m - f->work.fresh);
}

static void
drop_taken(struct folder *f, const struct taken *t)
{
	struct seen *m = f->work.fresh;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		m[t->at[i]].uid = 0;
	for (size_t i = 0; i < f->work.n_fresh; i++)
		if (m[i].uid != 0)
			m[n++] = m[i];
	f->work.n_fresh = n;
}

/* The same message on both sides, and no row says so yet: now one does. */
static void
bind_candidate(struct candidate *cand, const struct seen *m)
{
	struct change *c = cand->change;

	cand->used = true;
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

/* A fresh message that is nothing new of its own folder. */
struct stranger {
	struct folder	*f;
	struct uid	 uid;
	bool		 known;		/* .head and .size are */
	struct hash	 head;
	uint64_t	 size;
	char		*objid;		/* NULL: none */
};

struct strangers {
	struct stranger	*v;
	size_t		 n, cap;
};

static void
note_stranger(struct strangers *all, struct folder *f, const struct ev_msg *m,
    const struct hash *head)
{
	struct stranger *s;

	all->v = array_room(all->v, all->n, &all->cap, sizeof(*all->v));
	s = &all->v[all->n++];
	*s = (struct stranger){ .f = f, .uid = m->uid, .size = m->size };
	if (head != NULL) {
		s->known = true;
		s->head = *head;
	}
	if (m->have & MSG_OBJID)
		s->objid = str_dup(m->objid);
}

static void
strangers_clear(struct strangers *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->v[i].objid);
	free(all->v);
}

/* What one search for partners among a folder's fresh messages needs. */
struct search {
	struct candidates	 cs;
	struct taken		 taken;
	struct uidset		 answered;
	struct hasher		*hasher;
	unsigned		 items;		/* of FETCH */
	struct work		 kept;		/* more changes for the folder */
	int64_t			*bound;		/* the rows of those, room for
						 * all fresh */
	struct map		 by_row;
	struct strangers	*others;
};

/* The change of a row that was only here, and is on the server again. */
static void
bind_kept(struct folder *f, struct search *s, const struct msg_row *row,
    const struct seen *m)
{
	struct change *c = work_find(&f->work, row->id);
	int64_t *id = &s->bound[s->by_row.n];

	*id = row->id;
	map_put(&s->by_row, KEY_OF(*id), 0);
	if (c == NULL) {
		c = work_add(&s->kept);
		c->msg = row->id;
		c->file = str_dup(row->file);
		c->in_new = row->in_new;
		c->ino = row->ino;
		c->local = SIDE_PRESENT;
		c->local_flags = local_flags(f, row->file);
	}
	c->known = KNOWN_BOTH;
	c->base = row->flags;
	c->uid.v = m->uid;
	c->remote = SIDE_PRESENT;
	c->remote_flags = (struct flags){ m->sys, m->kw };
}

/* What policy kept when the server lost it: 1 if the server has it again. */
static int
match_kept(struct account *acc, struct folder *f, struct search *s,
    const struct seen *m, const struct hash *head, uint64_t size,
    struct err *err)
{
	struct cursor *c = cursor_open_head(acc->store, f->id, head, size, err);
	struct msg_row row;
	int got;

	if (c == NULL)
		return -1;
	while ((got = cursor_next(c, &row, err)) > 0) {
		const struct change *u = work_find(&f->work, row.id);

		if (row.stage == ST_GONE_REMOTE && row.unique.n > 0 &&
		    !map_has(&s->by_row, KEY_OF(row.id)) &&
		    (u == NULL || u->local != SIDE_GONE))
			break;
	}
	if (got > 0)
		bind_kept(f, s, &row, m);
	cursor_close(c);
	return got;
}

static int
match_fresh(struct account *acc, struct folder *f, struct search *s,
    const struct ev_msg *m, struct err *err)
{
	struct seen *fresh = work_fresh(&f->work, m->uid);
	struct candidate *cand;
	struct msgid_hash id;
	int got;

	if (fresh == NULL)
		return 0;
	if (!(m->have & MSG_HEADER)) {
		note_stranger(s->others, f, m, NULL);
		return 0;
	}
	hasher_add(s->hasher, m->header.p, m->header.n);
	hasher_end(s->hasher, &id);
	cand = candidates_find(&s->cs, &id.head, m->size);
	if (cand != NULL) {
		bind_candidate(cand, fresh);
		take_fresh(f, &s->taken, fresh);
		return !(m->have & MSG_DATE) ? 0 :
		    local_set_date(acc, f, cand->change, m->date, err);
	}
	got = match_kept(acc, f, s, fresh, &id.head, m->size, err);
	if (got > 0)
		take_fresh(f, &s->taken, fresh);
	else if (got == 0)
		note_stranger(s->others, f, m, &id.head);
	return got < 0 ? -1 : 0;
}

/* 1: its file has followed, 0: it is fetched, -1. */
static int
follow_stranger(struct account *acc, const struct stranger *s,
    struct follow *follow, struct err *err)
{
	struct msg_row row;
	int got = follow_find(acc, str_z(s->objid), s->known ? &s->head : NULL,
	    s->size, &row, err);

	if (got > 0)
		got = follow_move(acc, s->f, follow, work_fresh(&s->f->work,
		    s->uid), &row, str_z(s->objid), err);
	if (got < 0 && err->class == ERR_MSG) {
		/* A file of that name is there. */
		log_info("%s: %s", s->f->name, err->text);
		got = 0;
	}
	return got;
}

/* All folders have been asked: what is new in one may be lost in another. */
static int
match_strangers(struct account *acc, const struct strangers *others,
    struct err *err)
{
	struct follow follow = { 0 };
	struct taken taken = { 0 };
	struct err ignored;
	int r = 0;

	for (size_t i = 0; i < others->n && r >= 0; i++) {
		const struct stranger *s = &others->v[i];

		r = follow_stranger(acc, s, &follow, err);
		if (r > 0)
			take_fresh(s->f, &taken, work_fresh(&s->f->work, s->uid));
		if (r >= 0 && i + 1 < others->n && others->v[i + 1].f == s->f)
			continue;
		/* What was followed stays so, whatever came after. */
		if (follow_settle(acc, s->f, &follow, r < 0 ? &ignored : err) < 0)
			r = -1;
		drop_taken(s->f, &taken);
		follow.n = taken.n = 0;
	}
	free(follow.left);
	free(taken.at);
	return r < 0 ? -1 : 0;
}

static bool
has_objids(const struct account *acc)
{
	return imap_can(acc->work, CAP_OBJECTID) ||
	    imap_can(acc->work, CAP_GMAIL) || imap_can(acc->work, CAP_XGUID);
}

/* 0 with *status; -1. */
static int
ask_identity(struct account *acc, struct folder *f, struct search *s,
    const struct uidset *uids, enum done_status *status, struct err *err)
{
	uint32_t req = imap_fetch(acc->work, uids, s->items, (struct modseq){ 0 });
	struct event ev;
	int r;

	remote_want_msgs(acc, true);
	while ((r = remote_next(acc, &ev, err)) > 0) {
		if (ev.kind == EV_DONE && ev.done.req == req) {
			*status = ev.done.status;
			r = 0;
			break;
		}
		if (ev.kind != EV_MSG)
			continue;
		uidset_add(&s->answered, ev.msg.uid.v, ev.msg.uid.v);
		if (match_fresh(acc, f, s, &ev.msg, err) < 0) {
			r = -1;
			break;
		}
	}
	remote_want_msgs(acc, false);
	if (r < 0)
		remote_drain(acc, req, err);
	return r;
}

/* A server that refuses one message may refuse all: the others are asked for one
 * by one.  What it refuses then is left to the download, which will say so. */
static int
ask_one_by_one(struct account *acc, struct folder *f, struct search *s,
    struct err *err)
{
	enum done_status status;
	int r = 0;

	for (size_t i = 0; i < f->work.n_fresh && r == 0; i++) {
		struct uid uid = { f->work.fresh[i].uid };
		struct uidset one;

		if (uidset_has(&s->answered, uid))
			continue;
		uidset_init(&one);
		uidset_add(&one, uid.v, uid.v);
		r = ask_identity(acc, f, s, &one, &status, err);
		uidset_clear(&one);
	}
	return r;
}

static int
ask_fresh(struct account *acc, struct folder *f, struct search *s,
    struct err *err)
{
	enum done_status status;
	struct uidset all;
	int r;

	uidset_init(&all);
	for (size_t i = 0; i < f->work.n_fresh; i++)
		uidset_add(&all, f->work.fresh[i].uid, f->work.fresh[i].uid);
	r = ask_identity(acc, f, s, &all, &status, err);
	uidset_clear(&all);
	if (r == 0 && status != DONE_OK)
		r = ask_one_by_one(acc, f, s, err);
	return r;
}

static void
add_kept(struct folder *f, struct work *kept)
{
	for (size_t i = 0; i < kept->n; i++)
		*work_add(&f->work) = kept->change[i];
	if (kept->n > 0)
		work_sort(&f->work);
	free(kept->change);
}

static int
pair_fresh(struct account *acc, struct folder *f, const struct missing *missing,
    struct strangers *others, struct err *err)
{
	struct search s = { .others = others };
	int r;

	if (f->work.n_fresh == 0)
		return 0;
	uidset_init(&s.answered);
	map_init(&s.by_row);
	s.bound = xcalloc(f->work.n_fresh, sizeof(*s.bound));
	r = candidates_collect(&s.cs, f, err);
	if (r == 0 && (s.cs.n > 0 || missing->n > 0)) {
		s.hasher = hasher_new();
		s.items = FETCH_OBJID | FETCH_SIZE | FETCH_DATE;
		if (s.cs.n > 0 || missing->nameless || !has_objids(acc))
			s.items |= FETCH_HEADER;
		r = remote_select(acc, f, err);
		if (r == 0)
			r = ask_fresh(acc, f, &s, err);
		drop_taken(f, &s.taken);
		add_kept(f, &s.kept);
	}
	hasher_free(s.hasher);
	uidset_clear(&s.answered);
	candidates_clear(&s.cs);
	map_clear(&s.by_row);
	free(s.taken.at);
	free(s.bound);
	return r;
}

static bool
any_fresh(struct folder **f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (f[i]->work.n_fresh > 0)
			return true;
	return false;
}

int
pair_changes(struct account *acc, struct folder **f, size_t n, struct err *err)
{
	struct missing missing = { 0 };
	struct strangers others = { 0 };
	int r = pair_files(acc, f, n, err);

	if (r < 0 || (acc->dry_run && !acc->conf->restore.on) ||
	    !any_fresh(f, n))
		return r;
	if (find_missing(acc, f, n, &missing, err) < 0)
		return -1;
	for (size_t i = 0; i < n && r == 0; i++) {
		if (!f[i]->work.remote_read)
			continue;
		r = pair_fresh(acc, f[i], &missing, &others, err);
		if (r == 0)
			continue;
		if (err->class != ERR_FOLDER && err->class != ERR_MSG) {
			err_wrap(err, "pair %s", f[i]->name);
			break;
		}
		problem_open(acc, PROBLEM_WARNING, err->code, f[i], "", "%s",
		    err->text);
		f[i]->skip = f[i]->work.failed = true;
		r = 0;
	}
	if (r == 0)
		r = match_strangers(acc, &others, err);
	strangers_clear(&others);
	return r;
}
