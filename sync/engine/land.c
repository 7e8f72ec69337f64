/*
 * land.c — messages on their way into the Maildir.  Called by whoever takes them
 * from a server; waits for the disk only.
 */
#include "engine/land.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/local.h"
#include "maildir/dir.h"

enum { BATCH = 256, BATCH_BYTES = 32 << 20 };

/* A disk that is nearly full is left to those who use the machine. */
static int
check_space(const struct account *acc, const struct folder *f, struct err *err)
{
	struct statvfs v;
	uint64_t left;

	if (fstatvfs(f->fd, &v) < 0)
		return err_sys(err, ERR_LOCAL, "store.io", "%s: free space",
		    f->name);
	left = (uint64_t)v.f_bavail * v.f_frsize;
	if (left >= (uint64_t)acc->conf->guards.min_free_space)
		return 0;
	return err_set(err, ERR_LOCAL, "store.no-space", "%s: only %llu MiB "
	    "are free where %s is; downloads wait (guards.min_free_space)",
	    f->name, (unsigned long long)(left >> 20), acc->root);
}

int
land_prepare(struct account *acc, struct folder *f, struct err *err)
{
	if (check_space(acc, f, err) < 0)
		return -1;
	return account_delivering(acc, err);
}

/* ---- arriving --------------------------------------------------------- */

int
land_begin(struct arrivals *a, struct err *err)
{
	a->open = true;
	header_clear(&a->header);
	return deliver_begin(a->acc->deliver, a->f->fd, err);
}

int
land_data(struct arrivals *a, struct str bytes, struct err *err)
{
	header_add(&a->header, bytes);
	a->acc->progress->bytes += bytes.n;
	return deliver_data(a->acc->deliver, bytes, err);
}

struct arrival *
land_end(struct arrivals *a, int64_t date, struct err *err)
{
	struct arrival *new_;

	a->open = false;
	a->v = array_room(a->v, a->n, &a->cap, sizeof(*a->v));
	new_ = &a->v[a->n];
	*new_ = (struct arrival){ .date = date };
	if (deliver_end(a->acc->deliver, date, &new_->landing, err) < 0)
		return NULL;
	new_->header = a->header;
	a->header = (struct header){ 0 };
	header_end(&new_->header);
	a->bytes += new_->landing.id.wire_size;
	a->n++;
	return new_;
}

void
land_discard(struct arrivals *a)
{
	if (a->open)
		deliver_discard(a->acc->deliver);
	a->open = false;
	header_clear(&a->header);
}

bool
land_full(const struct arrivals *a)
{
	return a->n >= BATCH || a->bytes >= BATCH_BYTES;
}

static void
forget(struct arrivals *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].objid);
		header_clear(&a->v[i].header);
	}
	a->n = 0;
	a->bytes = 0;
}

void
land_clear(struct arrivals *a)
{
	for (size_t i = 0; i < a->n; i++)
		deliver_drop(&a->v[i].landing);
	land_discard(a);
	forget(a);
	free(a->v);
}

/* ---- landing ---------------------------------------------------------- */

static bool
goes_to_new(const struct account *acc, struct flags flags)
{
	switch (acc->conf->new_mail_dir) {
	case NEWMAIL_NEW:
		return flags_none(flags);
	case NEWMAIL_CUR:
		return false;
	default:
		return !(flags.sys & (FLAG_SEEN | FLAG_FLAGGED)) &&
		    flags_none(flags);
	}
}

static int
name_arrival(struct arrivals *a, struct arrival *one)
{
	char letters[7 + 27 + 1], kw[27] = "";

	sysflags_to_letters(one->flags.sys, letters);
	if (a->acc->conf->keywords == KEYWORDS_DOVECOT)
		(void)kwfile_to_letters(&a->f->kwfile, one->flags.kw, &a->f->kw,
		    kw);
	strcat(letters, kw);
	if (one->flags.sys & FLAG_PASSED) {
		char both[2] = { kwfile_forwarded(&a->f->kwfile), '\0' };

		strcat(letters, both);
	}
	one->in_new = letters[0] == '\0' && goes_to_new(a->acc, one->flags);
	return deliver_name(&one->landing, str_z(letters), one->in_new,
	    one->file);
}

