/*
 * local.c — what changed in a folder's directory since the base.
 *
 * Two ways to the same list: a few names that the watch noted, each looked up by
 * itself, or the whole directory against all rows, both in the order of unique
 * names.  Absence is not intent: a name counts as gone only when a second look,
 * after the directory has settled, does not find it either.
 */
#include "engine/local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/wait.h"
#include "engine/restore.h"
#include "maildir/dir.h"
#include "maildir/name.h"

enum { NOTED_MAX = 4096, LOOKS_MAX = 5 };

/* ---- noting ----------------------------------------------------------- */

static void
forget_noted(struct folder *f)
{
	for (size_t i = 0; i < f->n_noted; i++)
		free(f->noted[i].file);
	f->n_noted = 0;
}

static void
note_name(struct folder *f, const char *file, bool in_new,
    enum watch_what what)
{
	if (f->n_noted >= NOTED_MAX) {
		forget_noted(f);
		folder_mark(f, DIRTY_SCAN);
		return;
	}
	f->noted = array_room(f->noted, f->n_noted, &f->cap_noted,
	    sizeof(*f->noted));
	f->noted[f->n_noted++] = (struct noted){
		.file = xstrdup(file),
		.in_new = in_new,
		.gone = what == WATCH_GONE,
		.written = what == WATCH_WRITTEN,
	};
	folder_mark(f, DIRTY_LOCAL);
}

void
local_told(struct folder *f, const char *file, bool in_new, bool gone)
{
	if (!(f->dirty & DIRTY_SCAN))
		note_name(f, file, in_new, gone ? WATCH_GONE : WATCH_PRESENT);
}

int
local_note(struct account *acc, struct err *err)
{
	struct watch_event ev;

	if (acc->watcher == NULL)
		return 0;
	if (watch_read(acc->watcher, err) < 0)
		return -1;
	while (watch_take(acc->watcher, &ev)) {
		struct folder *f = account_by_id(acc, ev.key);

		switch (ev.what) {
		case WATCH_SCAN_ALL:
			for (size_t i = 0; i < acc->n_folders; i++)
				folder_mark(acc->folder[i], DIRTY_SCAN);
			acc->tree_local = true;
			break;
		case WATCH_TREE:
			acc->tree_local = true;
			break;
		case WATCH_SCAN:
			if (f != NULL)
				folder_mark(f, DIRTY_SCAN);
			break;
		default:
			if (f != NULL && !(f->dirty & DIRTY_SCAN))
				note_name(f, ev.file, ev.in_new, ev.what);
			break;
		}
	}
	return 0;
}

void
local_watch(struct account *acc, struct folder *f)
{
	struct err err;

	if (acc->watcher == NULL || f->watched)
		return;
	if (watch_folder(acc->watcher, f->id, acc->root, f->path, &err) == 0) {
		f->watched = true;
		/* What happened while nobody watched shows in the times. */
		f->checked = false;
		return;
	}
	/* Who looks only once reads it instead. */
	if (!acc->once && !acc->watch_limit && err.class == ERR_LOCAL) {
		acc->watch_limit = true;
		problem_open(acc, PROBLEM_WARNING, "store.watch-limit", NULL,
		    "sysctl fs.inotify.max_user_watches=1048576",
		    "%s; folders without a watch are read every minute",
		    err.text);
	}
}

int
local_check(struct account *acc, struct folder *f, struct err *err)
{
	int64_t cur, new_;

	if (folder_load(acc, f, err) < 0 ||
	    mdir_times(f->fd, &cur, &new_, err) < 0)
		return -1;
	if (cur != f->mtime_cur || new_ != f->mtime_new)
		folder_mark(f, DIRTY_SCAN);
	return 0;
}

/* ---- names and flags -------------------------------------------------- */

int
local_find(struct folder *f, const struct msg_row *row, char file[MNAME_MAX],
    bool *in_new, struct err *err)
{
	struct mlist list;
	struct mstat st;
	int there;

	if (row->file.n == 0 || row->file.n >= MNAME_MAX)
		return 0;
	memcpy(file, row->file.p, row->file.n);
	file[row->file.n] = '\0';
	*in_new = row->in_new;
	there = mdir_stat(f->fd, *in_new, file, &st, err);
	if (there != 0)
		return there;
	if (mdir_list(f->fd, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n && !there; i++) {
		struct str unique = { list.file[i].name, list.file[i].n_unique };

		there = str_eq(unique, row->unique);
		if (there) {
			snprintf(file, MNAME_MAX, "%s", list.file[i].name);
			*in_new = list.file[i].in_new;
		}
	}
	mlist_clear(&list);
	return there;
}

struct flags
local_flags(struct folder *f, struct str file)
{
	struct flags flags = { 0 };
	struct mname name;

	if (!mname_parse(file, &name))
		return flags;
	flags.sys = sysflags_from_letters(name.letters);
	/* Clients that keep $Forwarded as a keyword mean the same as P. */
	if (kwfile_forwarded(&f->kwfile) != '\0' && str_find(name.letters,
	    kwfile_forwarded(&f->kwfile)) < name.letters.n)
		flags.sys |= FLAG_PASSED;
	kwfile_note(&f->kwfile, name.letters);
	flags.kw = kwfile_to_bits(&f->kwfile, name.letters, &f->kw);
	return flags;
}

/* Letters that mean nothing to us stay where they are; in another folder they may
 * mean something. */
static size_t
foreign_letters(const struct folder *was, const struct folder *f,
    struct str letters, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < letters.n; i++) {
		char c = letters.p[i];

		if (sysflags_from_letters((struct str){ &c, 1 }) != 0)
			continue;
		if (kwfile_known(&was->kwfile, c) || kwfile_known(&f->kwfile, c))
			continue;
		if (memchr(out, c, n) == NULL && n < 32)
			out[n++] = c;
	}
	return n;
}

