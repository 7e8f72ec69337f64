/*
 * tap.c — the transcript.  A literal ("{n}" at the end of a line, and the n
 * bytes after it, RFC 9051 section 4.3) is shown as "<n bytes>" at the head of
 * the line that goes on after it.
 */
#include "net/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/secret.h"
#include "base/str.h"

void
tap_close(struct tap *t)
{
	free(t->name);
	memset(t, 0, sizeof(*t));
}

void
tap_open(struct tap *t, const char *name)
{
	tap_close(t);
	t->name = xstrdup(name);
}

void
tap_restart(struct tap *t, enum tap_side side)
{
	t->side[side] = (struct tap_line){ 0 };
}

static void
add_text(struct tap_line *line, const char *p, size_t n)
{
	size_t room = sizeof(line->text) - line->n;
	size_t fits = n < room ? n : room;

	for (size_t i = 0; i < fits; i++)
		/* NUL would end the line for printf. */
		line->text[line->n++] = p[i] == '\0' ? '?' : p[i];
	line->cut += n - fits;
}

/* Keep the end of the line even when its text is cut. */
static void
keep_last(struct tap_line *line, const char *p, size_t n)
{
	size_t keep, max = sizeof(line->last);

	if (n >= max) {
		memcpy(line->last, p + n - max, max);
		line->n_last = max;
		return;
	}
	keep = line->n_last + n > max ? max - n : line->n_last;
	memmove(line->last, line->last + line->n_last - keep, keep);
	memcpy(line->last + keep, p, n);
	line->n_last = keep + n;
}

/* How many bytes the literal has that a line ending in ${s} announces. */
static uint64_t
literal_size(struct str s)
{
	uint64_t n;
	size_t open;

	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	if (!str_ends(s, STR("}")))
		return 0;
	s.n--;
	if (str_ends(s, STR("+")))
		s.n--;
	for (open = s.n; open > 0 && s.p[open - 1] != '{'; open--)
		;
	return open > 0 && num_u64(str_from(s, open), 1, UINT64_MAX, &n) ? n : 0;
}

static void
end_line(struct tap *t, enum tap_side side)
{
	struct tap_line *line = &t->side[side];
	char cut[48] = "", size[32];
	bool cr = line->n_last > 0 && line->last[line->n_last - 1] == '\r';

	if (cr && line->cut > 0)
		line->cut--;
	else if (cr)
		line->n--;
	if (line->cut > 0)
		snprintf(cut, sizeof(cut), "... (%llu more)",
		    (unsigned long long)line->cut);
	if (t->hidden != NULL && secret_in(t->hidden,
	    (struct str){ line->text, line->n }))
		line->n = (size_t)snprintf(line->text, sizeof(line->text),
		    "<a line that repeats the secret>");
	log_trace("%s %c: %.*s%s", t->name, side == TAP_OUT ? 'C' : 'S',
	    (int)line->n, line->text, cut);
	line->literal = literal_size((struct str){ line->last, line->n_last });
	line->n = line->n_last = 0;
	line->cut = 0;
	if (line->literal > 0) {
		snprintf(size, sizeof(size), "<%llu bytes>",
		    (unsigned long long)line->literal);
		add_text(line, size, strlen(size));
	}
}

static size_t
skip_literal(struct tap_line *line, size_t n)
{
	size_t skip = line->literal < n ? (size_t)line->literal : n;

	line->literal -= skip;
	return skip;
}

void
tap_bytes(struct tap *t, enum tap_side side, const void *p, size_t n)
{
	struct tap_line *line = &t->side[side];
	struct str s = { p, n };
	size_t at;

	if (t->name == NULL || log_level() < LOG_LV_TRACE)
		return;
	while ((s = str_from(s, skip_literal(line, s.n))).n > 0) {
		at = str_find(s, '\n');
		add_text(line, s.p, at);
		keep_last(line, s.p, at);
		if (at == s.n)
			return;
		end_line(t, side);
		s = str_from(s, at + 1);
	}
}

void
tap_secret(struct tap *t, const void *p, size_t n)
{
	struct tap_line *line = &t->side[TAP_OUT];
	struct str s = { p, n };

	if (t->name == NULL || log_level() < LOG_LV_TRACE)
		return;
	s = str_from(s, skip_literal(line, s.n));
	if (s.n == 0)
		return;
	add_text(line, "<secret>", 8);
	line->n_last = 0;
	if (s.p[s.n - 1] == '\n')
		end_line(t, TAP_OUT);
}
