/*
 * tree.c — folders on the server, folders on disk.
 *
 * The raw wire name is a folder's key on the server, its directory the key here;
 * the row binds the two for good, so that no later change of escaping or of the
 * rename map can move mail.
 */
#include "engine/tree_impl.h"

#include <string.h>

#include "base/mem.h"
#include "engine/list.h"
#include "engine/pattern.h"

bool
tree_below(const char *name, const char *prefix, char delim)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) == 0 && name[n] == delim;
}

char *
tree_swap(const char *name, const char *from, const char *to)
{
	return xasprintf("%s%s", to, name + strlen(from));
}

bool
tree_failed_one(struct account *acc, struct folder *f, const struct err *err)
{
	if (err->class != ERR_FOLDER && err->class != ERR_MSG)
		return false;
	problem_open(acc, PROBLEM_WARNING, err->code, f, "", "%s", err->text);
	return true;
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
	if (tree_there(acc, err) < 0 || tree_here(acc, err) < 0) {
		acc->tree_local = true;
		return -1;
	}
	acc->tree_remote = false;
	return 0;
}
