/*
 * flag.c — flags to the server, flags to file names, and rows alone.
 *
 * Flags are written as deltas, so that two writers of different flags do not
 * undo each other.  All of it is idempotent: done first, recorded after; a crash
 * between the two makes the next round find both sides equal.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/apply.h"
#include "engine/dirsync.h"
#include "engine/hooks.h"
#include "engine/local.h"
#include "engine/remote.h"
#include "engine/upload_impl.h"
#include "imap/cmd.h"
#include "maildir/dir.h"
#include "maildir/name.h"

/* ---- to the server ---------------------------------------------------- */

/* Messages that get the same delta share a command. */
struct group {
	struct flags	add, del;
	struct uidset	uids;
	uint32_t	req_add, req_del;
	bool		ok;
};

struct groups {
	struct group	*v;
	size_t		 n, cap;
};

static struct group *
group_for(struct groups *g, struct flags add, struct flags del)
{
	for (size_t i = 0; i < g->n; i++)
		if (flags_eq(g->v[i].add, add) && flags_eq(g->v[i].del, del))
			return &g->v[i];
	g->v = array_room(g->v, g->n, &g->cap, sizeof(*g->v));
	g->v[g->n] = (struct group){ .add = add, .del = del };
	return &g->v[g->n++];
}

static int
wait_group(struct account *acc, struct folder *f, uint32_t req, bool *ok,
    struct err *err)
{
	struct answer a;

	if (remote_wait(acc, req, &a, err) < 0)
		return -1;
	if (a.status != DONE_OK) {
		*ok = false;
		f->work.failed = true;
		problem_open(acc, PROBLEM_WARNING, "server.read-only", f, "",
		    "%s: the server does not take flags: %s", f->name, a.text);
	}
	answer_clear(&a);
	return 0;
}

static int
store_groups(struct account *acc, struct folder *f, struct groups *g,
    struct err *err)
{
	for (size_t i = 0; i < g->n; i++) {
		if (!flags_none(g->v[i].add))
			g->v[i].req_add = imap_store(acc->work, &g->v[i].uids,
			    true, g->v[i].add, &f->kw);
		if (!flags_none(g->v[i].del))
			g->v[i].req_del = imap_store(acc->work, &g->v[i].uids,
			    false, g->v[i].del, &f->kw);
	}
	for (size_t i = 0; i < g->n; i++) {
		g->v[i].ok = true;
		if (wait_group(acc, f, g->v[i].req_add, &g->v[i].ok, err) < 0 ||
		    wait_group(acc, f, g->v[i].req_del, &g->v[i].ok, err) < 0)
			return -1;
	}
	return 0;
}

static int
record_flags(struct account *acc, struct folder *f, const struct change *c,
    const char *op, struct err *err)
{
	struct hook_was was = { .origin = "client" };
	struct msg_row row;
	int got = store_find_id(acc->store, c->msg, &row, err);

	if (got <= 0)
		return got;
	was.flags = row.flags;
	row.flags = c->out.flags;
	if (store_msg_touch(acc->store, &row, err) < 0 ||
	    account_audit(acc, op, f, &row, c->out.reason, err) < 0)
		return -1;
	return tell_message(acc, HOOK_FLAGS, f, &row, &was, err);
}

static int
record_stored(struct account *acc, struct folder *f, struct groups *g,
    struct err *err)
{
	int r = account_begin(acc, err);

	for (size_t i = 0; i < f->work.n && r == 0; i++) {
		struct change *c = &f->work.change[i];

		if (c->done || !(c->out.ops & OP_FLAGS_REMOTE))
			continue;
		if (!group_for(g, c->out.add, c->out.del)->ok) {
			/* Not agreed: the file must not be renamed either. */
			c->out.ops = 0;
			continue;
		}
		acc->tally.flags_remote++;
		dirsync_came(acc, f);
		/* With a local half to come, that one records both. */
		if (c->msg != 0 && !(c->out.ops & OP_FLAGS_LOCAL))
			r = record_flags(acc, f, c, "flags-remote", err);
	}
	return account_end(acc, r, err);
}

static bool
is_store(const struct change *c)
{
	return !c->done && (c->out.ops & OP_FLAGS_REMOTE);
}

/* What the server would not keep is not sent, and not agreed on: it would be gone
 * there, and then here. */
