/*
 * removed.c — the audit log, joined with what is kept: the undo store by the
 * message's id, \Trash by its Message-ID (it has another id there).
 */
#include "removed.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/pattern.h"
#include "engine/undo.h"
#include "imap/mutf7.h"
#include "maildir/dir.h"
#include "maildir/path.h"
#include "net/lane.h"
#include "report.h"

enum {
	NAME_BYTES_MAX = 8192,
	/* A database that was forgotten gives its ids out again: a kept file
	 * belongs to a row of the log only if both were written together. */
	TOGETHER_S = 900
};

struct place {			/* a folder of the account */
	int64_t	 id;
	char	*name;		/* with '/', and the server's prefix */
	char	*path;
};

struct trashed {
	char	*msgid, *file;
	bool	 in_new;
};

struct finder {
	const struct account_conf	*conf;
	const struct removed_query	*q;
	char				*msgid;		/* of q, with <> */
	struct kept_list		 kept;
	struct place			*place;
	size_t				 n_places, cap_places;
	char				*trash;		/* path; NULL: none */
	int64_t				 trash_id;
	struct trashed			*trashed;	/* by msgid */
	size_t				 n_trashed, cap_trashed;
	struct removed_list		*list;
};

/* ---- folders ---------------------------------------------------------- */

static char *
shown_name(struct str wire, char delim)
{
	CLEANUP(buf_clear) struct buf utf8;
	char *name;

	buf_init(&utf8, NAME_BYTES_MAX);
	name = str_dup(mutf7_decode(wire, &utf8) == 0 ? buf_str(&utf8) : wire);
	for (char *p = name; delim != '\0' && *p != '\0'; p++)
		if (*p == delim)
			*p = '/';
	return name;
}

static int
read_folders(struct finder *fi, struct store *s, struct err *err)
{
	struct folder_row row;
	struct err why = { 0 };
	int64_t at = 0;

	while (store_folder_next(s, &at, &row, &why)) {
		fi->place = array_room(fi->place, fi->n_places,
		    &fi->cap_places, sizeof(*fi->place));
		fi->place[fi->n_places++] = (struct place){ .id = row.id,
		    .name = shown_name(row.wire, row.delim),
		    .path = str_dup(row.path) };
		if ((row.attrs & LIST_TRASH) && fi->trash == NULL) {
			fi->trash = str_dup(row.path);
			fi->trash_id = row.id;
		}
	}
	if (why.class == ERR_NONE)
		return 0;
	*err = why;
	return -1;
}

/* The directory of a folder that is not there any more, by its name. */
static char *
path_of_name(const struct account_conf *conf, struct str name)
{
	char *local = pattern_rename(&conf->folders.rename, name), *path;
	struct str rest = local != NULL ? str_z(local) : name;
	struct str part[PATH_DEPTH_MAX];
	size_t n = 0;
	struct err err;

	while (rest.n > 0 && n < PATH_DEPTH_MAX) {
		part[n] = str_split(&rest, '/');
		n += part[n].n > 0;
	}
	path = mpath_from_names((enum layout)conf->layout, part, n, &err);
	free(local);
	return path;
}

/* The log knows the name without the prefix of the server's namespace. */
static char *
path_of(const struct finder *fi, int64_t id, struct str name)
{
	const struct place *ends = NULL;

	for (size_t i = 0; i < fi->n_places; i++) {
		const struct place *p = &fi->place[i];
		struct str own = str_z(p->name);

		if (p->id == id || str_eq(own, name))
			return xstrdup(p->path);
		if (str_istarts(own, STR("INBOX/")) &&
		    str_eq(str_from(own, 6), name))
			ends = p;
	}
	return ends != NULL ? xstrdup(ends->path) : path_of_name(fi->conf, name);
}

/* ---- \Trash ----------------------------------------------------------- */

static int
by_msgid(const void *a, const void *b)
{
	const struct trashed *x = a, *y = b;

	return strcmp(x->msgid, y->msgid);
}

static int
read_trash(struct finder *fi, struct store *s, struct err *err)
{
	struct cursor *c;
	struct msg_row m;
	int got;

	if (fi->trash == NULL)
		return 0;
	c = cursor_open(s, fi->trash_id, BY_UNIQUE, err);
	if (c == NULL)
		return -1;
	while ((got = cursor_next(c, &m, err)) > 0) {
		if (m.stage != ST_PRESENT || m.msgid.n == 0)
			continue;
		fi->trashed = array_room(fi->trashed, fi->n_trashed,
		    &fi->cap_trashed, sizeof(*fi->trashed));
		fi->trashed[fi->n_trashed++] = (struct trashed){
			.msgid = str_dup(m.msgid), .file = str_dup(m.file),
			.in_new = m.in_new };
	}
	cursor_close(c);
	if (fi->n_trashed > 0)
		qsort(fi->trashed, fi->n_trashed, sizeof(*fi->trashed), by_msgid);
	return got;
}

static void
free_finder(struct finder *fi)
{
	for (size_t i = 0; i < fi->n_places; i++) {
		free(fi->place[i].name);
		free(fi->place[i].path);
	}
	for (size_t i = 0; i < fi->n_trashed; i++) {
		free(fi->trashed[i].msgid);
		free(fi->trashed[i].file);
	}
	free(fi->place);
	free(fi->trashed);
	free(fi->trash);
	free(fi->msgid);
	kept_clear(&fi->kept);
}

/* ---- the log ---------------------------------------------------------- */

