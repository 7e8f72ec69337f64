/* changes.c — the feed of changes: stores, directories and the token. */
#include "changes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/num.h"
#include "changes_tree.h"
#include "engine/account.h"
#include "report.h"
#include "store/change.h"

/* One account below the path. */
struct source {
	struct changes_tree	 tree;
	struct store		*store;
	char			*name;		/* of the store, in tokens */
	struct change_mark	 end;
	struct change_mark	 since;		/* zero: all of it is news */
	bool			 live;
};

struct feed {
	struct source	*v;
	size_t		 n;
	char		 about[9];	/* the path, in tokens */
	struct changes	*out;
};

/* ---- which trees -------------------------------------------------------- */

/* What of ${path} is below ${dir}, "" for itself; NULL: it is not below. */
static const char *
below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return path + 1;
	if (strncmp(path, dir, n) != 0 || (path[n] != '/' && path[n] != '\0'))
		return NULL;
	return path[n] == '/' ? path + n + 1 : path + n;
}

/* As the caller called it, so that it knows the names. */
static void
place(struct changes_tree *t, const char *shown, const char *real,
    const char *root)
{
	const char *sub = below(root, real);

	if (sub != NULL) {
		t->shown = xasprintf("%s%s%s", shown, sub[0] != '\0' ? "/" : "",
		    sub);
		t->only = xstrdup("");
	} else if ((sub = below(real, root)) != NULL) {
		t->only = xstrdup(sub);
		t->shown = xstrdup(shown);
	}
}

static void
source_clear(struct source *s)
{
	changes_tree_clear(&s->tree);
	store_close(s->store);
	free(s->name);
}

/* Without the marker it is another tree, or the disk is not there: that all is gone
 * from it means nothing. */
static int
is_mounted(const struct conf *conf, const struct account_conf *a,
    const char *root, struct err *err)
{
	char *state = xasprintf("%s/%s.db", conf->state_dir, a->name);
	char *marker = xasprintf("%s/" ACCOUNT_MARKER, root);
	bool there = access(state, F_OK) < 0 || access(marker, F_OK) == 0;

	free(state);
	free(marker);
	return there ? 0 : err_set(err, ERR_LOCAL, "store.marker-missing",
	    "%s is not the tree that was synced: is its disk mounted?", a->path);
}

/* The store, its name and where it is now.  1: it is there, 0: not yet. */
static int
open_source(const struct conf *conf, const struct account_conf *a,
    struct source *s, struct err *err)
{
	int got = report_open(conf, a, &s->store, err);

	if (got <= 0)
		return got;
	if (store_change_name(s->store, &s->name, err) < 0)
		return -1;
	if (s->name == NULL)
		return err_set(err, ERR_LOCAL, "state.locked", "%s: an older syncd "
		    "keeps its state; what changed is known once this one has "
		    "synced it", a->name);
	if (store_change_end(s->store, &s->end, err) < 0)
		return -1;
	return changes_tree_load(&s->tree, s->store, err) < 0 ? -1 : 1;
}

static int
add_source(struct feed *f, const struct conf *conf, size_t i, const char *shown,
    const char *real, bool live, bool *here, struct err *err)
{
	const struct account_conf *a = &conf->account[i];
	char *root = realpath(a->path, NULL);
	struct source s = { .live = live, .tree = { .root = root } };
	int got = 0;

	if (root != NULL)
		place(&s.tree, shown, real, root);
	if (s.tree.shown != NULL)
		got = is_mounted(conf, a, root, err) < 0 ? -1 :
		    open_source(conf, a, &s, err);
	*here |= s.tree.shown != NULL;
	if (got == 1) {
		f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
		f->v[f->n++] = s;
	} else {
		source_clear(&s);
	}
	return got < 0 ? -1 : 0;
}

static int
add_sources(struct feed *f, const struct conf *conf, const bool *live,
    const char *path, struct err *err)
{
	char *real = realpath(path, NULL), hex[33], *shown;
	bool any = false;
	int got = 0;

	if (real == NULL)
		return err_sys(err, ERR_CONFIG, "target.unknown", "%s", path);
	hash_md5_hex(str_z(real), STR_NONE, hex);
	snprintf(f->about, sizeof(f->about), "%.8s", hex);
	shown = xstrdup(path[0] == '/' ? path : real);
	for (size_t n = strlen(shown); n > 1 && shown[n - 1] == '/'; n--)
		shown[n - 1] = '\0';
	for (size_t i = 0; i < conf->n_accounts && got == 0; i++)
		got = add_source(f, conf, i, shown, real, live[i], &any, err);
	free(real);
	free(shown);
	if (got == 0 && !any)
		return err_set(err, ERR_CONFIG, "target.unknown",
		    "no account keeps mail in %s", path);
	return got;
}

/* ---- the token ---------------------------------------------------------- */

/* "1-PATH" and for each store "-NAME.SEQ.MESSAGE": no character that a shell or
 * a file name would mind. */
static char *
write_token(const struct feed *f)
{
	char *text = xasprintf("1-%s", f->about);

	for (size_t i = 0; i < f->n; i++) {
		const struct source *s = &f->v[i];
		char *more = xasprintf("%s-%s.%" PRId64 ".%" PRId64, text, s->name,
		    s->end.seq, s->end.message);

		free(text);
		text = more;
	}
	return text;
}

static bool
read_mark(struct str part, struct change_mark *mark)
{
	uint64_t seq, message;
	struct str first = str_split(&part, '.');

	if (!num_u64(first, 0, INT64_MAX, &seq) ||
	    !num_u64(part, 0, INT64_MAX, &message))
		return false;
	*mark = (struct change_mark){ (int64_t)seq, (int64_t)message };
	return true;
}

