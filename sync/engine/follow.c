/*
 * follow.c — a message that the server moved: its file follows, by one rename, and
 * no body is on the wire.
 *
 * The files of a batch are renamed, then their directories are synced, then the
 * rows are committed.  Until then a file in its new place looks like one that was
 * moved on both sides, and is found as that.
 */
#include "engine/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sorted.h"
#include "engine/diff.h"
#include "engine/dirsync.h"
#include "engine/hooks.h"
#include "engine/local.h"
#include "engine/problem.h"
#include "engine/unread.h"
#include "imap/cmd.h"
#include "maildir/dir.h"
#include "maildir/name.h"

/* A backup has every message once: its file goes where the server has it. */
static bool
follows(const struct folder *f)
{
	return (f->policy.pull & POLICY_DELETE) || f->policy.readonly;
}

/* Is it a message that the server has lost, or has under another number or in
 * another folder by now? */
static bool
was_lost(struct account *acc, const struct msg_row *row)
{
	const struct change *c;
	struct folder *f = account_by_id(acc, row->folder);

	if (row->stage == ST_TOMBSTONE)
		return true;
	if (f == NULL || !follows(f) || row->unique.n == 0)
		return false;
	c = work_find(&f->work, row->id);
	if (c != NULL && (c->done || c->remote == SIDE_PRESENT))
		return false;
	if (f->policy.readonly && (row->stage == ST_GONE_REMOTE ||
	    (row->stage == ST_PRESENT && (row->uid.v == 0 || f->missing))))
		return true;
	return c != NULL && c->remote == SIDE_GONE;
}

static int
by_row(const void *a, const void *b)
{
	const struct moved *x = a, *y = b;

	if (x->was != y->was)
		return x->was < y->was ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

void
follow_begin(struct account *acc, struct follow *fo)
{
	*fo = (struct follow){ 0 };
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct work *w = &acc->folder[i]->work;

		for (size_t k = 0; k < w->n; k++) {
			if (w->change[k].was == 0)
				continue;
			fo->moved = array_room(fo->moved, fo->n,
			    &fo->cap, sizeof(*fo->moved));
			fo->moved[fo->n] = (struct moved){
			    w->change[k].was, fo->n, acc->folder[i],
			    &w->change[k] };
			fo->n++;
		}
	}
	if (fo->n > 1)
		qsort(fo->moved, fo->n, sizeof(*fo->moved), by_row);
}

void
follow_end(struct follow *fo)
{
	free(fo->moved);
}

static int
of_row(const void *msg, const void *moved)
{
	int64_t a = *(const int64_t *)msg, b = ((const struct moved *)moved)->was;

	return (a > b) - (a < b);
}

/* The file that used to be the row's, if it was moved here as well: then the
 * server's move wins. */
static struct change *
moved_file(const struct follow *fo, int64_t msg, struct folder **where)
{
	size_t i = sorted_at(&msg, fo->moved, fo->n, sizeof(*fo->moved), of_row);

	for (; i < fo->n && fo->moved[i].was == msg; i++)
		if (!fo->moved[i].change->done) {
			*where = fo->moved[i].folder;
			return fo->moved[i].change;
		}
	return NULL;
}

/* Or may it be that: it waits itself, or its folder could not be read, and what was
 * changed here, or may have been, would be lost with it? */
static bool
may_be_lost(struct account *acc, const struct msg_row *row)
{
	struct folder *f = account_by_id(acc, row->folder);
	const struct change *c = f != NULL ? work_find(&f->work, row->id) : NULL;

	if (c != NULL && c->waits)
		return true;
	return f != NULL && f->unread && unread_waits(acc) &&
	    (f->unseen || (c != NULL && unread_changed(c)));
}

/* The first of the rows that the server has lost, or ${may} have; closes the cursor. */
static int
first_lost(struct account *acc, struct cursor *c, bool may, struct msg_row *row,
    struct err *err)
{
	int64_t id = 0;
	int got;

	if (c == NULL)
		return -1;
	while ((got = cursor_next(c, row, err)) > 0)
		if (may ? may_be_lost(acc, row) : was_lost(acc, row)) {
			id = row->id;
			break;
		}
	cursor_close(c);
	return got > 0 ? store_find_id(acc->store, id, row, err) : got;
}

