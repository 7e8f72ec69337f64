/*
 * remove.c — deletions, on either side.
 *
 * On the server: \Trash by default, else UID EXPUNGE of exactly these UIDs, never
 * a bare EXPUNGE, which would also purge what other clients have marked.  Here: a
 * hard link into the undo store, then unlink.
 */
#include "engine/remove.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/apply.h"
#include "engine/dirsync.h"
#include "engine/hooks.h"
#include "engine/remote.h"
#include "engine/undo.h"
#include "imap/cmd.h"
#include "maildir/dir.h"

/* ---- on the server ---------------------------------------------------- */

static bool
is_delete(const struct change *c)
{
	return !c->done && ((c->out.ops & OP_DELETE_REMOTE) ||
	    ((c->out.ops & OP_REPLACE) && !(c->out.ops & OP_KEEP_REMOTE)));
}

enum how { TO_TRASH, EXPUNGE, FLAG_ONLY };

static enum how
how_to_delete(const struct account *acc, const struct folder *f,
    const struct change *c, struct folder **trash)
{
	*trash = account_by_use(acc, LIST_TRASH);
	if (c->out.ops & OP_REPLACE)
		return imap_can(acc->work, CAP_UIDPLUS) ? EXPUNGE : FLAG_ONLY;
	if (acc->conf->trash.local_delete == LDEL_FLAG)
		return FLAG_ONLY;
	if (acc->conf->trash.local_delete == LDEL_MOVE && *trash != NULL &&
	    *trash != f && !(c->base.sys & FLAG_DELETED))
		return TO_TRASH;
	return imap_can(acc->work, CAP_UIDPLUS) ? EXPUNGE : FLAG_ONLY;
}

static void
refused(struct account *acc, struct folder *f, const struct answer *a)
{
	f->work.failed = true;
	/* Older versions are recover.c's. */
	acc->recovered = false;
	problem_open(acc, PROBLEM_WARNING, "server.read-only", f, "",
	    "%s: the server would not delete: %s", f->name, a->text);
}

/* One flight: STORE and UID EXPUNGE together. */
static int
mark_and_expunge(struct account *acc, struct folder *f,
    const struct uidset *uids, bool expunge, bool *ok, struct err *err)
{
	struct flags deleted = { .sys = FLAG_DELETED };
	struct kwtab none = { 0 };
	uint32_t store = imap_store(acc->work, uids, true, deleted, &none);
	uint32_t gone = expunge ? imap_expunge(acc->work, uids) : 0;
	struct answer a;

	*ok = true;
	for (int k = 0; k < 2; k++) {
		if (remote_wait(acc, k == 0 ? store : gone, &a, err) < 0)
			return -1;
		if (a.status != DONE_OK) {
			*ok = false;
			refused(acc, f, &a);
		}
		answer_clear(&a);
	}
	return 0;
}

static int
move_to_trash(struct account *acc, struct folder *f, const struct uidset *uids,
    struct folder *trash, bool *ok, struct err *err)
{
	bool move = imap_can(acc->work, CAP_MOVE);
	struct answer a;

	if (remote_wait(acc, imap_copy(acc->work, uids, str_z(trash->wire),
	    move), &a, err) < 0)
		return -1;
	*ok = a.status == DONE_OK;
	if (!*ok)
		refused(acc, f, &a);
	else
		folder_mark(trash, DIRTY_REMOTE);
	answer_clear(&a);
	if (*ok && !move)
		return mark_and_expunge(acc, f, uids,
		    imap_can(acc->work, CAP_UIDPLUS), ok, err);
	return 0;
}

/* Nothing can take a message out of its mailbox, but a bare EXPUNGE. */
static bool
only_marked(const struct account *acc)
{
	return !imap_can(acc->work, CAP_MOVE) && !imap_can(acc->work, CAP_UIDPLUS);
}