static void
keep_here(struct change *c, struct flags unkept)
{
	struct flags left = flags_minus(c->out.add, unkept);

	c->out.flags = flags_minus(c->out.flags, flags_minus(c->out.add, left));
	c->out.add = left;
	if (!flags_none(c->out.add) || !flags_none(c->out.del))
		return;
	c->out.ops &= ~(unsigned)OP_FLAGS_REMOTE;
	if (c->out.ops == 0 && (c->known == KNOWN_NOT ||
	    !flags_eq(c->out.flags, c->base)))
		c->out.ops = OP_AGREE;
}

/* The changes that there are, once the mailbox is open and has told what it keeps. */
static void
group(struct account *acc, struct folder *f, struct groups *g)
{
	struct flags unkept = imap_unkept(acc->work, &f->kw);

	for (size_t i = 0; i < f->work.n; i++) {
		struct change *c = &f->work.change[i];

		if (is_store(c))
			keep_here(c, unkept);
		if (is_store(c))
			uidset_collect(&group_for(g, c->out.add,
			    c->out.del)->uids, c->uid.v, c->uid.v);
	}
	for (size_t i = 0; i < g->n; i++)
		uidset_settle(&g->v[i].uids);
}

int
apply_flags_remote(struct account *acc, struct folder *f, struct err *err)
{
	struct groups g = { 0 };
	size_t n = 0;
	int r;

	for (size_t i = 0; i < f->work.n; i++)
		n += is_store(&f->work.change[i]);
	if (n == 0)
		return 0;
	r = remote_select(acc, f, err);
	if (r == 0) {
		group(acc, f, &g);
		r = store_groups(acc, f, &g, err);
	}
	if (r == 0)
		r = record_stored(acc, f, &g, err);
	for (size_t i = 0; i < g.n; i++)
		uidset_clear(&g.v[i].uids);
	free(g.v);
	return r;
}

/* ---- to file names ---------------------------------------------------- */

static int
rename_to_show(struct account *acc, struct folder *f, struct change *c,
    struct err *err)
{
	char name[MNAME_MAX];
	bool to_new;
	int got;

	if (local_name(acc, f, f, c->file, c->in_new, c->out.local, name,
	    &to_new) < 0) {
		problem_open(acc, PROBLEM_WARNING, "store.name-too-long", f, "",
		    "%s: no room for flags in the name %s", f->name, c->file);
		return 0;
	}
	got = strcmp(name, c->file) == 0 && to_new == c->in_new ? 1 :
	    local_rename(acc, f, c->in_new, c->file, f, to_new, name, err);
	if (got > 0) {
		free(c->file);
		c->file = xstrdup(name);
		c->in_new = to_new;
		/* A new version goes to the server with them. */
		c->local_flags = c->out.local;
	}
	return got;
}

/* More than its flags: a client gave it another name, or the server another
 * UID, and it was found again by its content. */
static bool
found_again(const struct msg_row *row, const struct change *c)
{
	struct mname name;

	return row->uid.v != c->uid.v || (mname_parse(str_z(c->file), &name) &&
	    !str_eq(row->unique, name.unique));
}

static int
record_name(struct account *acc, struct folder *f, struct change *c,
    struct err *err)
{
	struct hook_was was = { .origin = "server" };
	struct msg_row row;
	bool all;
	int got = store_find_id(acc->store, c->msg, &row, err);

	if (got <= 0)
		return got;
	was.flags = row.flags;
	all = found_again(&row, c);
	if (all) {
		got = row_of_file(acc, f, c, &row, err);
		if (got <= 0)
			return got;
	}
	row.flags = c->out.flags;
	row.file = str_z(c->file);
	row.in_new = c->in_new;
	if ((all ? store_msg_put(acc->store, &row, err) :
	    store_msg_touch(acc->store, &row, err)) < 0 ||
	    account_audit(acc, "flags-local", f, &row, c->out.reason, err) < 0)
		return -1;
	return tell_message(acc, HOOK_FLAGS, f, &row, &was, err);
}