static int
find(struct account *acc, bool may, struct str objid, const struct hash *head,
    uint64_t wire_size, struct msg_row *row, struct err *err)
{
	int got = 0;

	if (objid.n > 0)
		got = first_lost(acc, cursor_open_objid(acc->store, objid, err),
		    may, row, err);
	if (got == 0 && head != NULL)
		got = first_lost(acc, cursor_open_head(acc->store, 0, head,
		    wire_size, err), may, row, err);
	return got;
}

int
follow_find(struct account *acc, struct str objid, const struct hash *head,
    uint64_t wire_size, struct msg_row *row, struct err *err)
{
	return find(acc, false, objid, head, wire_size, row, err);
}

int
follow_later(struct account *acc, struct str objid, const struct hash *head,
    uint64_t wire_size, struct err *err)
{
	struct msg_row row;

	return find(acc, true, objid, head, wire_size, &row, err);
}

/* What the file of a message that the server moved is to show: what was changed
 * here meanwhile is not lost.  Bits are those of ${to}. */
static struct diff_out
merge_moved(struct account *acc, struct folder *home, struct folder *letters,
    struct folder *to, const struct msg_row *row, const char *file,
    struct flags remote)
{
	uint64_t shown = kwfile_shown(&letters->kwfile, ~(uint64_t)0,
	    &letters->kw);
	struct flags local = local_flags(letters, str_z(file));
	struct diff_in in = { .base = KNOWN_BOTH, .remote = SIDE_PRESENT,
	    .local = SIDE_PRESENT, .remote_flags = remote,
	    .base_flags = row->flags, .local_flags = local };

	in.base_flags.kw = kwtab_translate(row->flags.kw, &home->kw, &to->kw);
	in.local_flags.kw = kwtab_translate(local.kw, &letters->kw, &to->kw);
	in.local_blind.kw = ~kwtab_translate(shown, &letters->kw, &to->kw);
	return diff_message(&in, &to->policy,
	    (enum conf_conflict)acc->conf->conflict);
}

/* In the transaction that the caller of follow_move() ends. */
static int
record_move(struct account *acc, const struct folder *home, struct folder *to,
    struct msg_row *row, struct str objid, struct err *err)
{
	bool same = objid.n == 0 || str_eq(objid, row->objid);
	struct hook_was was = { .mailbox = home != NULL ? home->name : "",
	    .origin = "server" };

	if (account_join(acc, err) < 0)
		return -1;
	if (!same)
		row->objid = objid;
	if ((same ? store_msg_moved(acc->store, row, err) :
	    store_msg_put(acc->store, row, err)) < 0 ||
	    account_audit(acc, "move-local", to, row, "moved on the server",
	    err) < 0)
		return -1;
	return tell_message(acc, HOOK_MOVED, to, row, &was, err);
}

/* What cannot be read is fetched: 0.  1: both are loaded. */
static int
load_both(struct account *acc, struct folder *from, struct folder *to,
    struct err *err)
{
	if (from == NULL)
		return 0;
	if (folder_load(acc, from, err) == 0 && folder_load(acc, to, err) == 0)
		return 1;
	return err->class == ERR_FOLDER ? 0 : -1;
}

/* The name of the file in ${to}.  1, 0: it can have none, -1: not now; fetched
 * afresh it would have lost what was changed here. */
static int
name_there(struct account *acc, struct folder *to, const struct folder *letters,
    const char *file, bool in_new, struct flags flags, struct flags shown,
    char out[MNAME_MAX], bool *out_new, struct err *err)
{
	/* Its note is a transaction of its own: before ours is begun.  Letters are
	 * agreed on before a name uses them, also those of keywords that are gone
	 * here: where there is no letter, nobody sees that. */
	if (account_delivering(acc, err) < 0 ||
	    local_letters(acc, to, flags.kw | shown.kw, err) < 0)
		return -1;
	return local_name(acc, to, letters, file, in_new, shown, out,
	    out_new) == 0;
}

/* Its file is what it was, and where: fetched, it would be here twice.  Unless a file
 * of that name is there. */
static bool
stays_behind(struct account *acc, struct folder *to, const struct err *err)
{
	if ((err->class != ERR_MSG && err->class != ERR_FOLDER) || err->errnum == EEXIST)
		return false;
	problem_open(acc, PROBLEM_WARNING, err->code, to, "", "%s", err->text);
	return true;
}

