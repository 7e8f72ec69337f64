/* meter.c — a bar, or lines. */
#include "meter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/attr.h"
#include "base/clock.h"
#include "js.h"
#include "progress.h"

enum { LINE = 1024, BAR_CELLS = 10, COLUMNS = 80 };

static const usec between[] = {
	[METER_NONE] = USEC_NEVER,
	[METER_BAR] = USEC_S(1) / 10,
	[METER_LINES] = USEC_S(60),
	[METER_JSON] = USEC_S(1)
};
static const usec eta_after = USEC_S(5);

int
meter_mode(const char *word, bool quiet, bool json, enum meter_mode *mode)
{
	static const struct {
		const char	*word;
		enum meter_mode	 mode;
	} modes[] = {
		{ "bar", METER_BAR }, { "lines", METER_LINES },
		{ "json", METER_JSON }, { "none", METER_NONE }
	};
	const char *term = getenv("TERM");

	if (word == NULL || strcmp(word, "auto") == 0) {
		*mode = METER_LINES;
		if (quiet || json)
			*mode = METER_NONE;
		else if (isatty(STDERR_FILENO) && term != NULL &&
		    strcmp(term, "dumb") != 0)
			*mode = METER_BAR;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(modes[i].word, word) == 0) {
			*mode = quiet ? METER_NONE : modes[i].mode;
			return 0;
		}
	return -1;
}

void
meter_init(struct meter *m, enum meter_mode mode, FILE *out, bool utf8, usec now)
{
	/* A bar shows at once that something happens; lines only when it lasts. */
	*m = (struct meter){
		.mode = mode, .out = out, .utf8 = utf8,
		.due = mode == METER_BAR ? now : mode == METER_NONE ? USEC_NEVER :
		    now + between[mode]
	};
}

usec
meter_due(const struct meter *m)
{
	return m->due;
}

/* ---- text that fits --------------------------------------------------- */

/* Print ${text} in at most ${cells} columns; names come from servers, so what
 * could steer a terminal is shown as a question mark.  Returns the columns. */
static int
print_cells(FILE *out, const char *text, int cells)
{
	mbstate_t state = { 0 };
	int used = 0;

	for (size_t n = strlen(text); n > 0;) {
		wchar_t wc;
		size_t len = mbrtowc(&wc, text, n, &state);
		bool bad = len == 0 || len > n;
		int w = bad ? -1 : wcwidth(wc);

		if (bad) {
			len = 1;
			state = (mbstate_t){ 0 };
		}
		if (used + (w < 0 ? 1 : w) > cells)
			break;
		if (w < 0)
			putc('?', out);
		else
			fwrite(text, 1, len, out);
		used += w < 0 ? 1 : w;
		text += len;
		n -= len;
	}
	return used;
}

static void
add_bytes(char *out, size_t cap, uint64_t n, const char *after)
{
	static const char *const units[] = { "B", "KB", "MB", "GB", "TB" };
	double v = (double)n;
	size_t u = 0, at = strlen(out);

	for (; v >= 999.5 && u + 1 < ARRAY_LEN(units); u++)
		v /= 1000;
	snprintf(out + at, cap - at, "%.*f %s%s", u > 0 && v < 99.95, v, units[u],
	    after);
}

static void
add_bar(char *out, size_t cap, double part, bool utf8)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊",
	    "▉" };
	int ticks = (int)(part * BAR_CELLS * 8), full = ticks / 8;
	size_t at = strlen(out);
	int rest = utf8 && ticks % 8 != 0;

	at += (size_t)snprintf(out + at, cap - at, "%s", utf8 ? "▕" : "[");
	for (int i = 0; i < full; i++)
		at += (size_t)snprintf(out + at, cap - at, "%s", utf8 ? "█" : "#");
	snprintf(out + at, cap - at, "%s%*s%s %3d%%  ",
	    rest ? eighths[ticks % 8] : "", BAR_CELLS - full - rest, "",
	    utf8 ? "▏" : "]", (int)(part * 100));
}

/* ---- speed ------------------------------------------------------------ */

static void
measure(struct meter *m, const struct meter_row *r, usec now)
{
	const struct progress *p = &r->progress;
	char what[sizeof(m->what)];
	size_t last = (m->next + METER_WINDOW - 1) % METER_WINDOW;

	snprintf(what, sizeof(what), "%s/%s", r->account, p->folder);
	if (m->n == 0 || m->phase != p->phase || strcmp(m->what, what) != 0) {
		memcpy(m->what, what, sizeof(what));
		m->phase = p->phase;
		m->began = now;
		m->n = m->next = 0;
	} else if (now - m->sample[last].at < USEC_S(1)) {
		return;
	}
	m->sample[m->next].at = now;
	m->sample[m->next].done = p->done;
	m->sample[m->next].bytes = p->bytes;
	m->next = (m->next + 1) % METER_WINDOW;
	if (m->n < METER_WINDOW)
		m->n++;
}

