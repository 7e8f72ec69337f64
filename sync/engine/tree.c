/*
 * tree.c — folders on the server, folders on disk.
 *
 * The raw wire name is a folder's key on the server, its directory the key here;
 * the row binds the two for good, so that no later change of escaping or of the
 * rename map can move mail.  A list that failed, or that lacks INBOX, proves
 * nothing about what is gone.
 */
#include "engine/tree.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/guard.h"
#include "engine/hooks.h"
#include "engine/list.h"
#include "engine/names.h"
#include "engine/pattern.h"
#include "engine/places.h"
#include "engine/remote.h"
#include "engine/remove.h"
#include "engine/renamed.h"
#include "engine/restore.h"
#include "engine/unread.h"
#include "imap/cmd.h"
#include "maildir/dir.h"
#include "maildir/name.h"

/* ---- the server's list against ours ----------------------------------- */

static bool
has_prefix(const char *name, const char *prefix, char delim)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) == 0 && name[n] == delim;
}

static char *
swap_prefix(const char *name, const char *from, const char *to)
{
	return xasprintf("%s%s", to, name + strlen(from));
}

/* The directories below a renamed one went with it. */
static int
follow_paths(struct account *acc, const char *from, const char *to,
    struct err *err)
{
	char sep = acc->conf->layout == CONF_NESTED ? '/' : '.';

	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];
		char *path;

		if (f->id == 0 || !has_prefix(f->path, from, sep))
			continue;
		path = swap_prefix(f->path, from, to);
		free(f->path);
		f->path = path;
		folder_shut(f);
		if (folder_save(acc, f, err) < 0)
			return -1;
	}
	return 0;
}

/* ${f} was renamed on the server to what ${now} (a new entry) is called. */
static int
adopt_rename(struct account *acc, struct folder *f, struct folder *now,
    struct err *err)
{
	char *from = xstrdup(f->path);
	int r = 0;

	log_notice("%s was renamed on the server to %s", f->name, now->name);
	if (strcmp(f->path, now->path) != 0)
		r = mpath_rename(acc->root_fd, (enum layout)acc->conf->layout,
		    str_z(f->path), str_z(now->path), err);
	if (r < 0 && faccessat(acc->root_fd, f->path, F_OK,
	    AT_SYMLINK_NOFOLLOW) == 0) {
		/* Another time: as a new folder its mail would be here twice. */
		account_folder_drop(acc, now);
		unread_mark(f);
	}
	if (r == 0 && (r = account_begin(acc, err)) == 0) {
		free(f->wire);
		f->wire = xstrdup(now->wire);
		free(f->name);
		f->name = xstrdup(now->name);
		if (strcmp(f->path, now->path) != 0) {
			free(f->path);
			f->path = xstrdup(now->path);
			r = follow_paths(acc, from, f->path, err);
		}
		f->attrs = now->attrs;
		f->delim = now->delim;
		f->status = now->status;
		f->excluded = now->excluded;
		folder_shut(f);
		if (r == 0)
			r = folder_save(acc, f, err);
		if (r == 0)
			r = account_audit(acc, "rename-local", f, NULL,
			    "renamed on the server", err);
		if (r == 0)
			r = tell_folder(acc, f, "renamed", from, "server", err);
		r = account_end(acc, r, err);
	}
	free(from);
	if (r == 0)
		account_folder_drop(acc, now);
	return r;
}

static int
folder_vanished(struct account *acc, struct folder *f, struct err *err)
{
	struct folder *now;
	bool many = false;

	if (acc->conf->restore.on)
		return restore_again(acc, f, err);
	if (renamed_there(acc, f, &now, err) < 0)
		return -1;
	if (now != NULL)
		return adopt_rename(acc, f, now, err);
	f->missing = true;
	if (acc->conf->folders.delete_local == GONE_DELETE &&
	    (f->policy.pull & POLICY_DELETE)) {
		/* The list may not be whole: nobody deletes so much unasked. */
		if (guard_whole(acc, f, &many, err) < 0)
			return -1;
		if (!many)
			return remove_folder_local(acc, f, err);
	}
	problem_open(acc, PROBLEM_WARNING, "server.folder-gone", f, "",
	    "%s is gone on the server; it is kept here as it is%s", f->name,
	    many ? ", with more mail than guards.max_delete allows" : "");
	return 0;
}

