/* run.c — `syncd run`: the daemon itself, in the foreground; or one round. */
#include "cli/cli.h"

#include <sysexits.h>

#include "base/clock.h"
#include "base/log.h"
#include "config.h"
#include "parent.h"

/* In the foreground people read the result, not the log. */
static void
quieten(const struct cli *cli, struct conf *conf)
{
	unsigned level = cli->quiet ? LOG_LV_ERROR : LOG_LV_WARN;

	level += cli->verbose;
	conf->log_level = level < LOG_LV_TRACE ? (int)level : LOG_LV_TRACE;
}

static int
run_once(struct cli *cli, struct conf *conf)
{
	struct parent_opts opts = {
		.config_file = cli->config_file, .once = true,
		.dry_run = cli->dry_run, .full = cli->full,
		.quiet = cli->quiet, .json = cli->json,
		.progress = cli_progress(cli), .utf8 = cli_utf8()
	};
	struct line_to to;
	struct err err;

	if (client_open(&to, conf->socket, clock_in(USEC_S(5)), &err) == 0) {
		client_close(&to);
		config_free(conf);
		return cli_fail(cli, EX_TEMPFAIL, "state.locked",
		    "syncd is running already", "syncd sync");
	}
	quieten(cli, conf);
	log_to(2, (enum log_level)conf->log_level);
	return parent_run(conf, &opts);
}

int
verb_run(struct cli *cli)
{
	struct parent_opts opts = { .config_file = cli->config_file };
	struct conf *conf;
	int code;

	if ((cli->dry_run || cli->full) && !cli->once)
		return cli_fail(cli, EX_USAGE, "usage",
		    "--dry-run and --full need --once", NULL);
	conf = cli_conf(cli, &code);
	if (conf == NULL)
		return code;
	if (cli->once)
		return run_once(cli, conf);
	if (cli->quiet)
		conf->log_level = LOG_LV_WARN;
	for (unsigned i = 0; i < cli->verbose; i++)
		conf->log_level += conf->log_level < LOG_LV_TRACE;
	return parent_run(conf, &opts);
}