int
apply_flags_local(struct account *acc, struct folder *f, struct err *err)
{
	bool any = false;
	int r;

	/* New letters are agreed on with other clients before they are used. */
	if (folder_load(acc, f, err) < 0 || local_keywords(acc, f, err) < 0)
		return -1;
	for (size_t i = 0; i < f->work.n; i++) {
		struct change *c = &f->work.change[i];
		int got;

		if (c->done || !(c->out.ops & OP_FLAGS_LOCAL))
			continue;
		got = rename_to_show(acc, f, c, err);
		if (got < 0)
			return -1;
		if (got == 0) {
			/* A client was faster: look again. */
			c->out.ops = 0;
			folder_mark(f, DIRTY_SCAN);
			f->work.failed = true;
			continue;
		}
		acc->tally.flags_local++;
		any = true;
	}
	if (!any)
		return 0;
	r = account_begin(acc, err);
	for (size_t i = 0; i < f->work.n && r == 0; i++) {
		struct change *c = &f->work.change[i];

		if (!c->done && (c->out.ops & OP_FLAGS_LOCAL) && c->msg != 0)
			r = record_name(acc, f, c, err);
	}
	return account_end(acc, r, err);
}

/* ---- rows alone ------------------------------------------------------- */

int
row_of_open(struct account *acc, struct folder *f, struct change *c,
    const struct mstat *st, struct msg_row *row, struct err *err)
{
	struct mname name;

	if (c->msg != 0) {
		int got = store_find_id(acc->store, c->msg, row, err);

		if (got < 0)
			return -1;
		must(got > 0);
	} else {
		*row = (struct msg_row){ .folder = f->id };
	}
	/* Another file may have come to that name since, a draft that was saved
	 * again: what we know is not about that one, which is still to be seen. */
	if (st == NULL || (c->ino != 0 && st->ino != c->ino) ||
	    !mname_parse(str_z(c->file), &name)) {
		folder_mark(f, DIRTY_SCAN);
		f->work.failed = true;
		return 0;
	}
	row->uid = c->uid;
	/* What one side had lost, and has again. */
	if (c->uid.v != 0 && (row->stage == ST_GONE_REMOTE ||
	    row->stage == ST_GONE_LOCAL))
		row->stage = ST_PRESENT;
	row->unique = name.unique;
	row->file = str_z(c->file);
	row->in_new = c->in_new;
	row->ino = st->ino;
	/* What was written to it since is still to be seen, too. */
	if (c->content != NULL)
		row->size = c->content->size;
	else if (c->msg == 0)
		row->size = st->size;
	row->date = st->mtime;
	if (c->content != NULL) {
		row->wire_size = c->content->wire_size;
		row->eol = c->content->eol;
		row->head = c->content->id.head;
		row->all = c->content->id.all;
	}
	return 1;
}

int
row_of_file(struct account *acc, struct folder *f, struct change *c,
    struct msg_row *row, struct err *err)
{
	struct mstat st;
	int there = mdir_stat(f->fd, c->in_new, c->file, &st, err);

	return there < 0 ? -1 :
	    row_of_open(acc, f, c, there > 0 ? &st : NULL, row, err);
}

/* The file has another name, or another inode, and nothing else is new. */
static int
record_file(struct account *acc, struct folder *f, struct change *c,
    struct err *err)
{
	struct msg_row row;
	int got;

	if (c->msg == 0 || c->local != SIDE_PRESENT)
		return 0;
	got = row_of_file(acc, f, c, &row, err);
	if (got <= 0)
		return got;
	row.flags = c->out.ops & OP_AGREE ? c->out.flags : row.flags;
	return store_msg_put(acc->store, &row, err);
}

/* Both sides have it, by content, and no row says so yet. */
static int
record_pair(struct account *acc, struct folder *f, struct change *c,
    struct err *err)
{
	struct msg_row row;
	int got = row_of_file(acc, f, c, &row, err);

	if (got <= 0)
		return got;
	row.stage = ST_PRESENT;
	row.flags = c->out.flags;
	if (store_msg_put(acc->store, &row, err) < 0)
		return -1;
	c->msg = row.id;
	return account_audit(acc, "match", f, &row,
	    "the same content is on both sides", err);
}

static int
set_stage(struct account *acc, struct folder *f, struct change *c,
    enum stage stage, const char *op, struct err *err)
{
	struct msg_row row;
	int got = store_find_id(acc->store, c->msg, &row, err);

	if (got <= 0)
		return got;
	row.stage = stage;
	if (!(c->out.ops & OP_REPLACE))
		row.flags = c->out.flags;
	if (stage == ST_GONE_LOCAL)
		row.unique = row.file = STR_NONE;
	else
		row.uid.v = 0;
	if (stage == ST_GONE_REMOTE)
		row.when = clock_wall();
	if (store_msg_put(acc->store, &row, err) < 0)
		return -1;
	return account_audit(acc, op, f, &row, c->out.reason, err);
}

