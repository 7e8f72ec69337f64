/*
 * upload.c — new files to the server.
 *
 * APPEND is not idempotent: the row is committed as APPENDING, with the content's
 * identity and the folder's UIDNEXT, before the command goes out.  APPENDUID
 * settles it; without an answer, recover.c looks for the content before anything
 * is sent again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/apply.h"
#include "engine/dirsync.h"
#include "engine/hooks.h"
#include "engine/local.h"
#include "engine/recover.h"
#include "engine/remote.h"
#include "engine/upload_impl.h"
#include "imap/cmd.h"
#include "maildir/dir.h"
#include "maildir/name.h"

/* Descriptors are open from submission until sent, so a batch is small.  Two are in
 * flight, so that the server does not wait while the next one is read; and one more
 * for each that was taken, so that a long way does not make it wait, either. */
enum { BATCH = 128, BATCH_BYTES = 16 << 20, FLYING = 2, FLYING_MAX = 8 };
/* So many files are synced at once; a file's times may lag behind the clock. */
enum { MANY = 8, CLOCK_COARSE = 20000 };

struct batch {
	struct upload	 u[BATCH];
	size_t		 n;
	struct answer	 answer[BATCH];	/* to the command of u[i], at its first */
};

struct uploads {
	struct account	*acc;
	struct folder	*f;
	struct batch	*b;		/* a ring of FLYING_MAX */
	size_t		 first, flying;	/* the oldest that is in flight; so many */
	size_t		 window;	/* so many may be */
	size_t		 at;		/* the change that is next */
	int64_t		 synced;	/* what was last changed before that time
					 * is on the disk; 0: no file is */
	bool		 stop;		/* the server takes nothing more */
	/* Perhaps there, and no UID was told: to be looked for, by content, when
	 * nothing is in flight that could be taken for it. */
	struct {
		int64_t		 row;
		struct change	*change;
	}		 open[FLYING_MAX * BATCH];
	size_t		 n_open;
};

static void
leave_open(struct uploads *us, const struct upload *u)
{
	must(us->n_open < ARRAY_LEN(us->open));
	us->open[us->n_open].row = u->row;
	us->open[us->n_open++].change = u->change;
}

/* All that one command took.  The caller commits: what one batch settled and the
 * next one intends are one commit. */
static int
taken(struct uploads *us, const struct upload *u, size_t n,
    const struct answer *a, struct err *err)
{
	struct account *acc = us->acc;
	int r = account_join(acc, err);

	if (r < 0)
		return -1;
	folder_mark(us->f, DIRTY_REMOTE);
	for (size_t i = 0; i < n && r == 0; i++) {
		acc->progress->done++;
		acc->progress->bytes += u[i].up.wire_size;
		acc->tally.uploaded++;
		acc->tally.bytes_up += u[i].up.wire_size;
		if (a->validity.v == us->f->validity.v && u[i].at < a->n)
			r = upload_settle(acc, us->f, &u[i], a->dst[u[i].at], err);
		else
			leave_open(us, &u[i]);
	}
	if (r < 0)
		store_rollback(acc->store);
	return r;
}

static int
refused(struct uploads *us, struct upload *u, const struct answer *a,
    struct err *err)
{
	struct account *acc = us->acc;
	struct folder *f = us->f;

	acc->progress->done++;
	if (strcmp(a->code, "OVERQUOTA") == 0 ||
	    strcmp(a->code, "LIMIT") == 0 ||
	    strcmp(a->code, "UNAVAILABLE") == 0 ||
	    strcmp(a->code, "INUSE") == 0 || strcmp(a->code, "NOPERM") == 0) {
		us->stop = true;
		acc->quota_full = acc->quota_full ||
		    strcmp(a->code, "OVERQUOTA") == 0;
		problem_open(acc, PROBLEM_ERROR, strcmp(a->code, "OVERQUOTA") == 0 ?
		    "server.quota" : "server.read-only", f, "",
		    "%s: uploads wait: the server said: %s", f->name, a->text);
		return upload_withdraw(acc, f, u, err);
	}
	if (strcmp(a->code, "TRYCREATE") == 0) {
		acc->tree_remote = true;
		return upload_withdraw(acc, f, u, err);
	}
	return upload_refuse(acc, f, u, false, a->text, err);
}

/* What is known of its content is of this file: another one may have its name. */
static int
digest_open(struct folder *f, struct change *c, int fd, const struct mstat *st,
    struct err *err)
{
	struct mcontent content;

