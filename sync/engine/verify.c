/*
 * verify.c — the state against the files, and the manifest against itself.
 *
 * Of the manifest, a line is believed when the next one, or the state, knows its
 * digest; then what it lists must be known here.
 */
#include "engine/verify_impl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/num.h"
#include "engine/manifest.h"
#include "engine/pattern.h"
#include "maildir/dir.h"
#include "maildir/path.h"

void
verify_tell(struct verify *v, const char *remedy, const char *where,
    const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	v->out->findings++;
	v->o->found(v->o->who, where, what, remedy);
}

bool
verify_chosen(const struct verify *v, int64_t row)
{
	uint64_t x = (uint64_t)row + v->seed;

	/* Any mixing does (this is splitmix64's). */
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return (x ^ (x >> 31)) % 100 < v->o->percent;
}

/* ---- files ------------------------------------------------------------ */

static const char *
remedy_of(const struct verify *v, const struct msg_row *row)
{
	if (row->uid.v == 0)
		return "the server has it no more: take it from a snapshot";
	return v->o->online ? "" : "syncd verify --online fetches it again";
}

static void
note_damage(struct verify *v, const struct msg_row *row, const char *file,
    bool in_new)
{
	v->damage = array_room(v->damage, v->n_damages, &v->cap_damages,
	    sizeof(*v->damage));
	v->damage[v->n_damages++] = (struct damage){ .folder = row->folder,
	    .row = row->id, .uid = row->uid, .file = xstrdup(file),
	    .in_new = in_new };
}

static char *
path_of(const struct folder *f, bool in_new, struct str file)
{
	return xasprintf("%s/%s/%.*s", f->path, in_new ? "new" : "cur",
	    STR_ARG(file));
}

static void
tell_missing(struct verify *v, const struct folder *f, const struct msg_row *row)
{
	char *path = row->file.n > 0 ? path_of(f, row->in_new, row->file) :
	    xasprintf("%s", f->path);

	if (row->file.n > 0)
		verify_tell(v, remedy_of(v, row), path, "the file is missing");
	else
		verify_tell(v, remedy_of(v, row), path, "message %" PRIu32
		    " of the server is missing here", row->uid.v);
	note_damage(v, row, NULL, false);
	free(path);
}

/* 1: well, 0: not (and it was told), -1. */
static int
check_content(struct verify *v, const struct folder *f, int fd,
    const struct msg_row *row, const struct mfile *file, struct err *err)
{
	char *path = path_of(f, file->in_new, str_z(file->name));
	struct mcontent content = { 0 };
	int in = mdir_open(fd, file->in_new, file->name, err);
	int r = in < 0 ? -1 : mdir_digest(in, &content, err);

	if (in >= 0)
		close(in);
	v->out->read++;
	if (r < 0 && err->class == ERR_MSG) {
		verify_tell(v, remedy_of(v, row), path, "it cannot be read: %s",
		    err->text);
		r = 0;
	} else if (r == 0 && !hash_eq(&content.id.all, &row->all)) {
		verify_tell(v, remedy_of(v, row), path,
		    "its content is not what arrived (sha256)");
	} else if (r == 0) {
		r = 1;
	}
	free(path);
	return r;
}

static int
check_file(struct verify *v, const struct folder *f, int fd,
    const struct msg_row *row, const struct mfile *file, struct err *err)
{
	struct mstat st;
	int there = mdir_stat(fd, file->in_new, file->name, &st, err);
	static const struct hash unknown;
	int r = 1;

	v->out->files++;
	v->acc->progress->done++;
	if (there < 0 && err->class != ERR_MSG)
		return -1;
	if (there <= 0) {
		tell_missing(v, f, row);
		return 0;
	}
	if (st.size != row->size) {
		char *path = path_of(f, file->in_new, str_z(file->name));

		verify_tell(v, remedy_of(v, row), path, "it has %" PRIu64
		    " bytes, and %" PRIu64 " arrived", st.size, row->size);
		free(path);
		r = 0;
	} else if (!hash_eq(&row->all, &unknown) && verify_chosen(v, row->id)) {
		r = check_content(v, f, fd, row, file, err);
	}
	if (r == 0)
		note_damage(v, row, file->name, file->in_new);
	return r < 0 ? -1 : 0;
}

