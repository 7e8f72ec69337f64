/*
 * manifest.c — writing the manifest; manifest_read.c reads it.
 *
 * Two cases make it more than appending.  A crash between the file and the state:
 * complete lines behind the length that the state knows are ours, an incomplete
 * one is cut off.  A state that was lost: every line there is belongs, by content
 * and name, to a message that is found again, which gets no second line.
 */
#include "engine/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "engine/manifest_impl.h"
#include "maildir/dir.h"

#define END_KEY	"manifest.end"

enum { BATCH_LINES = 500, BATCH_BYTES = 8 << 20 };

struct manifest {
	struct manifest_end	 end;
	int64_t			 low;		/* rows up to it need no look */
	int64_t			 later;		/* this one does; 0: none */
	struct hasher		*hasher;	/* of lines */
	struct hasher		*wire;		/* of messages */
	/* Lines that no row is known for yet: "SHA256_LF UNIQUE". */
	char			**orphan;
	size_t			 n_orphans, cap_orphans;
	struct map		 by_orphan;
};

/* ---- the end ---------------------------------------------------------- */

int
manifest_end(struct account *acc, struct manifest_end *end, struct err *err)
{
	char *text, hex[65];

	*end = (struct manifest_end){ 0 };
	if (store_get(acc->store, END_KEY, &text, err) < 0)
		return -1;
	if (text == NULL)
		return 0;
	if (sscanf(text, "%7s %" SCNu64 " %64s", end->month, &end->length,
	    hex) != 3 || !hash_from_hex(str_z(hex), &end->head))
		*end = (struct manifest_end){ 0 };
	free(text);
	return 0;
}

static int
save_end(struct account *acc, const struct manifest_end *end, struct err *err)
{
	char text[128], hex[65];

	hash_hex(&end->head, hex);
	snprintf(text, sizeof(text), "%s %" PRIu64 " %s", end->month,
	    end->length, hex);
	return store_set(acc->store, END_KEY, str_z(text), err);
}

/* ---- what is there when we begin -------------------------------------- */

static void
add_orphan(struct manifest *m, const struct manifest_line *line)
{
	char hex[65];

	hash_hex(&line->content, hex);
	m->orphan = array_room(m->orphan, m->n_orphans, &m->cap_orphans,
	    sizeof(*m->orphan));
	m->orphan[m->n_orphans] = xasprintf("%s %.*s", hex,
	    STR_ARG(line->unique));
	map_put(&m->by_orphan, str_z(m->orphan[m->n_orphans]), 0);
	m->n_orphans++;
}

static bool
take_orphan(struct manifest *m, const struct msg_row *row)
{
	char hex[65], *key;
	bool hit;

	if (m->by_orphan.n == 0)
		return false;
	hash_hex(&row->all, hex);
	key = xasprintf("%s %.*s", hex, STR_ARG(row->unique));
	hit = map_remove(&m->by_orphan, str_z(key));
	free(key);
	return hit;
}

/* The lines of one month that the state does not know. */
static int
adopt_month(struct account *acc, struct manifest *m, const char *month,
    struct err *err)
{
	bool known = strcmp(m->end.month, month) == 0, torn = false;
	uint64_t from = known ? m->end.length : 0, end = from, whole = 0;
	struct manifest_reader *r = manifest_open(acc, month, err);
	struct manifest_line line;
	int got = -1;

	if (r == NULL)
		return -1;
	while ((got = manifest_next(r, &line, &torn, err)) > 0) {
		whole = line.end;
		if (line.end <= from)
			continue;
		if (line.good)
			add_orphan(m, &line);
		m->end.head = line.self;
		end = line.end;
	}
	manifest_close(r);
	if (got < 0)
		return -1;
	snprintf(m->end.month, sizeof(m->end.month), "%s", month);
	m->end.length = end;
	if (torn && whole >= from) {
		char *path = manifest_path(acc, month);

		/* Never synced, never noted: it was being written. */
		if (truncate(path, (off_t)whole) < 0)
			got = err_sys(err, ERR_LOCAL, "state.io", "%s", path);
		free(path);
	}
	return got;
}

static int
begin(struct account *acc, struct err *err)
{
	struct manifest *m = xcalloc(1, sizeof(*m));
	char **months;
	size_t n;
	int r;

	acc->manifest = m;
	m->hasher = hasher_new();
	m->wire = hasher_new();
	hasher_want_wire(m->wire);
	map_init(&m->by_orphan);
	if (manifest_end(acc, &m->end, err) < 0)
		return -1;
	r = manifest_months(acc, &months, &n, err);
	for (size_t i = 0; i < n; i++) {
		if (r == 0 && strcmp(months[i], m->end.month) >= 0)
			r = adopt_month(acc, m, months[i], err);
		free(months[i]);
	}
	free(months);
	return r;
}

