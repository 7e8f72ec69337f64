/* addr.c — addresses, tolerantly. */
#include "addr.h"

#include <stdint.h>
#include <string.h>

#include "words.h"

/* What is known of one address while its bytes pass. */
struct draft {
	char		*name, *spec, *comment;
	size_t		 n_name, n_spec, n_comment;
	bool		 angle;		/* <...> was there: spec is in .spec */
};

struct reader {
	struct str	 s;
	size_t		 at;
	struct arena	*a;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
put(char *to, size_t *n, char c)
{
	to[(*n)++] = c;
}

/* "..." at the reader, its backslashes resolved. */
static void
quoted(struct reader *r, char *to, size_t *n)
{
	r->at++;
	while (r->at < r->s.n && r->s.p[r->at] != '"') {
		if (r->s.p[r->at] == '\\' && r->at + 1 < r->s.n)
			r->at++;
		put(to, n, r->s.p[r->at++]);
	}
	r->at++;
}

/* (...), which may nest. */
static void
comment(struct reader *r, char *to, size_t *n)
{
	unsigned depth = 0;

	for (; r->at < r->s.n; r->at++) {
		char c = r->s.p[r->at];

		if (c == '\\' && r->at + 1 < r->s.n) {
			put(to, n, r->s.p[++r->at]);
		} else if (c == '(' && depth++ == 0) {
			continue;
		} else if (c == ')' && --depth == 0) {
			r->at++;
			return;
		} else {
			put(to, n, c);
		}
	}
}

/* <...>: blanks and comments in it are nothing, a route before ':' neither. */
static void
angle(struct reader *r, struct draft *d)
{
	d->angle = true;
	d->n_spec = 0;
	r->at++;
	while (r->at < r->s.n && r->s.p[r->at] != '>') {
		char c = r->s.p[r->at];
		size_t before = d->n_comment;

		if (c == '"') {
			quoted(r, d->spec, &d->n_spec);
			continue;
		}
		if (c == '(') {
			comment(r, d->comment, &d->n_comment);
			d->n_comment = before;
			continue;
		}
		if (c == ':' && d->n_spec > 0 && d->spec[0] == '@')
			d->n_spec = 0;
		else if (!is_blank(c) && c != '<')
			put(d->spec, &d->n_spec, c);
		r->at++;
	}
	r->at++;
}

static void
lower(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + 32);
	}
}

struct addr
addr_split(struct str addr, struct arena *a)
{
	struct str s = arena_str(a, addr);
	struct addr out = { .addr = s, .user = s };
	const char *at = s.n > 0 ? memrchr(s.p, '@', s.n) : NULL;
	size_t plus;

	if (at != NULL) {
		size_t n = (size_t)(at - s.p);

		out.user.n = n;
		out.domain = str_from(s, n + 1);
		lower((char *)(uintptr_t)out.domain.p, out.domain.n);
	}
	plus = str_find(out.user, '+');
	out.detail = plus < out.user.n ? str_from(out.user, plus + 1) : STR("");
	out.user.n = plus;
	if (out.domain.p == NULL)
		out.domain = STR("");
	return out;
}

static struct str
squeeze(char *p, size_t n)
{
	struct str s = { p, n };

	return str_trim(s);
}

static void
finish(struct addrs *list, struct draft *d, size_t *cap, struct arena *a)
{
	struct str name = squeeze(d->name, d->n_name);
	struct str spec = squeeze(d->angle ? d->spec : d->name,
	    d->angle ? d->n_spec : d->n_name);
	struct addr addr;

	if (!d->angle) {
		name = squeeze(d->comment, d->n_comment);
		/* Words that hold no address are a name without one. */
		if (memchr(spec.p, '@', spec.n) == NULL &&
		    memchr(spec.p, ' ', spec.n) != NULL) {
			name = spec;
			spec.n = 0;
		}
		/* "ann@example.org Thu Aug 22": the rest is noise. */
		if (memchr(spec.p, '@', str_find(spec, ' ')) != NULL)
			spec.n = str_find(spec, ' ');
	} else if (name.n == 0) {
		name = squeeze(d->comment, d->n_comment);
	}
	d->n_name = d->n_spec = d->n_comment = 0;
	d->angle = false;
	if ((spec.n == 0 && name.n == 0) || list->n == ADDRS_MAX)
		return;
	addr = addr_split(spec, a);
	addr.name = words_decode(arena_str(a, name), a);
	list->v = arena_room(a, list->v, list->n, cap, sizeof(*list->v));
	list->v[list->n++] = addr;
}

void
addr_parse(struct addrs *list, struct str raw, struct arena *a)
{
	struct reader r = { .s = raw, .a = a };
	struct draft d = { 0 };
	size_t cap = list->n;

	d.name = arena_get(a, raw.n + 1);
	d.spec = arena_get(a, raw.n + 1);
	d.comment = arena_get(a, raw.n + 1);
	while (r.at < raw.n) {
		char c = raw.p[r.at];

		if (c == '"') {
			quoted(&r, d.name, &d.n_name);
		} else if (c == '(') {
			comment(&r, d.comment, &d.n_comment);
		} else if (c == '<') {
			angle(&r, &d);
		} else if (c == ',' || c == ';') {
			finish(list, &d, &cap, a);
			r.at++;
		} else if (c == ':' && !d.angle &&
		    memchr(d.name, '@', d.n_name) == NULL) {
			/* A group's name; its members follow. */
			d.n_name = d.n_comment = 0;
			r.at++;
		} else {
			if (!is_blank(c) || (d.n_name > 0 &&
			    d.name[d.n_name - 1] != ' '))
				put(d.name, &d.n_name, is_blank(c) ? ' ' : c);
			r.at++;
		}
	}
	finish(list, &d, &cap, a);
}
