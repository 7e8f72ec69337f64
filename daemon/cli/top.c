/*
 * top.c — `syncd top`: the accounts, what is on its way, and the last events, live.
 *
 * It reads only the control socket, and is the protocol's reference client.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/wait.h"
#include "cli/screen.h"
#include "cli/status.h"
#include "text.h"
#include "config.h"
#include "js.h"

enum { EVENTS_SHOWN = 10, EVENT_BYTES = 200, TICK_MS = 500 };

struct rate {			/* of one account */
	char		account[64];
	json_int_t	done, bytes;
	usec		at;
	double		messages_s, bytes_s;
};

struct top {
	const struct cli *cli;
	struct line_to	 to;		/* fd -1: not connected */
	struct screen	 screen;
	json_t		*status;	/* the last, or NULL */
	json_int_t	 asked;		/* number of the request, 0: none */
	usec		 ask_at;
	char		 event[EVENTS_SHOWN][EVENT_BYTES];
	size_t		 n_events;	/* ever */
	struct rate	 rate[32];
	size_t		 n_rates;
	char		 note[160];	/* what the last key did */
	bool		 help, quit;
};

/* ---- what is drawn ---------------------------------------------------- */

static struct rate *
rate_of(struct top *t, const char *account)
{
	for (size_t i = 0; i < t->n_rates; i++)
		if (strcmp(t->rate[i].account, account) == 0)
			return &t->rate[i];
	if (t->n_rates == ARRAY_LEN(t->rate))
		return NULL;
	t->rate[t->n_rates] = (struct rate){ .at = clock_now() };
	snprintf(t->rate[t->n_rates].account, sizeof(t->rate[0].account), "%s",
	    account);
	return &t->rate[t->n_rates++];
}

static void
measure(struct top *t, const json_t *a)
{
	const json_t *p = json_object_get(a, "progress");
	const char *name = js_get(a, "account");
	struct rate *r = name != NULL ? rate_of(t, name) : NULL;
	json_int_t done = js_int(p, "done", 0), bytes = js_int(p, "bytes", 0);
	double s;

	if (r == NULL)
		return;
	s = (double)(clock_now() - r->at) / 1e6;
	r->messages_s = s > 0 && done > r->done ?
	    (double)(done - r->done) / s : 0;
	r->bytes_s = s > 0 && bytes > r->bytes ?
	    (double)(bytes - r->bytes) / s : 0;
	r->done = done;
	r->bytes = bytes;
	r->at = clock_now();
}

static enum screen_style
style_of(enum light m)
{
	return m == LIGHT_GOOD ? SCREEN_GOOD : m == LIGHT_WAIT ? SCREEN_WAIT :
	    SCREEN_BAD;
}

/* How much of it the width allows: what matters most stands first. */
static void
draw_account(struct top *t, const json_t *a)
{
	const json_t *p = json_object_get(a, "progress");
	const char *name = js_get(a, "account"), *state = js_get(a, "state");
	const struct rate *r = rate_of(t, name != NULL ? name : "?");
	char total[32], ago[48] = "-", speed[64] = "-", bytes[32];
	int64_t age = text_age(js_get(a, "last_change"));
	enum light light = status_light(a);

	text_count((uint64_t)js_int(json_object_get(a, "totals"), "messages", 0),
	    total, sizeof(total));
	if (age >= 0)
		text_span(age, ago, sizeof(ago));
	if (p != NULL && r != NULL && r->messages_s > 0) {
		text_bytes((uint64_t)r->bytes_s, bytes, sizeof(bytes));
		snprintf(speed, sizeof(speed), "%.0f/s %s/s", r->messages_s,
		    bytes);
	}
	screen_line(&t->screen, style_of(light),
	    "%-2s %-12.12s %-13.13s %9s %10s %-16s %" JSON_INTEGER_FORMAT,
	    status_light_text(light), name != NULL ? name : "?",
	    state != NULL ? state : "?", total, ago, speed,
	    js_int(a, "connections", 0));
}

