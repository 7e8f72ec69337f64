/* manifest_read.c — the files of a manifest, and their lines one by one. */
#include "engine/manifest_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "maildir/name.h"

enum { READ_BYTES = 1 << 16 };

char *
manifest_path(const struct account *acc, const char *month)
{
	return xasprintf("%s/manifest/%s/%s.ndjson", acc->state_dir,
	    acc->conf->name, month);
}

void
manifest_hash(struct hasher *h, struct str text, struct hash *out)
{
	struct msgid_hash id;

	hasher_add(h, text.p, text.n);
	hasher_end(h, &id);
	*out = id.all;
}

struct manifest_reader {
	int		 fd;
	struct hasher	*hasher;
	struct buf	 buf;
	size_t		 used;		/* of buf: the line that was given out */
	uint64_t	 number, at;
	bool		 end;
};

static bool
is_month(const char *name)
{
	return strlen(name) == 14 && name[4] == '-' &&
	    strcmp(name + 7, ".ndjson") == 0 &&
	    strspn(name, "0123456789") == 4 &&
	    strspn(name + 5, "0123456789") == 2;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
manifest_months(const struct account *acc, char ***months, size_t *n,
    struct err *err)
{
	char *path = xasprintf("%s/manifest/%s", acc->state_dir,
	    acc->conf->name);
	DIR *dir = opendir(path);
	const struct dirent *e;
	size_t cap = 0;
	int r = 0;

	*months = NULL;
	*n = 0;
	if (dir == NULL && errno != ENOENT)
		r = err_sys(err, ERR_LOCAL, "state.io", "%s", path);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		if (!is_month(e->d_name))
			continue;
		*months = array_room(*months, *n, &cap, sizeof(**months));
		(*months)[(*n)++] = str_dup((struct str){ e->d_name, 7 });
	}
	if (dir != NULL)
		closedir(dir);
	if (*n > 1)
		qsort(*months, *n, sizeof(**months), by_text);
	free(path);
	return r;
}

struct manifest_reader *
manifest_open(const struct account *acc, const char *month, struct err *err)
{
	struct manifest_reader *r = xcalloc(1, sizeof(*r));
	char *path = manifest_path(acc, month);

	r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	r->hasher = hasher_new();
	buf_init(&r->buf, READ_BYTES + MANIFEST_LINE_MAX);
	if (r->fd < 0) {
		err_sys(err, ERR_LOCAL, "state.io", "%s", path);
		manifest_close(r);
		r = NULL;
	}
	free(path);
	return r;
}

void
manifest_close(struct manifest_reader *r)
{
	if (r == NULL)
		return;
	if (r->fd >= 0)
		close(r->fd);
	hasher_free(r->hasher);
	buf_clear(&r->buf);
	free(r);
}

/* The text behind "KEY":" up to the next quote: our own lines only. */
static struct str
text_of(struct str line, const char *key)
{
	char *mark = xasprintf("\"%s\":\"", key);
	size_t n = strlen(mark);
	const char *at = line.n < n ? NULL :
	    memmem(line.p, line.n, mark, n);
	struct str rest = STR_NONE;

	free(mark);
	if (at == NULL)
		return rest;
	rest = str_from(line, (size_t)(at - line.p) + n);
	return str_head(rest, str_find(rest, '"'));
}

static void
take_apart(struct manifest_line *line)
{
	struct mname name;
	struct str file;

	line->path = text_of(line->text, "path");
	file = line->path;
	for (size_t i = file.n; i-- > 0;)
		if (file.p[i] == '/') {
			file = str_from(file, i + 1);
			break;
		}
	line->good = hash_from_hex(text_of(line->text, "sha256_lf"),
	    &line->content) &&
	    hash_from_hex(text_of(line->text, "prev"), &line->prev) &&
	    mname_parse(file, &name);
	line->unique = line->good ? name.unique : STR_NONE;
}

static int
read_more(struct manifest_reader *r, struct err *err)
{
	uint8_t *room;
	ssize_t n;

	buf_drop(&r->buf, r->used);
	r->used = 0;
	room = buf_room(&r->buf, READ_BYTES);
	if (room == NULL)
		return err_set(err, ERR_LOCAL, "backup.damaged",
		    "a line of the manifest is too long");
	n = read(r->fd, room, READ_BYTES);
	if (n < 0)
		return err_sys(err, ERR_LOCAL, "state.io", "read the manifest");
	r->buf.n += (size_t)n;
	r->end = n == 0;
	return 0;
}

int
manifest_next(struct manifest_reader *r, struct manifest_line *line,
    bool *torn, struct err *err)
{
	struct str rest = str_from(buf_str(&r->buf), r->used);
	size_t n;

	*torn = false;
	while ((n = str_find(rest, '\n')) == rest.n && !r->end) {
		if (read_more(r, err) < 0)
			return -1;
		rest = buf_str(&r->buf);
	}
	if (n == rest.n) {
		*torn = rest.n > 0;
		return 0;
	}
	r->used += n + 1;
	r->at += n + 1;
	*line = (struct manifest_line){ .text = str_head(rest, n),
	    .number = ++r->number, .end = r->at };
	manifest_hash(r->hasher, line->text, &line->self);
	take_apart(line);
	return 1;
}