/* By that name the server has another mailbox now: was ours renamed before it was
 * made?  Then both are there, and what is here belongs to the one of the new name. */
static int
folder_replaced(struct account *acc, struct folder *f, struct err *err)
{
	struct folder *now, *other;
	int r;

	if (acc->conf->restore.on || f->validity.v == 0 ||
	    !(f->status.have & STATUS_UIDVALIDITY) ||
	    f->status.validity.v == f->validity.v)
		return 0;
	r = renamed_there(acc, f, &now, err);
	if (r < 0 || now == NULL)
		return r;
	other = account_folder_new(acc);
	other->wire = xstrdup(f->wire);
	other->name = xstrdup(f->name);
	other->path = xstrdup(f->path);
	other->delim = f->delim;
	other->attrs = f->attrs;
	other->status = f->status;
	other->excluded = f->excluded;
	r = adopt_rename(acc, f, now, err);
	if (r < 0)
		account_folder_drop(acc, other);
	return r;
}

/* The folder that is known here only gets the mailbox of ${f}. */
static struct folder *
bind_here(struct account *acc, struct folder *here, struct folder *f)
{
	here->wire = xstrdup(f->wire);
	here->delim = f->delim;
	here->attrs = f->attrs;
	here->status = f->status;
	folder_mark(here, DIRTY_REMOTE | DIRTY_SCAN);
	account_folder_drop(acc, f);
	return here;
}

/* *now is the folder that ${f} has become. */
static int
folder_appeared(struct account *acc, struct places *p, struct folder *f,
    struct folder **now, struct err *err)
{
	struct folder *here = places_here(p, f->path);

	*now = f;
	if (here != NULL)
		*now = f = bind_here(acc, here, f);
	else if (places_avoid(p, f, err) < 0)
		return -1;
	if (!acc->conf->folders.create_local &&
	    faccessat(acc->root_fd, f->path, F_OK, 0) < 0) {
		f->excluded = true;
		return 0;
	}
	f->policy = pattern_policy(acc->conf, str_z(f->name), f->attrs);
	if (!acc->conf->restore.on && mpath_create(acc->root_fd,
	    (enum layout)acc->conf->layout, str_z(f->path), err) < 0)
		return -1;
	folder_mark(f, DIRTY_REMOTE | DIRTY_SCAN);
	if (account_join(acc, err) < 0 || folder_save(acc, f, err) < 0 ||
	    account_audit(acc, "create-local", f, NULL,
	    "new on the server, unknown here", err) < 0)
		return -1;
	places_add(p, f);
	return tell_folder(acc, f, "created", NULL, "server", err);
}

static bool
one_folder_failed(struct account *acc, struct folder *f, const struct err *err)
{
	if (err->class != ERR_FOLDER && err->class != ERR_MSG)
		return false;
	problem_open(acc, PROBLEM_WARNING, err->code, f, "", "%s", err->text);
	return true;
}

/* Their directories are made one by one, their rows in one transaction, which the
 * caller commits: a first sync may have hundreds. */
static int
new_folders(struct account *acc, struct err *err)
{
	struct places p;
	int r = 0;

	places_init(&p, acc);
	for (size_t i = 0; i < acc->n_folders && r == 0;) {
		struct folder *f = acc->folder[i], *now;

		if (f->id != 0) {
			i++;
			continue;
		}
		if (f->excluded || (f->attrs & LIST_NOSELECT)) {
			account_folder_drop(acc, f);
			continue;
		}
		r = folder_appeared(acc, &p, f, &now, err);
		if (r < 0 && one_folder_failed(acc, now, err)) {
			if (now == f)
				account_folder_drop(acc, f);
			r = 0;
			continue;
		}
		i += now == f;
	}
	places_clear(&p);
	return r;
}