static void
draw_progress(struct top *t, const json_t *a)
{
	const json_t *p = json_object_get(a, "progress");
	json_int_t done = js_int(p, "done", 0), total = js_int(p, "total", 0);
	const char *folder = js_get(p, "folder");
	char bar[41];
	int full;

	if (total <= 0)
		return;
	full = (int)(done * 20 / total);
	for (int i = 0; i < 20; i++)
		bar[i] = i < full ? '#' : '.';
	bar[20] = '\0';
	screen_line(&t->screen, SCREEN_PLAIN, "   [%s] %3d%%  %"
	    JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT "  %s", bar,
	    (int)(done * 100 / total), done, total,
	    folder != NULL ? folder : "");
}

static void
draw_problems(struct top *t, const json_t *a)
{
	json_t *p;
	size_t i;

	json_array_foreach(json_object_get(a, "problems"), i, p) {
		const char *text = js_get(p, "message");
		const char *remedy = js_get(p, "remedy");

		screen_line(&t->screen, SCREEN_PLAIN, "   %s",
		    text != NULL ? text : "?");
		if (remedy != NULL && remedy[0] != '\0')
			screen_line(&t->screen, SCREEN_PLAIN, "   -> %s", remedy);
	}
}

static void
draw_help(struct top *t)
{
	static const char *const lines[] = {
		"", "  q   end", "  s   sync everything now",
		"  p   pause all accounts, or go on",
		"  ?   this, or back", "",
		"  syncd approve|reject ACCOUNT/FOLDER   what is held",
		"  syncd log, why, undo                  what was done"
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		screen_line(&t->screen, SCREEN_PLAIN, "%s", lines[i]);
}

static void
draw_events(struct top *t)
{
	unsigned room = screen_left(&t->screen);
	size_t n = t->n_events < EVENTS_SHOWN ? t->n_events : EVENTS_SHOWN;

	if (room < 3 || n == 0)
		return;
	if (n > room - 2)
		n = room - 2;
	screen_line(&t->screen, SCREEN_HEAD, "EVENTS");
	for (size_t i = n; i > 0; i--)
		screen_line(&t->screen, SCREEN_PLAIN, "%s",
		    t->event[(t->n_events - i) % EVENTS_SHOWN]);
}

static void
draw(struct top *t)
{
	json_t *accounts = json_object_get(t->status, "accounts"), *a;
	char up[48] = "";
	size_t i;

	screen_begin(&t->screen);
	text_span(js_int(t->status, "uptime_s", 0), up, sizeof(up));
	if (t->status == NULL)
		screen_line(&t->screen, SCREEN_HEAD, "syncd: %s",
		    t->to.fd < 0 ? "not running" : "...");
	else
		screen_line(&t->screen, SCREEN_HEAD,
		    "syncd %s  up %s  %zu accounts  ?: help  %s",
		    js_get(t->status, "version"), up,
		    json_array_size(accounts), t->note);
	if (t->help) {
		draw_help(t);
	} else if (t->status != NULL) {
		screen_line(&t->screen, SCREEN_HEAD,
		    "   %-12s %-13s %9s %10s %-16s %s", "ACCOUNT", "STATE",
		    "MESSAGES", "CHANGED", "SPEED", "CONNS");
		json_array_foreach(accounts, i, a) {
			draw_account(t, a);
			draw_progress(t, a);
			draw_problems(t, a);
		}
		draw_events(t);
	}
	screen_end(&t->screen);
}

/* ---- what comes in ---------------------------------------------------- */

static void
note_event(struct top *t, const json_t *line)
{
	const char *ts = js_get(line, "ts"), *account = js_get(line, "account");
	const char *name = js_get(line, "event"), *state = js_get(line, "state");
	const json_t *problem = json_object_get(line, "problem");
	const char *text = js_get(problem, "message");
	const char *folder = js_get(line, "folder");

	if (strcmp(name, "job.line") == 0)
		return;
	snprintf(t->event[t->n_events++ % EVENTS_SHOWN], EVENT_BYTES,
	    "%.8s %-16s %s%s%s %s%s", ts != NULL && strlen(ts) > 11 ? ts + 11 : "",
	    name, account != NULL ? account : "", folder != NULL ? "/" : "",
	    folder != NULL ? folder : "", state != NULL ? state : "",
	    text != NULL ? text : "");
}

static void
take_line(struct top *t, json_t *line)
{
	json_t *result = json_object_get(line, "result"), *a;
	size_t i;

	if (js_get(line, "event") != NULL)
		note_event(t, line);
	else if (js_int(line, "id", -1) == t->asked && result != NULL) {
		json_decref(t->status);
		t->status = json_incref(result);
		t->asked = 0;
		json_array_foreach(json_object_get(result, "accounts"), i, a)
			measure(t, a);
	}
	json_decref(line);
}

static void
lose(struct top *t)
{
	client_close(&t->to);
	json_decref(t->status);
	t->status = NULL;
	t->asked = 0;
}

static void
connect_again(struct top *t, const char *path)
{
	json_t *params;
	struct err err;

	if (client_open(&t->to, path, clock_in(USEC_S(2)), &err) < 0)
		return;
	params = json_pack("{s:[s]}", "events", "*");
	if (client_send(&t->to, "subscribe", params, clock_in(USEC_S(2)),
	    &err) < 0)
		lose(t);
}

static void
send_key(struct top *t, const char *method, const char *note)
{
	struct err err;

	if (t->to.fd >= 0 && client_send(&t->to, method, NULL,
	    clock_in(USEC_S(2)), &err) >= 0)
		snprintf(t->note, sizeof(t->note), "%s", note);
}

static bool
all_paused(const struct top *t)
{
	json_t *a;
	size_t i;

	json_array_foreach(json_object_get(t->status, "accounts"), i, a)
		if (js_get(a, "state") == NULL ||
		    strcmp(js_get(a, "state"), "paused") != 0)
			return false;
	return true;
}

static void
take_keys(struct top *t)
{
	int key;

	while ((key = screen_key(&t->screen)) != 0) {
		if (key < 0 || key == 'q')
			t->quit = true;
		else if (key == 's')
			send_key(t, "sync", "sync asked for");
		else if (key == 'p' && all_paused(t))
			send_key(t, "resume", "resumed");
		else if (key == 'p')
			send_key(t, "pause", "paused: p goes on");
		else if (key == '?' || key == 'h')
			t->help = !t->help;
		if (key < 0)
			return;
	}
}

static void
take_lines(struct top *t)
{
	struct err err;
	json_t *line;

	/* A deadline that has passed: what is there, and no waiting. */
	while (t->to.fd >= 0 &&
	    (line = client_next(&t->to, clock_now(), &err)) != NULL)
		take_line(t, line);
	if (t->to.fd >= 0 && strcmp(err.code, "daemon.timeout") != 0)
		lose(t);
}

static int
loop(struct top *t, const char *path)
{
	struct err err;

	while (!t->quit) {
		struct waiter w[3] = {
			{ .fd = STDIN_FILENO, .want = WAIT_READ },
			{ .fd = t->screen.signals, .want = WAIT_READ },
			{ .fd = t->to.fd, .want = WAIT_READ }
		};

		if (clock_now() >= t->ask_at) {
			if (t->to.fd < 0)
				connect_again(t, path);
			if (t->to.fd >= 0 && t->asked == 0)
				t->asked = client_send(&t->to, "status", NULL,
				    clock_in(USEC_S(2)), &err);
			if (t->asked < 0)
				lose(t);
			t->ask_at = clock_in(USEC_MS(TICK_MS));
			draw(t);
		}
		if (wait_any(w, 3, t->ask_at, &err) < 0)
			return EX_OSERR;
		take_keys(t);
		take_lines(t);
	}
	return 0;
}

int
verb_top(struct cli *cli)
{
	struct top t = { .cli = cli, .to = { .fd = -1 } };
	const char *env = getenv("SYNCD_SOCKET");
	struct conf *conf = NULL;
	struct err err;
	int code = 0;

	if (cli->socket == NULL && (env == NULL || env[0] == '\0')) {
		conf = cli_conf(cli, &code);
		if (conf == NULL)
			return code;
	}
	if (screen_open(&t.screen, cli_color(cli, STDOUT_FILENO), &err) < 0) {
		code = cli_fail(cli, EX_USAGE, err.code, err.text,
		    "syncd status --watch");
	} else {
		code = loop(&t, cli_socket(cli, conf));
		screen_close(&t.screen);
	}
	lose(&t);
	config_free(conf);
	return code;
}
