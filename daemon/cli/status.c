/* status.c — `syncd status`: what is going on and what needs you, from the daemon
 * or, without one, from the stores. */
#include "cli/cli.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/wait.h"
#include "cli/status.h"
#include "text.h"
#include "config.h"
#include "js.h"
#include "report.h"

/* ---- without a daemon ------------------------------------------------- */

static bool
is_paused(const struct conf *conf, const char *account)
{
	char *path = xasprintf("%s/%s.paused", conf->state_dir, account);
	bool paused = access(path, F_OK) == 0;

	free(path);
	return paused;
}

static json_t *
status_of_stores(const struct conf *conf)
{
	json_t *accounts = json_array();

	for (size_t i = 0; i < conf->n_accounts; i++) {
		const struct account_conf *a = &conf->account[i];
		const char *state = !a->enabled ? "disabled" :
		    is_paused(conf, a->name) ? "paused" : "offline";

		json_array_append_new(accounts, json_pack("{s:s, s:s, s:i, s:o, s:[]}",
		    "account", a->name, "state", state, "connections", 0,
		    "totals", report_totals(conf, a), "problems"));
	}
	return json_pack("{s:s, s:b, s:o}", "version", SYNCD_VERSION,
	    "running", 0, "accounts", accounts);
}

json_t *
status_ask(const struct cli *cli, const struct conf *conf, int *code)
{
	struct line_to to;
	struct err err;
	json_t *answer, *status;

	if (client_open(&to, cli_socket(cli, conf), clock_in(USEC_S(5)),
	    &err) < 0) {
		if (strcmp(err.code, "daemon.not-running") == 0)
			return status_of_stores(conf);
		*code = cli_fail_err(cli, &err, NULL);
		return NULL;
	}
	answer = client_call(&to, "status", NULL, clock_in(USEC_S(30)), &err);
	status = json_incref(json_object_get(answer, "result"));
	if (answer == NULL)
		*code = cli_fail_err(cli, &err, NULL);
	else if (status == NULL)
		*code = cli_fail_json(cli, json_object_get(answer, "error"));
	json_decref(answer);
	client_close(&to);
	return status;
}

/* Leave only the accounts that arg[0] names. */
static void
select_named(const struct conf *conf, const bool *named, json_t *status)
{
	json_t *all = json_object_get(status, "accounts"), *some = json_array(), *a;
	size_t i;

	json_array_foreach(all, i, a)
		for (size_t k = 0; k < conf->n_accounts; k++) {
			const char *name = js_get(a, "account");

			if (named[k] && name != NULL &&
			    strcmp(name, conf->account[k].name) == 0)
				json_array_append(some, a);
		}
	json_object_set_new(status, "accounts", some);
}

/* ---- words ------------------------------------------------------------ */

enum light
status_light(const json_t *a)
{
	static const char *const bad[] = { "auth-required", "error" };
	static const char *const good[] = { "live", "polling", "syncing" };
	const char *state = js_get(a, "state");

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (state != NULL && strcmp(state, bad[i]) == 0)
			return LIGHT_BAD;
	if (json_array_size(json_object_get(a, "problems")) > 0)
		return LIGHT_WAIT;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (state != NULL && strcmp(state, good[i]) == 0)
			return LIGHT_GOOD;
	return LIGHT_WAIT;
}

const char *
status_light_text(enum light m)
{
	static const char *const utf8[] = { "●", "▲", "✗" };
	static const char *const ascii[] = { "ok", "!!", "XX" };

	return cli_utf8() ? utf8[m] : ascii[m];
}

static void
print_light(enum light m, bool color)
{
	static const int hue[] = { 32, 33, 31 };

	if (color)
		printf("\033[%dm%s\033[0m ", hue[m], status_light_text(m));
	else
		printf("%s ", status_light_text(m));
}

static void
print_count(json_int_t n)
{
	char text[32];

	text_count(n > 0 ? (uint64_t)n : 0, text, sizeof(text));
	fputs(text, stdout);
}

