/*
 * pair_files.c — files that moved or were copied here.
 *
 * A file that a client moved is known by its inode, by its unique name, or by its
 * content, in that order.
 */
#include "engine/pair_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "engine/letters.h"
#include "engine/local.h"
#include "engine/unread.h"
#include "maildir/dir.h"
#include "maildir/name.h"

struct lost {
	struct folder	*folder;
	struct change	*change;
};

/* Rows whose file is gone, by inode and by unique name. */
struct losses {
	struct lost	*v;
	size_t		 n, cap;
	struct map	 by_unique, by_ino, by_row;
	struct map	 far;		/* changes of rows that have no file, by row */
	struct map	 again;		/* those of them that have one again */
	bool		 rows;		/* there are some at all */
};

static void
collect_losses(struct losses *l, struct folder **f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < f[i]->work.n; k++) {
			struct change *c = &f[i]->work.change[k];

			if (c->known == KNOWN_REMOTE_ONLY)
				map_put(&l->far, KEY_OF(c->msg), (uintptr_t)c);
			if (c->local != SIDE_GONE || c->known == KNOWN_NOT)
				continue;
			l->v = array_room(l->v, l->n, &l->cap, sizeof(*l->v));
			l->v[l->n++] = (struct lost){ f[i], c };
		}
	for (size_t i = 0; i < l->n; i++) {
		struct mname name;

		if (mname_parse(str_z(l->v[i].change->file), &name))
			map_put(&l->by_unique, name.unique, i);
		map_put(&l->by_ino, KEY_OF(l->v[i].change->ino), i);
		map_put(&l->by_row, KEY_OF(l->v[i].change->msg), i);
	}
}

static struct lost *
lost_at(struct losses *l, const struct map *m, struct str key)
{
	uintptr_t at;

	if (!map_get(m, key, &at) || l->v[at].change->done)
		return NULL;
	return &l->v[at];
}

static struct lost *
lost_by_name(struct losses *l, const struct change *u)
{
	struct mname name;

	if (!mname_parse(str_z(u->file), &name))
		return NULL;
	return lost_at(l, &l->by_unique, name.unique);
}

/* The same bytes?  A number that is reused, or a name, is only a hint. */
static int
same_content(struct account *acc, struct folder *f, struct change *u,
    int64_t msg, struct err *err)
{
	struct msg_row row;
	int got = local_digest(f, u, err);

	if (got <= 0)
		return got;
	got = store_find_id(acc->store, msg, &row, err);
	if (got <= 0)
		return got;
	return hash_eq(&row.all, &u->content->id.all);
}

/* The file of ${row} is not there any more, and nobody has looked at its folder in
 * this pass, because only others were asked for: it is looked at in the next.  Or
 * nobody could. */
static bool
has_left(struct account *acc, struct folder *from, const struct msg_row *row)
{
	struct mstat st;
	struct err ignored;
	char *file;
	bool gone;

	if (from->unseen)
		return unread_waits(acc);
	if (acc->dry_run || from->work.scanned ||
	    (from->drawn && from->work.local_read) || row->unique.n == 0 ||
	    folder_load(acc, from, &ignored) < 0)
		return false;
	file = str_dup(row->file);
	gone = mdir_stat(from->fd, row->in_new, file, &st, &ignored) == 0;
	free(file);
	if (gone) {
		from->drawn = true;
		folder_mark(from, DIRTY_SCAN);
	}
	return gone;
}

/* Can there be a row with its content?  Its header is read for that; all of it would
 * be read twice, once before the first upload.  1, 0: there is none, -1. */
static int
may_be_known(struct account *acc, const struct losses *l, struct folder *f,
    const struct change *u, struct err *err)
{
	struct hash head;
	int fd, got;

	if (!l->rows || u->content != NULL)
		return l->rows;
	fd = mdir_open(f->fd, u->in_new, u->file, err);
	if (fd < 0)
		return err->errnum == ENOENT ? 1 : -1;
	got = mdir_head(fd, &head, err);
	close(fd);
	if (got <= 0)
		return got < 0 ? -1 : 1;
	return store_has_head(acc->store, &head, err);
}

/* ${u} is the file of ${row}, whose directory is gone: it was moved out of it, and that
 * was removed.  Content alone would not tell it from a copy.  What the letters meant
 * there is gone with the directory: with keywords it is sent as new. */
static bool
has_got_out(const struct losses *l, const struct folder *from,
    const struct msg_row *row, const struct change *u)
{
	struct mname name;

	return from->away && !from->missing && from->wire != NULL &&
	    from->held == NULL && !from->excluded &&
	    (from->policy.push & POLICY_DELETE) &&
	    row->stage == ST_PRESENT && row->uid.v != 0 && row->flags.kw == 0 &&
	    !map_has(&l->again, KEY_OF(row->id)) &&
	    (row->ino == u->ino || (mname_parse(str_z(u->file), &name) &&
	    str_eq(name.unique, row->unique)));
}

/* Somewhere on the server with these very bytes: a row to copy from.  Rows that
 * have just lost their file come first: that is a move. */