/* One that was deleted stays in the list for those below it, and cannot be selected
 * (RFC 9051 section 6.3.5). */
static bool
is_there(const struct folder *f)
{
	return f->status.listed && !(f->attrs & LIST_NOSELECT);
}

static int
sync_remote_list(struct account *acc, struct err *err)
{
	if (!list_has_inbox(acc))
		return err_set(err, ERR_RETRY, "proto.unexpected",
		    "the server lists no INBOX: nothing is concluded from "
		    "that list");
	if (renamed_spelling(acc, err) < 0)
		return -1;
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];

		if (f->id == 0 || f->wire == NULL || f->skip || is_there(f)) {
			if (is_there(f) && f->missing) {
				f->missing = false;
				problem_close(acc, "server.folder-gone", f);
			}
			if (f->id != 0 && f->wire != NULL && !f->skip &&
			    folder_replaced(acc, f, err) < 0 &&
			    !one_folder_failed(acc, f, err))
				return -1;
			if (i >= acc->n_folders || acc->folder[i] != f)
				i = (size_t)-1;
			continue;
		}
		if (!f->missing && folder_vanished(acc, f, err) < 0 &&
		    !one_folder_failed(acc, f, err))
			return -1;
		/* The array may have shrunk: look at this place again. */
		if (i >= acc->n_folders || acc->folder[i] != f)
			i = (size_t)-1;
	}
	return account_end(acc, new_folders(acc, err), err);
}

/* ---- the directories against ours ------------------------------------- */

/* The mailboxes below a renamed one went with it on the server. */
static int
follow_wires(struct account *acc, const char *from, const char *to, char delim,
    struct err *err)
{
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];
		char *wire;

		if (f->wire == NULL || !has_prefix(f->wire, from, delim))
			continue;
		wire = swap_prefix(f->wire, from, to);
		free(f->wire);
		f->wire = wire;
		if (folder_save(acc, f, err) < 0)
			return -1;
	}
	return 0;
}

static int
rename_remote(struct account *acc, struct folder *f, const char *path,
    struct err *err)
{
	char *wire = names_to_wire(acc, path), *from = xstrdup(f->wire);
	int r;

	if (wire == NULL)
		r = err_set(err, ERR_FOLDER, "server.folder-name-invalid",
		    "%s cannot be a mailbox name on this server", path);
	else if (strcmp(wire, from) == 0)
		r = 0;
	else
		r = remote_expect(acc, imap_rename(acc->work, str_z(from),
		    str_z(wire)), ERR_FOLDER, f->name, err);
	if (r == 0 && (r = account_begin(acc, err)) == 0) {
		log_notice("%s was renamed here to %s", f->name, path);
		free(f->wire);
		f->wire = xstrdup(wire);
		free(f->path);
		f->path = xstrdup(path);
		f->away = false;
		folder_shut(f);
		r = folder_save(acc, f, err);
		if (r == 0)
			r = follow_wires(acc, from, wire, f->delim, err);
		if (r == 0)
			r = account_audit(acc, "rename-remote", f, NULL,
			    "renamed here", err);
		if (r == 0)
			r = tell_folder(acc, f, "renamed", from, "client", err);
		r = account_end(acc, r, err);
		names_show(acc, f);
		folder_mark(f, DIRTY_REMOTE | DIRTY_SCAN);
	}
	free(wire);
	free(from);
	return r;
}

