/* sync.c — `sync`, `approve`, `reject`: ask the daemon, or do it here when there is none. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "config.h"
#include "js.h"
#include "once.h"
#include "parent.h"
#include "progress.h"

json_t *
cli_targets(const struct cli *cli, json_t *p)
{
	json_t *targets = json_array();

	for (size_t i = 0; i < cli->n; i++)
		json_array_append_new(targets, js_text(str_z(cli->arg[i])));
	if (cli->n > 0)
		json_object_set(p, "targets", targets);
	json_decref(targets);
	return p;
}

static void
print_line(const struct cli *cli, struct meter *m, json_t *line)
{
	const char *text = js_get(line, "text");
	const char *account = js_get(line, "account");

	if (text != NULL && account != NULL && js_bool(line, "progress")) {
		meter_line(m, account, text);
		return;
	}
	meter_clear(m);
	if (cli->json)
		cli_take_json(json_incref(line));
	else if (text != NULL && !cli->quiet)
		puts(text);
	fflush(stdout);
}

/* What an answer to `status` says of those that are busy. */
static void
show_status(struct meter *m, const json_t *result)
{
	json_t *accounts = json_object_get(result, "accounts"), *a;
	struct meter_row row[16];
	size_t i, n = 0;

	json_array_foreach(accounts, i, a) {
		const json_t *progress = json_object_get(a, "progress");

		if (progress != NULL && n < ARRAY_LEN(row))
			row[n++] = (struct meter_row){ js_get(a, "account"),
			    progress_from_json(progress) };
	}
	meter_step(m, row, n, clock_now());
}

/* The next line that is not about progress; NULL when the daemon is gone. */
static json_t *
next_line(struct line_to *to, struct meter *m, struct err *err)
{
	json_int_t asked = -1;

	for (;;) {
		usec due = asked < 0 ? meter_due(m) : USEC_NEVER;
		json_t *line = client_next(to, due, err);

		if (line != NULL && (asked < 0 || js_int(line, "id", -1) != asked))
			return line;
		if (line != NULL) {
			show_status(m, json_object_get(line, "result"));
			json_decref(line);
			asked = -1;
		} else if (strcmp(err->code, "daemon.timeout") != 0 ||
		    (asked = client_send(to, "status", NULL,
		    clock_in(USEC_S(30)), err)) < 0) {
			return NULL;
		}
	}
}

/* Lines of the job, until the answer to our job.wait. */
int
cli_wait_job(const struct cli *cli, struct line_to *to, const char *job)
{
	struct err err;
	json_int_t id = client_send(to, "job.wait", json_pack("{s:s}", "job", job),
	    clock_in(USEC_S(30)), &err);
	json_t *line = NULL;
	struct meter m;
	int code;

	meter_init(&m, cli_progress(cli), stderr, cli_utf8(), clock_now());
	while (id >= 0 && (line = next_line(to, &m, &err)) != NULL &&
	    js_int(line, "id", -1) != id) {
		print_line(cli, &m, line);
		json_decref(line);
	}
	meter_clear(&m);
	if (line == NULL)
		return cli_fail_err(cli, &err, NULL);
	if (json_object_get(line, "result") != NULL)
		code = once_print_result(json_object_get(line, "result"),
		    cli->json, cli->quiet);
	else
		code = cli_fail_json(cli, json_object_get(line, "error"));
	json_decref(line);
	return code;
}

static int
ask_daemon(const struct cli *cli, struct line_to *to, const char *method,
    json_t *asked)
{
	struct err err;
	json_t *answer = client_call(to, method, asked, clock_in(USEC_S(30)),
	    &err);
	json_t *result = json_object_get(answer, "result");
	const char *job = js_get(result, "job");
	int code = 0;

	if (answer == NULL)
		code = cli_fail_err(cli, &err, NULL);
	else if (job == NULL)
		code = cli_fail_json(cli, json_object_get(answer, "error"));
	else if (!cli->detach)
		code = cli_wait_job(cli, to, job);
	else if (cli->json)
		cli_take_json(json_incref(result));
	else if (!cli->quiet)
		printf("%s\n", job);
	json_decref(answer);
	return code;
}

int
cli_run_here(const struct cli *cli, struct conf *conf,
    const struct parent_opts *more)
{
	struct parent_opts opts = *more;
	unsigned level = (cli->quiet ? LOG_LV_ERROR : LOG_LV_WARN) + cli->verbose;

	opts.config_file = cli->config_file;
	opts.once = true;
	opts.dry_run = cli->dry_run;
	opts.full = cli->full;
	opts.quiet = cli->quiet;
	opts.json = cli->json;
	opts.progress = cli_progress(cli);
	opts.utf8 = cli_utf8();
	if (opts.n_targets == 0) {
		opts.target = cli->arg;
		opts.n_targets = cli->n;
	}
	conf->log_level = level < LOG_LV_TRACE ? (int)level : LOG_LV_TRACE;
	log_to(2, (enum log_level)conf->log_level);
	return parent_run(conf, &opts);
}

int
cli_job(const struct cli *cli, const char *method, json_t *asked,
    const struct parent_opts *here)
{
	struct conf *conf;
	struct line_to to;
	struct err err;
	int code;

	conf = cli_conf(cli, &code);
	if (conf == NULL) {
		json_decref(asked);
		return code;
	}
	if (client_open(&to, cli_socket(cli, conf), clock_in(USEC_S(5)),
	    &err) == 0) {
		config_free(conf);
		code = ask_daemon(cli, &to, method, asked);
		client_close(&to);
		return code;
	}
	json_decref(asked);
	if (strcmp(err.code, "daemon.not-running") == 0 && !cli->detach)
		return cli_run_here(cli, conf, here);
	config_free(conf);
	return cli_fail_err(cli, &err, NULL);
}

static int
sync_now(struct cli *cli, enum verdict verdict)
{
	static const char *const methods[] = { "sync", "approve", "reject" };

	return cli_job(cli, methods[verdict], cli_targets(cli,
	    json_pack("{s:b, s:b}", "dry_run", cli->dry_run, "full", cli->full)),
	    &(struct parent_opts){ .verdict = verdict });
}

int
verb_sync(struct cli *cli)
{
	return sync_now(cli, VERDICT_NONE);
}

/* A verdict is on a folder that the user has looked at, not on everything. */
static int
judge(struct cli *cli, enum verdict verdict)
{
	const char *slash = strchr(cli->arg[0], '/');

	if (slash == NULL || slash[1] == '\0')
		return cli_fail(cli, EX_USAGE, "usage",
		    "name the folder: ACCOUNT/FOLDER", "syncd status");
	return sync_now(cli, verdict);
}

int
verb_approve(struct cli *cli)
{
	return judge(cli, VERDICT_APPROVE);
}

int
verb_reject(struct cli *cli)
{
	return judge(cli, VERDICT_REJECT);
}