/* Gone there, and since when.  A file that no row knows yet gets one: what is
 * not known cannot be found again. */
static int
keep_file(struct account *acc, struct folder *f, struct change *c,
    struct err *err)
{
	struct msg_row row;
	int got;

	if (c->msg != 0) {
		acc->tally.kept++;
		return set_stage(acc, f, c, ST_GONE_REMOTE, "keep-local", err);
	}
	got = local_digest(f, c, err);
	if (got > 0)
		got = row_of_file(acc, f, c, &row, err);
	if (got <= 0)
		return got;
	row.stage = ST_GONE_REMOTE;
	row.when = clock_wall();
	row.flags = c->out.flags;
	return store_msg_put(acc->store, &row, err);
}

static int
forget_row(struct account *acc, struct folder *f, struct change *c,
    struct err *err)
{
	struct msg_row row;
	int got = store_find_id(acc->store, c->msg, &row, err);

	if (got <= 0)
		return got;
	if (account_audit(acc, "forget", f, &row, c->out.reason, err) < 0)
		return -1;
	return store_msg_remove(acc->store, c->msg, err);
}

/* A new version that was refused is written again, or gone: that is done to the older
 * one, which is still on the server, when the folder is looked at once more.  1, 0:
 * there is none, -1. */
static int
hand_to_older(struct account *acc, struct folder *f, struct change *c,
    struct err *err)
{
	struct msg_row row;
	int got = store_find_id(acc->store, c->msg, &row, err);

	if (got <= 0 || row.stage != ST_REFUSED)
		return got < 0 ? -1 : 0;
	got = upload_older_again(acc, &row, err);
	if (got <= 0)
		return got;
	c->out.ops = 0;
	folder_mark(f, DIRTY_SCAN);
	return store_msg_remove(acc->store, c->msg, err) < 0 ? -1 : 1;
}

static int
apply_row(struct account *acc, struct folder *f, struct change *c,
    struct err *err)
{
	unsigned ops = c->out.ops;

	if (c->msg != 0 && (ops & (OP_UPLOAD | OP_FORGET))) {
		int got = hand_to_older(acc, f, c, err);

		if (got != 0)
			return got < 0 ? -1 : 0;
	}
	if (ops & OP_FORGET)
		return c->msg != 0 ? forget_row(acc, f, c, err) : 0;
	if (ops & OP_KEEP_REMOTE)
		return set_stage(acc, f, c, ST_GONE_LOCAL, "keep-remote", err);
	if (ops & OP_KEEP_LOCAL)
		return keep_file(acc, f, c, err);
	if (c->msg == 0 && c->uid.v != 0 && c->local == SIDE_PRESENT)
		return record_pair(acc, f, c, err);
	if (ops == 0 || ops == OP_AGREE || ops == OP_FLAGS_REMOTE)
		return record_file(acc, f, c, err) < 0 ? -1 :
		    ops == OP_AGREE && c->local != SIDE_PRESENT ?
		    record_flags(acc, f, c, "agree", err) : 0;
	return 0;
}

/* Fresh messages that policy does not pull are known to be left alone. */
static int
leave_fresh(struct account *acc, struct folder *f, struct err *err)
{
	for (size_t i = 0; i < f->work.n_fresh; i++) {
		struct msg_row row = {
			.folder = f->id,
			.uid = { f->work.fresh[i].uid },
			.stage = ST_GONE_LOCAL,
			.flags = { f->work.fresh[i].sys, f->work.fresh[i].kw },
		};

		if (store_msg_put(acc->store, &row, err) < 0)
			return -1;
	}
	return 0;
}

static int
write_rows(struct account *acc, struct folder *f, bool leave, struct err *err)
{
	for (size_t i = 0; i < f->work.n; i++) {
		struct change *c = &f->work.change[i];

		if (!c->done && c->from == 0 && apply_row(acc, f, c, err) < 0)
			return -1;
	}
	return leave ? leave_fresh(acc, f, err) : 0;
}

int
apply_rows(struct account *acc, struct folder *f, struct err *err)
{
	bool leave = f->work.n_fresh > 0 && !(f->policy.pull & POLICY_NEW);
	bool any = leave;

	for (size_t i = 0; i < f->work.n; i++)
		any = any || !f->work.change[i].done;
	if (!any)
		return 0;
	if (account_begin(acc, err) < 0)
		return -1;
	return account_end(acc, write_rows(acc, f, leave, err), err);
}