void
manifest_free(struct account *acc)
{
	struct manifest *m = acc->manifest;

	if (m == NULL)
		return;
	map_clear(&m->by_orphan);
	for (size_t i = 0; i < m->n_orphans; i++)
		free(m->orphan[i]);
	free(m->orphan);
	hasher_free(m->hasher);
	hasher_free(m->wire);
	free(m);
	acc->manifest = NULL;
}

/* ---- writing ---------------------------------------------------------- */

struct batch {
	struct buf	 text;
	int64_t		 id[BATCH_LINES];
	size_t		 n;
	bool		 none;		/* only lines that stand there already */
};

/* ${raw}: bytes past ASCII as they are on disk; else as what they would be in
 * Latin-1, so that the line is JSON whatever a header held. */
static int
add_text(struct buf *b, const char *key, struct str value, bool raw)
{
	if (buf_fmt(b, "\"%s\":\"", key) < 0)
		return -1;
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		int r = c == '"' || c == '\\' || c < 0x20 ||
		    (c >= 0x7f && !raw) ?
		    buf_fmt(b, "\\u%04x", c) : buf_add(b, &value.p[i], 1);

		if (r < 0)
			return -1;
	}
	return buf_add(b, "\",", 2);
}

/* The file for lines that are written now; a clock that was set back does not
 * reorder the chain. */
static void
turn_month(struct manifest *m)
{
	time_t now = (time_t)(clock_wall() / 1000000);
	char month[8];
	struct tm tm;

	gmtime_r(&now, &tm);
	if (strftime(month, sizeof(month), "%Y-%m", &tm) == 7 &&
	    strcmp(month, m->end.month) > 0) {
		memcpy(m->end.month, month, sizeof(month));
		m->end.length = 0;
	}
}

/* The digest that no row has: of the file, which was written a moment ago as a
 * rule.  1; 0: there is none to have, *${later}: yet; -1. */
static int
digest_of(struct account *acc, struct manifest *m, struct folder *f,
    const struct msg_row *row, struct hash *wire, bool *later, struct err *err)
{
	char *file = str_dup(row->file);
	struct mcontent content;
	int fd = -1, r = folder_load(acc, f, err);

	*later = true;
	if (r == 0)
		r = fd = mdir_open(f->fd, row->in_new, file, err);
	if (fd >= 0) {
		r = mdir_digest_by(m->wire, fd, &content, err);
		close(fd);
	}
	free(file);
	if (r < 0)
		return err->class == ERR_LOCAL ? -1 : 0;
	*wire = content.id.wire;
	/* What is damaged already is for `verify` to find. */
	*later = false;
	return hash_eq(&content.id.all, &row->all);
}

static int
add_line(struct manifest *m, const struct folder *f, const struct msg_row *row,
    const struct hash *wire, struct buf *b)
{
	char sha[65], lf[65], prev[65], date[32], seen[32];
	char *path = xasprintf("%s/%s/%.*s", f->path,
	    row->in_new ? "new" : "cur", STR_ARG(row->file));
	size_t at = b->n;
	int r;

	turn_month(m);
	hash_hex(wire, sha);
	hash_hex(&row->all, lf);
	hash_hex(&m->end.head, prev);
	clock_iso(row->date * 1000000, date);
	clock_iso(clock_wall(), seen);
	r = buf_fmt(b, "{\"sha256\":\"%s\",\"size\":%" PRIu64
	    ",\"sha256_lf\":\"%s\",\"uid\":%" PRIu32 ",\"uidvalidity\":%" PRIu64
	    ",\"internaldate\":\"%s\",", sha, row->wire_size, lf, row->uid.v,
	    f->validity.v, date) < 0 ||
	    add_text(b, "message_id", str_head(row->msgid, 1000), false) < 0 ||
	    add_text(b, "path", str_z(path), true) < 0 ||
	    buf_fmt(b, "\"first_seen\":\"%s\",\"prev\":\"%s\"}\n", seen, prev) < 0 ?
	    -1 : 0;
	free(path);
	if (r == 0)
		manifest_hash(m->hasher, (struct str){ (const char *)b->p + at,
		    b->n - at - 1 }, &m->end.head);
	return r;
}

static int
write_all(int fd, const struct buf *b)
{
	for (size_t done = 0; done < b->n;) {
		ssize_t n = write(fd, b->p + done, b->n - done);

		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd);
}