static int
find_content(struct account *acc, struct losses *l, struct change *u,
    struct lost **lost, int64_t *copy_of, bool *left, struct err *err)
{
	struct cursor *c = cursor_open_head(acc->store, 0,
	    &u->content->id.head, u->content->wire_size, err);
	struct flags flags = { 0 };
	struct msg_row row;
	int64_t out = 0;
	int got;

	*lost = NULL;
	*copy_of = 0;
	*left = false;
	if (c == NULL)
		return -1;
	while (*lost == NULL && (got = cursor_next(c, &row, err)) > 0) {
		struct folder *f = account_by_id(acc, row.folder);

		if (!hash_eq(&row.all, &u->content->id.all) || f == NULL)
			continue;
		if (out == 0 && has_got_out(l, f, &row, u)) {
			out = row.id;
			flags = row.flags;
		}
		if (!folder_active(f))
			continue;
		*lost = lost_at(l, &l->by_row, KEY_OF(row.id));
		if (row.stage != ST_PRESENT || row.uid.v == 0)
			continue;
		*left = has_left(acc, f, &row) || *left;
		if (*copy_of == 0)
			*copy_of = row.id;
	}
	cursor_close(c);
	if (*lost == NULL && got == 0 && out != 0) {
		u->from = out;
		u->base = flags;
		map_put(&l->again, KEY_OF(u->from), 0);
	}
	return *lost != NULL ? 0 : got;
}

/* A file that was moved without a thought brings along the letters of the folder
 * that it comes from; a client that knows of keywords has put the new folder's
 * into the name. */
static void
take_letters(struct folder *was, struct folder *f, const struct change *lost,
    struct change *u)
{
	if (!letters_same(str_z(lost->file), str_z(u->file)))
		return;
	u->letters = was;
	u->local_flags = local_flags(was, str_z(u->file));
	/* What had no letter there has one here, perhaps. */
	u->local_flags.kw |= letters_unseen(was, lost->base.kw);
	u->local_flags.kw = kwtab_translate(u->local_flags.kw, &was->kw, &f->kw);
}

/* ${u} is the file that ${hit} lost. */
static void
take_lost(struct lost *hit, struct folder *f, struct change *u)
{
	take_letters(hit->folder, f, hit->change, u);
	if (hit->folder != f && hit->change->remote != SIDE_GONE &&
	    !(hit->folder->policy.push & POLICY_DELETE)) {
		/* Policy keeps it where it was: a copy, then. */
		u->from = hit->change->msg;
		u->copy = true;
		return;
	}
	if (hit->change->remote == SIDE_GONE) {
		/* Deleted there meanwhile: the move wins, by an upload,
		 * unless the server turns out to have moved it, too. */
		u->was = hit->change->msg;
		u->base = hit->change->base;
		u->base.kw = kwtab_translate(u->base.kw,
		    &hit->folder->kw, &f->kw);
		return;
	}
	u->from = hit->change->msg;
	hit->change->done = true;
	/* What the server changed about it travels along. */
	u->base = hit->change->base;
	u->remote = hit->change->remote;
	u->remote_flags = hit->change->remote_flags;
	if (hit->folder == f) {
		/* A new name in the same folder. */
		u->msg = hit->change->msg;
		u->uid = hit->change->uid;
		u->known = hit->change->known;
		u->from = 0;
		hit->change->msg = 0;
	}
}

/* What either side shows now, it may have shown since before: nothing is taken off. */
static bool
take_again(struct losses *l, const struct msg_row *row, struct change *u)
{
	uintptr_t at = 0;
	struct change *far = map_get(&l->far, KEY_OF(row->id), &at) ?
	    (struct change *)at : NULL;

	if (map_has(&l->again, KEY_OF(row->id)) ||
	    (far != NULL && (far->done || far->remote == SIDE_GONE)))
		return false;
	u->msg = row->id;
	u->uid = row->uid;
	u->known = KNOWN_BOTH;
	u->remote = SIDE_PRESENT;
	u->remote_flags = far != NULL && far->remote == SIDE_PRESENT ?
	    far->remote_flags : row->flags;
	u->base.sys = u->remote_flags.sys & u->local_flags.sys;
	u->base.kw = u->remote_flags.kw & u->local_flags.kw;
	map_put(&l->again, KEY_OF(u->msg), 0);
	if (far != NULL) {
		far->done = true;
		far->msg = 0;
	}
	return true;
}

/* A file that was lost, and whose message policy has left on the server, is put back:
 * sent, it would be there twice.  What is marked there as deleted is not meant.
 * 1, 0, -1. */
static int
pair_again(struct account *acc, struct losses *l, const struct folder *f,
    struct change *u, struct err *err)
{
	struct cursor *c = cursor_open_head(acc->store, f->id,
	    &u->content->id.head, u->content->wire_size, err);
	struct msg_row row;
	bool hit = false;
	int got = 0;

	if (c == NULL)
		return -1;
	while (!hit && (got = cursor_next(c, &row, err)) > 0)
		hit = row.stage == ST_GONE_LOCAL && row.uid.v != 0 &&
		    !(row.flags.sys & FLAG_DELETED) &&
		    hash_eq(&row.all, &u->content->id.all) &&
		    take_again(l, &row, u);
	cursor_close(c);
	return got;
}