	/* A draft that is saved again is the file that is there now. */
	if (c->content != NULL && (c->msg == 0 || !(c->out.ops & OP_REPLACE))) {
		if (st->ino == c->ino)
			return 1;
		folder_mark(f, DIRTY_SCAN);
		f->work.failed = true;
		return 0;
	}
	if (mdir_digest(fd, &content, err) < 0)
		return -1;
	if (c->content == NULL)
		c->content = xmalloc(sizeof(content));
	*c->content = content;
	c->ino = st->ino;
	return 1;
}

/* Read it once for identity and size, and note the intent.  1, 0: not this one, -1. */
static int
prepare_open(struct account *acc, struct folder *f, struct change *c, int fd,
    struct upload *u, struct err *err)
{
	struct mstat st;
	int got = mdir_stat_open(fd, &st, err);

	if (got > 0)
		got = digest_open(f, c, fd, &st, err);
	if (got <= 0)
		return got;
	*u = (struct upload){ .change = c, .changed = st.changed_us, .up = {
		.fd = fd,
		.eol = c->content->eol,
		.wire_size = c->content->wire_size,
		.has_nul = c->content->has_nul,
		.flags = flags_minus(c->local_flags, acc->selected == f ?
		    imap_unkept(acc->work, &f->kw) : (struct flags){ 0 }),
	} };
	got = upload_intend(acc, f, c, &st, u, err);
	if (got > 0 && upload_let_go(acc, c, u->row, err) < 0)
		return -1;
	return got;
}

static int
prepare(struct account *acc, struct folder *f, struct change *c,
    struct upload *u, struct err *err)
{
	int fd = mdir_open(f->fd, c->in_new, c->file, err), got;

	if (fd < 0)
		return err->errnum == ENOENT ? 0 : -1;
	got = prepare_open(acc, f, c, fd, u, err);
	if (got <= 0)
		close(fd);
	return got;
}

static int
too_big(struct account *acc, struct folder *f, struct upload *u, bool *skip,
    struct err *err)
{
	uint64_t limit = imap_caps(acc->work)->append_limit;

	*skip = limit != 0 && u->up.wire_size > limit;
	if (*skip) {
		close(u->up.fd);
		return upload_refuse(acc, f, u, true,
		    "larger than the server's APPENDLIMIT", err);
	}
	if (u->up.has_nul && !imap_can(acc->work, CAP_BINARY)) {
		*skip = true;
		close(u->up.fd);
		return upload_refuse(acc, f, u, true,
		    "it holds NUL bytes, and the server takes none", err);
	}
	return 0;
}

static void
submit(struct account *acc, struct folder *f, struct upload *u, size_t n)
{
	struct imap_upload group[BATCH];

	if (n > 1 && imap_can(acc->work, CAP_MULTIAPPEND)) {
		uint32_t req;

		for (size_t i = 0; i < n; i++) {
			group[i] = u[i].up;
			u[i].at = i;
		}
		req = imap_append(acc->work, str_z(f->wire), group, n, &f->kw);
		for (size_t i = 0; i < n; i++)
			u[i].req = req;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		u[i].at = 0;
		u[i].req = imap_append(acc->work, str_z(f->wire), &u[i].up, 1,
		    &f->kw);
	}
}

/* A refused group says nothing about its members, and not every server takes all
 * or nothing: what is there is found by content, the rest goes one by one in the
 * next pass. */
static void
group_refused(struct uploads *us, const struct upload *u, size_t n,
    const struct answer *a)
{
	log_info("%s: a group of %zu messages was refused: %s", us->f->name, n,
	    a->text);
	imap_avoid(us->acc->work, CAP_MULTIAPPEND);
	for (size_t i = 0; i < n; i++)
		leave_open(us, &u[i]);
}

static int
take_back_now(struct account *acc, struct change *c, struct err *err)
{
	if (!(c->out.ops & OP_REPLACE))
		return 0;
	if (account_begin(acc, err) < 0)
		return -1;
	return account_end(acc, upload_take_back(acc, c, true, err), err);
}

/* What is not there after all is as it was before. */
static int
look_for_open(struct uploads *us, struct err *err)
{
	int64_t row[ARRAY_LEN(us->open)];
	struct msg_row ignored;

	for (size_t i = 0; i < us->n_open; i++)
		row[i] = us->open[i].row;
	if (us->n_open > 0 && recover_rows(us->acc, row, us->n_open, err) < 0)
		return -1;
	for (size_t i = 0; i < us->n_open; i++) {
		int got = store_find_id(us->acc->store, row[i], &ignored, err);

		if (got < 0 || (got == 0 && take_back_now(us->acc,
		    us->open[i].change, err) < 0))
			return -1;
	}
	us->n_open = 0;
	return 0;
}

