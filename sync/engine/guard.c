/* guard.c — deletions that look like an accident. */
#include "engine/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/hooks.h"
#include "maildir/dir.h"

/* A new version takes the old one from the server for good: many at once are what a
 * disk leaves that was too full for a copy of the tree.  And what a backup has lost is
 * not fetched again. */
static bool
is_deletion(const struct folder *f, const struct change *c)
{
	if (c->done)
		return false;
	if (c->out.ops & OP_REPLACE)
		return !(c->out.ops & OP_KEEP_REMOTE);
	return (c->out.ops & (OP_DELETE_REMOTE | OP_DELETE_LOCAL)) != 0 ||
	    (f->policy.readonly && (c->out.ops & OP_KEEP_REMOTE));
}

static uint32_t
count_deletions(const struct folder *f)
{
	uint32_t n = 0;

	for (size_t i = 0; i < f->work.n; i++)
		n += is_deletion(f, &f->work.change[i]);
	return n;
}

static bool
any_replaced(const struct folder *f)
{
	for (size_t i = 0; i < f->work.n; i++)
		if (is_deletion(f, &f->work.change[i]) &&
		    (f->work.change[i].out.ops & OP_REPLACE))
			return true;
	return false;
}

static void
leave_deletions(struct folder *f)
{
	for (size_t i = 0; i < f->work.n; i++)
		if (is_deletion(f, &f->work.change[i]))
			f->work.change[i].done = true;
}

/* Held until the user says what they are; ${why} ends the message. */
static void
hold(struct account *acc, struct folder *f, const char *code, const char *why)
{
	char *target = problem_target(acc, f);
	char *remedy = xasprintf("syncd approve %s (%s), or syncd reject %s (bring "
	    "them back)", target, f->policy.readonly ? "do without them" :
	    "delete them there, too", target);

	problem_open(acc, PROBLEM_ERROR, code, f, remedy, "%s: %s", f->name, why);
	free(remedy);
	free(target);
	leave_deletions(f);
	f->work.failed = true;
}

/* What was deleted here, if anything was. */
static bool
is_gone_here(const struct folder *f, const struct change *c)
{
	return is_deletion(f, c) &&
	    !(c->out.ops & (OP_REPLACE | OP_DELETE_LOCAL));
}

