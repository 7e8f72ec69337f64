/* candidate.c — files and rows that wait for their message, and what they are
 * compared by. */
#include "engine/candidate.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/header.h"
#include "engine/local.h"
#include "engine/missing.h"
#include "maildir/dir.h"

/* What is longer is cut in the rows, or no Message-ID. */
enum { MSGID_MAX = 250 };

void
like_key(struct like *m, enum like_by by, struct str text)
{
	struct hasher *hasher = hasher_new();
	struct msgid_hash id;

	hasher_add(hasher, text.p, text.n);
	hasher_end(hasher, &id);
	hasher_free(hasher);
	m->key = id.all;
	m->by = by;
}

void
like_key_msgid(struct like *m, const char *msgid)
{
	size_t n = msgid != NULL ? strlen(msgid) : 0;

	m->by = LIKE_NONE;
	if (n > 0 && n <= MSGID_MAX)
		like_key(m, LIKE_MSGID, str_z(msgid));
}

static struct candidate *
add(struct candidates *cs)
{
	struct candidate *c;

	cs->v = array_room(cs->v, cs->n, &cs->cap, sizeof(*cs->v));
	c = &cs->v[cs->n++];
	*c = (struct candidate){ .like.date = LIKE_NO_DATE };
	return c;
}

/* A file's date is that of its twin on the server; a row knows it. */
static int
add_change(struct account *acc, struct folder *f, struct candidates *cs,
    struct change *change, struct err *err)
{
	struct msg_row row = { 0 };
	struct candidate *c;
	struct mstat st;
	int got = local_digest(f, change, err);

	if (got <= 0)
		return got < 0 && err->class != ERR_MSG ? -1 : 0;
	got = change->msg != 0 ?
	    store_find_id(acc->store, change->msg, &row, err) :
	    mdir_stat(f->fd, change->in_new, change->file, &st, err);
	if (got <= 0)
		return got < 0 && err->class != ERR_MSG ? -1 : 0;
	c = add(cs);
	c->change = change;
	c->row = change->msg;
	c->head = change->content->id.head;
	c->all = change->content->id.all;
	c->like.size = change->content->wire_size;
	c->like.date = change->msg != 0 ? row.date : st.mtime;
	c->like.draft = (f->attrs & LIST_DRAFTS) ||
	    (change->local_flags.sys & FLAG_DRAFT);
	if (row.objid.n > 0)
		like_key(&c->like, LIKE_OBJID, row.objid);
	return 0;
}

static void
add_kept(struct folder *f, struct candidates *cs, const struct missing *missing)
{
	for (size_t i = 0; i < missing->n; i++) {
		const struct missed *m = &missing->v[i];
		const struct change *u;
		struct candidate *c;

		if (m->folder != f->id || !m->kept)
			continue;
		u = work_find(&f->work, m->row);
		if (u != NULL && u->local == SIDE_GONE)
			continue;
		c = add(cs);
		c->row = m->row;
		c->like.size = m->size;
		c->like.date = m->date;
		c->like.key = m->objid;
		c->like.by = m->has_objid ? LIKE_OBJID : LIKE_NONE;
		c->like.draft = f->attrs & LIST_DRAFTS;
	}
}

int
candidates_collect(struct account *acc, struct folder *f,
    const struct missing *missing, struct candidates *cs, struct err *err)
{
	for (size_t i = 0; i < f->work.n; i++) {
		struct change *c = &f->work.change[i];

		if (c->known == KNOWN_NOT && c->local == SIDE_PRESENT &&
		    !c->done && add_change(acc, f, cs, c, err) < 0)
			return -1;
	}
	add_kept(f, cs, missing);
	/* The array does not move any more. */
	cs->like = xcalloc(cs->n + 1, sizeof(struct like *));
	for (size_t i = 0; i < cs->n; i++) {
		cs->like[i] = &cs->v[i].like;
		cs->objids = cs->objids || cs->v[i].like.by == LIKE_OBJID;
		if (cs->v[i].change != NULL)
			cs->v[i].like.all = &cs->v[i].all;
	}
	return 0;
}

/* From the file: 1, 0: it is gone, -1. */
static int
read_msgid(struct folder *f, struct candidate *c, struct err *err)
{
	struct header h = { 0 };
	char text[4096];
	ssize_t n;
	int fd = mdir_open(f->fd, c->change->in_new, c->change->file, err);

	if (fd < 0)
		return err->class == ERR_MSG ? 0 : -1;
	while (!h.ended && (n = read(fd, text, sizeof(text))) > 0)
		header_add(&h, (struct str){ text, (size_t)n });
	close(fd);
	header_end(&h);
	like_key_msgid(&c->like, h.msgid);
	header_clear(&h);
	return 1;
}

static int
key_of_row(struct account *acc, struct candidate *c, enum like_by by,
    struct err *err)
{
	struct msg_row row;
	int got = store_find_id(acc->store, c->row, &row, err);
	char *msgid;

	if (got <= 0)
		return got;
	c->head = row.head;
	c->all = row.all;
	c->like.all = &c->all;
	if (by == LIKE_MSGID) {
		msgid = str_dup(row.msgid);
		like_key_msgid(&c->like, msgid);
		free(msgid);
	}
	return 0;
}

static int
set_key(struct account *acc, struct folder *f, struct candidate *c,
    enum like_by by, struct err *err)
{
	c->like.by = LIKE_NONE;
	if (c->row != 0 && key_of_row(acc, c, by, err) < 0)
		return -1;
	if (by == LIKE_MSGID)
		return c->row == 0 && read_msgid(f, c, err) < 0 ? -1 : 0;
	if (c->like.all == NULL)
		return 0;	/* its row is gone */
	c->like.key = by == LIKE_HEAD ? c->head : c->all;
	c->like.by = by;
	return 0;
}

int
candidates_key(struct account *acc, struct folder *f, struct candidates *cs,
    enum like_by by, struct err *err)
{
	for (size_t i = 0; i < cs->n; i++)
		if (cs->v[i].like.mate == NULL && cs->v[i].like.wanted &&
		    set_key(acc, f, &cs->v[i], by, err) < 0)
			return -1;
	return 0;
}

void
candidates_clear(struct candidates *cs)
{
	free(cs->v);
	free(cs->like);
	*cs = (struct candidates){ 0 };
}
