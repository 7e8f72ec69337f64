/* steer.c — `stop`, `reload`, `pause`, `resume`: one request to the daemon.
 * Pausing also works without one: it is a file in state_dir. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "config.h"
#include "js.h"

static int
say(const struct cli *cli, json_t *result, const char *words)
{
	if (cli->json)
		cli_take_json(json_incref(result));
	else if (!cli->quiet)
		puts(words);
	json_decref(result);
	return 0;
}

/* Wait until nobody answers any more: what comes next may need the lock. */
int
verb_stop(struct cli *cli)
{
	struct line_to to;
	struct err err;
	json_t *line;
	int code = cli_dial(cli, &to);

	if (code != 0)
		return code;
	code = client_send(&to, "stop", NULL, clock_in(USEC_S(5)), &err) < 0;
	while (code == 0 &&
	    (line = client_next(&to, clock_in(USEC_S(10)), &err)) != NULL)
		json_decref(line);
	client_close(&to);
	if (strcmp(err.code, "daemon.gone") != 0)
		return cli_fail_err(cli, &err, NULL);
	return say(cli, json_pack("{s:b}", "stopped", 1), "stopped");
}

int
verb_reload(struct cli *cli)
{
	json_t *result;
	int code = cli_call(cli, "reload", NULL, &result);

	return code != 0 ? code : say(cli, result, "configuration read");
}

static int
set_file(const struct conf *conf, const char *account, bool paused)
{
	char *path = xasprintf("%s/%s.paused", conf->state_dir, account);
	int rc = 0, fd;

	if (paused) {
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		rc = fd < 0 ? -1 : close(fd);
	} else if (unlink(path) < 0 && errno != ENOENT) {
		rc = -1;
	}
	if (rc < 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	free(path);
	return rc;
}

static int
without_daemon(const struct cli *cli, const struct conf *conf, bool paused)
{
	json_t *names = json_array();
	int code = 0;
	bool *named = cli_accounts(cli, conf, &code);

	for (size_t i = 0; named != NULL && i < conf->n_accounts; i++) {
		if (!named[i])
			continue;
		if (set_file(conf, conf->account[i].name, paused) < 0)
			code = EX_IOERR;
		json_array_append_new(names, json_string(conf->account[i].name));
	}
	free(named);
	if (code != 0) {
		json_decref(names);
		return code;
	}
	return say(cli, json_pack("{s:o}", "accounts", names),
	    paused ? "paused" : "resumed");
}

static int
set_paused(const struct cli *cli, bool paused)
{
	json_t *params = json_object(), *answer, *result;
	struct conf *conf;
	struct line_to to;
	struct err err;
	int code;

	conf = cli_conf(cli, &code);
	if (conf == NULL)
		goto out;
	if (client_open(&to, cli_socket(cli, conf), clock_in(USEC_S(5)),
	    &err) < 0) {
		code = strcmp(err.code, "daemon.not-running") == 0 ?
		    without_daemon(cli, conf, paused) :
		    cli_fail_err(cli, &err, NULL);
		goto out;
	}
	if (cli->n > 0)
		json_object_set_new(params, "account",
		    js_text(str_z(cli->arg[0])));
	answer = client_call(&to, paused ? "pause" : "resume",
	    json_incref(params), clock_in(USEC_S(30)), &err);
	result = json_object_get(answer, "result");
	if (answer == NULL)
		code = cli_fail_err(cli, &err, NULL);
	else if (result == NULL)
		code = cli_fail_json(cli, json_object_get(answer, "error"));
	else
		code = say(cli, json_incref(result),
		    paused ? "paused" : "resumed");
	json_decref(answer);
	client_close(&to);
out:
	json_decref(params);
	config_free(conf);
	return code;
}

int
verb_pause(struct cli *cli)
{
	return set_paused(cli, true);
}

int
verb_resume(struct cli *cli)
{
	return set_paused(cli, false);
}
