/* missing.c — what the server no longer has where it was. */
#include "engine/missing.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/sorted.h"
#include "engine/candidate.h"
#include "engine/unread.h"

static void
note(struct missing *m, const struct msg_row *row)
{
	struct missed *one;

	m->v = array_room(m->v, m->n, &m->cap, sizeof(*m->v));
	one = &m->v[m->n++];
	*one = (struct missed){
		.row = row->id,
		.folder = row->folder,
		.size = row->wire_size,
		.date = row->date,
		.kept = row->stage == ST_GONE_REMOTE && row->unique.n > 0,
		.nameless = row->objid.n == 0 || row->uid.v == 0,
	};
	if (row->objid.n > 0) {
		struct like key;

		like_key(&key, LIKE_OBJID, row->objid);
		one->objid = key.key;
		one->has_objid = true;
	}
}

static void
note_present(void *m, const struct msg_row *row)
{
	if (row->stage == ST_PRESENT)
		note(m, row);
}

static int
note_staged(struct account *acc, struct missing *m, struct err *err)
{
	struct cursor *c = cursor_open_stages(acc->store, STAGE(ST_TOMBSTONE) |
	    STAGE(ST_GONE_REMOTE));
	struct msg_row row;
	int got;

	while ((got = cursor_next(c, &row, err)) > 0)
		note(m, &row);
	cursor_close(c);
	return got;
}

/* What the round found out just now. */
static int
note_changes(struct account *acc, const struct folder *f, struct missing *m,
    struct err *err)
{
	for (size_t k = 0; k < f->work.n; k++) {
		const struct change *gone = &f->work.change[k];
		struct msg_row row;
		int got;

		if (gone->msg == 0 || (gone->remote != SIDE_GONE &&
		    gone->known != KNOWN_NOT && !(f->unread && unread_changed(gone))))
			continue;
		got = store_find_id(acc->store, gone->msg, &row, err);
		if (got < 0)
			return -1;
		if (got > 0 && row.stage != ST_TOMBSTONE &&
		    row.stage != ST_GONE_REMOTE)
			note(m, &row);
	}
	return 0;
}

static int
by_size(const void *a, const void *b)
{
	const struct missed *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

int
missing_find(struct account *acc, struct folder **f, size_t n,
    struct missing *m, struct err *err)
{
	int r = note_staged(acc, m, err);

	/* A backup's folder that the server does not list any more, or one that
	 * nobody could look into: all of it. */
	for (size_t i = 0; i < acc->n_folders && r == 0; i++)
		if ((acc->folder[i]->missing && acc->folder[i]->policy.readonly) ||
		    (acc->folder[i]->unseen && unread_waits(acc)))
			r = folder_each_file(acc, acc->folder[i], note_present, m,
			    err);
	for (size_t i = 0; i < n && r == 0; i++)
		r = note_changes(acc, f[i], m, err);
	if (m->n > 1)
		qsort(m->v, m->n, sizeof(*m->v), by_size);
	return r;
}

bool
missing_size(const struct missing *m, uint64_t size, bool objids)
{
	const struct missed key = { .size = size };
	size_t i = sorted_at(&key, m->v, m->n, sizeof(*m->v), by_size);

	for (; i < m->n && m->v[i].size == size; i++)
		if (!objids || m->v[i].nameless)
			return true;
	return false;
}

void
missing_clear(struct missing *m)
{
	free(m->v);
	*m = (struct missing){ 0 };
}