static void
add_speed(const struct meter *m, const struct progress *p, usec now, char *out,
    size_t cap)
{
	size_t first = m->n < METER_WINDOW ? 0 : m->next;
	double secs = (double)(now - m->sample[first].at) / 1e6;
	uint64_t bytes = p->bytes - m->sample[first].bytes;
	uint64_t done = p->done - m->sample[first].done;
	long left;

	if (secs < 1)
		return;
	add_bytes(out, cap, (uint64_t)((double)bytes / secs), "/s");
	if (now - m->began < eta_after || done == 0 || p->total < p->done)
		return;
	left = (long)((double)(p->total - p->done) * secs / (double)done);
	if (left < 100 * 3600)
		snprintf(out + strlen(out), cap - strlen(out),
		    "  %02ld:%02ld left", left / 60, left % 60);
}

/* ---- drawing ---------------------------------------------------------- */

static int
columns(const struct meter *m)
{
	struct winsize ws;

	if (fileno(m->out) < 0 || ioctl(fileno(m->out), TIOCGWINSZ, &ws) < 0 ||
	    ws.ws_col == 0)
		return COLUMNS;
	return ws.ws_col;
}

static void
draw_bar(struct meter *m, const struct meter_row *r, size_t others, usec now)
{
	const struct progress *p = &r->progress;
	int room = columns(m) - 1, used;
	char rest[LINE] = "";

	if (p->total > 0) {
		double part = p->done < p->total ?
		    (double)p->done / (double)p->total : 1;

		add_bar(rest, sizeof(rest), part, m->utf8);
		snprintf(rest + strlen(rest), sizeof(rest) - strlen(rest),
		    "%" PRIu64 "/%" PRIu64 "  ", p->done, p->total);
		add_speed(m, p, now, rest, sizeof(rest));
	} else {
		snprintf(rest, sizeof(rest), "%s", progress_word(p));
	}
	if (others > 0)
		snprintf(rest + strlen(rest), sizeof(rest) - strlen(rest),
		    "  +%zu more", others);
	fputs("\r\033[K", m->out);
	used = print_cells(m->out, r->account, room / 4);
	used += print_cells(m->out, "  ", room - used);
	if (p->folder[0] != '\0') {
		int name = print_cells(m->out, p->folder, room / 5);

		/* Padded, so that the bar does not jump from name to name. */
		used += name + fprintf(m->out, "%*s", room / 5 - name + 1, "");
	}
	print_cells(m->out, rest, room - used);
	/* A line of somebody else starts at the left. */
	putc('\r', m->out);
	m->drawn = true;
}

static void
print_stamp(const struct meter *m)
{
	char when[32];

	clock_iso(clock_wall(), when);
	fprintf(m->out, "%s ", when);
}

static void
draw_lines(const struct meter *m, const struct meter_row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[LINE];

		progress_text(&row[i].progress, text, sizeof(text));
		if (text[0] == '\0')
			continue;
		print_stamp(m);
		fprintf(m->out, "%s ", row[i].account);
		print_cells(m->out, text, LINE);
		putc('\n', m->out);
	}
}

static void
draw_json(const struct meter *m, const struct meter_row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *v = progress_json(&row[i].progress);
		char *text;

		if (v == NULL)
			continue;
		v = json_pack("{s:s, s:o}", "account", row[i].account,
		    "progress", v);
		text = js_dump(v);
		fprintf(m->out, "%s\n", text);
		free(text);
		json_decref(v);
	}
}

/* The account with the most to do; any that does something before one that
 * does nothing yet. */
static size_t
busiest(const struct meter_row *row, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++) {
		const struct progress *a = &row[best].progress;
		const struct progress *b = &row[i].progress;
		uint64_t left_a = a->total > a->done ? a->total - a->done : 0;
		uint64_t left_b = b->total > b->done ? b->total - b->done : 0;

		if (left_b > left_a || (left_b == left_a && b->phase > a->phase))
			best = i;
	}
	return best;
}

void
meter_step(struct meter *m, const struct meter_row *row, size_t n, usec now)
{
	if (now < m->due)
		return;
	m->due = now + between[m->mode];
	if (n == 0) {
		meter_clear(m);
	} else if (m->mode == METER_BAR) {
		size_t i = busiest(row, n);

		measure(m, &row[i], now);
		draw_bar(m, &row[i], n - 1, now);
	} else if (m->mode == METER_LINES) {
		draw_lines(m, row, n);
	} else {
		draw_json(m, row, n);
	}
	fflush(m->out);
}

void
meter_line(struct meter *m, const char *account, const char *text)
{
	if (m->mode == METER_NONE)
		return;
	meter_clear(m);
	if (m->mode == METER_JSON) {
		json_t *v = json_pack("{s:s, s:o}", "account", account, "done",
		    js_text(str_z(text)));
		char *dump = js_dump(v);

		fprintf(m->out, "%s\n", dump);
		free(dump);
		json_decref(v);
	} else {
		if (m->mode == METER_LINES)
			print_stamp(m);
		fprintf(m->out, "%s ", account);
		print_cells(m->out, text, LINE);
		putc('\n', m->out);
	}
	fflush(m->out);
}

void
meter_clear(struct meter *m)
{
	if (!m->drawn)
		return;
	fputs("\r\033[K", m->out);
	fflush(m->out);
	m->drawn = false;
}
