/* guard.c — deletions that look like an accident. */
#include "engine/guard.h"

#include <stdio.h>
#include <string.h>

static bool
is_deletion(const struct change *c)
{
	return !c->done &&
	    (c->out.ops & (OP_DELETE_REMOTE | OP_DELETE_LOCAL)) != 0;
}

static uint32_t
count_deletions(const struct folder *f)
{
	uint32_t n = 0;

	for (size_t i = 0; i < f->work.n; i++)
		n += is_deletion(&f->work.change[i]);
	return n;
}

static void
leave_deletions(struct folder *f)
{
	for (size_t i = 0; i < f->work.n; i++)
		if (is_deletion(&f->work.change[i]))
			f->work.change[i].done = true;
}

static void
hold(struct account *acc, struct folder *f, uint32_t n, uint32_t known)
{
	const char *name = acc->conf->name;
	const char *quote = strpbrk(f->name, " \t'\"\\$&;()[]{}*?!<>|#~`") != NULL ?
	    "'" : "";
	char remedy[640];

	snprintf(remedy, sizeof(remedy), "syncd approve %s%s/%s%s (delete them "
	    "there, too), or syncd reject %s%s/%s%s (bring them back)", quote,
	    name, f->name, quote, quote, name, f->name, quote);
	problem_open(acc, PROBLEM_ERROR, "guard.max-delete", f, remedy,
	    "%s: %u of %u messages disappeared at once; nothing was deleted "
	    "on the other side (guards.max_delete)", f->name, n, known);
	leave_deletions(f);
	f->work.failed = true;
}

static int
forget_rows(struct account *acc, struct folder *f, struct err *err)
{
	static const char why[] = "the deletion was rejected: it comes back";
	struct msg_row row;

	for (size_t i = 0; i < f->work.n; i++) {
		const struct change *c = &f->work.change[i];
		int got;

		if (!is_deletion(c))
			continue;
		got = store_find_id(acc->store, c->msg, &row, err);
		if (got < 0 || (got > 0 &&
		    account_audit(acc, "put-back", f, &row, why, err) < 0) ||
		    store_msg_remove(acc->store, c->msg, err) < 0)
			return -1;
	}
	return folder_save(acc, f, err);
}

/* Without its row a message is new on the side that has it.  Both sides are to
 * be read whole for that, by a later process if this one dies. */
static int
put_back(struct account *acc, struct folder *f, struct err *err)
{
	if (account_begin(acc, err) < 0)
		return -1;
	f->modseq.v = 0;
	f->mtime_cur = f->mtime_new = 0;
	if (forget_rows(acc, f, err) < 0) {
		store_rollback(acc->store);
		return -1;
	}
	if (account_commit(acc, err) < 0)
		return -1;
	leave_deletions(f);
	/* What was read counted them. */
	f->work.remote_read = false;
	folder_mark(f, DIRTY_REMOTE | DIRTY_SCAN);
	return 0;
}

int
guard_check(struct account *acc, struct folder *f, enum verdict verdict,
    struct err *err)
{
	uint32_t known, n = count_deletions(f);

	if (verdict == VERDICT_APPROVE ||
	    (int64_t)n <= acc->conf->guards.max_delete_count)
		return 0;
	if (store_count(acc->store, f->id, &known, err) < 0)
		return -1;
	if ((int64_t)n * 100 <=
	    (int64_t)known * acc->conf->guards.max_delete_percent)
		return 0;
	if (verdict == VERDICT_REJECT && !acc->dry_run)
		return put_back(acc, f, err);
	hold(acc, f, n, known);
	return 0;
}