static int
record_deleted(struct account *acc, struct folder *f, struct change *c,
    enum how how, struct err *err)
{
	static const char *const ops[] = { "trash-remote", "expunge-remote",
	    "mark-remote" };
	struct msg_row row;
	int got = store_find_id(acc->store, c->msg, &row, err);

	if (got <= 0)
		return got;
	if (account_audit(acc, ops[how], f, &row, c->out.reason, err) < 0 ||
	    tell_message(acc, HOOK_REMOVED, f, &row, &(struct hook_was){
	    .origin = "client" }, err) < 0)
		return -1;
	if (how != FLAG_ONLY && !(how == TO_TRASH && only_marked(acc)))
		return store_msg_remove(acc->store, c->msg, err);
	/* Still there, marked: known, so that it is not fetched again. */
	row.stage = ST_GONE_LOCAL;
	row.to = 0;
	row.unique = row.file = STR_NONE;
	row.flags.sys |= FLAG_DELETED;
	return store_msg_put(acc->store, &row, err);
}

static int
delete_group(struct account *acc, struct folder *f, enum how how, struct err *err)
{
	struct folder *trash = NULL;
	struct uidset uids, left;
	bool ok = true;
	int r;

	uidset_init(&uids);
	uidset_init(&left);
	for (size_t i = 0; i < f->work.n; i++) {
		struct change *c = &f->work.change[i];

		if (is_delete(c) && c->uid.v != 0 &&
		    how_to_delete(acc, f, c, &trash) == how)
			uidset_collect(&uids, c->uid.v, c->uid.v);
	}
	uidset_settle(&uids);
	if (uids.n == 0)
		return 0;
	r = remote_select(acc, f, err);
	if (r == 0 && how == TO_TRASH)
		r = move_to_trash(acc, f, &uids, trash, &ok, err);
	else if (r == 0)
		r = mark_and_expunge(acc, f, &uids, how == EXPUNGE, &ok, err);
	if (r == 0 && how == FLAG_ONLY && acc->conf->trash.local_delete != LDEL_FLAG)
		log_notice("%s: the server has no UIDPLUS: what is deleted here "
		    "stays there, marked \\Deleted", f->name);
	/* An OK is not proof: Dovecot has left messages behind that another
	 * session was busy with.  They are tried again. */
	if (r == 0 && ok && how == EXPUNGE)
		r = remote_left(acc, &uids, &left, err);
	if (left.n > 0)
		remote_try_again(acc, f);
	if (r == 0 && ok)
		r = account_begin(acc, err);
	for (size_t i = 0; i < f->work.n && r == 0 && ok; i++) {
		struct change *c = &f->work.change[i];

		if (!is_delete(c) || !uidset_has(&uids, c->uid) ||
		    uidset_has(&left, c->uid))
			continue;
		acc->tally.deleted_remote++;
		dirsync_left(acc, f);
		r = record_deleted(acc, f, c, how, err);
	}
	r = account_end(acc, r, err);
	uidset_clear(&uids);
	uidset_clear(&left);
	return r;
}

int
apply_deletes_remote(struct account *acc, struct folder *f, struct err *err)
{
	if (delete_group(acc, f, TO_TRASH, err) < 0 ||
	    delete_group(acc, f, EXPUNGE, err) < 0 ||
	    delete_group(acc, f, FLAG_ONLY, err) < 0)
		return -1;
	return 0;
}

/* ---- here ------------------------------------------------------------- */

