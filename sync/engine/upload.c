/*
 * upload.c — new files to the server.
 *
 * APPEND is not idempotent: the row is committed as APPENDING, with the content's
 * identity and the folder's UIDNEXT, before the command goes out.  APPENDUID
 * settles it; without an answer, recover.c looks for the content before anything
 * is sent again.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/apply.h"
#include "engine/dirsync.h"
#include "engine/hooks.h"
#include "engine/header.h"
#include "engine/local.h"
#include "engine/recover.h"
#include "engine/remote.h"
#include "imap/cmd.h"
#include "maildir/dir.h"
#include "maildir/name.h"

/* Descriptors are open from submission until sent, so a batch is small; and two are
 * in flight, so that the server does not wait while the next one is read. */
enum { BATCH = 128, BATCH_BYTES = 16 << 20, HEADER_BYTES = 16384 };

struct upload {
	struct change	*change;
	int64_t		 row;
	uint32_t	 req;
	size_t		 at;		/* position within a MULTIAPPEND */
	struct imap_upload up;
};

struct batch {
	struct upload	 u[BATCH];
	size_t		 n;
};

struct uploads {
	struct account	*acc;
	struct folder	*f;
	size_t		 at;		/* the change that is next */
	bool		 stop;		/* the server takes nothing more */
	/* Perhaps there, and no UID was told: to be looked for, by content, when
	 * nothing is in flight that could be taken for it. */
	struct {
		int64_t		 row;
		struct change	*change;
	}		 open[2 * BATCH];
	size_t		 n_open;
};

static int
read_header(int fd, struct header *h)
{
	char block[HEADER_BYTES];
	ssize_t n = pread(fd, block, sizeof(block), 0);

	if (n > 0)
		header_add(h, (struct str){ block, (size_t)n });
	header_end(h);
	return n < 0 ? -1 : 0;
}

/* The flags that go along with it: what the file shows, merged with nothing. */
static int
intend(struct account *acc, struct folder *f, struct change *c, int fd,
    int64_t *id, struct err *err)
{
	struct header h = { 0 };
	struct msg_row row;
	int got;

	got = row_of_file(acc, f, c, &row, err);
	if (got <= 0)
		return got;
	(void)read_header(fd, &h);
	if (c->out.ops & OP_REPLACE) {
		/* The old version keeps its row until it is expunged. */
		row.id = 0;
		row.objid = STR_NONE;
	}
	row.uid.v = 0;
	row.stage = ST_APPENDING;
	row.seek = f->uidnext > 0 ? f->uidnext : 1;
	row.flags = c->local_flags;
	row.subject = str_z(h.subject);
	row.from = str_z(h.from);
	row.msgid = str_z(h.msgid);
	got = store_msg_put(acc->store, &row, err);
	*id = row.id;
	header_clear(&h);
	return got < 0 ? -1 : 1;
}

/* The old version's row lets go of the name that the new one takes. */
static int
let_go(struct account *acc, struct change *c, struct err *err)
{
	struct msg_row row;
	int got;

	if (!(c->out.ops & OP_REPLACE))
		return 0;
	got = store_find_id(acc->store, c->msg, &row, err);
	if (got <= 0)
		return got;
	row.stage = c->out.ops & OP_KEEP_REMOTE ? ST_GONE_LOCAL : ST_REPLACED;
	row.unique = row.file = STR_NONE;
	return store_msg_put(acc->store, &row, err);
}

/* The new version is not on the server after all: the old one keeps its place.
 * ${name}: the file is still what the old row describes, and will be tried
 * again. */
static int
take_back(struct account *acc, struct change *c, bool name, struct err *err)
{
	struct msg_row row;
	struct mname parts;
	int got;

	if (!(c->out.ops & OP_REPLACE))
		return 0;
	c->out.ops = 0;
	got = store_find_id(acc->store, c->msg, &row, err);
	if (got <= 0)
		return got;
	row.stage = name ? ST_PRESENT : ST_GONE_LOCAL;
	if (name && mname_parse(str_z(c->file), &parts)) {
		row.unique = parts.unique;
		row.file = str_z(c->file);
		row.in_new = c->in_new;
	}
	return store_msg_put(acc->store, &row, err);
}

static int
take_back_now(struct account *acc, struct change *c, struct err *err)
{
	if (!(c->out.ops & OP_REPLACE))
		return 0;
	if (account_begin(acc, err) < 0)
		return -1;
	if (take_back(acc, c, true, err) < 0) {
		store_rollback(acc->store);
		return -1;
	}
	return account_commit(acc, err);
}