static int
forget_rows(struct account *acc, struct folder *f,
    bool (*wanted)(const struct folder *, const struct change *),
    const char *why, struct err *err)
{
	struct msg_row row;

	for (size_t i = 0; i < f->work.n; i++) {
		const struct change *c = &f->work.change[i];
		int got;

		if (!wanted(f, c))
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
put_back(struct account *acc, struct folder *f,
    bool (*wanted)(const struct folder *, const struct change *),
    const char *why, struct err *err)
{
	if (account_begin(acc, err) < 0)
		return -1;
	f->modseq.v = 0;
	f->mtime_cur = f->mtime_new = 0;
	if (account_end(acc, forget_rows(acc, f, wanted, why, err), err) < 0)
		return -1;
	leave_deletions(f);
	/* What was read counted them. */
	f->work.remote_read = false;
	folder_mark(f, DIRTY_REMOTE | DIRTY_SCAN);
	return 0;
}

static int
reject(struct account *acc, struct folder *f, struct err *err)
{
	return put_back(acc, f, is_deletion,
	    "the deletion was rejected: it comes back", err);
}

/* Nobody deletes mail by putting another directory in the place of one: it was made
 * again, or mounted over, or came out of a backup.  1: what it lacks comes back. */
static int
replace_lost(struct account *acc, struct folder *f, struct err *err)
{
	uint64_t which;
	size_t n = 0;

	if (f->dirs == 0 || f->fd < 0)
		return 0;
	for (size_t i = 0; i < f->work.n; i++)
		n += is_gone_here(f, &f->work.change[i]);
	if (n == 0)
		return 0;
	if (mdir_which(f->fd, &which, err) < 0)
		return -1;
	if (which == 0 || which == f->dirs)
		return 0;
	log_notice("%s: another directory is in its place; %zu messages that it "
	    "lacks come back", f->name, n);
	if (acc->dry_run) {
		leave_deletions(f);
		return 1;
	}
	/* What is watched may be the one that was here before. */
	f->watched = false;
	return put_back(acc, f, is_gone_here,
	    "another directory is in its place: it comes back", err) < 0 ? -1 : 1;
}

/* Those that would go to the server.  1: a script holds them. */
static int
ask_scripts(struct account *acc, struct folder *f, enum verdict verdict,
    struct err *err)
{
	int64_t *row;
	size_t n = 0;
	char *why, *text;
	int r;

	if (acc->dry_run || !tell_wants(acc, HOOK_REMOVING))
		return 0;
	row = xreallocarray(NULL, f->work.n, sizeof(*row));
	for (size_t i = 0; i < f->work.n; i++)
		if (f->work.change[i].out.ops & OP_DELETE_REMOTE)
			row[n++] = f->work.change[i].msg;
	r = incoming_removing(acc, f, row, n, &why, err);
	free(row);
	if (r < 0 || why == NULL)
		return r;
	if (verdict == VERDICT_REJECT) {
		free(why);
		return reject(acc, f, err) < 0 ? -1 : 1;
	}
	text = xasprintf("a script holds %zu deletions: %s", n, why);
	hold(acc, f, "guard.script", text);
	free(text);
	free(why);
	return 1;
}

/* How many messages both sides have: what was left on one of them, for its age or by
 * policy, cannot be deleted on the other, and may be most of the folder. */
static void
count_agreed(void *n, const struct msg_row *row)
{
	*(uint32_t *)n += row->uid.v != 0;
}

/* More than both limits. */
static bool
is_too_many(const struct account *acc, uint32_t n, uint32_t known)
{
	return (int64_t)n > acc->conf->guards.max_delete_count &&
	    (int64_t)n * 100 >
	    (int64_t)known * acc->conf->guards.max_delete_percent;
}

int
guard_whole(struct account *acc, const struct folder *f, bool *too_many,
    struct err *err)
{
	uint32_t known = 0;

	if (folder_each_file(acc, f, count_agreed, &known, err) < 0)
		return -1;
	*too_many = is_too_many(acc, known, known);
	return 0;
}

int
guard_check(struct account *acc, struct folder *f, enum verdict verdict,
    struct err *err)
{
	uint32_t known = 0, n = count_deletions(f);
	bool many = (int64_t)n > acc->conf->guards.max_delete_count;
	char text[160];
	int r = 0;

	if (verdict == VERDICT_APPROVE || n == 0)
		return 0;
	if (many && folder_each_file(acc, f, count_agreed, &known, err) < 0)
		return -1;
	many = many && is_too_many(acc, n, known);
	if (!many)
		r = replace_lost(acc, f, err);
	if (r == 0)
		r = ask_scripts(acc, f, verdict, err);
	if (r != 0 || !many)
		return r < 0 ? -1 : 0;
	if (verdict == VERDICT_REJECT && !acc->dry_run)
		return reject(acc, f, err);
	snprintf(text, sizeof(text), "%u of %u messages %s at once; nothing was "
	    "deleted on the other side (guards.max_delete)", n, known,
	    any_replaced(f) ? "disappeared or were written again" :
	    "disappeared");
	hold(acc, f, "guard.max-delete", text);
	return 0;
}

bool
guard_renumbered(struct account *acc, struct folder *f, enum verdict verdict)
{
	char *target, *remedy;

	if (acc->conf->guards.uidvalidity_change != HOLD_HOLD ||
	    verdict == VERDICT_APPROVE)
		return false;
	target = problem_target(acc, f);
	remedy = xasprintf("syncd approve %s", target);
	problem_open(acc, PROBLEM_ERROR, "guard.uidvalidity", f, remedy,
	    "%s: the server numbers its messages anew; nothing is done in it "
	    "(guards.uidvalidity_change)", f->name);
	free(remedy);
	free(target);
	/* Nothing is concluded from what changed here, either. */
	work_clear(&f->work);
	f->work.failed = true;
	return true;
}