/* -1 with *stuck: its file could not be taken, and nothing was written of it. */
static int
unlink_row(struct account *acc, int undo_fd, int64_t msg, const char *reason,
    bool *stuck, struct err *err)
{
	struct msg_row row;
	struct folder *f;
	char *file;
	int got = store_find_id(acc->store, msg, &row, err);

	*stuck = false;
	if (got <= 0)
		return got;
	f = account_by_id(acc, row.folder);
	if (f == NULL || folder_load(acc, f, err) < 0)
		return f == NULL ? 0 : -1;
	file = str_dup(row.file);
	got = acc->conf->trash.remote_delete == RDEL_UNLINK ? 0 :
	    undo_keep(undo_fd, f->fd, &row, file, err);
	if (got == 0)
		got = mdir_unlink(f->fd, row.in_new, file, err) < 0 ? -1 : 0;
	*stuck = got < 0;
	dirsync_left(acc, f);
	if (got > 0 && row.stage == ST_TOMBSTONE) {
		/* A client has just renamed it: a look tells to what. */
		folder_mark(f, DIRTY_SCAN);
		free(file);
		return 0;
	}
	if (got >= 0) {
		row.file = str_z(file);
		got = account_audit(acc, "delete-local", f, &row, reason, err);
		if (got == 0)
			got = tell_gone(acc, f, &row, "server", err);
	}
	if (got >= 0)
		got = store_msg_remove(acc->store, msg, err);
	if (got >= 0)
		acc->tally.deleted_local++;
	free(file);
	return got;
}

struct ids {
	int64_t	*v;
	size_t	 n, cap;
};

static void
ids_add(struct ids *ids, int64_t id)
{
	ids->v = array_room(ids->v, ids->n, &ids->cap, sizeof(*ids->v));
	ids->v[ids->n++] = id;
}

static int
collect_tombstones(struct account *acc, int64_t before, struct ids *ids,
    size_t *left, struct err *err)
{
	struct cursor *c = cursor_open_stages(acc->store, STAGE(ST_TOMBSTONE));
	struct msg_row row;
	bool any = false;
	int got;

	*left = 0;
	while ((got = cursor_next(c, &row, err)) > 0) {
		const struct folder *f;

		any = true;
		f = account_by_id(acc, row.folder);
		/* In a folder that takes no part nothing is unlinked. */
		if (f == NULL || !folder_active(f))
			continue;
		if (row.when >= before) {
			++*left;
			continue;
		}
		ids_add(ids, row.id);
	}
	cursor_close(c);
	acc->no_tombstones = got == 0 && !any;
	return got;
}

int
remove_tombstones(struct account *acc, int64_t before, size_t *n, struct err *err)
{
	struct ids ids = { 0 };
	struct err why, *told = err;
	bool stuck = false;
	int undo_fd = -1, r;

	/* Among what policy has left on one side there may be very many rows. */
	*n = 0;
	if (acc->no_tombstones)
		return 0;
	r = collect_tombstones(acc, before, &ids, n, err);
	if (r == 0 && ids.n > 0) {
		undo_fd = undo_open(acc->state_dir, acc->conf->name, true, err);
		r = undo_fd < 0 ? -1 : account_begin(acc, err);
	}
	for (size_t i = 0; i < ids.n && r == 0; i++) {
		if (unlink_row(acc, undo_fd, ids.v[i],
		    "deleted on the server", &stuck, err) == 0)
			continue;
		if (err->class != ERR_MSG && err->class != ERR_FOLDER) {
			r = -1;
			continue;
		}
		problem_open(acc, PROBLEM_WARNING, err->code, NULL, "", "%s",
		    err->text);
		++*n;
	}
	/* Those before it are gone, and known to be in the undo store only by what was
	 * written of them. */
	stuck = stuck && r < 0;
	if (stuck) {
		told = &why;
		r = 0;
	}
	if (undo_fd >= 0 && r == 0 && fsync(undo_fd) < 0)
		r = err_sys(told, ERR_LOCAL, "store.io", "sync the undo store");
	r = account_end(acc, r, told);
	if (undo_fd >= 0)
		close(undo_fd);
	free(ids.v);
	return stuck ? -1 : r;
}

/* ---- whole folders ---------------------------------------------------- */

/* Files whose messages the server had; what it never had, stays. */
static void
collect_file(void *ids, const struct msg_row *row)
{
	if (row->uid.v != 0 || row->stage == ST_TOMBSTONE)
		ids_add(ids, row->id);
}

