/*
 * local.c — what changed in a folder's directory since the base.  local_note.c: where
 * to look; local_file.c: what a file shows; local_rename.c: what we rename ourselves.
 *
 * Two ways to the same list: a few names that the watch noted, each looked up by
 * itself, or the whole directory against all rows, both in the order of unique
 * names.  Absence is not intent: a name counts as gone only when a second look,
 * after the directory has settled, does not find it either.
 */
#include "engine/local.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/wait.h"
#include "engine/restore.h"
#include "maildir/dir.h"
#include "maildir/name.h"

enum { LOOKS_MAX = 5 };

/* ---- changes ---------------------------------------------------------- */

static struct change *
add_change(struct folder *f, const struct msg_row *row, const char *file,
    bool in_new, uint64_t ino)
{
	struct change *c = work_add(&f->work);

	c->file = xstrdup(file);
	c->in_new = in_new;
	c->ino = ino;
	if (row == NULL)
		return c;
	c->msg = row->id;
	c->uid = row->uid;
	c->known = row_known(row);
	c->base = row->flags;
	return c;
}

/* Of a restore with --since or --until, only what arrived then. */
static bool
is_asked_for(const struct account *acc, const struct folder *f,
    const struct mfile *file)
{
	struct mstat st;
	struct err ignored;

	return !acc->conf->restore.on || (mdir_stat(f->fd, file->in_new,
	    file->name, &st, &ignored) > 0 && restore_wants(acc, st.mtime));
}

static void
add_new_file(struct folder *f, const char *file, bool in_new, uint64_t ino)
{
	struct change *c = add_change(f, NULL, file, in_new, ino);

	c->local = SIDE_PRESENT;
	c->local_flags = local_flags(f, str_z(file));
}

static void
add_gone(struct folder *f, const struct msg_row *row)
{
	char *file = str_dup(row->file);
	struct change *c = add_change(f, row, file, row->in_new, row->ino);

	c->local = SIDE_GONE;
	if (row->stage == ST_TOMBSTONE)
		c->remote = SIDE_GONE;
	free(file);
}

/* Has it other bytes than the row's file had?  One of the same size and date is that,
 * put back: a tree that was restored is not read.  1, 0, -1. */
static int
is_edited(struct folder *f, const struct msg_row *row, const char *file,
    bool in_new, const struct mstat *st, struct err *err)
{
	static const struct hash unknown;
	struct mcontent content;
	int fd, r;

	if (st->size != row->size)
		return 1;
	if (st->mtime == row->date || hash_eq(&row->all, &unknown))
		return 0;
	fd = mdir_open(f->fd, in_new, file, err);
	if (fd < 0)
		return err->errnum == ENOENT ? 0 : -1;
	r = mdir_digest(fd, &content, err);
	close(fd);
	return r < 0 ? -1 : !hash_eq(&content.id.all, &row->all);
}

/* A row and its file, which is there: has anything changed?  Only the name and
 * the inode are looked at, unless the file is another, a draft or was written to. */
