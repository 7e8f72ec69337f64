/*
 * diag.c — collecting mistakes, and showing them.
 *
 *	error[CODE]: text
 *	  --> file:line:col
 *	   |
 *	 4 | the line
 *	   |     ^^^^ words beside the caret
 *	   = note: ...
 *	   = help: ...
 *
 * Lines are found as libyaml counts them; widths are terminal cells, so that the
 * caret stands under its culprit also after wide and combining characters.
 */
#include "diag.h"

#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "js.h"

enum { SHOWN_WIDTH = 120, LINE_TEXT_MAX = 4096 };

void
diags_init(struct diags *ds)
{
	*ds = (struct diags){ 0 };
}

void
diags_clear(struct diags *ds)
{
	for (size_t i = 0; i < ds->n; i++) {
		struct diag *d = &ds->v[i];

		free(d->text);
		free(d->path);
		free(d->excerpt);
		free(d->caret);
		strlist_clear(&d->note);
		strlist_clear(&d->help);
	}
	free(ds->v);
	diags_init(ds);
}

char *
diag_path(const char *path)
{
	const char *home = getenv("HOME");
	size_t n = home != NULL ? strlen(home) : 0;

	if (n > 1 && strncmp(path, home, n) == 0 && path[n] == '/')
		return xasprintf("~%s", path + n);
	return xstrdup(path);
}

/* How many bytes the line break at ${p} has; 0: it is none.  YAML 1.1 breaks lines
 * at NEL, LS and PS too, and libyaml counts so. */
static size_t
line_break(const char *p, size_t n)
{
	if (n >= 2 && p[0] == '\r' && p[1] == '\n')
		return 2;
	if (n >= 1 && (p[0] == '\n' || p[0] == '\r'))
		return 1;
	if (n >= 2 && memcmp(p, "\xc2\x85", 2) == 0)
		return 2;
	if (n >= 3 && (memcmp(p, "\xe2\x80\xa8", 3) == 0 ||
	    memcmp(p, "\xe2\x80\xa9", 3) == 0))
		return 3;
	return 0;
}

static char *
source_line(const struct source *src, uint32_t line)
{
	size_t at = 0, start = 0;

	for (uint32_t now = 1; at < src->n; ) {
		size_t n = line_break(src->text + at, src->n - at);

		if (n == 0) {
			at++;
			continue;
		}
		if (now++ == line)
			break;
		at += n;
		start = at;
		if (now == line && start == src->n)
			return NULL;
	}
	if (at - start > LINE_TEXT_MAX)
		at = start + LINE_TEXT_MAX;
	return str_dup((struct str){ src->text + start, at - start });
}

/* A formatted text without control characters, which might have come from the file
 * and would act on the reader's terminal. */
static char * PRINTF(1, 0)
format(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		return xstrdup(fmt);
	for (char *p = text; *p != '\0'; p++) {
		bool c1 = *p == '\xc2' && (unsigned char)p[1] < 0xa0 &&
		    (unsigned char)p[1] >= 0x80;

		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (c1)
			p[0] = p[1] = '?';
	}
	return text;
}

struct diag *
diags_add(struct diags *ds, enum diag_level level, const char *code,
    const struct mark *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = format(fmt, ap);
	va_end(ap);

	ds->v = array_room(ds->v, ds->n, &ds->cap, sizeof(*ds->v));
	struct diag *d = &ds->v[ds->n++];
	*d = (struct diag){ .level = level, .code = code, .text = text };
	if (at != NULL && at->src != NULL) {
		d->path = xstrdup(at->src->path);
		d->line = at->line;
		d->col = at->col;
		d->width = at->width;
		if (at->line > 0 && at->src->text != NULL)
			d->excerpt = source_line(at->src, at->line);
	}
	ds->n_errors += level == DIAG_ERROR;
	return d;
}

void
diag_caret(struct diag *d, const char *fmt, ...)
{
	va_list ap;

	free(d->caret);
	va_start(ap, fmt);
	d->caret = format(fmt, ap);
	va_end(ap);
}

static void PRINTF(2, 0)
add_line(struct strlist *l, const char *fmt, va_list ap)
{
	char *text = format(fmt, ap);

	strlist_add(l, text);
	free(text);
}

void
diag_note(struct diag *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(&d->note, fmt, ap);
	va_end(ap);
}

void
diag_help(struct diag *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(&d->help, fmt, ap);
	va_end(ap);
}

/* The next character of ${s}: its bytes, and its width in cells; a byte that is no
 * character is one cell, shown as "?". */
static size_t
next_char(struct str s, int *cells, bool *shown)
{
	mbstate_t state = { 0 };
	wchar_t wc;
	size_t n = mbrtowc(&wc, s.p, s.n, &state);

	if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
		*cells = 1;
		*shown = false;
		return 1;
	}
	*cells = wcwidth(wc);
	*shown = *cells >= 0;
	if (*cells < 0)
		*cells = 1;
	return n;
}

/* Where a mark lies in the excerpt, in cells, and the text to show. */
struct excerpt {
	FILE	*out;
	int	 before, under;		/* cells before and below the mark */
	bool	 cut_left, cut_right;
};