/* What became of a command's messages. */
static int
answered(struct uploads *us, struct upload *u, size_t n, const struct answer *a,
    struct err *err)
{
	if (a->status == DONE_OK) {
		us->window += us->window < FLYING_MAX;
		return taken(us, u, n, a, err);
	}
	/* Who refuses one may refuse what follows. */
	us->window = FLYING;
	if (account_end(us->acc, 0, err) < 0)
		return -1;
	if (n == 1)
		return refused(us, u, a, err);
	group_refused(us, u, n, a);
	return 0;
}

/* Where the messages of the next command begin. */
static size_t
command_end(const struct batch *b, size_t i)
{
	uint32_t req = b->u[i].req;

	while (i < b->n && b->u[i].req == req)
		i++;
	return i;
}

/* The answers to a batch: one for a group, or one for each; *n messages of it have
 * theirs.  Nothing is written meanwhile: a transaction does not wait for a server. */
static int
await(struct uploads *us, struct batch *b, size_t *n, struct err *err)
{
	for (*n = 0; *n < b->n; *n = command_end(b, *n))
		if (remote_wait(us->acc, b->u[*n].req, &b->answer[*n], err) < 0)
			return -1;
	return 0;
}

/* What became of a batch; what was taken may wait for the next commit. */
static int
finish_batch(struct uploads *us, struct batch *b, struct err *err)
{
	struct err later;
	size_t n;
	int lost = await(us, b, &n, err), r = 0;

	/* What was told is true, whatever came after it. */
	for (size_t i = 0, next; i < n; i = next) {
		next = command_end(b, i);
		if (r == 0)
			r = answered(us, &b->u[i], next - i, &b->answer[i],
			    lost < 0 ? &later : err);
		answer_clear(&b->answer[i]);
	}
	b->n = 0;
	if (lost < 0 && r == 0)
		(void)account_end(us->acc, 0, &later);
	return lost < 0 ? -1 : r;
}

static bool
is_upload(const struct change *c)
{
	return !c->done && (c->out.ops & (OP_UPLOAD | OP_REPLACE)) &&
	    c->from == 0;
}

/* Not every client waits until what it saves is on the disk.  If a power cut took the
 * file and not the row, the message would be deleted on the server, too; or replaced
 * by what is left of it.  Of many, all are synced at once before the first. */
static int
sync_many(struct uploads *us, uint64_t total, struct err *err)
{
	int64_t now = clock_wall();

	if (total < MANY)
		return 0;
	if (mdir_sync_all(us->f->fd, err) < 0)
		return -1;
	us->synced = now;
	return 0;
}

/* What is not among those, or was changed since. */
static int
sync_batch(struct uploads *us, const struct batch *b, struct err *err)
{
	int fd[BATCH];
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->u[i].changed >= us->synced - CLOCK_COARSE)
			fd[n++] = b->u[i].up.fd;
	if (n > 0)
		dirsync_came(us->acc, us->f);
	return mdir_sync_files(us->f->fd, fd, n, err);
}

/* Its intents are committed before it is sent. */
static int
prepare_batch(struct uploads *us, struct batch *b, struct err *err)
{
	struct account *acc = us->acc;
	struct folder *f = us->f;
	uint64_t bytes = 0;
	int r = account_join(acc, err);

	for (; r == 0 && us->at < f->work.n && b->n < BATCH &&
	    bytes < BATCH_BYTES; us->at++) {
		struct change *c = &f->work.change[us->at];
		int got;

		if (!is_upload(c))
			continue;
		got = prepare(acc, f, c, &b->u[b->n], err);
		if (got < 0 && err->class != ERR_MSG)
			r = -1;
		if (got < 0 && err->class == ERR_MSG) {
			problem_open(acc, PROBLEM_WARNING, err->code, f, "",
			    "%s", err->text);
			f->work.failed = true;
		}
		if (got > 0)
			bytes += b->u[b->n++].up.wire_size;
		else if (c->out.ops & OP_REPLACE)
			c->out.ops = 0;
	}
	if (r == 0)
		r = sync_batch(us, b, err);
	for (size_t i = 0; i < b->n && r < 0; i++)
		close(b->u[i].up.fd);
	return account_end(acc, r, err);
}

