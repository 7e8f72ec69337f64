/* tree_there.c — what is new, gone or renamed on the server, done here. */
#include "engine/tree_impl.h"

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
#include "engine/remove.h"
#include "engine/renamed.h"
#include "engine/restore.h"
#include "engine/unread.h"
#include "maildir/dir.h"

/* The directories below a renamed one went with it. */
static int
follow_paths(struct account *acc, const char *from, const char *to,
    struct err *err)
{
	char sep = acc->conf->layout == CONF_NESTED ? '/' : '.';

	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];
		char *path;

		if (f->id == 0 || !tree_below(f->path, from, sep))
			continue;
		path = tree_swap(f->path, from, to);
		free(f->path);
		f->path = path;
		folder_shut(f);
		if (folder_save(acc, f, err) < 0)
			return -1;
	}
	return 0;
}

static bool
is_here(const struct account *acc, const char *path)
{
	return faccessat(acc->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* As a folder, not only on the way to others. */
static bool
is_folder_here(const struct account *acc, const char *path)
{
	char *cur = xasprintf("%s/cur", path);
	bool yes = is_here(acc, cur);

	free(cur);
	return yes;
}

/* The directory of ${f} goes to where ${now} is to be; ${path}: where it is then.
 * Somebody may have renamed it here, too: to the same, or it is away, and tree_here()
 * finds it by its files. */
static int
move_directory(struct account *acc, struct folder *f, struct folder *now,
    const char **path, struct err *err)
{
	int there = 0;

	*path = now->path;
	if (strcmp(f->path, now->path) == 0)
		return 0;
	if (is_folder_here(acc, now->path))
		there = renamed_holds(acc, f, now->path, err);
	if (there != 0)
		return there < 0 ? -1 : 0;
	if (!is_here(acc, f->path)) {
		*path = f->path;
		return 0;
	}
	if (mpath_rename(acc->root_fd, (enum layout)acc->conf->layout,
	    str_z(f->path), str_z(now->path), err) == 0)
		return 0;
	/* Another time: as a new folder its mail would be here twice. */
	account_folder_drop(acc, now);
	unread_mark(f);
	return -1;
}

/* ${f} was renamed on the server to what ${now} (a new entry) is called. */
static int
adopt_rename(struct account *acc, struct folder *f, struct folder *now,
    struct err *err)
{
	char *from = xstrdup(f->path);
	const char *path;
	int r;

	log_notice("%s was renamed on the server to %s", f->name, now->name);
	r = move_directory(acc, f, now, &path, err);
	if (r == 0 && (r = account_begin(acc, err)) == 0) {
		free(f->wire);
		f->wire = xstrdup(now->wire);
		free(f->name);
		f->name = xstrdup(now->name);
		if (strcmp(f->path, path) != 0) {
			free(f->path);
			f->path = xstrdup(path);
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
	if (acc->conf->folders.delete_local && (f->policy.pull & POLICY_DELETE)) {
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
 * made?  Then both are there, and what is here belongs to the one of the new name.
 * 1: so it is; 0, -1. */
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
	other->path = xstrdup("");
	other->delim = f->delim;
	other->attrs = f->attrs;
	other->status = f->status;
	other->excluded = f->excluded;
	/* Not that of ${f}: it may be where what is above it went. */
	r = names_place(acc, other, err);
	if (r == 0)
		r = adopt_rename(acc, f, now, err);
	if (r < 0)
		account_folder_drop(acc, other);
	return r < 0 ? -1 : 1;
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
		if (r < 0 && tree_failed_one(acc, now, err)) {
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

static bool
is_known(const struct folder *f)
{
	return f->id != 0 && f->wire != NULL && !f->skip;
}

static size_t
depth_of(const struct folder *f)
{
	size_t n = 0;

	for (const char *p = f->wire; f->delim != '\0' && *p != '\0'; p++)
		n += *p == f->delim;
	return n;
}

/* Of those so deep, first what has the name of another, until no more is found: the
 * name that one gives back is where the next one is, of a whole chain. */
static int
settle_replaced(struct account *acc, size_t depth, struct err *err)
{
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];
		int r;

		if (!is_known(f) || !is_there(f) || depth_of(f) != depth)
			continue;
		r = folder_replaced(acc, f, err);
		if (r < 0 && !tree_failed_one(acc, f, err))
			return -1;
		if (r > 0)
			i = (size_t)-1;
	}
	return 0;
}

static int
settle_vanished(struct account *acc, size_t depth, struct err *err)
{
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];

		if (!is_known(f) || depth_of(f) != depth)
			continue;
		if (is_there(f) && f->missing) {
			f->missing = false;
			problem_close(acc, "server.folder-gone", f);
		}
		if (is_there(f) || f->missing)
			continue;
		if (folder_vanished(acc, f, err) < 0 &&
		    !tree_failed_one(acc, f, err))
			return -1;
		/* The array may have shrunk: look at this place again. */
		if (i >= acc->n_folders || acc->folder[i] != f)
			i = (size_t)-1;
	}
	return 0;
}

/* Those above first: a directory takes along what is below it. */
static int
settle_known(struct account *acc, struct err *err)
{
	size_t deepest = 0;

	for (size_t i = 0; i < acc->n_folders; i++)
		if (is_known(acc->folder[i]) && depth_of(acc->folder[i]) > deepest)
			deepest = depth_of(acc->folder[i]);
	for (size_t depth = 0; depth <= deepest; depth++)
		if (settle_replaced(acc, depth, err) < 0 ||
		    settle_vanished(acc, depth, err) < 0)
			return -1;
	return 0;
}

int
tree_there(struct account *acc, struct err *err)
{
	if (!list_has_inbox(acc))
		return err_set(err, ERR_RETRY, "proto.unexpected",
		    "the server lists no INBOX: nothing is concluded from "
		    "that list");
	if (renamed_spelling(acc, err) < 0)
		return -1;
	if (settle_known(acc, err) < 0)
		return -1;
	return account_end(acc, new_folders(acc, err), err);
}
