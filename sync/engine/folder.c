/* folder.c — a folder from its row, and back; its directory, and its files. */
#include "engine/folder.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/account.h"
#include "engine/local.h"
#include "maildir/dir.h"

struct folder *
folder_new(void)
{
	struct folder *f = xcalloc(1, sizeof(*f));

	f->fd = f->handle[0] = f->handle[1] = -1;
	return f;
}

void
folder_free(struct folder *f)
{
	free(f->wire);
	free(f->name);
	free(f->path);
	free(f->objid);
	free(f->held);
	kwtab_clear(&f->kw);
	kwfile_clear(&f->kwfile);
	folder_shut(f);
	local_forget(f);
	free(f->noted);
	work_clear(&f->work);
	free(f);
}

static char *
dup_or_null(struct str s)
{
	return s.n > 0 ? str_dup(s) : NULL;
}

void
folder_from_row(struct folder *f, const struct folder_row *row)
{
	f->id = row->id;
	f->wire = dup_or_null(row->wire);
	f->path = str_dup(row->path);
	f->name = str_dup(row->path);
	f->objid = dup_or_null(row->objid);
	f->held = dup_or_null(row->held);
	f->delim = row->delim;
	f->attrs = row->attrs;
	f->validity = row->validity;
	f->uidnext = row->uidnext;
	f->modseq = row->modseq;
	f->messages = row->messages;
	f->mtime_cur = row->mtime_cur;
	f->mtime_new = row->mtime_new;
	f->dirs = row->dirs;
}

int
folder_save(struct account *acc, struct folder *f, struct err *err)
{
	struct folder_row row = {
		.id = f->id,
		.wire = str_z(f->wire),
		.path = str_z(f->path),
		.delim = f->delim,
		.attrs = f->attrs,
		.objid = str_z(f->objid),
		.validity = f->validity,
		.uidnext = f->uidnext,
		.modseq = f->modseq,
		.messages = f->messages,
		.mtime_cur = f->mtime_cur,
		.mtime_new = f->mtime_new,
		.dirs = f->dirs,
		.held = str_z(f->held),
	};

	if (store_folder_put(acc->store, &row, err) < 0)
		return -1;
	f->id = row.id;
	return 0;
}

int
folder_load(struct account *acc, struct folder *f, struct err *err)
{
	if (f->fd < 0) {
		f->fd = mpath_open(acc->root_fd, str_z(f->path), err);
		if (f->fd < 0)
			return err_wrap(err, "%s", f->name);
	}
	if (f->loaded)
		return 0;
	if (store_kw_load(acc->store, f->id, &f->kw, err) < 0)
		return -1;
	f->kw_stored = f->kw.n;
	if (acc->conf->keywords == KEYWORDS_DOVECOT &&
	    kwfile_read(f->fd, &f->kwfile, err) < 0)
		return -1;
	f->loaded = true;
	return 0;
}

int
folder_handle(struct folder *f, bool in_new, struct err *err)
{
	if (f->handle[in_new] < 0)
		f->handle[in_new] = mdir_handle(f->fd, in_new, err);
	return f->handle[in_new];
}

void
folder_drop_handles(struct folder *f)
{
	for (int i = 0; i < 2; i++) {
		if (f->handle[i] >= 0)
			close(f->handle[i]);
		f->handle[i] = -1;
	}
}

void
folder_shut(struct folder *f)
{
	folder_drop_handles(f);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->watched = false;
}

int
folder_each_file(const struct account *acc, const struct folder *f,
    folder_see *see, void *arg, struct err *err)
{
	struct cursor *c = cursor_open(acc->store, f->id, BY_UNIQUE, err);
	struct msg_row row;
	int got;

	if (c == NULL)
		return -1;
	while ((got = cursor_next(c, &row, err)) > 0)
		see(arg, &row);
	cursor_close(c);
	return got;
}

bool
folder_active(const struct folder *f)
{
	return f->wire != NULL && f->held == NULL && !f->missing &&
	    !f->excluded && !f->away && !(f->attrs & LIST_NOSELECT);
}

void
folder_mark(struct folder *f, unsigned dirty)
{
	f->dirty |= dirty;
}
