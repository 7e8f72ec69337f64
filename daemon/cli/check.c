/* check.c — `syncd check`: what would go wrong, before it does.  No command that
 * gives a secret is run, unless --online logs in. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/sandbox.h"
#include "config.h"
#include "cred.h"
#include "diag.h"
#include "js.h"
#include "job.h"
#include "parent.h"
#include "remedy.h"
#include "role.h"

struct check {
	const struct cli	*cli;
	const char		*state_dir;
	json_t			*found;		/* [{account, code, message, remedy}] */
	int			 code;
};

static void
found(struct check *c, const struct account_conf *a, int code, const char *name,
    const char *message, const char *remedy)
{
	struct remedy_place at = { .account = a, .state_dir = c->state_dir };
	const char *account = a != NULL ? a->name : NULL;
	char general[1024];
	json_t *e;

	if (remedy == NULL)
		remedy = remedy_text(name, &at, general, sizeof(general));
	e = js_error(name, message, remedy);
	if (account != NULL)
		json_object_set_new(e, "account", json_string(account));
	json_array_append_new(c->found, e);
	c->code = job_worse(c->code, code);
	if (c->cli->json)
		return;
	printf("%s: %s%s%s [%s]\n", code == 0 ? "note" :
	    code == EXIT_ATTENTION ? "warning" : "error",
	    account != NULL ? account : "", account != NULL ? ": " : "", message,
	    name);
	printf("  = help: %s\n", remedy);
}

/* The directory, or the nearest that exists above it, must be ours to write. */
static void
check_writable(struct check *c, const struct account_conf *a, const char *what,
    const char *path)
{
	char *at = xstrdup(path), *message, *slash;
	struct stat st;
	int why = 0;

	while (stat(at, &st) < 0 && errno == ENOENT &&
	    (slash = strrchr(at, '/')) != NULL && slash != at)
		*slash = '\0';
	if (stat(at, &st) < 0)
		why = errno;
	else if (!S_ISDIR(st.st_mode))
		why = ENOTDIR;
	else if (access(at, R_OK | W_OK | X_OK) < 0)
		why = errno;
	if (why != 0) {
		message = xasprintf("%s: %s: %s", what, at, strerror(why));
		found(c, a, EX_IOERR, "store.permission", message, NULL);
		free(message);
	}
	free(at);
}

static void
check_condition(struct check *c, const struct account_conf *a)
{
	bool asks = false;
	char *nmcli;

	for (size_t i = 0; i < a->schedule.only_if.n; i++)
		asks |= strcmp(a->schedule.only_if.v[i], "unmetered") == 0;
	if (!asks || a->schedule.condition_command.n > 0)
		return;
	nmcli = role_find_program("nmcli");
	if (nmcli == NULL)
		found(c, a, EXIT_ATTENTION, "config.no-nmcli",
		    "no nmcli tells whether the network is unmetered, so it "
		    "counts as such", NULL);
	free(nmcli);
}

static void
check_account(struct check *c, const struct account_conf *a)
{
	struct err err;
	size_t before = json_array_size(c->found);

	check_writable(c, a, "path", a->path);
	if (cred_check(a, &err) < 0)
		found(c, a, cli_exit_of(err.code), err.code, err.text, NULL);
	check_condition(c, a);
	if (!c->cli->json && !c->cli->quiet &&
	    json_array_size(c->found) == before)
		printf("ok: %s: %s as %s, secret by %s\n", a->name,
		    a->host != NULL ? a->host : "tunnel",
		    a->user != NULL ? a->user : "-", cred_source(a));
}

static bool
read_number(const char *path, uint64_t *n)
{
	char text[32] = "";
	FILE *f = fopen(path, "re");
	bool ok = f != NULL && fgets(text, sizeof(text), f) != NULL &&
	    num_u64(str_trim(str_z(text)), 0, UINT64_MAX, n);

	if (f != NULL)
		fclose(f);
	return ok;
}

/* Two watches for each folder; a tree of mail may have thousands. */
static void
check_limits(struct check *c)
{
	enum { WATCHES = 8192, FILES = 256 };
	struct rlimit rl;
	char text[128];
	uint64_t n;

	if (read_number("/proc/sys/fs/inotify/max_user_watches", &n) &&
	    n < WATCHES) {
		snprintf(text, sizeof(text), "fs.inotify.max_user_watches is only "
		    "%llu", (unsigned long long)n);
		found(c, NULL, EXIT_ATTENTION, "store.watch-limit", text,
		    "sysctl fs.inotify.max_user_watches=65536");
	}
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < FILES) {
		snprintf(text, sizeof(text), "only %llu open files are allowed",
		    (unsigned long long)rl.rlim_cur);
		found(c, NULL, EXIT_ATTENTION, "store.file-limit", text,
		    "ulimit -n 1024");
	}
}

/* The workers go without what this kernel does not have. */
static void
check_sandbox(struct check *c)
{
	unsigned missing = sandbox_missing();

	for (unsigned layer = 1; layer <= missing; layer <<= 1)
		if (missing & layer)
			found(c, NULL, 0, "daemon.sandbox",
			    sandbox_says((enum sandbox_layer)layer), NULL);
}

/* Consumes ${conf}. */
static int
check_online(const struct cli *cli, struct conf *conf)
{
	struct parent_opts opts = {
		.config_file = cli->config_file, .once = true,
		.online_check = true, .dry_run = true, .quiet = cli->quiet,
		.json = cli->json, .target = cli->arg, .n_targets = cli->n
	};

	conf->log_level = (int)(LOG_LV_ERROR + (cli->verbose < LOG_LV_TRACE ?
	    cli->verbose : LOG_LV_TRACE));
	log_to(STDERR_FILENO, (enum log_level)conf->log_level);
	return parent_run(conf, &opts);
}

static int
check_conf(const struct cli *cli, struct conf *conf, json_t *mistakes)
{
	struct check c = { .cli = cli, .state_dir = conf->state_dir,
	    .found = json_array() };
	bool *named = cli_accounts(cli, conf, &c.code);

	if (named != NULL) {
		check_writable(&c, NULL, "state_dir", conf->state_dir);
		for (size_t i = 0; i < conf->n_accounts; i++)
			if (named[i])
				check_account(&c, &conf->account[i]);
		check_limits(&c);
		check_sandbox(&c);
	}
	if (named != NULL && cli->json && !(cli->online && c.code == 0))
		cli_take_json(json_pack("{s:b, s:O, s:O}", "ok", c.code == 0,
		    "mistakes", mistakes, "problems", c.found));
	free(named);
	json_decref(c.found);
	if (cli->online && (c.code == 0 || c.code == EXIT_ATTENTION))
		return check_online(cli, conf);
	config_free(conf);
	return c.code;
}

int
verb_check(struct cli *cli)
{
	struct diags ds;
	struct conf *conf;
	json_t *mistakes;
	int code = EX_CONFIG;

	diags_init(&ds);
	conf = config_load(cli->config_file, &ds);
	if (!cli->json)
		diags_print(&ds, stderr, cli_color(cli, STDERR_FILENO));
	mistakes = diags_json(&ds);
	if (conf != NULL)
		code = check_conf(cli, conf, mistakes);
	else if (cli->json) {
		cli_take_json(json_pack("{s:b, s:O, s:[]}", "ok", 0,
		    "mistakes", mistakes, "problems"));
		cli_fail(cli, EX_CONFIG, ds.n > 0 ? ds.v[0].code : "config.missing",
		    ds.n > 0 ? ds.v[0].text : "no configuration", NULL);
	}
	json_decref(mistakes);
	diags_clear(&ds);
	return code;
}
