/*
 * append.c — messages that scripts wrote: put into a folder as a mail program would
 * put them there, and uploaded from there like anybody's.  Called by effect.c; waits
 * for the disk only.
 *
 * The name is made of the effect's number and of the content: done again, it is the
 * same one.
 */
#include "engine/hooks_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "engine/account.h"
#include "engine/local.h"
#include "maildir/dir.h"
#include "maildir/name.h"

/* Where it goes, and what it shows there. */
struct place {
	struct folder	*to;
	struct flags	 flags;
	int64_t		 date;
};

/* In the place of a message that is here. */
static enum appended
place_of_message(struct hooks *h, int64_t id, struct place *p, const char **why,
    struct err *err)
{
	struct msg_row row;
	int got = store_find_id(h->acc->store, id, &row, err);

	if (got < 0)
		return APPEND_FAILED;
	p->to = got > 0 ? account_by_id(h->acc, row.folder) : NULL;
	*why = "the message is gone";
	if (p->to == NULL || p->to->away)
		return APPEND_NOT;
	if (row_in_flight(&row))
		return APPEND_LATER;
	p->flags = row.flags;
	p->date = row.date;
	return APPEND_DONE;
}

/* "Mailbox", its date, its letters. */
static enum appended
place_of_text(struct hooks *h, struct str argv, struct place *p,
    const char **why, struct err *err)
{
	struct str name = str_split(&argv, '\0'), date = str_split(&argv, '\0');
	uint64_t when;
	int r = step_mailbox(h->acc, name, &p->to, why, err);

	if (r != 0)
		return r < 0 ? APPEND_FAILED : APPEND_NOT;
	p->flags.sys = sysflags_from_letters(str_split(&argv, '\0'));
	p->date = num_u64(date, 1, INT32_MAX, &when) ? (int64_t)when :
	    clock_wall() / 1000000;
	return land_ready(h->acc, p->to) ? APPEND_DONE : APPEND_LATER;
}

static int
write_tmp(struct account *acc, const struct place *p, int in, struct landing *l,
    struct err *err)
{
	char part[16384];
	off_t at = 0;
	ssize_t n;

	if (account_delivering(acc, err) < 0 ||
	    deliver_begin(acc->deliver, p->to->fd, err) < 0)
		return -1;
	while ((n = pread(in, part, sizeof(part), at)) > 0) {
		if (deliver_data(acc->deliver, (struct str){ part, (size_t)n },
		    err) < 0)
			return -1;
		at += n;
	}
	return deliver_end(acc->deliver, p->date, l, err);
}

/* Is it there from an earlier try, by whatever name it has now?  1, 0, -1. */
static int
is_there(struct account *acc, struct folder *f, const char *base, struct err *err)
{
	struct msg_row row, copy = { .unique = str_z(base), .file = str_z(base) };
	char name[MNAME_MAX];
	bool in_new;
	int got = store_find_unique(acc->store, f->id, copy.unique, &row, err);

	return got != 0 ? got : local_find(f, &copy, name, &in_new, err);
}

static int
put_in_place(struct account *acc, const struct place *p, struct landing *l,
    const char *base, struct err *err)
{
	char name[MNAME_MAX];
	bool in_new;

	if (deliver_sync(l, 1, err) < 0 || local_keywords(acc, p->to, err) < 0 ||
	    local_name(acc, p->to, p->to, base, true, p->flags, name,
	    &in_new) < 0 || deliver_place(p->to->fd, l->unique, p->to->fd, name,
	    in_new, err) < 0 || mdir_sync(p->to->fd, err) < 0)
		return -1;
	local_told(p->to, name, in_new, false);
	return 0;
}

enum appended
append_run(struct hooks *h, const struct script_effect *e, int in,
    const char **why, struct err *err)
{
	struct account *acc = h->acc;
	struct place p = { 0 };
	struct landing l;
	char base[80];
	enum appended r = e->msg != 0 ?
	    place_of_message(h, e->msg, &p, why, err) :
	    place_of_text(h, e->argv, &p, why, err);
	int got;

	if (r != APPEND_DONE)
		return r;
	if (folder_load(acc, p.to, err) < 0 || write_tmp(acc, &p, in, &l, err) < 0)
		return APPEND_FAILED;
	snprintf(base, sizeof(base), "A%" PRId64 "H%02x%02x%02x%02x.syncd", e->id,
	    l.id.all.b[0], l.id.all.b[1], l.id.all.b[2], l.id.all.b[3]);
	got = is_there(acc, p.to, base, err);
	if (got == 0)
		got = put_in_place(acc, &p, &l, base, err);
	else
		deliver_drop(&l);
	if (got < 0 || here_is(acc, p.to, base, err) < 0)
		return APPEND_FAILED;
	return APPEND_DONE;
}

/* What takes the place of a message is there: the message goes. */
int
append_replace(struct hooks *h, const struct script_effect *e, struct err *err)
{
	struct script_step st = { .msg = e->msg, .op = OPK_DELETE,
	    .plugin = e->plugin, .place = e->place };

	h->steps_due = true;
	return e->msg != 0 ? store_step_add(h->acc->store, &st, err) : 0;
}