/* One message on its way. */
struct way {
	struct folder	*home;		/* whose row it has; NULL: dropped */
	struct folder	*from, *to;	/* of its file */
	struct folder	*letters;	/* by which its name shows keywords */
	struct change	*old;		/* of the row; NULL: none */
	struct change	*moved;		/* of a file that was moved as well; NULL */
	char		*file;		/* what it is called by now */
};

/* false: deleted here meanwhile, and its move wins, by a download. */
static bool
find_file(struct account *acc, const struct follow *fo, struct msg_row *row,
    struct way *w)
{
	const struct change *now;

	w->from = w->letters = w->home = account_by_id(acc, row->folder);
	if (w->home != NULL) {
		w->old = work_find(&w->home->work, row->id);
		w->moved = moved_file(fo, row->id, &w->from);
	}
	if (w->moved == NULL && w->old != NULL && w->old->local == SIDE_GONE)
		return false;
	if (w->moved != NULL && w->moved->letters == NULL)
		w->letters = w->from;
	now = w->moved != NULL ? w->moved :
	    w->old != NULL && w->old->local != SIDE_SAME ? w->old : NULL;
	w->file = now != NULL ? xstrdup(now->file) : str_dup(row->file);
	if (now != NULL)
		row->in_new = now->in_new;
	return true;
}

static void
leave_file(const struct way *w)
{
	w->to->work.failed = true;
	if (w->old != NULL)
		work_leave(&w->home->work, w->old);
	if (w->moved != NULL)
		work_leave(&w->from->work, w->moved);
}

static int
rename_file(struct account *acc, const struct way *w, bool in_new, const char *name,
    bool to_new, struct err *err)
{
	if (w->from == w->to && strcmp(w->file, name) == 0 && in_new == to_new)
		return 1;
	return local_rename(acc, w->from, in_new, w->file, w->to, to_new, name, err);
}

/* Its file is ${name} now, and ${m} what the server has. */
static int
arrived(struct account *acc, const struct way *w, const struct seen *m,
    struct msg_row *row, const char *name, bool in_new, struct str objid,
    struct err *err)
{
	struct mname parts;

	/* Also if a client had given it that name already. */
	dirsync_came(acc, w->to);
	dirsync_left(acc, w->from);
	must(mname_parse(str_z(name), &parts));
	row->folder = w->to->id;
	row->uid.v = m->uid;
	row->stage = ST_PRESENT;
	row->unique = parts.unique;
	row->file = str_z(name);
	row->in_new = in_new;
	row->flags = (struct flags){ m->sys, m->kw };
	if (record_move(acc, w->home, w->to, row, objid, err) < 0)
		return -1;
	acc->tally.moved++;
	if (w->old != NULL)
		w->old->done = true;
	if (w->moved != NULL)
		w->moved->done = true;
	return 1;
}

static int
follow(struct account *acc, const struct way *w, const struct seen *m,
    struct msg_row *row, struct str objid, struct err *err)
{
	struct flags flags = { m->sys, m->kw };
	struct diff_out out;
	char name[MNAME_MAX];
	bool to_new;
	int got = load_both(acc, w->from, w->to, err);

	if (got <= 0)
		return got;
	out = merge_moved(acc, w->home, w->letters, w->to, row, w->file, flags);
	got = name_there(acc, w->to, w->letters, w->file, row->in_new, flags,
	    out.local, name, &to_new, err);
	if (got <= 0)
		return got;
	got = rename_file(acc, w, row->in_new, name, to_new, err);
	if (got < 0 && stays_behind(acc, w->to, err)) {
		leave_file(w);
		return 1;
	}
	if (got <= 0)
		return got;
	/* What is new about it here is found there. */
	if ((out.ops & OP_FLAGS_REMOTE) ||
	    (w->old != NULL && w->old->local == SIDE_REPLACED))
		folder_mark(w->to, DIRTY_SCAN);
	return arrived(acc, w, m, row, name, to_new, objid, err);
}

int
follow_move(struct account *acc, struct folder *to, const struct follow *fo,
    const struct seen *m, struct msg_row *row, struct str objid,
    struct err *err)
{
	struct way w = { .to = to };
	int got = find_file(acc, fo, row, &w) ? follow(acc, &w, m, row, objid, err) : 0;

	free(w.file);
	return got;
}