static int
compare_file(struct folder *f, const struct msg_row *row, const char *file,
    bool in_new, uint64_t ino, bool written, struct err *err)
{
	struct flags flags = local_flags(f, str_z(file));
	uint64_t shown = kwfile_shown(&f->kwfile, ~(uint64_t)0, &f->kw);
	struct change *c;
	struct mstat st;
	int replaced = 0;
	bool renamed;

	if (row_in_flight(row))
		return 0;
	if (row->stage == ST_REFUSED && row->ino == ino && !written)
		return 0;
	if (written || (row->ino != 0 && ino != row->ino) ||
	    (f->attrs & LIST_DRAFTS) || (flags.sys & FLAG_DRAFT)) {
		int there = mdir_stat(f->fd, in_new, file, &st, err);

		if (there <= 0)
			return there;
		if (written || (st.ino != row->ino && row->ino != 0 &&
		    (f->attrs & LIST_DRAFTS || flags.sys & FLAG_DRAFT)))
			replaced = 1;
		else
			replaced = is_edited(f, row, file, in_new, &st, err);
		if (replaced < 0)
			return -1;
	}
	renamed = !str_eq(row->file, str_z(file)) || row->in_new != in_new;
	/* Keywords without a letter cannot be seen here: as in the base. */
	flags.kw |= row->flags.kw & ~shown;
	/* About to go: only its name is of interest; unless it is a new version, which
	 * stays. */
	if (row->stage == ST_TOMBSTONE && !replaced)
		flags = row->flags;
	if (!replaced && !renamed && flags_eq(flags, row->flags) &&
	    row_known(row) != KNOWN_NOT && ino == row->ino)
		return 0;
	c = add_change(f, row, file, in_new, ino);
	c->local = replaced ? SIDE_REPLACED : SIDE_PRESENT;
	c->local_flags = flags;
	if (c->known == KNOWN_NOT && !replaced) {
		/* Known by content: no need to read it again. */
		c->content = xcalloc(1, sizeof(*c->content));
		c->content->id.head = row->head;
		c->content->id.all = row->all;
		c->content->id.wire_size = row->wire_size;
		c->content->size = row->size;
		c->content->wire_size = row->wire_size;
		c->content->eol = row->eol;
	}
	return 0;
}

/* ---- by name ---------------------------------------------------------- */

/* Where the watch saw it last is where it is, or it is gone. */
static int
look_at(struct account *acc, struct folder *f, const struct noted *n,
    struct err *err)
{
	struct msg_row row;
	struct mname name;
	struct mstat st;
	int there, known;
	char *file;

	if (!mname_parse(str_z(n->file), &name))
		return 0;
	known = store_find_unique(acc->store, f->id, name.unique, &row, err);
	if (known < 0)
		return -1;
	there = n->gone ? 0 : mdir_stat(f->fd, n->in_new, n->file, &st, err);
	if (there < 0)
		return -1;
	if (there > 0) {
		int written = n->written;

		if (known == 0) {
			add_new_file(f, n->file, n->in_new, st.ino);
			return 0;
		}
		if (written && st.ino == row.ino)
			written = is_edited(f, &row, n->file, n->in_new, &st,
			    err);
		if (written < 0)
			return -1;
		return compare_file(f, &row, n->file, n->in_new, st.ino,
		    written > 0, err);
	}
	if (known == 0 || row_in_flight(&row))
		return 0;
	/* The second look: is it, after all, where the row says? */
	file = str_dup(row.file);
	there = mdir_stat(f->fd, row.in_new, file, &st, err);
	free(file);
	if (there < 0)
		return -1;
	if (there == 0)
		add_gone(f, &row);
	return 0;
}

static int
gather_noted(struct account *acc, struct folder *f, struct err *err)
{
	struct map last;
	int r = 0;

	/* Only the last word on each name counts. */
	map_init(&last);
	for (size_t i = 0; i < f->n_noted; i++) {
		struct mname name;

		if (mname_parse(str_z(f->noted[i].file), &name))
			map_put(&last, name.unique, i);
	}
	for (size_t i = 0; i < f->n_noted && r == 0; i++) {
		struct mname name;
		uintptr_t at;

		if (mname_parse(str_z(f->noted[i].file), &name) &&
		    map_get(&last, name.unique, &at) && at == i)
			r = look_at(acc, f, &f->noted[i], err);
	}
	map_clear(&last);
	return r;
}

/* ---- by scan ---------------------------------------------------------- */

static struct str
unique_of(const struct mfile *file)
{
	return (struct str){ file->name, file->n_unique };
}

/* Read until the directory holds still; what it holds then is true. */
static int
list_settled(struct folder *f, struct mlist *list, struct err *err)
{
	for (int looks = 0;; looks++) {
		if (mdir_list(f->fd, list, err) < 0)
			return -1;
		if (list->stable || looks == LOOKS_MAX)
			return 0;
		mlist_clear(list);
		if (wait_any(NULL, 0, clock_in(USEC_MS(25)), err) < 0)
			return -1;
	}
}