/* A new file is an entry of its directory, too. */
static int
sync_dir(const char *path)
{
	char *dir = str_dup(str_head(str_z(path),
	    (size_t)(strrchr(path, '/') - path)));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	free(dir);
	if (fd < 0)
		return -1;
	r = fsync(fd);
	close(fd);
	return r;
}

static int
append(struct account *acc, struct manifest *m, const struct buf *b,
    struct err *err)
{
	char *path = manifest_path(acc, m->end.month);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
	    O_NOFOLLOW, 0600), r = -1;
	struct stat st;

	if (fd >= 0 && write_all(fd, b) == 0 && fstat(fd, &st) == 0 &&
	    ((uint64_t)st.st_size > b->n || sync_dir(path) == 0)) {
		m->end.length = (uint64_t)st.st_size;
		r = 0;
	}
	if (r < 0)
		err_sys(err, ERR_LOCAL, errno == ENOSPC ? "store.no-space" :
		    "state.io", "write %s", path);
	if (fd >= 0)
		close(fd);
	free(path);
	return r;
}

/* First the file, durably; then the state. */
static int
flush(struct account *acc, struct manifest *m, struct batch *b, struct err *err)
{
	int r = 0;

	if (b->text.n > 0)
		r = append(acc, m, &b->text, err);
	if (r < 0 || b->n == 0 || account_begin(acc, err) < 0)
		return r < 0 || b->n > 0 ? -1 : 0;
	for (size_t i = 0; i < b->n && r == 0; i++)
		r = store_listed_add(acc->store, b->id[i], err);
	if (r == 0)
		r = save_end(acc, &m->end, err);
	if (r == 0) {
		b->n = 0;
		buf_reset(&b->text);
	}
	return account_end(acc, r, err);
}

static int
make_dirs(const struct account *acc, struct err *err)
{
	char *top = xasprintf("%s/manifest", acc->state_dir);
	char *dir = xasprintf("%s/%s", top, acc->conf->name);
	int r = 0;

	if ((mkdir(top, 0700) < 0 && errno != EEXIST) ||
	    (mkdir(dir, 0700) < 0 && errno != EEXIST))
		r = err_sys(err, ERR_LOCAL, "state.io", "create %s", dir);
	free(top);
	free(dir);
	return r;
}

static int
list_row(struct account *acc, struct manifest *m, struct batch *b,
    const struct msg_row *row, struct err *err)
{
	struct folder *f = account_by_id(acc, row->folder);
	struct hash wire;
	bool later;
	int got;

	if (f == NULL)
		return 0;
	if (!take_orphan(m, row)) {
		got = digest_of(acc, m, f, row, &wire, &later, err);
		if (got <= 0) {
			if (got == 0 && later && m->later == 0)
				m->later = row->id;
			return got;
		}
		/* A line is a few kB, and half of the room is left. */
		must(add_line(m, f, row, &wire, &b->text) == 0);
	}
	b->id[b->n++] = row->id;
	return 0;
}

static int
list_all(struct account *acc, struct manifest *m, struct batch *b,
    struct err *err)
{
	struct cursor *c = cursor_open_unlisted(acc->store, m->low);
	struct msg_row row;
	int got;

	m->later = 0;
	while ((got = cursor_next(c, &row, err)) > 0) {
		got = list_row(acc, m, b, &row, err);
		if (got < 0)
			break;
		if ((b->n == BATCH_LINES || b->text.n > BATCH_BYTES / 2) &&
		    (got = flush(acc, m, b, err)) < 0)
			break;
	}
	cursor_close(c);
	return got < 0 ? -1 : flush(acc, m, b, err);
}

int
manifest_continue(struct account *acc, struct err *err)
{
	struct batch *b;
	int64_t low;
	int r;

	if (!acc->conf->backup.manifest || acc->dry_run)
		return 0;
	if (acc->manifest == NULL &&
	    (make_dirs(acc, err) < 0 || begin(acc, err) < 0)) {
		manifest_free(acc);
		return -1;
	}
	if (store_listed_low(acc->store, &low, err) < 0)
		return -1;
	b = xcalloc(1, sizeof(*b));
	buf_init(&b->text, BATCH_BYTES);
	r = list_all(acc, acc->manifest, b, err);
	buf_clear(&b->text);
	free(b);
	/* What was begun is begun anew: the file may have more than we noted. */
	if (r < 0)
		manifest_free(acc);
	else
		acc->manifest->low = acc->manifest->later == 0 ||
		    low < acc->manifest->later ? low :
		    acc->manifest->later - 1;
	return r;
}
