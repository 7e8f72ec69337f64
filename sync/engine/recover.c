/*
 * recover.c — settling intents: which rows are open, and in what order they are seen
 * to.  Landings are recover_landing.c's; uploads and moves, APPENDING and MOVING,
 * recover_intent.c's; REPLACED rows, recover_older.c's; none of them calls this.
 * Recovery may itself be killed at any point: each step leaves rows that it can
 * begin with again.
 */
#include "engine/recover.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/recover_impl.h"
#include "engine/upload_impl.h"
#include "maildir/deliver.h"

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
		got = upload_older_again(acc, &row, err) < 0 ? -1 : 0;
	if (got == 0)
		got = folder_save(acc, f, err);
	return account_end(acc, got, err);
}

static int
collect(struct account *acc, struct open_rows *o, struct err *err)
{
	struct cursor *c = cursor_open_stages(acc->store, STAGE(ST_LANDING) |
	    STAGE(ST_REPLACED) | STAGE(ST_APPENDING) | STAGE(ST_MOVING) |
	    STAGE(ST_REFUSED));
	struct msg_row row;
	int got;

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
			intents_add(acc, &o->intents, &row);
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
	struct cursor *c = cursor_open_stages(acc->store, STAGE(ST_LANDING));
	struct msg_row row;
	int got, r = 0;

	acc->filing = false;
	while (r == 0 && (got = cursor_next(c, &row, err)) > 0)
		if (row.to != 0)
			r = recover_landing(acc, row.id, err);
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
		r = recover_landing(acc, o.landing[i], err);
	/* What is to land yet may be nowhere but there. */
	if (r == 0 && !acc->filing && acc->recovered)
		r = clean_tmp(acc, err);
	link_versions(&o);
	if (r == 0)
		r = intents_settle(acc, &o.intents, err);
	for (size_t i = 0; i < o.n_replaced && r == 0; i++) {
		const struct intent *newer = newer_of(&o.intents,
		    &o.replaced[i]);

		if (newer == NULL || !newer->stays_open)
			r = recover_older(acc, o.replaced[i].row, err);
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