/* New letters are agreed on with other clients before they are used. */
static int
name_batch(struct arrivals *a, struct err *err)
{
	char letters[27];

	if (a->acc->conf->keywords == KEYWORDS_DOVECOT)
		(void)kwfile_to_letters(&a->f->kwfile, ~(uint64_t)0, &a->f->kw,
		    letters);
	if (local_keywords(a->acc, a->f, err) < 0)
		return -1;
	for (size_t i = 0; i < a->n; i++)
		must(name_arrival(a, &a->v[i]) >= 0);
	return 0;
}

static void
row_of_arrival(const struct arrivals *a, const struct arrival *one,
    struct msg_row *row)
{
	*row = (struct msg_row){
		.id = one->row,
		.folder = a->f->id,
		.uid = one->uid,
		.stage = ST_LANDING,
		.unique = str_z(one->landing.unique),
		.file = str_z(one->file),
		.in_new = one->in_new,
		.ino = one->landing.ino,
		.size = one->landing.size,
		.wire_size = one->landing.id.wire_size,
		.eol = one->landing.eol,
		.flags = one->flags,
		.modseq = one->modseq,
		.head = one->landing.id.head,
		.all = one->landing.id.all,
		.date = one->date,
		.objid = str_z(one->objid),
		.subject = str_z(one->header.subject),
		.from = str_z(one->header.from),
		.msgid = str_z(one->header.msgid),
	};
}

static int
commit_landing(struct arrivals *a, struct err *err)
{
	if (account_begin(a->acc, err) < 0)
		return -1;
	for (size_t i = 0; i < a->n; i++) {
		struct msg_row row;

		row_of_arrival(a, &a->v[i], &row);
		if (store_msg_put(a->acc->store, &row, err) < 0)
			goto fail;
		a->v[i].row = row.id;
	}
	if (store_kw_save(a->acc->store, a->f->id, &a->f->kw, err) < 0)
		goto fail;
	return account_commit(a->acc, err);
fail:
	store_rollback(a->acc->store);
	return -1;
}

static int
commit_present(struct arrivals *a, struct err *err)
{
	if (account_begin(a->acc, err) < 0)
		return -1;
	for (size_t i = 0; i < a->n; i++) {
		struct msg_row row;

		row_of_arrival(a, &a->v[i], &row);
		if (store_msg_present(a->acc->store, row.id, err) < 0 ||
		    account_audit(a->acc, "download", a->f, &row,
		    "new on the server, unknown here", err) < 0) {
			store_rollback(a->acc->store);
			return -1;
		}
	}
	return account_commit(a->acc, err);
}

/* Those directories that something was put into. */
static int
sync_dirs(const struct arrivals *a, struct err *err)
{
	bool used[2] = { false, false };
	int r = 0;

	for (size_t i = 0; i < a->n; i++)
		used[a->v[i].in_new] = true;
	for (int sub = 0; sub < 2 && r == 0; sub++)
		if (used[sub])
			r = mdir_sync_sub(a->f->fd, sub != 0, err);
	return r;
}

int
land_all(struct arrivals *a, struct err *err)
{
	struct landing *l;
	int r;

	if (a->n == 0)
		return 0;
	l = xreallocarray(NULL, a->n, sizeof(*l));
	for (size_t i = 0; i < a->n; i++)
		l[i] = a->v[i].landing;
	r = deliver_sync(l, a->n, err);
	free(l);
	if (r == 0)
		r = name_batch(a, err);
	if (r == 0)
		r = commit_landing(a, err);
	for (size_t i = 0; i < a->n && r == 0; i++)
		if (deliver_place(a->f->fd, a->v[i].landing.unique,
		    a->v[i].file, a->v[i].in_new, err) < 0)
			r = -1;
	if (r == 0)
		r = sync_dirs(a, err);
	if (r == 0)
		r = commit_present(a, err);
	if (r == 0) {
		a->acc->tally.downloaded += a->n;
		a->acc->tally.bytes_down += a->bytes;
		forget(a);
	}
	return r;
}