static struct removed *
add(struct finder *fi, const struct audit_row *a, int64_t folder)
{
	struct removed_list *l = fi->list;

	l->v = array_room(l->v, l->n, &l->cap, sizeof(*l->v));
	l->v[l->n] = (struct removed){
		.when = a->when, .folder = str_dup(a->folder),
		.path = path_of(fi, folder, a->folder),
		.msgid = str_dup(a->msgid), .subject = str_dup(a->subject),
		.reason = str_dup(a->reason) };
	return &l->v[l->n++];
}

static int
by_message(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return (x->msg > y->msg) - (x->msg < y->msg);
}

static void
removed_here(struct finder *fi, const struct audit_row *a)
{
	const struct kept key = { .msg = a->msg };
	struct kept *end = fi->kept.v + fi->kept.n, *best = NULL, *k = NULL;
	struct removed *r;

	if (fi->kept.n > 0)
		k = bsearch(&key, fi->kept.v, fi->kept.n, sizeof(*k), by_message);
	while (k != NULL && k > fi->kept.v && k[-1].msg == a->msg)
		k--;
	/* The newest: a crash may have left another link before it. */
	for (; k != NULL && k < end && k->msg == a->msg; k++)
		if (k->file != NULL &&
		    llabs(k->when - a->when / 1000000) <= TOGETHER_S &&
		    (best == NULL || k->when > best->when))
			best = k;
	if (best == NULL)
		return;
	r = add(fi, a, best->folder);
	r->kind = REMOVED_HERE;
	r->file = best->file;
	best->file = NULL;
}

static void
removed_there(struct finder *fi, const struct audit_row *a)
{
	struct trashed key = { .msgid = str_dup(a->msgid) }, *t = NULL;
	struct removed *r;

	if (fi->n_trashed > 0 && a->msgid.n > 0)
		t = bsearch(&key, fi->trashed, fi->n_trashed,
		    sizeof(*fi->trashed), by_msgid);
	free(key.msgid);
	if (t == NULL || t->file == NULL)
		return;
	r = add(fi, a, 0);
	r->kind = REMOVED_THERE;
	r->from = xstrdup(fi->trash);
	r->in_new = t->in_new;
	r->file = t->file;
	t->file = NULL;
}

static bool
is_asked_for(const struct finder *fi, const struct audit_row *a)
{
	char *name;
	bool is;

	if (a->when < fi->q->since)
		return false;
	if (fi->q->folder == NULL)
		return true;
	name = str_dup(a->folder);
	is = fnmatch(fi->q->folder, name, 0) == 0;
	free(name);
	return is;
}

static int
read_log(struct finder *fi, struct store *s, struct err *err)
{
	struct audit_row a;
	int64_t at = 0;
	int got;

	while ((got = store_audit_next(s, &at, STR_NONE, str_z(fi->msgid), &a,
	    err)) == 1) {
		if (!is_asked_for(fi, &a))
			continue;
		if (str_eq(a.op, STR("delete-local")))
			removed_here(fi, &a);
		else if (str_eq(a.op, STR("trash-remote")))
			removed_there(fi, &a);
	}
	return got;
}

int
removed_find(const struct conf *conf, const struct account_conf *a,
    const struct removed_query *q, struct removed_list *list, struct err *err)
{
	struct finder fi = { .conf = a, .q = q, .list = list };
	struct store *s = NULL;
	int rc;

	*list = (struct removed_list){ 0 };
	rc = report_open(conf, a, &s, err);
	if (rc <= 0)
		return rc;
	fi.msgid = report_msgid(q->msgid);
	rc = undo_list(conf->state_dir, a->name, &fi.kept, err);
	if (fi.kept.n > 0)
		qsort(fi.kept.v, fi.kept.n, sizeof(*fi.kept.v), by_message);
	if (rc == 0)
		rc = read_folders(&fi, s, err);
	if (rc == 0)
		rc = read_trash(&fi, s, err);
	if (rc == 0)
		rc = read_log(&fi, s, err);
	store_close(s);
	free_finder(&fi);
	if (rc < 0)
		removed_clear(list);
	return rc;
}

void
removed_clear(struct removed_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct removed *r = &list->v[i];

		free(r->folder);
		free(r->path);
		free(r->from);
		free(r->file);
		free(r->msgid);
		free(r->subject);
		free(r->reason);
	}
	free(list->v);
	*list = (struct removed_list){ 0 };
}

/* ---- putting back ----------------------------------------------------- */

static int
out_of_trash(const struct account_conf *a, const struct removed *r, int to,
    struct err *err)
{
	int from = undo_folder(a, r->from, err), rc = -1;

	if (from >= 0)
		rc = mdir_rename(from, r->in_new, r->file, to, r->in_new,
		    r->file, err);
	if (rc > 0 && mdir_sync(to, err) < 0)
		rc = -1;
	if (from >= 0)
		close(from);
	return rc;
}

static int
out_of_undo(const struct conf *conf, const struct account_conf *a,
    const struct removed *r, int to, struct err *err)
{
	int from = undo_open(conf->state_dir, a->name, false, err), rc;

	if (from < 0)
		return -1;
	rc = undo_put_back(from, to, r->file, err);
	close(from);
	return rc;
}

int
removed_put_back(const struct conf *conf, const struct account_conf *a,
    const struct removed *r, struct err *err)
{
	int to, rc;

	if (r->path == NULL)
		return err_set(err, ERR_FOLDER, "store.name-too-long",
		    "%s: no directory can have that name", r->folder);
	to = undo_folder(a, r->path, err);
	if (to < 0)
		return -1;
	rc = r->kind == REMOVED_THERE ? out_of_trash(a, r, to, err) :
	    out_of_undo(conf, a, r, to, err);
	close(to);
	return rc;
}
