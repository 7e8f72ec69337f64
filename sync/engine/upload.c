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
#include "engine/hooks.h"
#include "engine/header.h"
#include "engine/local.h"
#include "engine/recover.h"
#include "engine/remote.h"
#include "imap/cmd.h"
#include "maildir/dir.h"
#include "maildir/name.h"

/* Descriptors are open from submission until sent, so a batch is small. */
enum { BATCH = 64, HEADER_BYTES = 16384 };

struct upload {
	struct change	*change;
	int64_t		 row;
	uint32_t	 req;
	size_t		 at;		/* position within a MULTIAPPEND */
	bool		 unnamed;	/* taken, and no UID was told */
	struct imap_upload up;
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

static int
settle(struct account *acc, struct folder *f, struct upload *u, uint32_t uid,
    struct err *err)
{
	struct msg_row row;
	int got;

	acc->tally.uploaded++;
	acc->tally.bytes_up += u->up.wire_size;
	if (account_begin(acc, err) < 0)
		return -1;
	got = store_find_id(acc->store, u->row, &row, err);
	if (got > 0) {
		row.uid.v = uid;
		row.stage = ST_PRESENT;
		row.seek = 0;
		got = store_msg_put(acc->store, &row, err) < 0 ||
		    account_audit(acc, "upload", f, &row,
		    u->change->out.reason, err) < 0 || hooks_tell(acc,
		    HOOK_UPLOADED, f, &row, &(struct hook_was){
		    .origin = "client" }, err) < 0 ? -1 : 0;
	}
	if (got < 0) {
		store_rollback(acc->store);
		return -1;
	}
	return account_commit(acc, err);
}

static int
answered(struct account *acc, struct folder *f, struct upload *u,
    const struct answer *a, bool *stop, struct err *err)
{
	acc->progress->done++;
	if (a->status == DONE_OK) {
		acc->progress->bytes += u->up.wire_size;
		folder_mark(f, DIRTY_REMOTE);
		if (a->validity.v == f->validity.v && u->at < a->n)
			return settle(acc, f, u, a->dst[u->at], err);
		/* No UIDPLUS: run_batch() asks for it by content. */
		acc->tally.uploaded++;
		u->unnamed = true;
		return 0;
	}
	if (strcmp(a->code, "OVERQUOTA") == 0 ||
	    strcmp(a->code, "LIMIT") == 0 ||
	    strcmp(a->code, "UNAVAILABLE") == 0 ||
	    strcmp(a->code, "INUSE") == 0 || strcmp(a->code, "NOPERM") == 0) {
		*stop = true;
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
	fd = mdir_open(f->fd, c->in_new, c->file, err);
	if (fd < 0)
		return -1;
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
	u->unnamed = false;
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
static int
group_refused(struct account *acc, struct folder *f, struct upload *u, size_t n,
    const struct answer *a, struct err *err)
{
	int64_t row[BATCH];
	struct msg_row ignored;

	log_info("%s: a group of %zu messages was refused: %s", f->name, n,
	    a->text);
	imap_avoid(acc->work, CAP_MULTIAPPEND);
	for (size_t i = 0; i < n; i++)
		row[i] = u[i].row;
	if (recover_rows(acc, row, n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int got = store_find_id(acc->store, row[i], &ignored, err);

		if (got < 0 || (got == 0 &&
		    take_back_now(acc, u[i].change, err) < 0))
			return -1;
	}
	return 0;
}

static int
ask_uids(struct account *acc, const struct upload *u, size_t n, struct err *err)
{
	int64_t row[BATCH];
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (u[i].unnamed)
			row[k++] = u[i].row;
	return k > 0 ? recover_rows(acc, row, k, err) : 0;
}

static int
run_batch(struct account *acc, struct folder *f, struct upload *u, size_t n,
    bool *stop, struct err *err)
{
	struct answer a;

	submit(acc, f, u, n);
	if (n > 1 && u[0].req == u[1].req) {
		int r = 0;

		if (remote_wait(acc, u[0].req, &a, err) < 0)
			return -1;
		if (a.status != DONE_OK)
			r = group_refused(acc, f, u, n, &a, err);
		for (size_t i = 0; i < n && r == 0 && a.status == DONE_OK; i++)
			r = answered(acc, f, &u[i], &a, stop, err);
		answer_clear(&a);
		return r < 0 ? -1 : ask_uids(acc, u, n, err);
	}
	for (size_t i = 0; i < n; i++) {
		int r;

		if (remote_wait(acc, u[i].req, &a, err) < 0)
			return -1;
		r = answered(acc, f, &u[i], &a, stop, err);
		answer_clear(&a);
		if (r < 0)
			return -1;
	}
	return ask_uids(acc, u, n, err);
}

static bool
is_upload(const struct change *c)
{
	return !c->done && (c->out.ops & (OP_UPLOAD | OP_REPLACE)) &&
	    c->from == 0;
}

/* The intents of a batch are one commit. */
static int
prepare_batch(struct account *acc, struct folder *f, size_t *at,
    struct upload *u, size_t *n, struct err *err)
{
	int r = account_begin(acc, err);

	*n = 0;
	for (; r == 0 && *at < f->work.n && *n < BATCH; ++*at) {
		struct change *c = &f->work.change[*at];
		int got;

		if (!is_upload(c))
			continue;
		got = prepare(acc, f, c, &u[*n], err);
		if (got < 0 && err->class != ERR_MSG)
			r = -1;
		if (got < 0 && err->class == ERR_MSG) {
			problem_open(acc, PROBLEM_WARNING, err->code, f, "",
			    "%s", err->text);
			f->work.failed = true;
		}
		if (got > 0)
			++*n;
		else if (c->out.ops & OP_REPLACE)
			c->out.ops = 0;
	}
	if (r == 0)
		r = store_kw_save(acc->store, f->id, &f->kw, err);
	if (r < 0) {
		store_rollback(acc->store);
		for (size_t i = 0; i < *n; i++)
			close(u[i].up.fd);
		return -1;
	}
	return account_commit(acc, err);
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
	struct upload *u = xcalloc(BATCH, sizeof(*u));
	bool stop = false;
	size_t at = 0;
	int r = 0;

	if (total > 0)
		progress_phase(acc->progress, PHASE_UPLOAD, f->name, total);
	while (r == 0 && !stop && at < f->work.n) {
		size_t n, kept = 0;

		r = prepare_batch(acc, f, &at, u, &n, err);
		for (size_t i = 0; i < n && r == 0; i++) {
			bool skip;

			r = too_big(acc, f, &u[i], &skip, err);
			if (r == 0 && !skip)
				u[kept++] = u[i];
		}
		if (r == 0 && kept > 0)
			r = run_batch(acc, f, u, kept, &stop, err);
	}
	/* What was not even tried keeps its old version. */
	for (; at < f->work.n; at++)
		if (is_upload(&f->work.change[at]))
			f->work.change[at].out.ops = 0;
	free(u);
	return r;
}
