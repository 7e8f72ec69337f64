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
#include "engine/dedupe.h"
#include "engine/hooks.h"
#include "engine/local.h"
#include "engine/maildrop.h"
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

static bool
enough(uint64_t messages, uint64_t bytes)
{
	return messages >= BATCH || bytes >= BATCH_BYTES;
}

bool
land_full(const struct arrivals *a)
{
	return enough(a->n, a->bytes);
}

bool
land_heap_full(struct arrivals *const *a, size_t n)
{
	uint64_t messages = 0, bytes = 0;

	for (size_t i = 0; i < n; i++) {
		messages += a[i]->n;
		bytes += a[i]->bytes;
	}
	return enough(messages, bytes);
}

static void
clear(struct arrival *one)
{
	free(one->objid);
	free(one->listed.uidl);
	header_clear(&one->header);
}

void
land_undo(struct arrivals *a)
{
	struct arrival *last = &a->v[--a->n];

	a->bytes -= last->landing.id.wire_size;
	deliver_drop(&last->landing);
	clear(last);
}

static void
forget(struct arrivals *a)
{
	for (size_t i = 0; i < a->n; i++)
		clear(&a->v[i]);
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
	a->v = NULL;
	a->cap = 0;
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

/* The folder whose Maildir takes it. */
static struct folder *
home_of(const struct arrivals *a, const struct arrival *one)
{
	return one->to != NULL ? one->to : a->f;
}

static int
name_arrival(struct arrivals *a, struct arrival *one)
{
	struct folder *f = home_of(a, one);
	uint64_t bits = kwtab_translate(one->show.kw, &a->f->kw, &f->kw);
	char letters[7 + 27 + 1], kw[27] = "";

	sysflags_to_letters(one->show.sys, letters);
	if (a->acc->conf->keywords == KEYWORDS_DOVECOT)
		(void)kwfile_to_letters(&f->kwfile, bits, &f->kw, kw);
	strcat(letters, kw);
	if (one->show.sys & FLAG_PASSED) {
		char both[2] = { kwfile_forwarded(&f->kwfile), '\0' };

		strcat(letters, both);
	}
	one->in_new = letters[0] == '\0' && goes_to_new(a->acc, one->show);
	return deliver_name(&one->landing, str_z(letters), one->in_new,
	    one->file);
}

/* New letters are agreed on with other clients before they are used. */
static int
agree_letters(struct account *acc, struct folder *f, struct err *err)
{
	char letters[27];

	if (folder_load(acc, f, err) < 0)
		return -1;
	if (acc->conf->keywords == KEYWORDS_DOVECOT)
		(void)kwfile_to_letters(&f->kwfile, ~(uint64_t)0, &f->kw,
		    letters);
	return local_keywords(acc, f, err);
}

static int
name_batch(struct arrivals *a, struct err *err)
{
	if (agree_letters(a->acc, a->f, err) < 0)
		return -1;
	for (size_t i = 0; i < a->n; i++) {
		struct arrival *one = &a->v[i];
		struct folder *to = one->to;

		if (to != NULL) {
			/* It learns the names of what is to be shown there. */
			(void)kwtab_translate(one->show.kw, &a->f->kw, &to->kw);
			if (agree_letters(a->acc, to, err) < 0)
				return -1;
			one->waits = !land_ready(a->acc, to);
		}
		must(name_arrival(a, one) >= 0);
	}
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
		.to = one->to != NULL ? one->to->id : 0,
		.subject = str_z(one->header.subject),
		.from = str_z(one->header.from),
		.msgid = str_z(one->header.msgid),
	};
}

/* What it stands for is refused in the same transaction: that row alone would say
 * that nothing is to come.  Scripts have seen the one that stands for it only. */
static int
write_listed(const struct arrivals *a, struct arrival *one, struct err *err)
{
	struct msg_row refused = { 0 };

	if (one->listed.since == 0)
		return 0;
	one->listed.message = one->row;
	if (one->stands_for == NULL)
		return store_uidl_put(a->acc->store, &one->listed, err);
	one->listed.keep = KEEP_CONF;
	return maildrop_refuse(a->acc, a->f, &refused, &one->listed,
	    one->stands_for, err);
}