/* On disk as far as the state knows. */
static bool
is_here(const struct msg_row *row)
{
	return row->unique.n > 0 && (row->stage == ST_PRESENT ||
	    row->stage == ST_GONE_REMOTE || row->stage == ST_TOMBSTONE);
}

/* Rows and files, both in the order of unique names. */
static int
check_rows(struct verify *v, const struct folder *f, int fd,
    const struct mlist *list, struct err *err)
{
	struct cursor *c = cursor_open(v->acc->store, f->id, BY_UNIQUE, err);
	const struct mfile *file = list->file, *end = file + list->n;
	struct msg_row row;
	int got, r = 0;

	while (r == 0 && (got = cursor_next(c, &row, err)) > 0) {
		int order = -1;

		if (!is_here(&row))
			continue;
		for (; file < end && (order = str_cmp((struct str){ file->name,
		    file->n_unique }, row.unique)) < 0; file++)
			;
		if (file < end && order == 0)
			r = check_file(v, f, fd, &row, file++, err);
		else
			tell_missing(v, f, &row);
	}
	cursor_close(c);
	return r < 0 || got < 0 ? -1 : 0;
}

static int
check_folder(struct verify *v, const struct folder *f, struct err *err)
{
	struct mlist list = { 0 };
	int fd = mpath_open(v->acc->root_fd, str_z(f->path), err), r = 0;
	struct err ignored;
	uint32_t n = 0;

	(void)store_count(v->acc->store, f->id, &n, &ignored);
	progress_phase(v->acc->progress, PHASE_COMPARE, f->name, n);
	if (fd < 0 && n > 0)
		verify_tell(v, "mount it, or take it from a snapshot", f->path,
		    "the folder is missing: %s", err->text);
	/* Without a directory, each of its messages is missing. */
	if (fd >= 0)
		r = mdir_list(fd, &list, err);
	if (r == 0)
		r = check_rows(v, f, fd, &list, err);
	mlist_clear(&list);
	if (fd >= 0)
		close(fd);
	return r;
}

/* What a backup has lost, and the state took for removed here. */
static int
check_lost(struct verify *v, struct err *err)
{
	struct cursor *c = cursor_open_stages(v->acc->store, STAGE(ST_GONE_LOCAL));
	struct msg_row row;
	int got;

	while ((got = cursor_next(c, &row, err)) > 0) {
		const struct folder *f = account_by_id(v->acc, row.folder);

		/* .when: it never came, for its age. */
		if (f != NULL && f->policy.readonly && row.when == 0)
			tell_missing(v, f, &row);
	}
	cursor_close(c);
	return got;
}

/* ---- the manifest ----------------------------------------------------- */

/* Which contents the state knows. */
struct contents {
	struct hash	*v;
	size_t		 n, cap;
	struct map	 map;
};

static void
collect_content(void *contents, const struct msg_row *row)
{
	struct contents *cs = contents;

	cs->v = array_room(cs->v, cs->n, &cs->cap, sizeof(*cs->v));
	cs->v[cs->n++] = row->all;
}

static int
collect_contents(struct verify *v, struct contents *cs, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < v->acc->n_folders && r == 0; i++)
		r = folder_each_file(v->acc, v->acc->folder[i], collect_content,
		    cs, err);
	/* Only now: the map points into the array. */
	for (size_t i = 0; i < cs->n; i++)
		map_put(&cs->map, (struct str){ (const char *)cs->v[i].b,
		    sizeof(cs->v[i].b) }, i);
	return r;
}

struct chain {
	struct manifest_end	 end;		/* as the state has it */
	bool			 met;		/* that line was seen */
	struct hash		 last;		/* digest of the line before */
	bool			 waits;		/* ... which is not believed yet */
	struct hash		 content;	/* what it lists */
	char			*path;
};

/* A backup loses nothing: what a sound line lists is known. */
static void
believe(struct verify *v, struct chain *ch, const struct contents *cs)
{
	struct str key = { (const char *)ch->content.b, sizeof(ch->content.b) };

	if (ch->waits && v->acc->conf->policy.readonly &&
	    !map_has(&cs->map, key))
		verify_tell(v, "take it from a snapshot", ch->path,
		    "the manifest lists it, and it is not here any more");
	ch->waits = false;
}

