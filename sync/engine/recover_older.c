/*
 * recover_older.c — REPLACED: an older version, or what a COPY left behind.  The
 * newer one is settled by now: this one is expunged.
 */
#include "engine/recover_impl.h"

#include <string.h>

#include "base/clock.h"
#include "engine/remote.h"
#include "imap/cmd.h"

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

int
recover_older(struct account *acc, int64_t id, struct err *err)
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
		return recover_stays_open(acc, f, err) ? 0 : -1;
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