/* With what scripts planned for the messages, in the same transaction. */
static int
write_landing(struct arrivals *a, struct err *err)
{
	bool moved = false;

	for (size_t i = 0; i < a->n; i++) {
		struct arrival *one = &a->v[i];
		struct msg_row row;
		int r;

		row_of_arrival(a, one, &row);
		r = row.id != 0 ? store_msg_add(a->acc->store, &row, err) :
		    store_msg_put(a->acc->store, &row, err);
		if (r < 0)
			return -1;
		one->row = row.id;
		if (write_listed(a, one, err) < 0)
			return -1;
		moved = moved || one->to != NULL;
		if (tell_message(a->acc, HOOK_DELIVERED, home_of(a, one), &row,
		    NULL, err) < 0)
			return -1;
	}
	/* After a crash nothing but a scan would tell that a file is not where
	 * its row has it. */
	if (moved) {
		a->f->mtime_cur = a->f->mtime_new = 0;
		if (folder_save(a->acc, a->f, err) < 0)
			return -1;
	}
	return incoming_write(a, err);
}

static void
end_incoming(struct arrivals *const *a, size_t n, bool committed)
{
	for (size_t i = 0; i < n; i++)
		incoming_end(a[i], committed);
}

static int
commit_landing(struct arrivals *const *a, size_t n, struct err *err)
{
	struct account *acc = a[0]->acc;
	int r = account_begin(acc, err);

	if (r < 0)
		return -1;
	for (size_t i = 0; i < n && r == 0; i++)
		r = write_landing(a[i], err);
	r = account_end(acc, r, err);
	end_incoming(a, n, r == 0);
	return r;
}

bool
land_ready(const struct account *acc, const struct folder *to)
{
	return !account_two_way(acc) || !(to->policy.push & POLICY_NEW) ||
	    (folder_active(to) && to->uidnext != 0);
}

int
land_home_name(struct account *acc, struct folder *home, struct folder *to,
    const char *file, bool in_new, char out[MNAME_MAX], bool *out_new)
{
	struct flags flags = local_flags(to, str_z(file));

	flags.kw = kwtab_translate(flags.kw, &to->kw, &home->kw);
	return local_name(acc, home, to, file, in_new, flags, out, out_new);
}

/* In the base it stays where the server has it, and its file is found to have
 * moved: what follows is what follows when anybody moves a file. */
static void
went_elsewhere(struct arrivals *a, struct arrival *one, struct msg_row *row,
    char name[MNAME_MAX])
{
	bool in_new = one->in_new;

	local_told(one->to, one->file, one->in_new, false);
	if (land_home_name(a->acc, a->f, one->to, one->file, one->in_new, name,
	    &in_new) < 0)
		strcpy(name, one->file);
	row->file = str_z(name);
	row->in_new = in_new;
	row->to = 0;
	local_told(a->f, name, in_new, true);
}

static int
write_present(struct arrivals *a, struct arrival *one, struct err *err)
{
	char name[MNAME_MAX];
	struct msg_row row;

	row_of_arrival(a, one, &row);
	if (one->waits) {
		a->acc->filing = true;
		return 0;
	}
	if (one->to != NULL && !account_two_way(a->acc)) {
		/* Nobody else will say that it is there. */
		row.folder = one->to->id;
		row.to = 0;
	} else if (one->to != NULL)
		went_elsewhere(a, one, &row, name);
	else if (!flags_eq(one->show, one->flags))
		local_told(a->f, one->file, one->in_new, false);
	row.stage = ST_PRESENT;
	if ((one->to != NULL ? store_msg_put(a->acc->store, &row, err) :
	    store_msg_present(a->acc->store, row.id, err)) < 0)
		return -1;
	return account_audit(a->acc, "download", home_of(a, one), &row,
	    one->to != NULL ? "new on the server, filed by a script" :
	    "new on the server, unknown here", err);
}