static void
print_state(const json_t *a)
{
	const json_t *progress = json_object_get(a, "progress");
	const char *state = js_get(a, "state");
	json_int_t done = js_int(progress, "done", 0);
	json_int_t total = js_int(progress, "total", 0);
	json_int_t n = js_int(a, "connections", 0);

	printf("%s", state != NULL ? state : "?");
	if (js_get(a, "waiting_for") != NULL)
		printf(" for %s", js_get(a, "waiting_for"));
	if (n > 0)
		printf(" (%" JSON_INTEGER_FORMAT " connection%s)", n,
		    n > 1 ? "s" : "");
	if (total > 0) {
		printf(", %s ", js_get(progress, "folder") != NULL ?
		    js_get(progress, "folder") : "");
		print_count(done);
		printf(" of ");
		print_count(total);
	}
}

static void
print_since(const json_t *a, const char *key, const char *words)
{
	int64_t s = text_age(js_get(a, key));
	char text[48];

	if (s < 0)
		return;
	text_span(s, text, sizeof(text));
	printf("  %s %s ago", words, text);
}

static void
print_problems(const json_t *a)
{
	const char *arrow = cli_utf8() ? "→" : "->";
	json_t *problem;
	size_t i;

	json_array_foreach(json_object_get(a, "problems"), i, problem) {
		const char *text = js_get(problem, "message");
		const char *remedy = js_get(problem, "remedy");

		printf("    %s", text != NULL ? text : "?");
		print_since(problem, "since", "since");
		putchar('\n');
		if (remedy != NULL)
			printf("    %s %s\n", arrow, remedy);
	}
	if (js_int(a, "problems_more", 0) > 0)
		printf("    and %" JSON_INTEGER_FORMAT " more, which are in the log\n",
		    js_int(a, "problems_more", 0));
}

static void
print_head(const json_t *status)
{
	const char *dot = cli_utf8() ? " · " : ", ";
	json_int_t messages = 0;
	json_t *a;
	char up[48];
	size_t i, n;

	n = json_array_size(json_object_get(status, "accounts"));
	printf("syncd %s", js_get(status, "version"));
	if (js_bool(status, "running")) {
		text_span(js_int(status, "uptime_s", 0), up, sizeof(up));
		printf("%sup %s", dot, up);
	} else {
		printf("%snot running", dot);
	}
	printf("%s%zu account%s", dot, n, n != 1 ? "s" : "");
	json_array_foreach(json_object_get(status, "accounts"), i, a)
		messages += js_int(json_object_get(a, "totals"), "messages", 0);
	printf("%s", dot);
	print_count(messages);
	printf(" messages\n");
}

/* Those that have trouble, and how the others do in one line each. */
static void
print_scripts(const json_t *a)
{
	const json_t *p;
	size_t i;

	json_array_foreach(json_object_get(a, "plugins"), i, p) {
		const char *error = js_get(p, "error");
		const char *state = js_get(p, "state");
		const char *name;
		json_t *value;
		bool stale = js_bool(p, "stale");
		bool bad = stale || (state != NULL && strcmp(state, "ok") != 0);

		printf("  script %-10s %s%s", js_get(p, "name"), state, stale ?
		    ", but a newer version of it does not load" : "");
		if (js_get(p, "until") != NULL)
			printf(" until %s", js_get(p, "until"));
		printf(", %lld events, %lld us median",
		    (long long)js_int(p, "events", 0),
		    (long long)js_int(p, "median_us", 0));
		if (js_int(p, "owed", 0) > 0)
			printf("; %lld messages delivered unfiltered, will be "
			    "filtered later", (long long)js_int(p, "owed", 0));
		json_object_foreach(json_object_get(p, "metrics"), name, value)
			printf("; %s %lld", name,
			    (long long)json_integer_value(value));
		putchar('\n');
		if (error != NULL && (bad || js_int(p, "owed", 0) > 0)) {
			printf("         ");
			text_put(error);
			putchar('\n');
		}
	}
}

