/*
 * cli_share.c — what verbs share: how a mistake is told, the configuration, the daemon,
 * and what the terminal shows.
 */
#include "cli/cli.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "config.h"
#include "diag.h"
#include "js.h"
#include "target.h"
#include "tell.h"
#include "text.h"

/* ---- mistakes --------------------------------------------------------- */

int
cli_fail(const struct cli *cli, int code, const char *name,
    const char *message, const char *remedy)
{
	return tell_error(cli->json, code, name, message, remedy);
}

int
cli_exit_of(const char *code)
{
	static const struct {
		const char	*prefix;
		int		 exit;
	} codes[] = {
		{ "init.nothing-found", EX_TEMPFAIL },
		{ "init.", EX_UNAVAILABLE },
		{ "target.", EX_NOINPUT }, { "config.", EX_CONFIG },
		{ "auth.", EX_NOPERM }, { "secret.command-timeout", EX_TEMPFAIL },
		{ "secret.", EX_NOPERM }, { "state.locked", EX_TEMPFAIL },
		{ "state.", EX_IOERR }, { "store.", EX_IOERR },
		{ "net.", EX_UNAVAILABLE }, { "tls.", EX_UNAVAILABLE },
		{ "proto.", EX_PROTOCOL }, { "guard.", EXIT_GUARD },
		{ "daemon.", EX_TEMPFAIL }, { "account.", EX_TEMPFAIL },
		{ "usage", EX_USAGE }
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (str_starts(str_z(code), str_z(codes[i].prefix)))
			return codes[i].exit;
	return EX_SOFTWARE;
}

int
cli_fail_err(const struct cli *cli, const struct err *err, const char *remedy)
{
	return cli_fail(cli, cli_exit_of(err->code), err->code, err->text, remedy);
}

int
cli_fail_json(const struct cli *cli, const json_t *error)
{
	const char *code = js_get(error, "code"), *text = js_get(error, "message");

	if (code == NULL)
		code = "daemon.protocol";
	return cli_fail(cli, cli_exit_of(code), code,
	    text != NULL ? text : "the daemon gave no reason",
	    js_get(error, "remedy"));
}

/* ---- the configuration, the daemon, the terminal ----------------------- */

struct conf *
cli_conf(const struct cli *cli, int *code)
{
	struct diags ds;
	struct conf *conf;

	diags_init(&ds);
	conf = config_load(cli->config_file, &ds);
	if (!cli->json && (ds.n_errors > 0 || !cli->quiet))
		diags_print(&ds, stderr, cli_color(cli, STDERR_FILENO));
	if (conf == NULL) {
		*code = EX_CONFIG;
		if (cli->json)
			cli_fail(cli, EX_CONFIG,
			    ds.n > 0 ? ds.v[0].code : "config.missing",
			    ds.n > 0 ? ds.v[0].text : "no configuration",
			    "syncd check --json");
	}
	diags_clear(&ds);
	return conf;
}

int
cli_since(const struct cli *cli, int64_t *since)
{
	*since = 0;
	if (cli->since == NULL || text_since(cli->since, since) == 0)
		return 0;
	return cli_fail(cli, EX_USAGE, "usage",
	    "--since takes 2h, 3d or 2026-11-23", NULL);
}

/* "there is: work, home", as many as fit. */
static void
list_accounts(const struct conf *conf, char *out, size_t cap)
{
	size_t n = (size_t)snprintf(out, cap, "there is:");

	for (size_t i = 0; i < conf->n_accounts && n < cap; i++)
		n += (size_t)snprintf(out + n, cap - n, "%s %s",
		    i > 0 ? "," : "", conf->account[i].name);
}

bool *
cli_accounts(const struct cli *cli, const struct conf *conf, int *code)
{
	bool *named = xcalloc(conf->n_accounts + 1, sizeof(*named));
	const char *near;
	char text[320], remedy[320];
	bool any = cli->n == 0;
	struct target t;
	struct err err;

	if (target_parse(&t, cli->n > 0 ? cli->arg[0] : NULL, &err) == 0)
		for (size_t i = 0; i < conf->n_accounts; i++) {
			named[i] = target_has(&t, conf->account[i].name);
			any |= named[i];
		}
	if (any)
		return named;
	free(named);
	near = target_nearest(conf, cli->arg[0]);
	snprintf(text, sizeof(text), "no account `%.200s`", cli->arg[0]);
	if (near != NULL)
		snprintf(remedy, sizeof(remedy), "did you mean `%s`?", near);
	else
		list_accounts(conf, remedy, sizeof(remedy));
	*code = cli_fail(cli, EX_NOINPUT, "target.unknown", text, remedy);
	return NULL;
}

const char *
cli_socket(const struct cli *cli, const struct conf *conf)
{
	const char *env = getenv("SYNCD_SOCKET");

	if (cli->socket != NULL)
		return cli->socket;
	return env != NULL && env[0] != '\0' ? env : conf->socket;
}

int
cli_dial(const struct cli *cli, struct line_to *to)
{
	const char *env = getenv("SYNCD_SOCKET");
	const char *path = cli->socket != NULL ? cli->socket : env;
	struct conf *conf = NULL;
	struct err err;
	int code = 0;

	/* Only for the path: a broken configuration must not keep anybody from
	 * stopping a daemon whose socket is named. */
	if (path == NULL || path[0] == '\0') {
		conf = cli_conf(cli, &code);
		if (conf == NULL)
			return code;
		path = conf->socket;
	}
	if (client_open(to, path, clock_in(USEC_S(5)), &err) < 0)
		code = cli_fail_err(cli, &err, NULL);
	config_free(conf);
	return code;
}

int
cli_call(const struct cli *cli, const char *method, json_t *params,
    json_t **result)
{
	struct line_to to;
	struct err err;
	json_t *answer;
	int code = cli_dial(cli, &to);

	if (code != 0) {
		json_decref(params);
		return code;
	}
	answer = client_call(&to, method, params, clock_in(USEC_S(30)), &err);
	*result = json_incref(json_object_get(answer, "result"));
	if (answer == NULL)
		code = cli_fail_err(cli, &err, NULL);
	else if (*result == NULL)
		code = cli_fail_json(cli, json_object_get(answer, "error"));
	json_decref(answer);
	client_close(&to);
	return code;
}

void
cli_take_json(json_t *v)
{
	char *text = js_dump(v);

	puts(text);
	free(text);
	json_decref(v);
}

bool
cli_color(const struct cli *cli, int fd)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
	const char *force = getenv("CLICOLOR_FORCE");

	if (cli->color != NULL && strcmp(cli->color, "auto") != 0)
		return strcmp(cli->color, "always") == 0;
	if (no != NULL && no[0] != '\0')
		return false;
	if (force != NULL && force[0] != '\0' && strcmp(force, "0") != 0)
		return true;
	return isatty(fd) && term != NULL && strcmp(term, "dumb") != 0;
}

enum meter_mode
cli_progress(const struct cli *cli)
{
	enum meter_mode mode = METER_NONE;

	(void)meter_mode(cli->progress, cli->quiet, cli->json, &mode);
	return mode;
}

bool
cli_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}