static int
drop_held(struct uploads *us, struct upload *u, bool *held, struct err *err)
{
	struct account *acc = us->acc;
	struct msg_row row;
	int got = store_find_id(acc->store, u->row, &row, err);

	*held = got > 0 && row.stage == ST_REFUSED;
	if (got < 0 || !*held)
		return got < 0 ? -1 : 0;
	close(u->up.fd);
	if (account_begin(acc, err) < 0)
		return -1;
	return account_end(acc, upload_take_back(acc, u->change, false, err),
	    err);
}

/* What scripts hold is not sent. */
static int
ask_scripts(struct uploads *us, struct batch *b, struct err *err)
{
	int64_t row[BATCH];
	size_t kept = 0;

	if (!tell_wants(us->acc, HOOK_CREATED))
		return 0;
	for (size_t i = 0; i < b->n; i++)
		row[i] = b->u[i].row;
	if (created_ask(us->acc, us->f, row, b->n, err) < 0)
		return -1;
	for (size_t i = 0; i < b->n; i++) {
		bool held;

		if (drop_held(us, &b->u[i], &held, err) < 0)
			return -1;
		if (!held)
			b->u[kept++] = b->u[i];
	}
	b->n = kept;
	return 0;
}

static int
start_batch(struct uploads *us, struct batch *b, struct err *err)
{
	size_t n, kept = 0;
	int r = prepare_batch(us, b, err);

	if (r == 0)
		r = ask_scripts(us, b, err);

	n = b->n;
	for (size_t i = 0; i < n && r == 0; i++) {
		bool skip;

		r = too_big(us->acc, us->f, &b->u[i], &skip, err);
		if (r == 0 && !skip)
			b->u[kept++] = b->u[i];
	}
	b->n = kept;
	if (r == 0 && kept > 0)
		submit(us->acc, us->f, b->u, kept);
	return r;
}

static bool
has_more(const struct uploads *us)
{
	return !us->stop && us->at < us->f->work.n;
}

/* Fill the window.  What was settled before is committed with the first. */
static int
start_batches(struct uploads *us, struct err *err)
{
	while (us->n_open == 0 && has_more(us) && us->flying < us->window) {
		struct batch *b = &us->b[(us->first + us->flying) % FLYING_MAX];

		if (start_batch(us, b, err) < 0)
			return -1;
		us->flying += b->n > 0;
	}
	return account_end(us->acc, 0, err);
}

/* While the oldest is settled and its place filled again, the server has others. */
static int
run(struct uploads *us, struct err *err)
{
	for (;;) {
		if (start_batches(us, err) < 0)
			return -1;
		if (us->flying > 0) {
			struct batch *b = &us->b[us->first];

			us->first = (us->first + 1) % FLYING_MAX;
			us->flying--;
			if (finish_batch(us, b, err) < 0)
				return -1;
		} else if (us->n_open > 0) {
			if (look_for_open(us, err) < 0)
				return -1;
		} else {
			return account_end(us->acc, 0, err);
		}
	}
}

static uint64_t
count_uploads(const struct folder *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->work.n; i++)
		n += is_upload(&f->work.change[i]);
	return n;
}

/* Some servers keep no keywords, and some refuse a message that has one: what this
 * one keeps is asked if it matters. */
static int
ask_keywords(struct uploads *us, struct err *err)
{
	for (size_t i = 0; i < us->f->work.n; i++) {
		const struct change *c = &us->f->work.change[i];

		if (is_upload(c) && (c->local_flags.kw != 0 ||
		    (c->local_flags.sys & FLAG_PASSED) != 0))
			return remote_select(us->acc, us->f, err);
	}
	return 0;
}

int
apply_uploads(struct account *acc, struct folder *f, struct err *err)
{
	uint64_t total = count_uploads(f);
	/* Every folder fills the same quota. */
	struct uploads us = { .acc = acc, .f = f, .stop = acc->quota_full };
	int r;

	if (total == 0)
		return 0;
	progress_phase(acc->progress, PHASE_UPLOAD, f->name, total);
	us.b = xcalloc(FLYING_MAX, sizeof(*us.b));
	us.window = FLYING;
	r = sync_many(&us, total, err);
	if (r == 0)
		r = ask_keywords(&us, err);
	if (r == 0)
		r = run(&us, err);
	free(us.b);
	/* What was not even tried keeps its old version. */
	for (; us.at < f->work.n; us.at++)
		if (is_upload(&f->work.change[us.at])) {
			f->work.change[us.at].out.ops = 0;
			f->work.failed = true;
		}
	return r;
}
