/*
 * age.c — old mail is left on the server.
 *
 * A row says so, or each round would see it as new.  Its .when tells it from one
 * that was deleted here.  A message that gets too old later stays.
 */
#include "engine/age.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/identify.h"
#include "engine/remote.h"
#include "engine/remote_impl.h"
#include "imap/cmd.h"

#define LIMIT_KEY	"limits.max_age"

static int
forget_left(struct account *acc, struct err *err)
{
	struct cursor *c = cursor_open_stages(acc->store, STAGE(ST_GONE_LOCAL));
	struct msg_row row;
	int got;

	while ((got = cursor_next(c, &row, err)) > 0) {
		struct folder *f = account_by_id(acc, row.folder);

		if (row.when == 0)
			continue;
		got = store_msg_remove(acc->store, row.id, err);
		if (got < 0)
			break;
		/* The server is to be asked afresh. */
		if (f != NULL && f->uidnext != 0) {
			f->modseq.v = 0;
			f->uidnext = 0;
			folder_mark(f, DIRTY_REMOTE);
			got = folder_save(acc, f, err);
		}
		if (got < 0)
			break;
	}
	cursor_close(c);
	return got;
}

int
age_begin(struct account *acc, struct err *err)
{
	char now[32], *last;
	bool same;
	int r;

	if (store_get(acc->store, LIMIT_KEY, &last, err) < 0)
		return -1;
	snprintf(now, sizeof(now), "%lld", (long long)acc->conf->limits.max_age);
	same = strcmp(last != NULL ? last : "0", now) == 0;
	free(last);
	if (same || acc->dry_run || acc->conf->restore.on)
		return 0;
	if (account_begin(acc, err) < 0)
		return -1;
	r = forget_left(acc, err);
	if (r == 0)
		r = store_set(acc->store, LIMIT_KEY, str_z(now), err);
	return account_end(acc, r, err);
}

static int
search_old(struct account *acc, struct folder *f, struct err *err)
{
	int64_t since = (clock_wall() - acc->conf->limits.max_age) / 1000000;
	struct uidset fresh;
	int r;

	uidset_init(&fresh);
	for (size_t i = 0; i < f->work.n_fresh; i++)
		uidset_add(&fresh, f->work.fresh[i].uid, f->work.fresh[i].uid);
	r = remote_select(acc, f, err);
	if (r == 0) {
		remote_find(acc->remote);
		r = remote_expect(acc, imap_search_before(acc->work, &fresh,
		    since), ERR_FOLDER, f->name, err);
	}
	uidset_clear(&fresh);
	return r;
}

static int
note_left(struct account *acc, struct folder *f, const struct seen *m,
    struct err *err)
{
	struct msg_row row = {
		.folder = f->id,
		.uid = { m->uid },
		.stage = ST_GONE_LOCAL,
		.flags = { m->sys, m->kw },
		.when = clock_wall(),
	};

	return acc->dry_run ? 0 : store_msg_put(acc->store, &row, err);
}

/* In a transaction, but for a dry run. */
static int
leave_found(struct account *acc, struct folder *f, struct err *err)
{
	const struct uidset *found = remote_found(acc->remote);
	struct uid *old = xcalloc(f->work.n_fresh, sizeof(*old));
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < f->work.n_fresh && r == 0; i++) {
		struct uid uid = { f->work.fresh[i].uid };

		if (!uidset_has(found, uid))
			continue;
		old[n++] = uid;
		r = note_left(acc, f, &f->work.fresh[i], err);
	}
	if (r == 0)
		identify_drop(f, old, n);
	if (r == 0 && n > 0)
		log_info("%s: %zu messages are older than limits.max_age and "
		    "stay on the server", f->name, n);
	free(old);
	return r;
}

int
age_leave(struct account *acc, struct folder *f, struct err *err)
{
	if (acc->conf->limits.max_age == 0 || acc->conf->restore.on ||
	    f->work.n_fresh == 0 || f->skip || !f->work.remote_read ||
	    !(f->policy.pull & POLICY_NEW))
		return 0;
	if (search_old(acc, f, err) < 0)
		return -1;
	if (acc->dry_run)
		return leave_found(acc, f, err);
	if (account_begin(acc, err) < 0)
		return -1;
	return account_end(acc, leave_found(acc, f, err), err);
}