int
local_name(struct account *acc, struct folder *f, const struct folder *was,
    const char *file, bool in_new, struct flags flags, char out[MNAME_MAX],
    bool *out_new)
{
	char letters[128], kw[27] = "", foreign[33];
	struct mname name;
	size_t n;

	if (!mname_parse(str_z(file), &name))
		return -1;
	sysflags_to_letters(flags.sys, letters);
	if (acc->conf->keywords == KEYWORDS_DOVECOT)
		(void)kwfile_to_letters(&f->kwfile, flags.kw, &f->kw, kw);
	strcat(letters, kw);
	if (flags.sys & FLAG_PASSED) {
		char both[2] = { kwfile_forwarded(&f->kwfile), '\0' };

		strcat(letters, both);
	}
	n = foreign_letters(was, f, name.letters, foreign);
	foreign[n] = '\0';
	strcat(letters, foreign);
	/* What no client has seen may stay in new/; with flags it must not. */
	*out_new = in_new && letters[0] == '\0' && !name.has_info;
	return mname_print(out, name.base, str_z(letters), name.rest, *out_new);
}

int
local_keywords(struct account *acc, struct folder *f, struct err *err)
{
	if (!f->kwfile.dirty || acc->conf->restore.on)
		return 0;
	/* It is written by way of tmp/. */
	if (account_delivering(acc, err) < 0)
		return -1;
	return kwfile_write(f->fd, &f->kwfile, err);
}

int
local_letters(struct account *acc, struct folder *f, uint64_t kw, struct err *err)
{
	char letters[27];

	if (acc->conf->keywords == KEYWORDS_DOVECOT)
		(void)kwfile_to_letters(&f->kwfile, kw, &f->kw, letters);
	return local_keywords(acc, f, err);
}

int
local_set_date(const struct account *acc, struct folder *f,
    const struct change *c, int64_t date, struct err *err)
{
	if (acc->conf->restore.on)
		return 0;
	if (mdir_set_date(f->fd, c->in_new, c->file, date, err) >= 0)
		return 0;
	if (err->class != ERR_MSG && err->class != ERR_FOLDER)
		return -1;
	log_info("%s: %s", f->name, err->text);
	return 0;
}

int
local_digest(struct folder *f, struct change *c, struct err *err)
{
	struct mcontent content;
	struct mstat st;
	int fd, r;

	if (c->content != NULL)
		return 1;
	fd = mdir_open(f->fd, c->in_new, c->file, err);
	if (fd < 0)
		return err->errnum == ENOENT ? 0 : -1;
	r = mdir_stat_open(fd, &st, err);
	if (r > 0)
		r = mdir_digest(fd, &content, err);
	close(fd);
	if (r < 0)
		return -1;
	c->ino = st.ino;
	c->content = xmalloc(sizeof(content));
	*c->content = content;
	return 1;
}

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

/* A row and its file, which is there: has anything changed?  Only the name and
 * the inode are looked at, unless the file is a draft or was written to. */
static int
compare_file(struct folder *f, const struct msg_row *row, const char *file,
    bool in_new, uint64_t ino, bool written, struct err *err)
{
	struct flags flags = local_flags(f, str_z(file));
	uint64_t shown = kwfile_shown(&f->kwfile, ~(uint64_t)0, &f->kw);
	bool replaced = false, renamed;
	struct change *c;
	struct mstat st;

	if (row_in_flight(row))
		return 0;
	if (row->stage == ST_REFUSED && row->ino == ino && !written)
		return 0;
	if (written || (row->ino != 0 && ino != row->ino) ||
	    (f->attrs & LIST_DRAFTS) || (flags.sys & FLAG_DRAFT)) {
		int there = mdir_stat(f->fd, in_new, file, &st, err);

		if (there <= 0)
			return there;
		replaced = st.size != row->size ||
		    (st.ino != row->ino && row->ino != 0 &&
		    (f->attrs & LIST_DRAFTS || flags.sys & FLAG_DRAFT)) ||
		    written;
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
		if (known == 0) {
			add_new_file(f, n->file, n->in_new, st.ino);
			return 0;
		}
		return compare_file(f, &row, n->file, n->in_new, st.ino,
		    n->written && (st.size != row.size || st.ino != row.ino),
		    err);
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
	forget_noted(f);
	if (r < 0) {
		folder_mark(f, DIRTY_SCAN);
		return err_wrap(err, "read %s", f->name);
	}
	work_sort(&f->work);
	f->work.local_read = true;
	return 0;
}
