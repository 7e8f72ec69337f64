/* tree_here.c — what is new, gone or renamed among the directories, done on the
 * server. */
#include "engine/tree_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/guard.h"
#include "engine/hooks.h"
#include "engine/names.h"
#include "engine/pattern.h"
#include "engine/remote.h"
#include "engine/remove.h"
#include "engine/renamed.h"
#include "engine/restore.h"
#include "imap/cmd.h"
#include "maildir/dir.h"

/* The mailboxes below a renamed one went with it on the server. */
static int
follow_wires(struct account *acc, const char *from, const char *to, char delim,
    struct err *err)
{
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];
		char *wire;

		if (f->wire == NULL || !tree_below(f->wire, from, delim))
			continue;
		wire = tree_swap(f->wire, from, to);
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
	/* Its directory goes where the server has it: another time, it seems. */
	if (old != NULL && old->unread)
		return 0;
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

	if (f->wire == NULL || f->unread)
		return 0;
	if (acc->conf->folders.delete_remote &&
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

/* By the name of ${f} there is another directory than the one that is open: that one was
 * renamed, or removed.  What is open, and what is watched, goes with a directory and
 * not with its name. */
static bool
is_another(const struct account *acc, const struct folder *f)
{
	struct stat open_one, now;
	struct err ignored;
	bool another;
	int fd;

	if (f->fd < 0)
		return false;
	fd = mpath_open(acc->root_fd, str_z(f->path), &ignored);
	if (fd < 0)
		return false;
	another = fstat(f->fd, &open_one) == 0 && fstat(fd, &now) == 0 &&
	    (open_one.st_dev != now.st_dev || open_one.st_ino != now.st_ino);
	close(fd);
	return another;
}

static void
look_anew(struct folder *f)
{
	folder_shut(f);
	folder_mark(f, DIRTY_SCAN | DIRTY_REMOTE);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
tree_here(struct account *acc, struct err *err)
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
		if (here && (f->away || is_another(acc, f)))
			look_anew(f);
		if (here && f->away)
			problem_close(acc, "store.folder-gone", f);
		f->away = f->id != 0 && !here;
		if (f->away)
			folder_shut(f);
	}
	for (size_t i = 0; i < n && r == 0; i++)
		if (!ours[i] && directory_appeared(acc, paths[i], err) < 0 &&
		    (err->class != ERR_FOLDER ||
		    !tree_failed_one(acc, NULL, err)))
			r = -1;
	for (size_t i = 0; i < acc->n_folders && r == 0; i++) {
		struct folder *f = acc->folder[i];

		if (f->away && directory_gone(acc, f, err) < 0 &&
		    !tree_failed_one(acc, f, err))
			r = -1;
	}
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
	free(ours);
	return r;
}