/* 1: the store can tell what happened since, 0: it cannot. */
static int
apply_mark(struct feed *f, struct str part, struct err *err)
{
	struct str name = str_split(&part, '.');
	struct change_mark mark;

	for (size_t i = 0; i < f->n; i++) {
		if (!str_eq(name, str_z(f->v[i].name)))
			continue;
		if (!read_mark(part, &mark))
			return 0;
		f->v[i].since = mark;
		return store_change_knows(f->v[i].store, &mark, err);
	}
	return 0;
}

/* Whether it can be told from: one store that is not known makes it useless, one
 * that it does not name is all news. */
static int
read_token(struct feed *f, const char *token, struct err *err)
{
	struct str rest = str_z(token);
	int known = str_eq(str_split(&rest, '-'), STR("1")) &&
	    str_eq(str_split(&rest, '-'), str_z(f->about));

	while (known == 1 && rest.n > 0)
		known = apply_mark(f, str_split(&rest, '-'), err);
	f->out->snapshot = known != 1;
	if (known == 1)
		return 0;
	for (size_t i = 0; i < f->n; i++)
		f->v[i].since = (struct change_mark){ 0 };
	return known;
}

/* ---- what the store knows ------------------------------------------------ */

/* A message that was there and changed, and where its file was first. */
struct moved {
	int64_t	 id;
	size_t	 at;	/* in the order in which it happened */
	char	*path;	/* NULL: it was not there */
};

struct moves {
	struct moved	*v;
	size_t		 n, cap;
};

static int
by_id(const void *a, const void *b)
{
	const struct moved *ma = a, *mb = b;

	if (ma->id != mb->id)
		return ma->id < mb->id ? -1 : 1;
	return (ma->at > mb->at) - (ma->at < mb->at);
}

/* Only the first of each message: where it is now is in its row. */
static void
keep_first(struct moves *m)
{
	size_t n = 0;

	if (m->n > 0)
		qsort(m->v, m->n, sizeof(*m->v), by_id);
	for (size_t i = 0; i < m->n; i++) {
		if (n > 0 && m->v[n - 1].id == m->v[i].id)
			free(m->v[i].path);
		else
			m->v[n++] = m->v[i];
	}
	m->n = n;
}

static int
load_moves(const struct source *s, struct moves *m, struct err *err)
{
	int64_t seq = s->since.seq;
	struct change_row row;
	int got;

	while ((got = store_change_next(s->store, &seq, &row, err)) > 0) {
		if (m->n == m->cap) {
			m->cap = m->cap > 0 ? m->cap * 2 : 64;
			m->v = xreallocarray(m->v, m->cap, sizeof(*m->v));
		}
		m->v[m->n] = (struct moved){ row.message, m->n,
		    row.path.n > 0 ? str_dup(row.path) : NULL };
		m->n++;
	}
	keep_first(m);
	return got;
}

static int
tell_moves(struct feed *f, struct source *s, const struct moves *m,
    struct err *err)
{
	for (size_t i = 0; i < m->n; i++) {
		struct msg_row row;
		int got = store_find_id(s->store, m->v[i].id, &row, err);
		char *now;

		if (got < 0)
			return -1;
		now = got > 0 ? changes_path(&s->tree, &row) : NULL;
		changes_tell(f->out, &s->tree, m->v[i].path, now, false);
		free(now);
	}
	return 0;
}

static int
find_id(const void *key, const void *moved)
{
	const int64_t *id = key;
	const struct moved *m = moved;

	return (*id > m->id) - (*id < m->id);
}

/* A new row for a file that was there: what is in it changed. */
static int
tell_new(struct feed *f, struct source *s, const struct moves *m,
    struct err *err)
{
	struct cursor *c = cursor_open_newer(s->store, s->since.message);
	struct map was;
	struct msg_row row;
	int got;

	map_init(&was);
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].path != NULL)
			map_put(&was, str_z(m->v[i].path), 1);
	while ((got = cursor_next(c, &row, err)) > 0) {
		char *now;

		if (m->n > 0 && bsearch(&row.id, m->v, m->n, sizeof(*m->v),
		    find_id) != NULL)
			continue;
		now = changes_path(&s->tree, &row);
		changes_tell(f->out, &s->tree, NULL, now,
		    now != NULL && map_has(&was, str_z(now)));
		free(now);
	}
	map_clear(&was);
	cursor_close(c);
	return got;
}

static int
tell_source(struct feed *f, struct source *s, struct err *err)
{
	struct moves m = { 0 };
	int r = 0;

	/* Of a snapshot, and of a store that is news, where files were is of no
	 * interest. */
	if (s->since.seq > 0 || s->since.message > 0)
		r = load_moves(s, &m, err);
	if (r == 0)
		r = tell_moves(f, s, &m, err);
	if (r == 0)
		r = tell_new(f, s, &m, err);
	if (r == 0 && !s->live)
		r = changes_scan(f->out, &s->tree, s->store, err);
	for (size_t i = 0; i < m.n; i++)
		free(m.v[i].path);
	free(m.v);
	return r;
}

int
changes_gather(const struct conf *conf, const bool *live, const char *path,
    const char *token, struct changes *out, struct err *err)
{
	struct feed f = { .out = out };
	int r;

	*out = (struct changes){ .snapshot = true };
	r = add_sources(&f, conf, live, path, err);
	if (r == 0 && token != NULL)
		r = read_token(&f, token, err);
	for (size_t i = 0; i < f.n && r == 0; i++)
		r = tell_source(&f, &f.v[i], err);
	if (r == 0)
		out->token = write_token(&f);
	else
		changes_clear(out);
	for (size_t i = 0; i < f.n; i++)
		source_clear(&f.v[i]);
	free(f.v);
	return r;
}
