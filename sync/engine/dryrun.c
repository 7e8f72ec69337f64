/* dryrun.c — what would be done, in words. */
#include "engine/dryrun.h"

#include <inttypes.h>

#include "base/mem.h"
#include "engine/diff.h"

static const struct {
	unsigned	 op;
	const char	*name;
} op_names[] = {
	{ OP_DOWNLOAD, "download" },
	{ OP_UPLOAD, "upload" },
	{ OP_FLAGS_LOCAL, "flags-local" },
	{ OP_FLAGS_REMOTE, "flags-remote" },
	{ OP_DELETE_LOCAL, "delete-local" },
	{ OP_DELETE_REMOTE, "delete-remote" },
	{ OP_FORGET, "forget" },
	{ OP_KEEP_REMOTE, "keep-remote" },
	{ OP_KEEP_LOCAL, "keep-local" },
	{ OP_REPLACE, "replace" },
};

static void
plan_change(struct account *acc, const struct folder *f, const struct change *c)
{
	const char *what = c->file != NULL ? c->file : "";

	if (c->from != 0) {
		(void)!buf_fmt(&acc->plan, "%s: %s-remote %s: %s\n", f->name,
		    c->copy ? "copy" : "move", what,
		    c->copy ? "copied here" : "moved here");
		return;
	}
	for (size_t k = 0; k < ARRAY_LEN(op_names); k++)
		if (c->out.ops & op_names[k].op)
			(void)!buf_fmt(&acc->plan, "%s: %s uid %" PRIu32
			    " %s: %s\n", f->name, op_names[k].name, c->uid.v,
			    what, c->out.reason);
}

void
dryrun_folder(struct account *acc, struct folder *f)
{
	for (size_t i = 0; i < f->work.n; i++)
		if (!f->work.change[i].done)
			plan_change(acc, f, &f->work.change[i]);
	if (!(f->policy.pull & POLICY_NEW))
		return;
	for (size_t i = f->work.n_fresh; i-- > 0;)
		(void)!buf_fmt(&acc->plan, "%s: download uid %" PRIu32
		    ": new on the server, unknown here\n", f->name,
		    f->work.fresh[i].uid);
}