/* Both in the order of unique names. */
static int
merge_scan(struct account *acc, struct folder *f, const struct mlist *list,
    struct err *err)
{
	struct cursor *c = cursor_open(acc->store, f->id, BY_UNIQUE, err);
	const struct mfile *file = list->file, *end = file + list->n;
	struct msg_row row;
	int got, r = 0;

	if (c == NULL)
		return -1;
	while (r == 0 && (got = cursor_next(c, &row, err)) > 0) {
		int order = -1;

		if (row.unique.n == 0)
			continue;
		for (; file < end &&
		    (order = str_cmp(unique_of(file), row.unique)) < 0; file++)
			if (is_asked_for(acc, f, file))
				add_new_file(f, file->name, file->in_new,
				    file->ino);
		if (file < end && order == 0) {
			r = compare_file(f, &row, file->name, file->in_new,
			    file->ino, false, err);
			file++;
		} else if (!row_in_flight(&row) && list->stable) {
			add_gone(f, &row);
		}
	}
	cursor_close(c);
	if (r < 0 || got < 0)
		return -1;
	for (; file < end; file++)
		if (is_asked_for(acc, f, file))
			add_new_file(f, file->name, file->in_new, file->ino);
	return 0;
}

/* A file that one listing lacks may have been in the middle of a rename. */
static int
confirm_gone(struct folder *f, struct err *err)
{
	struct mlist again;
	struct map there;
	bool any = false;

	for (size_t i = 0; i < f->work.n; i++)
		any = any || f->work.change[i].local == SIDE_GONE;
	if (!any)
		return 0;
	if (list_settled(f, &again, err) < 0)
		return -1;
	map_init(&there);
	for (size_t i = 0; i < again.n; i++) {
		struct mname name;

		if (mname_parse(str_z(again.file[i].name), &name))
			map_put(&there, name.unique, i);
	}
	for (size_t i = 0; i < f->work.n; i++) {
		struct change *c = &f->work.change[i];
		struct mname name;

		if (c->local == SIDE_GONE &&
		    mname_parse(str_z(c->file), &name) &&
		    (!again.stable || map_has(&there, name.unique))) {
			c->local = SIDE_SAME;
			f->work.unsettled = true;
		}
	}
	map_clear(&there);
	mlist_clear(&again);
	return 0;
}

static int
gather_scan(struct account *acc, struct folder *f, struct err *err)
{
	struct mlist list;
	int r;

	if (list_settled(f, &list, err) < 0)
		return -1;
	r = merge_scan(acc, f, &list, err);
	f->work.unsettled = !list.stable;
	if (r == 0)
		r = confirm_gone(f, err);
	if (!list.stable) {
		/* What it did not show is not known to be gone, or there. */
		folder_mark(f, DIRTY_SCAN);
		f->work.failed = true;
		acc->busy = true;
	}
	f->work.scanned = list.stable;
	f->work.mtime_cur = list.mtime_cur;
	f->work.mtime_new = list.mtime_new;
	mlist_clear(&list);
	return r;
}

int
local_gather(struct account *acc, struct folder *f, struct err *err)
{
	bool scan = f->dirty & DIRTY_SCAN;
	int r;

	if (folder_load(acc, f, err) < 0)
		return -1;
	if (acc->conf->keywords == KEYWORDS_DOVECOT) {
		/* A client may have named new letters. */
		kwfile_clear(&f->kwfile);
		if (kwfile_read(f->fd, &f->kwfile, err) < 0)
			return -1;
	}
	f->dirty &= ~(unsigned)(DIRTY_SCAN | DIRTY_LOCAL);
	r = scan ? gather_scan(acc, f, err) : gather_noted(acc, f, err);
	local_forget(f);
	if (r < 0) {
		folder_mark(f, DIRTY_SCAN);
		return err_wrap(err, "read %s", f->name);
	}
	work_sort(&f->work);
	f->work.local_read = true;
	return 0;
}
