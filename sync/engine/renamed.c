/*
 * renamed.c — by its id, where the server tells one; else by counters, by names of
 * files, or because only one empty folder can be meant.
 */
#include "engine/renamed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/names.h"
#include "engine/remove.h"
#include "imap/use.h"
#include "maildir/dir.h"
#include "maildir/name.h"

enum { SAMPLE = 20 };

/* ---- on the server ---------------------------------------------------- */

/* What we know of a folder there. */
struct ours {
	uint32_t	messages;
	uint32_t	last;		/* the highest uid; 0 */
};

static int
look_up(struct account *acc, const struct folder *f, struct ours *k,
    struct err *err)
{
	return store_count_uids(acc->store, f->id, &k->messages, err) < 0 ||
	    store_last_uid(acc->store, f->id, &k->last, err) < 0 ? -1 : 0;
}

/* Can ${now} be ${f}?  The server counts what it did when ${f} was read; or, where
 * we put something there or took it away since, what we know. */
static bool
fits(const struct folder *f, const struct ours *k, const struct folder *now)
{
	const struct remote_status *s = &now->status;
	uint32_t next = k->last >= f->uidnext ? k->last + 1 : f->uidnext;

	return f->validity.v != 0 &&
	    (s->have & STATUS_UIDVALIDITY) && s->validity.v == f->validity.v &&
	    (s->have & STATUS_UIDNEXT) && s->uidnext == next &&
	    (s->have & STATUS_MESSAGES) &&
	    (s->messages == f->messages || s->messages == k->messages);
}

/* What the account itself is made of is not renamed on a mere likeness. */
static bool
has_use(const struct folder *f)
{
	return use_name(f->attrs) != NULL ||
	    str_ieq(str_z(f->wire), STR("INBOX"));
}

/* Empty, then and now: if it is another after all, nothing is lost by that.
 * Counters of empty mailboxes may be alike: only one may have gone.  1, 0, -1. */
static int
only_empty_one(struct account *acc, const struct folder *f,
    const struct folder *now, struct err *err)
{
	if (has_use(f))
		return 0;
	for (size_t i = 0; i < acc->n_folders; i++) {
		const struct folder *o = acc->folder[i];
		struct ours known;

		if (o == f || o->id == 0 || o->wire == NULL || o->status.listed ||
		    has_use(o))
			continue;
		if (look_up(acc, o, &known, err) < 0)
			return -1;
		if (known.messages == 0 && fits(o, &known, now))
			return 0;
	}
	return 1;
}

/* 1, 0, -1. */
static int
may_be(struct account *acc, const struct folder *f, const struct ours *known,
    const struct folder *now, struct err *err)
{
	if (f->objid != NULL && now->objid != NULL)
		return strcmp(f->objid, now->objid) == 0;
	if (!fits(f, known, now))
		return 0;
	if (now->status.messages > 0)
		return 1;
	return known->messages == 0 ? only_empty_one(acc, f, now, err) : 0;
}

int
renamed_there(struct account *acc, const struct folder *f, struct folder **hit,
    struct err *err)
{
	struct ours known;

	*hit = NULL;
	if (look_up(acc, f, &known, err) < 0)
		return -1;
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *now = acc->folder[i];
		int may;

		if (now->id != 0 || !now->status.listed || now->excluded ||
		    (now->attrs & LIST_NOSELECT))
			continue;
		may = may_be(acc, f, &known, now, err);
		if (may < 0)
			return -1;
		if (!may)
			continue;
		if (*hit != NULL) {
			*hit = NULL;	/* two candidates are none */
			return 0;
		}
		*hit = now;
	}
	return 0;
}

/* The folder that was not known by the wire name ${now}; NULL. */
static struct folder *
otherwise(struct account *acc, const struct folder *now)
{
	char *then = names_respell(acc, str_z(now->wire));
	struct folder *f = NULL;

	if (then != NULL && strcmp(then, now->wire) != 0)
		f = account_by_wire(acc, str_z(then));
	free(then);
	return f != NULL && f->id != 0 && !f->status.listed ? f : NULL;
}