static int
create_remote(struct account *acc, const char *path, char *wire, struct err *err)
{
	struct folder *f;
	struct err unknown;
	struct answer a;
	bool there;
	int r;

	if (remote_wait(acc, imap_create(acc->work, str_z(wire)), &a, err) < 0) {
		free(wire);
		return -1;
	}
	there = a.status == DONE_OK || strcmp(a.code, "ALREADYEXISTS") == 0;
	if (!there) {
		err_set(err, ERR_FOLDER, "server.folder-name-invalid",
		    "create %s: the server said: %s", path, a.text);
		answer_clear(&a);
		free(wire);
		return -1;
	}
	answer_clear(&a);
	if (remote_wait(acc, imap_subscribe(acc->work, str_z(wire), true), &a,
	    err) < 0) {
		free(wire);
		return -1;
	}
	answer_clear(&a);
	f = account_by_path(acc, path);
	if (f == NULL) {
		f = account_folder_new(acc);
		f->path = xstrdup(path);
		f->name = xstrdup(path);
	}
	f->wire = wire;
	/* Its id, before somebody renames it there. */
	if (remote_expect(acc, imap_status(acc->work, str_z(wire)), ERR_FOLDER,
	    f->name, &unknown) < 0 && unknown.class != ERR_FOLDER) {
		*err = unknown;
		return -1;
	}
	f->delim = imap_server(acc->work)->ns_delim;
	for (size_t i = 0; f->delim == '\0' && i < acc->n_folders; i++)
		f->delim = acc->folder[i]->delim;
	f->status.listed = true;
	names_show(acc, f);
	f->policy = pattern_policy(acc->conf, str_z(f->name), f->attrs);
	folder_mark(f, DIRTY_REMOTE | DIRTY_SCAN);
	log_notice("%s was made here; made on the server too", f->name);
	if (account_begin(acc, err) < 0)
		return -1;
	r = folder_save(acc, f, err);
	if (r == 0)
		r = account_audit(acc, "create-remote", f, NULL,
		    "new here, unknown on the server", err);
	if (r == 0)
		r = tell_folder(acc, f, "created", NULL, "client", err);
	return account_end(acc, r, err);
}

static int
directory_appeared(struct account *acc, const char *path, struct err *err)
{
	bool may_be_old = !acc->conf->restore.on;
	struct policy policy;
	struct folder *twin, *old = NULL;
	char *wire;

	if (may_be_old && renamed_here(acc, path, &old, err) < 0)
		return -1;
	if (old != NULL)
		return rename_remote(acc, old, path, err);
	policy = pattern_policy(acc->conf, str_z(path), 0);
	if (!acc->conf->folders.create_remote || !(policy.push & POLICY_NEW) ||
	    !pattern_selects(&acc->conf->folders.sync, str_z(path), 0))
		return 0;
	wire = names_to_wire(acc, path);
	if (wire == NULL)
		return err_set(err, ERR_FOLDER, "server.folder-name-invalid",
		    "%s cannot be a mailbox name on this server", path);
	twin = account_by_wire(acc, str_z(wire));
	if (twin == NULL && acc->dry_run) {
		free(wire);
		return restore_plan(acc, path, err);
	}
	if (twin == NULL) {
		if (may_be_old && renamed_empty(acc, path, &old, err) < 0) {
			free(wire);
			return -1;
		}
		if (old == NULL)
			return create_remote(acc, path, wire, err);
		free(wire);
		return rename_remote(acc, old, path, err);
	}
	free(wire);
	/* Below a directory that was renamed, and empty: nothing else tells. */
	if (twin->away && !twin->missing)
		return rename_remote(acc, twin, path, err);
	return err_set(err, ERR_FOLDER, "server.folder-name-invalid",
	    "%s and %s would be one mailbox on the server", path, twin->path);
}

/* The folder stays for what was never here, or to be asked about; the rest is deleted
 * there message by message, like any other. */
static int
make_again(struct account *acc, struct folder *f, const char *why,
    struct err *err)
{
	log_notice("%s was removed here, and has %s: it is made again", f->name,
	    why);
	if (mpath_create(acc->root_fd, (enum layout)acc->conf->layout,
	    str_z(f->path), err) < 0)
		return -1;
	f->away = f->watched = false;
	folder_mark(f, DIRTY_SCAN | DIRTY_REMOTE);
	return 0;
}

