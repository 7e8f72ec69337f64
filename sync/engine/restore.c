/* restore.c — what a round that restores does otherwise, and the count after it. */
#include "engine/restore.h"

#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/pattern.h"
#include "maildir/dir.h"

bool
restore_wants(const struct account *acc, int64_t date)
{
	return date >= acc->conf->restore.since &&
	    (acc->conf->restore.until == 0 || date < acc->conf->restore.until);
}

int
restore_again(struct account *acc, struct folder *f, struct err *err)
{
	log_notice("%s is gone on the server since the last try: it is made "
	    "again", f->name);
	if (account_begin(acc, err) < 0 || account_end(acc,
	    store_folder_remove(acc->store, f->id, err), err) < 0)
		return -1;
	account_folder_drop(acc, f);
	acc->tree_local = true;
	return 0;
}

/* The messages of the directory that are asked for. */
static int
count_files(const struct account *acc, int fd, uint64_t *n, struct err *err)
{
	struct mlist list;
	int r = mdir_list(fd, &list, err);

	*n = 0;
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct mstat st;
		int there = mdir_stat(fd, list.file[i].in_new,
		    list.file[i].name, &st, err);

		if (there < 0)
			r = -1;
		*n += there > 0 && restore_wants(acc, st.mtime);
	}
	mlist_clear(&list);
	return r;
}

int
restore_plan(struct account *acc, const char *path, struct err *err)
{
	int fd = mpath_open(acc->root_fd, str_z(path), err), r;
	uint64_t n;

	if (fd < 0)
		return -1;
	r = count_files(acc, fd, &n, err);
	close(fd);
	if (r == 0 && buf_fmt(&acc->plan, "%s: create-remote: the server does "
	    "not have it (%llu messages)\n", path, (unsigned long long)n) < 0)
		r = err_set(err, ERR_LOCAL, "internal.plan",
		    "the plan is too long");
	return r;
}

/* Those of the folder's files that are known to be on the server. */
static int
count_there(struct account *acc, const struct folder *f, uint64_t *n,
    struct err *err)
{
	struct cursor *c = cursor_open(acc->store, f->id, BY_UID, err);
	struct msg_row row;
	int got;

	*n = 0;
	if (c == NULL)
		return -1;
	while ((got = cursor_next(c, &row, err)) > 0)
		*n += row.stage == ST_PRESENT && row.uid.v != 0 &&
		    row.unique.n > 0 && restore_wants(acc, row.date);
	cursor_close(c);
	if (*n > f->messages)
		*n = f->messages;	/* it has lost some, meanwhile */
	return got;
}

int
restore_count(struct account *acc, struct restored *out, struct err *err)
{
	*out = (struct restored){ 0 };
	for (size_t i = 0; i < acc->n_folders; i++) {
		struct folder *f = acc->folder[i];
		uint64_t here, there;

		if (f->away || f->excluded)
			continue;
		if (folder_load(acc, f, err) < 0 ||
		    count_files(acc, f->fd, &here, err) < 0 ||
		    count_there(acc, f, &there, err) < 0)
			return -1;
		out->folders++;
		out->here += here;
		out->there += there;
		if (there < here && out->short_of == NULL)
			out->short_of = xstrdup(f->name);
	}
	return 0;
}
