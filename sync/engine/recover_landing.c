/*
 * recover_landing.c — LANDING: a message that was being written here.
 * Its file is in cur/ or new/: PRESENT; in tmp/: rename it; nowhere: forget the row,
 * the message is fetched again.
 */
#include "engine/recover_impl.h"

#include <stdlib.h>

#include "engine/land.h"
#include "engine/letters.h"
#include "engine/local.h"
#include "maildir/deliver.h"
#include "maildir/dir.h"

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

int
recover_landing(struct account *acc, int64_t id, struct err *err)
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
	if (got < 0 && recover_stays_open(acc, f, err))
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