/* Print the characters of the excerpt that fit, and measure up to the mark. */
static void
excerpt_line(struct excerpt *e, const struct diag *d)
{
	struct str rest = str_z(d->excerpt);
	uint32_t first = d->col > SHOWN_WIDTH - 20 ? d->col - 40 : 1;
	int used = 0;

	e->cut_left = first > 1;
	if (e->cut_left)
		fputs("…", e->out);
	e->before = e->cut_left;
	for (uint32_t col = 1; rest.n > 0; col++) {
		int cells;
		bool shown;
		size_t n = next_char(rest, &cells, &shown);

		if (used + cells > SHOWN_WIDTH) {
			fputs("…", e->out);
			break;
		}
		if (col >= first) {
			if (*rest.p == '\t')
				fputs("→", e->out);
			else if (shown)
				fwrite(rest.p, 1, n, e->out);
			else
				fputc('?', e->out);
			used += cells;
			if (col < d->col)
				e->before += cells;
			else if (col - d->col < d->width)
				e->under += cells;
		}
		rest = str_from(rest, n);
	}
}

struct ink {
	const char	*bold, *blue, *red, *off;
};

static struct ink
ink_for(const struct diag *d, bool color)
{
	if (!color)
		return (struct ink){ "", "", "", "" };
	return (struct ink){ "\033[1m", "\033[1;34m",
		d->level == DIAG_ERROR ? "\033[1;31m" : "\033[1;33m", "\033[0m" };
}

static void
print_excerpt(const struct diag *d, FILE *out, int gutter, const struct ink *ink)
{
	struct excerpt e = { .out = out };

	fprintf(out, "%s%*s |%s\n", ink->blue, gutter, "", ink->off);
	fprintf(out, "%s%*u |%s ", ink->blue, gutter, d->line, ink->off);
	excerpt_line(&e, d);
	fprintf(out, "\n%s%*s |%s %*s%s", ink->blue, gutter, "", ink->off,
	    e.before, "", ink->red);
	for (int i = 0; i < (e.under > 0 ? e.under : 1); i++)
		fputc('^', out);
	fprintf(out, "%s%s%s\n", d->caret != NULL ? " " : "",
	    d->caret != NULL ? d->caret : "", ink->off);
}

static void
print_one(const struct diag *d, FILE *out, bool color)
{
	struct ink ink = ink_for(d, color);
	int gutter = snprintf(NULL, 0, "%u", d->line);

	gutter = gutter < 2 ? 2 : gutter;
	fprintf(out, "%s%s[%s]%s%s: %s%s\n", ink.red,
	    d->level == DIAG_ERROR ? "error" : "warning", d->code, ink.off,
	    ink.bold, d->text, ink.off);
	if (d->path != NULL) {
		char *path = diag_path(d->path);

		fprintf(out, "%s  -->%s %s", ink.blue, ink.off, path);
		if (d->line > 0)
			fprintf(out, ":%u:%u", d->line, d->col);
		fputc('\n', out);
		free(path);
	}
	if (d->excerpt != NULL)
		print_excerpt(d, out, gutter, &ink);
	else if (d->caret != NULL)
		fprintf(out, "%*s = note: %s\n", gutter, "", d->caret);
	for (size_t i = 0; i < d->note.n; i++)
		fprintf(out, "%*s = note: %s\n", gutter, "", d->note.v[i]);
	for (size_t i = 0; i < d->help.n; i++)
		fprintf(out, "%*s = help: %s\n", gutter, "", d->help.v[i]);
	fputc('\n', out);
}

void
diags_print(const struct diags *ds, FILE *out, bool color)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 != (locale_t)0 ? uselocale(utf8) : (locale_t)0;
	size_t errors = 0;

	for (size_t i = 0; i < ds->n; i++) {
		if (ds->v[i].level == DIAG_ERROR && errors++ >= DIAGS_SHOWN)
			continue;
		print_one(&ds->v[i], out, color);
	}
	if (errors > DIAGS_SHOWN)
		fprintf(out, "… and %zu more error%s\n\n", errors - DIAGS_SHOWN,
		    errors - DIAGS_SHOWN > 1 ? "s" : "");
	if (utf8 != (locale_t)0) {
		uselocale(before);
		freelocale(utf8);
	}
}

static int
by_place(const void *pa, const void *pb)
{
	const struct diag *a = pa, *b = pb;
	int c;

	if (a->path == NULL || b->path == NULL)
		c = (a->path == NULL) - (b->path == NULL);
	else
		c = strcmp(a->path, b->path);
	if (c == 0)
		c = (a->line > b->line) - (a->line < b->line);
	if (c == 0)
		c = (a->col > b->col) - (a->col < b->col);
	return c != 0 ? c : (a->seq > b->seq) - (a->seq < b->seq);
}

void
diags_sort(struct diags *ds)
{
	for (size_t i = 0; i < ds->n; i++)
		ds->v[i].seq = i;
	if (ds->n > 0)
		qsort(ds->v, ds->n, sizeof(*ds->v), by_place);
}

json_t *
diags_json(const struct diags *ds)
{
	json_t *all = json_array();

	for (size_t i = 0; i < ds->n; i++) {
		const struct diag *d = &ds->v[i];
		json_t *o = json_pack("{s:s, s:s, s:s, s:s?}", "level",
		    d->level == DIAG_ERROR ? "error" : "warning", "code",
		    d->code, "message", d->text, "file", d->path);

		/* A file that is not UTF-8 must not cost the report. */
		if (o == NULL)
			o = json_pack("{s:s, s:s, s:s}", "level", "error", "code",
			    d->code, "message", "(not UTF-8)");
		if (d->line > 0) {
			json_object_set_new(o, "line", json_integer(d->line));
			json_object_set_new(o, "col", json_integer(d->col));
		}
		if (d->caret != NULL)
			json_object_set_new(o, "hint", json_string(d->caret));
		json_object_set_new(o, "notes", js_list(&d->note));
		json_object_set_new(o, "help", js_list(&d->help));
		json_array_append_new(all, o);
	}
	return all;
}