static int
pair_new_file(struct account *acc, struct losses *l, struct folder *f,
    struct change *u, struct err *err)
{
	struct lost *named = lost_by_name(l, u), *hit = named;
	int64_t copy_of = 0;
	bool left = false;
	int got;

	/* Of several names of one inode, the one that it had. */
	if (named == NULL || named->change->ino != u->ino)
		hit = lost_at(l, &l->by_ino, KEY_OF(u->ino));
	if (hit == NULL)
		hit = named;
	/* Inode and name together are proof enough; one alone is a hint. */
	if (hit != NULL && (hit != named || hit->change->ino != u->ino)) {
		got = same_content(acc, f, u, hit->change->msg, err);
		if (got < 0)
			return -1;
		if (got == 0)
			hit = NULL;
	}
	if (hit == NULL) {
		got = may_be_known(acc, l, f, u, err);
		if (got <= 0)
			return got;
		got = local_digest(f, u, err);
		if (got <= 0) {
			u->done = got == 0;	/* gone again already */
			return got;
		}
		if (find_content(acc, l, u, &hit, &copy_of, &left, err) < 0)
			return -1;
		if (hit == NULL && u->from != 0)
			return 0;
		if (hit == NULL && left) {
			/* A move, it seems: it is decided when both sides of it
			 * have been read. */
			folder_mark(f, DIRTY_SCAN);
			f->work.failed = f->work.failed || unread_here(acc);
			u->done = true;
			return 0;
		}
		if (hit == NULL) {
			got = pair_again(acc, l, f, u, err);
			if (got != 0)
				return got < 0 ? -1 : 0;
		}
	}
	if (hit != NULL) {
		take_lost(hit, f, u);
	} else if (copy_of != 0) {
		u->from = copy_of;
		u->copy = true;
	}
	return 0;
}

/* Nothing is done about ${u} in this round, nor may the row that it was be forgotten:
 * what was agreed on is of use yet. */
static int
wait_with_row(struct account *acc, struct folder *f, struct change *u,
    struct err *err)
{
	struct msg_row row;
	struct folder *home;
	struct change *old;
	int got = store_find_id(acc->store, u->was, &row, err);

	work_leave(&f->work, u);
	home = got > 0 ? account_by_id(acc, row.folder) : NULL;
	old = home != NULL ? work_find(&home->work, u->was) : NULL;
	if (old != NULL)
		work_leave(&home->work, old);
	return got < 0 ? -1 : 0;
}

int
pair_waiting(struct account *acc, struct folder *f, struct err *err)
{
	for (size_t i = 0; i < f->work.n; i++) {
		struct change *u = &f->work.change[i];

		if (u->was != 0 && !u->done && wait_with_row(acc, f, u, err) < 0)
			return -1;
	}
	return 0;
}

int
pair_letters(struct account *acc, struct folder *f, struct err *err)
{
	for (size_t i = 0; i < f->work.n; i++) {
		struct change *u = &f->work.change[i];

		if (u->was == 0 || u->letters == NULL || u->done ||
		    letters_show(acc, f, u, err) == 0)
			continue;
		if (err->class != ERR_MSG && err->class != ERR_FOLDER)
			return -1;
		problem_open(acc, PROBLEM_WARNING, err->code, f, "", "%s",
		    err->text);
		if (wait_with_row(acc, f, u, err) < 0)
			return -1;
	}
	return 0;
}

int
pair_files(struct account *acc, struct folder **f, size_t n, struct err *err)
{
	struct losses l = { 0 };
	int any, r = 0;

	/* A copy that the server makes has the date of what it copies. */
	if (acc->conf->restore.on)
		return 0;
	any = store_any(acc->store, err);
	if (any < 0)
		return -1;
	l.rows = any > 0;
	map_init(&l.by_unique);
	map_init(&l.by_ino);
	map_init(&l.by_row);
	map_init(&l.far);
	map_init(&l.again);
	collect_losses(&l, f, n);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (!(f[i]->policy.push & POLICY_NEW))
			continue;
		for (size_t k = 0; k < f[i]->work.n && r == 0; k++) {
			struct change *u = &f[i]->work.change[k];

			if (u->msg == 0 && u->local == SIDE_PRESENT && !u->done)
				r = pair_new_file(acc, &l, f[i], u, err);
			if (r < 0 && err->class == ERR_MSG) {
				problem_open(acc, PROBLEM_WARNING, err->code,
				    f[i], "", "%s", err->text);
				u->done = true;
				f[i]->work.failed = true;
				r = 0;
			}
		}
	}
	map_clear(&l.by_unique);
	map_clear(&l.by_ino);
	map_clear(&l.by_row);
	map_clear(&l.far);
	map_clear(&l.again);
	free(l.v);
	/* Only now: the losses point into the lists. */
	for (size_t i = 0; i < n; i++)
		work_sort(&f[i]->work);
	return r;
}
