/* html.c — enough of HTML to read mail by. */
#include "html.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

struct writer {
	char	*p;
	size_t	 n;
};

/* White space is one blank, and none at the start of a line. */
static void
put(struct writer *w, char c)
{
	bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';

	if (space && (w->n == 0 || w->p[w->n - 1] == ' ' || w->p[w->n - 1] == '\n'))
		return;
	w->p[w->n++] = space ? ' ' : c;
}

static void
put_line(struct writer *w)
{
	while (w->n > 0 && w->p[w->n - 1] == ' ')
		w->n--;
	if (w->n > 0 && w->p[w->n - 1] != '\n')
		w->p[w->n++] = '\n';
}

static bool
is_block(struct str name)
{
	static const char *const blocks[] = {
		"br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2",
		"h3", "h4", "h5", "h6", "hr", "blockquote", "pre", "title",
	};

	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		if (str_ieq(name, str_z(blocks[i])))
			return true;
	}
	return false;
}

/* The name of the tag that begins at ${s} ("<" and "/" passed). */
static struct str
tag_name(struct str s)
{
	size_t n = 0;

	while (n < s.n && strchr(" \t\r\n/>", s.p[n]) == NULL)
		n++;
	return str_head(s, n);
}

/* Past "</name", where its content does not count. */
static size_t
skip_content(struct str s, size_t i, struct str name)
{
	for (; i + name.n + 2 <= s.n; i++) {
		if (s.p[i] == '<' && s.p[i + 1] == '/' &&
		    str_istarts(str_from(s, i + 2), name))
			return i;
	}
	return s.n;
}

static size_t
tag(struct str s, size_t i, struct writer *w)
{
	struct str rest = str_from(s, i + 1), name;
	bool closes = rest.n > 0 && rest.p[0] == '/';

	if (str_starts(rest, STR("!--"))) {
		const char *end = memmem(rest.p, rest.n, "-->", 3);

		return end != NULL ? (size_t)(end + 3 - s.p) : s.n;
	}
	name = tag_name(str_from(rest, closes ? 1 : 0));
	i += 1 + str_find(rest, '>') + 1;
	if (is_block(name))
		put_line(w);
	else if (str_ieq(name, STR("td")) || str_ieq(name, STR("th")))
		put(w, ' ');
	if (!closes && (str_ieq(name, STR("script")) || str_ieq(name, STR("style"))))
		i = i < s.n ? skip_content(s, i, name) : s.n;
	return i < s.n ? i : s.n;
}

static void
put_utf8(struct writer *w, unsigned long c)
{
	if (c < 0x80) {
		put(w, (char)c);
	} else if (c < 0x800) {
		w->p[w->n++] = (char)(0xc0 | c >> 6);
		w->p[w->n++] = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		w->p[w->n++] = (char)(0xe0 | c >> 12);
		w->p[w->n++] = (char)(0x80 | (c >> 6 & 63));
		w->p[w->n++] = (char)(0x80 | (c & 63));
	} else {
		w->p[w->n++] = (char)(0xf0 | c >> 18);
		w->p[w->n++] = (char)(0x80 | (c >> 12 & 63));
		w->p[w->n++] = (char)(0x80 | (c >> 6 & 63));
		w->p[w->n++] = (char)(0x80 | (c & 63));
	}
}

/* "&amp;" and the like; what is none stands for itself.  An entity is never shorter
 * than what it stands for. */
static size_t
entity(struct str s, size_t i, struct writer *w)
{
	static const struct {
		const char	*name;
		unsigned long	 c;
	} named[] = {
		{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' },
		{ "apos", '\'' }, { "nbsp", ' ' }, { "copy", 0xa9 },
		{ "reg", 0xae }, { "euro", 0x20ac }, { "ndash", 0x2013 },
		{ "mdash", 0x2014 }, { "hellip", 0x2026 }, { "auml", 0xe4 },
		{ "ouml", 0xf6 }, { "uuml", 0xfc }, { "szlig", 0xdf },
		{ "eacute", 0xe9 }, { "egrave", 0xe8 }, { "pound", 0xa3 },
	};
	struct str name = str_head(str_from(s, i + 1), 10);
	size_t end = str_find(name, ';');
	unsigned long c = 0;

	if (end == name.n || end == 0) {
		put(w, '&');
		return i + 1;
	}
	name = str_head(name, end);
	if (name.p[0] == '#' && end > 1)
		c = (name.p[1] | 0x20) == 'x' ? strtoul(name.p + 2, NULL, 16) :
		    strtoul(name.p + 1, NULL, 10);
	for (size_t k = 0; k < ARRAY_LEN(named); k++) {
		if (str_eq(name, str_z(named[k].name)))
			c = named[k].c;
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
		put(w, '&');
		return i + 1;
	}
	put_utf8(w, c == 0xa0 ? ' ' : c);
	return i + end + 2;
}

struct str
html_to_text(struct str html, struct arena *a)
{
	struct writer w = { arena_get(a, html.n + 2), 0 };
	size_t i = 0;

	while (i < html.n) {
		if (html.p[i] == '<')
			i = tag(html, i, &w);
		else if (html.p[i] == '&')
			i = entity(html, i, &w);
		else
			put(&w, html.p[i++]);
	}
	while (w.n > 0 && w.p[w.n - 1] == ' ')
		w.n--;
	return (struct str){ w.p, w.n };
}