static void
print_status(const struct cli *cli, const json_t *status)
{
	const json_t *error = json_object_get(
	    json_object_get(status, "config"), "error");
	bool color = cli_color(cli, STDOUT_FILENO);
	json_t *a;
	size_t i;

	print_head(status);
	if (json_is_object(error)) {
		print_light(LIGHT_BAD, color);
		printf("the changed configuration is refused: %s (syncd check)\n",
		    js_get(error, "message"));
	}
	json_array_foreach(json_object_get(status, "accounts"), i, a) {
		print_light(status_light(a), color);
		printf("%-10s ", js_get(a, "account"));
		print_state(a);
		print_since(a, "last_change", "last change");
		print_since(a, "last_success", "last round");
		putchar('\n');
		print_scripts(a);
		print_problems(a);
	}
}

bool
status_any_problem(const json_t *status)
{
	json_t *a;
	size_t i;

	json_array_foreach(json_object_get(status, "accounts"), i, a)
		if (json_array_size(json_object_get(a, "problems")) > 0)
			return true;
	return json_is_object(json_object_get(
	    json_object_get(status, "config"), "error")) ||
	    !js_bool(status, "running");
}

/* ---- the verb --------------------------------------------------------- */

static void
show(const struct cli *cli, const struct conf *conf, json_t *status)
{
	static char *last;

	if (cli->waybar || cli->format != NULL) {
		/* While watching, a bar wants to hear of what changed. */
		char *text = status_line(cli, conf, status);

		if (last == NULL || strcmp(last, text) != 0)
			puts(text);
		free(last);
		last = text;
	} else if (cli->json) {
		cli_take_json(json_incref(status));
	} else if (!cli->quiet) {
		if (cli->watch && isatty(STDOUT_FILENO))
			fputs("\033[H\033[J", stdout);
		print_status(cli, status);
	}
	fflush(stdout);
}

/* Wait for an event, and for the burst that it belongs to; at most a minute,
 * because ages go on.  -1: the daemon is gone. */
static int
wait_for_change(struct line_to *to)
{
	usec until = clock_in(USEC_S(60));
	struct err err;
	json_t *line;

	while ((line = client_next(to, until, &err)) != NULL) {
		json_decref(line);
		until = clock_in(USEC_MS(200));
	}
	return strcmp(err.code, "daemon.timeout") == 0 ? 0 : -1;
}

/* Until somebody ends us; a daemon that is gone is waited for. */
static int
watch(struct cli *cli, const struct conf *conf, const bool *named)
{
	int code = 0;

	while (code == 0 && !ferror(stdout)) {
		struct line_to to = { .fd = -1 };
		json_t *status, *answer = NULL;
		struct err err;

		if (client_open(&to, cli_socket(cli, conf), clock_in(USEC_S(5)),
		    &err) == 0)
			answer = client_call(&to, "subscribe", NULL,
			    clock_in(USEC_S(30)), &err);
		do {
			status = status_ask(cli, conf, &code);
			if (status == NULL)
				break;
			if (cli->n > 0)
				select_named(conf, named, status);
			show(cli, conf, status);
			json_decref(status);
		} while (answer != NULL && wait_for_change(&to) == 0);
		json_decref(answer);
		client_close(&to);
		if (code == 0 && wait_any(NULL, 0, clock_in(USEC_S(2)), &err) < 0)
			code = EX_OSERR;
	}
	return code;
}

int
verb_status(struct cli *cli)
{
	json_t *status = NULL;
	struct conf *conf;
	bool *named;
	int code = 0;

	conf = cli_conf(cli, &code);
	named = conf != NULL ? cli_accounts(cli, conf, &code) : NULL;
	if (named != NULL && cli->watch)
		code = watch(cli, conf, named);
	else if (named != NULL)
		status = status_ask(cli, conf, &code);
	if (status != NULL) {
		if (cli->n > 0)
			select_named(conf, named, status);
		if (cli->check && status_any_problem(status))
			code = EXIT_ATTENTION;
		show(cli, conf, status);
	}
	json_decref(status);
	free(named);
	config_free(conf);
	return code;
}
