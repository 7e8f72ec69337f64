/*
 * created.c — scripts are asked about new files before the server gets them.  Called
 * by upload.c when their rows are written; waits for the answers.
 *
 * What they want of a message that is not held (flags, another mailbox) is done to
 * its file when the server has it, as everything is that scripts want.
 */
#include "engine/hooks_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/account.h"

/* Files that we made for a script: it need not be asked about its own. */
static bool
is_ours(const struct hook_msg *m)
{
	struct str mark = STR(".syncd");
	struct str name = m->path;
	size_t n = 0;

	while (n < name.n && name.p[n] != ':' && name.p[n] != ',')
		n++;
	return n > mark.n && memcmp(name.p + n - mark.n, mark.p, mark.n) == 0;
}

static int
add_rows(struct hooks *h, struct batch *b, const struct folder *f,
    const int64_t *row, size_t n, struct err *err)
{
	const char *origin = tell_initial(h, f) ? "initial" : "client";

	for (size_t i = 0; i < n; i++) {
		int got = batch_add_row(b, h->acc, row[i], origin, true, err);

		if (got < 0)
			return -1;
		if (got > 0 && is_ours(&b->msg[b->n - 1]))
			batch_pop(b);
	}
	return 0;
}

static int
ask(struct hooks *h, const struct folder *f, const int64_t *row, size_t n,
    struct err *err)
{
	struct hook_event ev = { .kind = HOOK_CREATED,
	    .mailbox = str_z(f->name) };
	struct batch b = { .n = 0 };
	struct asked *q;
	int r = add_rows(h, &b, f, row, n, err);

	if (r < 0 || b.n == 0) {
		batch_clear(&b);
		return r;
	}
	ev.deadline = clock_in(hooks_patience(h->acc->conf) *
	    (1 + (usec)b.n / 8));
	q = hooks_ask(h, &ev, &b);
	q->kept = true;
	batch_clear(&b);
	if (hooks_wait_for(h, &q, 1, err) < 0)
		return -1;
	return hooks_end(h, q, err);
}

int
created_ask(struct account *acc, const struct folder *f, const int64_t *row,
    size_t n, struct err *err)
{
	struct hooks *h = acc->hooks;

	if (h == NULL || acc->dry_run || !tell_wanted_in(h, HOOK_CREATED, f))
		return 0;
	for (size_t i = 0; i < n; i += HOOK_BATCH)
		if (ask(h, f, row + i, n - i < HOOK_BATCH ? n - i : HOOK_BATCH,
		    err) < 0)
			return -1;
	return 0;
}

int
created_hold(struct account *acc, const struct hook_op *op, struct err *err)
{
	struct msg_row row;
	char why[300];
	int got = store_find_id(acc->store, op->msg, &row, err);

	if (got <= 0 || row.stage != ST_APPENDING)
		return got < 0 ? -1 : 0;
	snprintf(why, sizeof(why), "held by %.*s: %.*s", STR_ARG(op->where),
	    STR_ARG(op->arg[0]));
	row.stage = ST_REFUSED;
	row.when = 0;
	if (store_msg_put(acc->store, &row, err) < 0)
		return -1;
	return account_audit(acc, "refuse", account_by_id(acc, row.folder), &row,
	    why, err);
}
