/* upload_row.c — the rows of messages on their way up: intended, taken, refused. */
#include "engine/upload_impl.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/apply.h"
#include "engine/header.h"
#include "engine/hooks.h"
#include "maildir/name.h"

enum { HEADER_BYTES = 16384 };

static int
read_header(int fd, struct header *h)
{
	char block[HEADER_BYTES];
	ssize_t n = pread(fd, block, sizeof(block), 0);

	if (n > 0)
		header_add(h, (struct str){ block, (size_t)n });
	header_end(h);
	return n < 0 ? -1 : 0;
}

int
upload_intend(struct account *acc, struct folder *f, struct change *c,
    const struct mstat *st, struct upload *u, struct err *err)
{
	struct header h = { 0 };
	struct msg_row row;
	int got;

	got = row_of_open(acc, f, c, st, &row, err);
	if (got <= 0)
		return got;
	(void)read_header(u->up.fd, &h);
	if (c->out.ops & OP_REPLACE) {
		/* The old version keeps its row until it is expunged. */
		row.id = row.to = 0;
		row.objid = STR_NONE;
	}
	row.uid.v = 0;
	row.stage = ST_APPENDING;
	row.seek = f->uidnext > 0 ? f->uidnext : 1;
	row.flags = u->up.flags;
	row.subject = str_z(h.subject);
	row.from = str_z(h.from);
	row.msgid = str_z(h.msgid);
	got = store_msg_put(acc->store, &row, err);
	u->row = row.id;
	u->up.date = row.date;
	header_clear(&h);
	return got < 0 ? -1 : 1;
}

int
upload_let_go(struct account *acc, const struct change *c, int64_t newer,
    struct err *err)
{
	struct msg_row row;
	int got;

	if (!(c->out.ops & OP_REPLACE))
		return 0;
	got = store_find_id(acc->store, c->msg, &row, err);
	if (got <= 0)
		return got;
	row.stage = c->out.ops & OP_KEEP_REMOTE ? ST_GONE_LOCAL : ST_REPLACED;
	row.to = row.stage == ST_REPLACED ? newer : 0;
	row.unique = row.file = STR_NONE;
	return store_msg_put(acc->store, &row, err);
}

int
upload_older_back(struct account *acc, int64_t id, const char *file, bool in_new,
    struct err *err)
{
	struct msg_row row;
	struct mname name;
	int got = store_find_id(acc->store, id, &row, err);

	if (got <= 0)
		return got;
	row.stage = file != NULL ? ST_PRESENT : ST_GONE_LOCAL;
	row.to = 0;
	if (file != NULL && mname_parse(str_z(file), &name)) {
		row.unique = name.unique;
		row.file = str_z(file);
		row.in_new = in_new;
	}
	return store_msg_put(acc->store, &row, err);
}

int
upload_older_again(struct account *acc, const struct msg_row *refused,
    struct err *err)
{
	char *file = str_dup(refused->file);
	int64_t folder = refused->folder, id = refused->to;
	bool in_new = refused->in_new;
	struct msg_row old;
	int got = id == 0 ? 0 : store_find_id(acc->store, id, &old, err);

	/* Unless somebody has seen to it meanwhile. */
	if (got > 0 && (old.stage != ST_GONE_LOCAL || old.folder != folder))
		got = 0;
	if (got > 0 && upload_older_back(acc, id, file, in_new, err) < 0)
		got = -1;
	free(file);
	return got;
}

int
upload_take_back(struct account *acc, struct change *c, bool name, struct err *err)
{
	if (!(c->out.ops & OP_REPLACE))
		return 0;
	c->out.ops = 0;
	return upload_older_back(acc, c->msg, name ? c->file : NULL, c->in_new,
	    err);
}

int
upload_refuse(struct account *acc, struct folder *f, struct upload *u, bool for_good,
    const char *why, struct err *err)
{
	struct msg_row row;
	int got;

	problem_open(acc, PROBLEM_WARNING, "server.refused-message", f, "",
	    "%s: the server does not take %s: %s; it stays here only",
	    f->name, u->change->file, why);
	acc->tally.refused++;
	if (account_begin(acc, err) < 0)
		return -1;
	got = store_find_id(acc->store, u->row, &row, err);
	if (got > 0) {
		row.stage = ST_REFUSED;
		row.when = for_good ? 0 : clock_wall();
		row.to = u->change->out.ops & OP_REPLACE ? u->change->msg : 0;
		got = store_msg_put(acc->store, &row, err) < 0 ||
		    account_audit(acc, "refuse", f, &row, why, err) < 0 ||
		    upload_take_back(acc, u->change, false, err) < 0 ? -1 : 0;
	}
	return account_end(acc, got, err);
}

int
upload_withdraw(struct account *acc, struct folder *f, struct upload *u,
    struct err *err)
{
	int r;

	f->work.failed = true;
	if (account_begin(acc, err) < 0)
		return -1;
	r = store_msg_remove(acc->store, u->row, err);
	if (r == 0)
		r = upload_take_back(acc, u->change, true, err);
	return account_end(acc, r, err);
}

int
upload_settle(struct account *acc, struct folder *f, const struct upload *u,
    uint32_t uid, struct err *err)
{
	struct msg_row row;
	int got = store_find_id(acc->store, u->row, &row, err);

	if (got <= 0)
		return got;
	row.uid.v = uid;
	row.stage = ST_PRESENT;
	row.seek = 0;
	if (store_msg_taken(acc->store, row.id, uid, err) < 0 ||
	    account_audit(acc, "upload", f, &row, u->change->out.reason, err) < 0)
		return -1;
	return tell_message(acc, HOOK_UPLOADED, f, &row,
	    &(struct hook_was){ .origin = "client" }, err);
}