static int
respell(struct account *acc, struct folder *f, struct folder *now,
    struct err *err)
{
	log_notice("%s is spelled otherwise by the server now", f->name);
	free(f->wire);
	f->wire = xstrdup(now->wire);
	f->delim = now->delim;
	f->attrs = now->attrs;
	f->status = now->status;
	f->excluded = now->excluded;
	folder_mark(f, DIRTY_REMOTE);
	account_folder_drop(acc, now);
	return account_join(acc, err) < 0 ? -1 : folder_save(acc, f, err);
}

static bool
any_gone(const struct account *acc)
{
	for (size_t i = 0; i < acc->n_folders; i++) {
		const struct folder *f = acc->folder[i];

		if (f->id != 0 && f->wire != NULL && !f->status.listed)
			return true;
	}
	return false;
}

int
renamed_spelling(struct account *acc, struct err *err)
{
	int r = 0;

	if (!any_gone(acc))
		return 0;
	for (size_t i = 0; i < acc->n_folders && r == 0;) {
		struct folder *now = acc->folder[i], *f = NULL;

		if (now->id == 0 && now->status.listed)
			f = otherwise(acc, now);
		/* Another one comes to the place of one that is dropped. */
		if (f != NULL)
			r = respell(acc, f, now, err);
		else
			i++;
	}
	return account_end(acc, r, err);
}

/* ---- here ------------------------------------------------------------- */

int
renamed_holds(struct account *acc, const struct folder *f, const char *path,
    struct err *err)
{
	struct mlist list;
	struct msg_row row;
	size_t hits = 0, n;
	int fd = mpath_open(acc->root_fd, str_z(path), err);
	int got = 0;

	if (fd < 0)
		return -1;
	if (mdir_list(fd, &list, err) < 0) {
		close(fd);
		return -1;
	}
	n = list.n < SAMPLE ? list.n : SAMPLE;
	for (size_t i = 0; i < n && got >= 0; i++) {
		struct mname name;

		if (!mname_parse(str_z(list.file[i].name), &name))
			continue;
		got = store_find_unique(acc->store, f->id, name.unique, &row,
		    err);
		hits += got > 0;
	}
	mlist_clear(&list);
	close(fd);
	return got < 0 ? -1 : n > 0 && hits * 2 > n;
}

int
renamed_here(struct account *acc, const char *path, struct folder **hit,
    struct err *err)
{
	*hit = NULL;
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];
		int like;

		if (!f->away || f->wire == NULL || f->missing)
			continue;
		like = renamed_holds(acc, f, path, err);
		if (like < 0)
			return -1;
		if (like) {
			*hit = f;
			return 0;
		}
	}
	return 0;
}

/* Is there a directory at ${path} without a message?  1, 0, -1. */
static int
is_empty(struct account *acc, const char *path, struct err *err)
{
	int fd = mpath_open(acc->root_fd, str_z(path), err), r;
	struct mlist list;

	if (fd < 0)
		return -1;
	r = mdir_list(fd, &list, err);
	close(fd);
	if (r < 0)
		return -1;
	r = list.n == 0;
	mlist_clear(&list);
	return r;
}

int
renamed_empty(struct account *acc, const char *path, struct folder **hit,
    struct err *err)
{
	bool more = true;
	uint32_t rows;
	int r = is_empty(acc, path, err);

	*hit = NULL;
	if (r <= 0)
		return r;
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];

		if (!f->away || f->wire == NULL || f->missing || has_use(f))
			continue;
		if (store_count(acc->store, f->id, &rows, err) < 0)
			return -1;
		if (rows > 0)
			continue;
		if (*hit != NULL) {
			*hit = NULL;
			return 0;
		}
		*hit = f;
	}
	if (*hit != NULL && remove_takes_more(acc, *hit, &more, err) < 0)
		return -1;
	if (more)
		*hit = NULL;
	return 0;
}