static int
directory_gone(struct account *acc, struct folder *f, struct err *err)
{
	bool more, many;

	if (f->wire == NULL)
		return 0;
	if (acc->conf->folders.delete_remote == GONE_DELETE &&
	    (f->policy.push & POLICY_DELETE) && !f->missing) {
		if (remove_takes_more(acc, f, &more, err) < 0 ||
		    guard_whole(acc, f, &many, err) < 0)
			return -1;
		if (more || many)
			return make_again(acc, f, more ?
			    "mail on the server that never was here" :
			    "more mail than guards.max_delete allows", err);
		return remove_folder_remote(acc, f, err);
	}
	problem_open(acc, PROBLEM_WARNING, "store.folder-gone", f, "",
	    "%s is gone here; it is kept on the server (folders.delete_remote)",
	    f->name);
	return 0;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
sync_local_list(struct account *acc, struct err *err)
{
	char **paths;
	bool *ours;
	size_t n;
	int r = 0;

	if (mpath_list(acc->root_fd, (enum layout)acc->conf->layout, &paths, &n,
	    err) < 0) {
		if (err->class != ERR_FOLDER && err->class != ERR_MSG)
			return err_wrap(err, "list folders");
		/* Nothing is concluded from a list that is not whole. */
		problem_open(acc, PROBLEM_WARNING, err->code, NULL, "", "%s",
		    err->text);
		acc->tree_failed = true;
		return 0;
	}
	acc->tree_failed = false;
	qsort(paths, n, sizeof(*paths), by_text);
	ours = xcalloc(n, sizeof(*ours));
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];
		char **at = bsearch(&f->path, paths, n, sizeof(*paths), by_text);
		bool here = at != NULL;

		if (here && f->wire != NULL)
			ours[at - paths] = true;
		if (here && f->away) {
			f->watched = false;
			folder_mark(f, DIRTY_SCAN | DIRTY_REMOTE);
			problem_close(acc, "store.folder-gone", f);
		}
		f->away = f->id != 0 && !here;
		if (f->away)
			folder_shut(f);
	}
	for (size_t i = 0; i < n && r == 0; i++)
		if (!ours[i] && directory_appeared(acc, paths[i], err) < 0 &&
		    (err->class != ERR_FOLDER ||
		    !one_folder_failed(acc, NULL, err)))
			r = -1;
	for (size_t i = 0; i < acc->n_folders && r == 0; i++) {
		struct folder *f = acc->folder[i];

		if (f->away && directory_gone(acc, f, err) < 0 &&
		    !one_folder_failed(acc, f, err))
			r = -1;
	}
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
	free(ours);
	return r;
}

/* A dry run makes no folder: it says so, and leaves the new ones out. */
static int
plan_tree(struct account *acc, struct err *err)
{
	for (size_t i = 0; i < acc->n_folders;) {
		struct folder *f = acc->folder[i];

		if (f->id != 0) {
			i++;
			continue;
		}
		if (!f->excluded && !(f->attrs & LIST_NOSELECT) &&
		    buf_fmt(&acc->plan, "%s: create-local: new on the server, "
		    "unknown here (%u messages)\n", f->name,
		    f->status.messages) < 0)
			return err_set(err, ERR_LOCAL, "internal.plan",
			    "the plan is too long");
		account_folder_drop(acc, f);
	}
	return 0;
}

int
tree_sync(struct account *acc, struct err *err)
{
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];

		if (f->id != 0)
			f->policy = pattern_policy(acc->conf, str_z(f->name),
			    f->attrs);
	}
	if (acc->dry_run && !acc->conf->restore.on)
		return plan_tree(acc, err);
	acc->tree_local = false;
	if (sync_remote_list(acc, err) < 0 || sync_local_list(acc, err) < 0) {
		acc->tree_local = true;
		return -1;
	}
	acc->tree_remote = false;
	return 0;
}