static int
unlink_files(struct account *acc, struct folder *f, const struct ids *ids,
    struct err *err)
{
	int undo_fd = undo_open(acc->state_dir, acc->conf->name, true, err);
	int r = undo_fd < 0 ? -1 : 0;
	bool stuck;

	for (size_t i = 0; i < ids->n && r == 0; i++)
		if (unlink_row(acc, undo_fd, ids->v[i],
		    "its folder was deleted on the server", &stuck, err) < 0)
			r = -1;
	if (r == 0 && fsync(undo_fd) < 0)
		r = err_sys(err, ERR_LOCAL, "store.io", "sync the undo store");
	if (undo_fd >= 0)
		close(undo_fd);
	return r < 0 ? -1 : account_audit(acc, "delete-folder-local", f, NULL,
	    "deleted on the server", err);
}

/* 1: mail that was never on the server is left, 0: none, -1. */
static int
mail_left(struct account *acc, struct folder *f, struct err *err)
{
	struct mlist list;
	int left;

	if (folder_load(acc, f, err) < 0 || mdir_list(f->fd, &list, err) < 0)
		return -1;
	left = list.n > 0;
	mlist_clear(&list);
	return left;
}

/* With mail left, the directory is like one that the user has made: tree.c makes
 * a mailbox of it again.  With other files left, it is just left alone. */
int
remove_folder_local(struct account *acc, struct folder *f, struct err *err)
{
	struct ids ids = { 0 };
	bool keep = false;
	int left = 0, r;

	r = folder_each_file(acc, f, collect_file, &ids, err);
	if (r == 0)
		r = account_begin(acc, err);
	if (r == 0)
		r = unlink_files(acc, f, &ids, err);
	if (r == 0)
		r = left = mail_left(acc, f, err);
	if (r == 0 && mpath_remove(acc->root_fd, str_z(f->path), err) < 0) {
		log_warn("%s is not empty and stays: %s", f->name, err->text);
		keep = true;
	}
	if (r == 0 && !keep)
		r = tell_folder(acc, f, "removed", NULL, "server", err);
	if (r >= 0 && !keep)
		r = store_folder_remove(acc->store, f->id, err);
	r = account_end(acc, r, err);
	free(ids.v);
	if (r == 0 && left)
		log_notice("%s is gone on the server; new mail in it stays",
		    f->name);
	if (r == 0 && !keep)
		account_folder_drop(acc, f);
	return r;
}

int
remove_folder_remote(struct account *acc, struct folder *f, struct err *err)
{
	int r;

	if (remote_unselect(acc, err) < 0 ||
	    remote_expect(acc, imap_delete(acc->work, str_z(f->wire)),
	    ERR_FOLDER, f->name, err) < 0 || account_begin(acc, err) < 0)
		return -1;
	r = account_audit(acc, "delete-folder-remote", f, NULL, "deleted here",
	    err);
	if (r == 0)
		r = tell_folder(acc, f, "removed", NULL, "client", err);
	if (r == 0)
		r = store_folder_remove(acc->store, f->id, err);
	if (account_end(acc, r, err) < 0)
		return -1;
	account_folder_drop(acc, f);
	return 0;
}

int
remove_takes_more(struct account *acc, struct folder *f, bool *more,
    struct err *err)
{
	struct remote_status *s = &f->status;
	struct msg_row row;
	struct cursor *c;
	int got;

	s->have = 0;
	if (remote_unselect(acc, err) < 0 || remote_expect(acc,
	    imap_status(acc->work, str_z(f->wire)), ERR_FOLDER, f->name, err) < 0)
		return -1;
	*more = f->validity.v == 0 || !(s->have & STATUS_UIDVALIDITY) ||
	    s->validity.v != f->validity.v || !(s->have & STATUS_UIDNEXT) ||
	    s->uidnext != f->uidnext;
	c = cursor_open_stages(acc->store, STAGE(ST_REFUSED));
	while ((got = cursor_next(c, &row, err)) > 0)
		*more = *more || (row.folder == f->id && row.uid.v != 0);
	cursor_close(c);
	return got;
}