static int
refuse(struct account *acc, struct folder *f, struct upload *u, bool for_good,
    const char *why, struct err *err)
{
	struct msg_row row;
	int got;

	problem_open(acc, PROBLEM_WARNING, "server.refused-message", f, "",
	    "%s: the server does not take %s: %s; it stays here only",
	    f->name, u->change->file, why);
	acc->tally.refused++;
	if (account_begin(acc, err) < 0)
		return -1;
	got = store_find_id(acc->store, u->row, &row, err);
	if (got > 0) {
		row.stage = ST_REFUSED;
		row.when = for_good ? 0 : clock_wall();
		got = store_msg_put(acc->store, &row, err) < 0 ||
		    account_audit(acc, "refuse", f, &row, why, err) < 0 ||
		    take_back(acc, u->change, false, err) < 0 ? -1 : 0;
	}
	if (got < 0) {
		store_rollback(acc->store);
		return -1;
	}
	return account_commit(acc, err);
}

/* Nothing was stored there: the file is new again, for a later round. */
static int
withdraw(struct account *acc, struct folder *f, struct upload *u, struct err *err)
{
	f->work.failed = true;
	if (account_begin(acc, err) < 0)
		return -1;
	if (store_msg_remove(acc->store, u->row, err) < 0 ||
	    take_back(acc, u->change, true, err) < 0) {
		store_rollback(acc->store);
		return -1;
	}
	return account_commit(acc, err);
}

/* Taken, as ${uid}; in a transaction of the caller. */
static int
settle(struct account *acc, struct folder *f, const struct upload *u,
    uint32_t uid, struct err *err)
{
	struct msg_row row;
	int got = store_find_id(acc->store, u->row, &row, err);

	if (got <= 0)
		return got;
	row.uid.v = uid;
	row.stage = ST_PRESENT;
	row.seek = 0;
	if (store_msg_put(acc->store, &row, err) < 0)
		return -1;
	if (account_audit(acc, "upload", f, &row, u->change->out.reason, err) < 0)
		return -1;
	return tell_message(acc, HOOK_UPLOADED, f, &row,
	    &(struct hook_was){ .origin = "client" }, err);
}

static void
leave_open(struct uploads *us, const struct upload *u)
{
	must(us->n_open < ARRAY_LEN(us->open));
	us->open[us->n_open].row = u->row;
	us->open[us->n_open++].change = u->change;
}

/* All that one command took, in one transaction. */
static int
taken(struct uploads *us, const struct upload *u, size_t n,
    const struct answer *a, struct err *err)
{
	struct account *acc = us->acc;
	int r = account_begin(acc, err);

	if (r < 0)
		return -1;
	folder_mark(us->f, DIRTY_REMOTE);
	for (size_t i = 0; i < n && r == 0; i++) {
		acc->progress->done++;
		acc->progress->bytes += u[i].up.wire_size;
		acc->tally.uploaded++;
		acc->tally.bytes_up += u[i].up.wire_size;
		if (a->validity.v == us->f->validity.v && u[i].at < a->n)
			r = settle(acc, us->f, &u[i], a->dst[u[i].at], err);
		else
			leave_open(us, &u[i]);
	}
	if (r == 0)
		return account_commit(acc, err);
	store_rollback(acc->store);
	return -1;
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
		return withdraw(acc, f, u, err);
	}
	if (strcmp(a->code, "TRYCREATE") == 0) {
		acc->tree_remote = true;
		return withdraw(acc, f, u, err);
	}
	return refuse(acc, f, u, false, a->text, err);
}

enum { GONE = -2 };

/* The file whose content is known, or GONE: another one has its name. */
static int
open_digested(struct folder *f, const struct change *c, struct err *err)
{
	int fd = mdir_open(f->fd, c->in_new, c->file, err);
	struct mstat st;

	if (fd < 0)
		return -1;
	if (mdir_stat_open(fd, &st, err) > 0 && st.ino == c->ino)
		return fd;
	close(fd);
	folder_mark(f, DIRTY_SCAN);
	f->work.failed = true;
	return GONE;
}

/* Open, read once for identity and size, and note the intent. */
static int
prepare(struct account *acc, struct folder *f, struct change *c,
    struct upload *u, struct err *err)
{
	int fd, got = local_digest(f, c, err);

	if (got > 0 && c->msg != 0 && (c->out.ops & OP_REPLACE)) {
		free(c->content);
		c->content = NULL;
		got = local_digest(f, c, err);
	}
	if (got <= 0)
		return got;
	fd = open_digested(f, c, err);
	if (fd < 0)
		return fd == GONE ? 0 : -1;
	if (let_go(acc, c, err) < 0) {
		close(fd);
		return -1;
	}
	got = intend(acc, f, c, fd, &u->row, err);
	if (got <= 0) {
		close(fd);
		if (got == 0 && take_back(acc, c, true, err) < 0)
			return -1;
		return got;
	}
	u->change = c;
	u->up = (struct imap_upload){
		.fd = fd,
		.eol = c->content->eol,
		.wire_size = c->content->wire_size,
		.has_nul = c->content->has_nul,
		.flags = c->local_flags,
	};
	struct mstat st;