static int
write_all_present(struct arrivals *a, struct err *err)
{
	for (size_t i = 0; i < a->n; i++)
		if (write_present(a, &a->v[i], err) < 0)
			return -1;
	return 0;
}

static int
commit_present(struct arrivals *const *a, size_t n, struct err *err)
{
	struct account *acc = a[0]->acc;
	int r = account_begin(acc, err);

	for (size_t i = 0; i < n && r == 0; i++)
		r = write_all_present(a[i], err);
	return account_end(acc, r, err);
}

/* Those directories of the folder that something was put into. */
static int
sync_dirs(const struct arrivals *a, struct err *err)
{
	bool used[2] = { false, false };
	int r = 0;

	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].to == NULL && !a->v[i].waits)
			used[a->v[i].in_new] = true;
	for (int sub = 0; sub < 2 && r == 0; sub++)
		if (used[sub])
			r = mdir_sync_sub(a->f->fd, sub != 0, err);
	return r;
}

static int
place(const struct arrivals *a, struct err *err)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct arrival *one = &a->v[i];
		const struct folder *home = home_of(a, one);
		int got;

		if (one->waits)
			continue;
		got = deliver_place(a->f->fd, one->landing.unique, home->fd,
		    one->file, one->in_new, err);
		if (got < 0)
			return -1;
		if (got > 0)
			local_landed(a->acc, home, one->file, one->in_new);
	}
	return 0;
}

static int
sync_places(const struct arrivals *a, struct err *err)
{
	for (size_t i = 0; i < a->n; i++) {
		struct folder *to = a->v[i].to;

		/* Each only once, if they come in a row. */
		if (to != NULL && !a->v[i].waits && (i == 0 ||
		    a->v[i - 1].to != to) && mdir_sync(to->fd, err) < 0)
			return -1;
	}
	return sync_dirs(a, err);
}

/* All are renamed before the first directory is synced: a journal takes them in
 * one go. */
static int
place_all(struct arrivals *const *a, size_t n, struct err *err)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		if (place(a[i], err) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		total += a[i]->n;
	for (size_t i = 0; i < n; i++)
		if (deliver_left(a[i]->f->fd, total, err) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (sync_places(a[i], err) < 0)
			return -1;
	return 0;
}

static int
sync_bodies(struct arrivals *const *a, size_t n, struct err *err)
{
	struct landing *l;
	size_t total = 0;
	int r;

	for (size_t i = 0; i < n; i++)
		total += a[i]->n;
	l = xreallocarray(NULL, total, sizeof(*l));
	total = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < a[i]->n; k++)
			l[total++] = a[i]->v[k].landing;
	r = deliver_sync(l, total, err);
	free(l);
	return r;
}

/* Where each goes, and by what name. */
static int
settle_names(struct arrivals *a, struct err *err)
{
	if (incoming_hear(a, err) < 0 || name_batch(a, err) < 0)
		return -1;
	return dedupe_arrivals(a, err);
}

static void
have_landed(struct arrivals *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].landed != NULL)
			*a->v[i].landed = (struct landed){ a->v[i].row,
			    a->v[i].listed.keep };
	a->acc->tally.downloaded += a->n;
	a->acc->tally.bytes_down += a->bytes;
	forget(a);
}

int
land_together(struct arrivals *const *a, size_t n, struct err *err)
{
	int r = 0;

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n && r == 0; i++)
		r = incoming_ask(a[i], err);
	if (r == 0)
		r = sync_bodies(a, n, err);
	for (size_t i = 0; i < n && r == 0; i++)
		r = settle_names(a[i], err);
	if (r < 0) {
		end_incoming(a, n, false);
		return -1;
	}
	if (commit_landing(a, n, err) < 0 || place_all(a, n, err) < 0 ||
	    commit_present(a, n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		have_landed(a[i]);
	return 0;
}

int
land_all(struct arrivals *a, struct err *err)
{
	return a->n > 0 ? land_together(&a, 1, err) : 0;
}