static void
check_line(struct verify *v, struct chain *ch, const struct contents *cs,
    const char *month, const struct manifest_line *line)
{
	char where[64];

	snprintf(where, sizeof(where), "%s.ndjson:%" PRIu64, month, line->number);
	if (!line->good)
		verify_tell(v, "take the manifest from a snapshot", where,
		    "this is no line of a manifest");
	else if (!hash_eq(&line->prev, &ch->last))
		verify_tell(v, "take the manifest from a snapshot", where,
		    "the line does not follow the one before: one of them was "
		    "changed, or lines are missing");
	else
		believe(v, ch, cs);
	free(ch->path);
	ch->path = str_dup(line->path);
	ch->content = line->content;
	ch->last = line->self;
	ch->waits = line->good;
	if (strcmp(month, ch->end.month) != 0 || line->end != ch->end.length)
		return;
	ch->met = hash_eq(&line->self, &ch->end.head);
	if (ch->met)
		believe(v, ch, cs);
}

static int
check_month(struct verify *v, struct chain *ch, const struct contents *cs,
    const char *month, struct err *err)
{
	struct manifest_reader *r = manifest_open(v->acc, month, err);
	struct manifest_line line;
	bool torn;
	int got;

	if (r == NULL)
		return -1;
	while ((got = manifest_next(r, &line, &torn, err)) > 0)
		check_line(v, ch, cs, month, &line);
	manifest_close(r);
	if (got < 0 && strcmp(err->code, "backup.damaged") == 0) {
		verify_tell(v, "take the manifest from a snapshot", month,
		    "%s", err->text);
		got = 0;
	}
	return got;
}

static int
check_manifest(struct verify *v, struct err *err)
{
	struct contents cs = { 0 };
	struct chain ch = { 0 };
	char **months;
	size_t n;
	int r;

	if (manifest_end(v->acc, &ch.end, err) < 0 ||
	    manifest_months(v->acc, &months, &n, err) < 0)
		return -1;
	map_init(&cs.map);
	r = collect_contents(v, &cs, err);
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = check_month(v, &ch, &cs, months[i], err);
		free(months[i]);
	}
	free(months);
	if (r == 0 && ch.end.month[0] != '\0' && !ch.met)
		verify_tell(v, "take the manifest from a snapshot",
		    ch.end.month, "the manifest does not end as it was left: "
		    "its last line was changed, or lines are missing");
	free(ch.path);
	map_clear(&cs.map);
	free(cs.v);
	return r;
}

/* ---- all -------------------------------------------------------------- */

int
verify_run(struct account *acc, const struct verify_opts *o,
    struct verified *out, struct err *err)
{
	struct verify v = { .acc = acc, .o = o, .out = out,
	    .seed = (uint64_t)clock_wall() };
	int r;

	*out = (struct verified){ 0 };
	/* Without a server nobody has said them yet. */
	for (size_t i = 0; i < acc->n_folders; i++)
		acc->folder[i]->policy = pattern_policy(acc->conf,
		    str_z(acc->folder[i]->name), acc->folder[i]->attrs);
	r = check_manifest(&v, err);
	for (size_t i = 0; i < acc->n_folders && r == 0; i++)
		r = check_folder(&v, acc->folder[i], err);
	if (r == 0)
		r = check_lost(&v, err);
	if (r == 0 && o->online)
		r = verify_remote(&v, err);
	for (size_t i = 0; i < v.n_damages; i++)
		free(v.damage[i].file);
	free(v.damage);
	progress_phase(acc->progress, PHASE_IDLE, NULL, 0);
	return r;
}

int
verify_parse(const char *text, usec *every, unsigned *percent)
{
	static const struct {
		const char	*word;
		int64_t		 seconds;
	} words[] = {
		{ "daily", 86400 }, { "weekly", 604800 }, { "monthly", 2592000 },
	};
	struct str rest = str_z(text), word = str_split(&rest, ' ');
	uint64_t n = 100;

	*every = 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(word, str_z(words[i].word)))
			*every = USEC_S(words[i].seconds);
	if (rest.n > 0 && (rest.p[rest.n - 1] != '%' ||
	    !num_u64(str_head(rest, rest.n - 1), 1, 100, &n)))
		return -1;
	*percent = (unsigned)n;
	return *every > 0 ? 0 : -1;
}