	if (mdir_stat(f->fd, c->in_new, c->file, &st, err) > 0)
		u->up.date = st.mtime;
	return 1;
}

static int
too_big(struct account *acc, struct folder *f, struct upload *u, bool *skip,
    struct err *err)
{
	uint64_t limit = imap_caps(acc->work)->append_limit;

	*skip = limit != 0 && u->up.wire_size > limit;
	if (*skip) {
		close(u->up.fd);
		return refuse(acc, f, u, true, "larger than the server's APPENDLIMIT",
		    err);
	}
	if (u->up.has_nul && !imap_can(acc->work, CAP_BINARY)) {
		*skip = true;
		close(u->up.fd);
		return refuse(acc, f, u, true, "it holds NUL bytes, and the server "
		    "takes none", err);
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

/* Wait for what became of a batch: one answer for a group, or one for each. */
static int
finish_batch(struct uploads *us, struct batch *b, struct err *err)
{
	struct upload *u = b->u;
	int r = 0;

	for (size_t i = 0, k; i < b->n && r == 0; i = k) {
		struct answer a;

		for (k = i + 1; k < b->n && u[k].req == u[i].req;)
			k++;
		if (remote_wait(us->acc, u[i].req, &a, err) < 0)
			return -1;
		if (a.status == DONE_OK)
			r = taken(us, &u[i], k - i, &a, err);
		else if (k - i > 1)
			group_refused(us, &u[i], k - i, &a);
		else
			r = refused(us, &u[i], &a, err);
		answer_clear(&a);
	}
	b->n = 0;
	return r;
}

static bool
is_upload(const struct change *c)
{
	return !c->done && (c->out.ops & (OP_UPLOAD | OP_REPLACE)) &&
	    c->from == 0;
}

/* Not every client waits until what it saves is on the disk.  If a power cut took the
 * file and not the row, the message would be deleted on the server, too; or replaced
 * by what is left of it. */
static int
sync_batch(struct uploads *us, const struct batch *b, struct err *err)
{
	int fd[BATCH];

	for (size_t i = 0; i < b->n; i++)
		fd[i] = b->u[i].up.fd;
	if (b->n > 0)
		dirsync_came(us->acc, us->f);
	return mdir_sync_files(us->f->fd, fd, b->n, err);
}

/* The intents of a batch are one commit. */
static int
prepare_batch(struct uploads *us, struct batch *b, struct err *err)
{
	struct account *acc = us->acc;
	struct folder *f = us->f;
	uint64_t bytes = 0;
	int r = account_begin(acc, err);

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
	if (r < 0) {
		store_rollback(acc->store);
		for (size_t i = 0; i < b->n; i++)
			close(b->u[i].up.fd);
		return -1;
	}
	return account_commit(acc, err);
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
	if (take_back(acc, u->change, false, err) < 0) {
		store_rollback(acc->store);
		return -1;
	}
	return account_commit(acc, err);
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

/* As long as there is something to start or to finish. */
static int
run(struct uploads *us, struct batch *next, struct batch *before,
    struct err *err)
{
	bool more = true;

	while (more || before->n > 0) {
		struct batch *started = next;

		if (us->n_open > 0 && before->n == 0 &&
		    look_for_open(us, err) < 0)
			return -1;
		more = !us->stop && us->at < us->f->work.n;
		if (more && us->n_open == 0 && start_batch(us, next, err) < 0)
			return -1;
		if (finish_batch(us, before, err) < 0)
			return -1;
		next = before;
		before = started;
	}
	return look_for_open(us, err);
}

static uint64_t
count_uploads(const struct folder *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->work.n; i++)
		n += is_upload(&f->work.change[i]);
	return n;
}

int
apply_uploads(struct account *acc, struct folder *f, struct err *err)
{
	uint64_t total = count_uploads(f);
	/* Every folder fills the same quota. */
	struct uploads us = { .acc = acc, .f = f, .stop = acc->quota_full };
	struct batch *b;
	int r;

	if (total == 0)
		return 0;
	progress_phase(acc->progress, PHASE_UPLOAD, f->name, total);
	b = xcalloc(2, sizeof(*b));
	r = run(&us, &b[0], &b[1], err);
	free(b);
	/* What was not even tried keeps its old version. */
	for (; us.at < f->work.n; us.at++)
		if (is_upload(&f->work.change[us.at])) {
			f->work.change[us.at].out.ops = 0;
			f->work.failed = true;
		}
	return r;
}
