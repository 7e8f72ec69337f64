/* head.c — one pass over the bytes of a header. */
#include "head.h"

#include <string.h>

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static unsigned
key_of(struct str name)
{
	unsigned key = (unsigned)name.n;

	for (size_t i = 0; i < name.n; i++)
		key = key * 31 + (unsigned char)lower(name.p[i]);
	return key;
}

/* The line without its end. */
static struct str
chomp(struct str line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* A name is printable ASCII without a colon; blanks before the colon are the
 * obsolete form (RFC 5322 section 4.5). */
static bool
split_field(struct str line, struct head_field *f)
{
	size_t colon = str_find(line, ':');
	struct str name = str_head(line, colon);

	while (name.n > 0 && (name.p[name.n - 1] == ' ' ||
	    name.p[name.n - 1] == '\t'))
		name.n--;
	if (colon == line.n || name.n == 0)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] <= ' ' || name.p[i] >= 127)
			return false;
	}
	f->name = name;
	f->key = key_of(name);
	f->raw = str_from(line, colon + 1);
	return true;
}

void
head_scan(struct head *h, struct str bytes, struct arena *a)
{
	struct str rest = bytes;
	struct head_field *open = NULL;
	size_t cap = 0;

	*h = (struct head){ 0 };
	while (rest.n > 0 && h->n < HEAD_FIELDS_MAX) {
		const char *nl = memchr(rest.p, '\n', rest.n);
		size_t len = nl != NULL ? (size_t)(nl - rest.p) : rest.n;
		struct str line = chomp(str_head(rest, len));

		rest = str_from(rest, nl != NULL ? len + 1 : len);
		if (line.n == 0 && nl != NULL) {
			h->ended = true;
			break;
		}
		if (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) {
			if (open != NULL)
				open->raw.n = (size_t)(line.p + line.n -
				    open->raw.p);
			continue;
		}
		h->field = arena_room(a, h->field, h->n, &cap,
		    sizeof(*h->field));
		open = &h->field[h->n];
		if (split_field(line, open))
			h->n++;
		else
			open = NULL;
	}
	h->size = bytes.n - rest.n;
}

const struct head_field *
head_find(const struct head *h, struct str name, size_t i)
{
	unsigned key = key_of(name);

	for (size_t at = 0; at < h->n; at++) {
		const struct head_field *f = &h->field[at];

		if (f->key == key && str_ieq(f->name, name) && i-- == 0)
			return f;
	}
	return NULL;
}

struct str
head_unfold(struct str raw, struct arena *a)
{
	struct str s = str_trim(raw);
	char *out;
	size_t n = 0;

	if (memchr(s.p != NULL ? s.p : "", '\n', s.n) == NULL)
		return s;
	out = arena_get(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' || (s.p[i] == '\r' && i + 1 < s.n &&
		    s.p[i + 1] == '\n'))
			continue;
		out[n++] = s.p[i];
	}
	return (struct str){ out, n };
}

struct str
head_get(const struct head *h, struct str name, struct arena *a)
{
	const struct head_field *f = head_find(h, name, 0);

	return f != NULL ? head_unfold(f->raw, a) : STR_NONE;
}
