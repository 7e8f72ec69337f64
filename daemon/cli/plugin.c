/* plugin.c — `plugin`: what scripts there are, trying them, starting them again; and
 * `cmd`: the commands that they offer. */
#include "cli/cli.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "text.h"
#include "config.h"
#include "engine/header.h"
#include "js.h"
#include "maildir/dir.h"
#include "maildir/path.h"
#include "plugin_conf.h"
#include "role.h"

/* ---- asking the daemon -------------------------------------------------- */

/* A wish about scripts, as a job; its lines and how it ended. */
static int
ask_scripts(const struct cli *cli, const char *account, json_t *script)
{
	struct line_to to;
	struct err err;
	json_t *answer;
	const char *job;
	int code = cli_dial(cli, &to);

	if (code != 0) {
		json_decref(script);
		return code;
	}
	answer = client_call(&to, "script", json_pack("{s:o, s:s?}", "script",
	    script, "account", account), clock_in(USEC_S(30)), &err);
	job = js_get(json_object_get(answer, "result"), "job");
	if (answer == NULL)
		code = cli_fail_err(cli, &err, NULL);
	else if (job == NULL)
		code = cli_fail_json(cli, json_object_get(answer, "error"));
	else
		code = cli_wait_job(cli, &to, job);
	json_decref(answer);
	client_close(&to);
	return code;
}

/* ---- list ---------------------------------------------------------------- */

static void
print_words(const char *before, const char *words, const char *after)
{
	printf("           %s", before);
	text_put(words);
	fputs(after, stdout);
}

static void
print_plugin(const char *account, const json_t *p)
{
	const char *error = js_get(p, "error"), *grant = js_get(p, "grant");
	const json_t *command;
	const char *name;
	json_t *value;
	char count[32];
	size_t i;

	text_count((uint64_t)js_int(p, "events", 0), count, sizeof(count));
	printf("%-10s %-12s %-10s %8s events %6lld us median", account,
	    js_get(p, "name"), js_get(p, "state"), count,
	    (long long)js_int(p, "median_us", 0));
	if (js_int(p, "owed", 0) > 0)
		printf(", %lld messages owed", (long long)js_int(p, "owed", 0));
	putchar('\n');
	if (js_get(p, "until") != NULL)
		printf("           until %s\n", js_get(p, "until"));
	if (error != NULL) {
		printf("           %s", js_bool(p, "stale") ?
		    "a newer version does not load: " : "");
		text_put(error);
		putchar('\n');
	}
	if (grant != NULL)
		print_words("it wants: ", grant, "\n");
	/* A script may count by what is in mail. */
	json_object_foreach(json_object_get(p, "metrics"), name, value) {
		print_words("", name, "");
		printf(" %lld\n", (long long)json_integer_value(value));
	}
	json_array_foreach(json_object_get(p, "commands"), i, command) {
		print_words("syncd cmd ", js_get(command, "name"), ": ");
		text_put(js_get(command, "doc"));
		putchar('\n');
	}
}

static int
list(const struct cli *cli)
{
	json_t *status, *a, *p;
	size_t i, k;
	int code = cli_call(cli, "status", NULL, &status);

	if (code != 0)
		return code;
	json_array_foreach(json_object_get(status, "accounts"), i, a)
		json_array_foreach(json_object_get(a, "plugins"), k, p) {
			if (cli->json)
				cli_take_json(json_pack("{s:s, s:O}", "account",
				    js_get(a, "account"), "plugin", p));
			else
				print_plugin(js_get(a, "account"), p);
		}
	json_decref(status);
	return 0;
}

/* ---- trying ----------------------------------------------------------------- */

static const struct plugin_conf *
configured(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_plugins; i++)
		if (strcmp(conf->plugin[i].name, name) == 0 ||
		    strcmp(conf->plugin[i].script, name) == 0)
			return &conf->plugin[i];
	return NULL;
}

/* The account whose mail is read. */
static const struct account_conf *
account_of(const struct cli *cli, const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_accounts; i++)
		if (cli->account == NULL ||
		    strcmp(conf->account[i].name, cli->account) == 0)
			return &conf->account[i];
	return NULL;
}

/* "MAILBOX\tPATH" of each message of a folder here, NUL between. */
static int
list_files(const struct cli *cli, const struct account_conf *a, FILE *out,
    struct err *err)
{
	struct str part[PATH_DEPTH_MAX], rest = str_z(cli->mailbox);
	struct mlist files;
	int64_t since;
	size_t n = 0;
	char *path;
	int fd;

	if (cli_since(cli, &since) != 0)
		return err_set(err, ERR_CONFIG, "usage", "--since");
	while (rest.p != NULL && n < PATH_DEPTH_MAX)
		part[n++] = str_split(&rest, '/');
	path = mpath_from_names((enum layout)a->layout, part, n, err);
	if (path == NULL)
		return -1;
	char *full = xasprintf("%s/%s", a->path, path);

	free(path);
	fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err_sys(err, ERR_FOLDER, "store.not-a-maildir", "%s", full);
	if (fd < 0 || mdir_list(fd, &files, err) < 0) {
		free(full);
		return -1;
	}
	for (size_t i = 0; i < files.n; i++) {
		struct mstat st;

		if (mdir_stat(fd, files.file[i].in_new, files.file[i].name, &st,
		    err) <= 0 || st.mtime < since / 1000000)
			continue;
		fprintf(out, "%s\t%s/%s/%s%c", cli->mailbox, full,
		    files.file[i].in_new ? "new" : "cur", files.file[i].name,
		    '\0');
	}
	mlist_clear(&files);
	free(full);
	close(fd);
	return 0;
}

static int
give_files(const struct cli *cli, const struct account_conf *a, struct err *err)
{
	int fd = memfd_create("syncd", 0);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	int r = out == NULL ? err_sys(err, ERR_LOCAL, "store.io",
	    "a list of files") : list_files(cli, a, out, err);

	if (r == 0 && (fflush(out) != 0 || lseek(fd, 0, SEEK_SET) != 0 ||
	    dup2(fd, STDIN_FILENO) < 0))
		r = err_sys(err, ERR_LOCAL, "store.io",
		    "a list of files");
	return r;
}

/* `syncd-script` takes over: it reads mail as we may, and changes nothing. */
static int
hand_over(const struct cli *cli, struct strlist *argv)
{
	struct err err;

	fflush(NULL);
	(void)role_exec_script(argv, &err);
	return cli_fail_err(cli, &err, NULL);
}

static void
add2(struct strlist *l, const char *flag, const char *value)
{
	strlist_add(l, flag);
	strlist_add(l, value);
}

static int
try(const struct cli *cli, const struct conf *conf, const char *mode)
{
	const struct plugin_conf *p = configured(conf, cli->arg[1]);
	const struct account_conf *a = account_of(cli, conf);
	struct strlist argv = { 0 };
	char *lua = plugin_conf_lua_dir();
	struct err err;
	int code = 0;

	add2(&argv, "syncd-script", mode);
	add2(&argv, "--lua", lua);
	free(lua);
	if (p != NULL) {
		add2(&argv, "--options", p->config);
		add2(&argv, "--places", p->places);
	}
	if (strcmp(mode, "test") == 0) {
		if (cli->explain)
			strlist_add(&argv, "--explain");
		if (cli->json)
			strlist_add(&argv, "--json");
		if (cli->diff != NULL)
			add2(&argv, "--diff", cli->diff);
		if (a != NULL)
			add2(&argv, "--account", a->name);
		if (a != NULL && a->email != NULL)
			add2(&argv, "--me", a->email);
		if (cli->mailbox != NULL) {
			add2(&argv, "--mailbox", cli->mailbox);
			add2(&argv, "--files-from", "-");
		}
	}
	strlist_add(&argv, p != NULL ? p->script : cli->arg[1]);
	for (size_t i = 2; i < cli->n; i++)
		strlist_add(&argv, cli->arg[i]);
	if (cli->mailbox != NULL && a != NULL &&
	    give_files(cli, a, &err) < 0)
		code = cli_fail_err(cli, &err, NULL);
	else
		code = hand_over(cli, &argv);
	strlist_clear(&argv);
	return code;
}

/* ---- the verbs ---------------------------------------------------------------- */

static int
with_conf(const struct cli *cli, const char *mode)
{
	struct conf *conf;
	int code;

	if (cli->n < 2)
		return cli_fail(cli, EX_USAGE, "usage", "name the script",
		    "syncd plugin list");
	conf = cli_conf(cli, &code);
	if (conf != NULL)
		code = try(cli, conf, mode);
	config_free(conf);
	return code;
}

static int
run(const struct cli *cli)
{
	int64_t since;
	int code;

	if (cli->n < 2 || cli->mailbox == NULL)
		return cli_fail(cli, EX_USAGE, "usage",
		    "name the script and the mailbox",
		    "syncd plugin run NAME --mailbox INBOX");
	code = cli_since(cli, &since);
	if (code != 0)
		return code;
	/* What it would do is shown by `plugin test`; asking is not undone. */
	return ask_scripts(cli, cli->account, json_pack("{s:s, s:o, s:o, s:I}",
	    "do", "replay", "plugin", js_text(str_z(cli->arg[1])), "mailbox",
	    js_text(str_z(cli->mailbox)), "since",
	    (json_int_t)(since / 1000000)));
}

int
verb_plugin(struct cli *cli)
{
	const char *what = cli->arg[0];

	if (strcmp(what, "list") == 0)
		return list(cli);
	if (strcmp(what, "test") == 0)
		return with_conf(cli, "test");
	if (strcmp(what, "check") == 0)
		return with_conf(cli, "check");
	if (strcmp(what, "run") == 0)
		return run(cli);
	if (strcmp(what, "resume") == 0)
		return ask_scripts(cli, cli->account, cli->n > 1 ?
		    json_pack("{s:s, s:o}", "do", "resume", "plugin",
		    js_text(str_z(cli->arg[1]))) :
		    json_pack("{s:s}", "do", "resume"));
	return cli_fail(cli, EX_USAGE, "usage",
	    "list, test, check, run or resume?", "syncd help plugin");
}

/* The Message-ID of what stands on stdin; to free(), NULL. */
static char *
stdin_message_id(void)
{
	struct header h = { 0 };
	char part[4096];
	ssize_t n;
	char *id;

	while ((n = read(STDIN_FILENO, part, sizeof(part))) > 0)
		header_add(&h, (struct str){ part, (size_t)n });
	header_end(&h);
	id = xstrdup(h.msgid);
	header_clear(&h);
	return id;
}

/* "FILE", "-" and "id:..." are messages, all else is the command's. */
static bool
add_message(json_t *messages, const char *arg)
{
	char *text = NULL, path[PATH_MAX];

	if (strcmp(arg, "-") == 0)
		text = stdin_message_id();
	else if (strncmp(arg, "id:", 3) == 0)
		text = arg[3] == '<' ? xstrdup(arg + 3) :
		    xasprintf("<%s>", arg + 3);
	else if (strchr(arg, '/') != NULL && realpath(arg, path) != NULL)
		text = xstrdup(path);
	if (text != NULL)
		json_array_append_new(messages, js_text(str_z(text)));
	free(text);
	return text != NULL;
}

int
verb_cmd(struct cli *cli)
{
	json_t *args = json_array(), *messages = json_array();

	for (size_t i = 1; i < cli->n; i++)
		if (!add_message(messages, cli->arg[i]))
			json_array_append_new(args, js_text(str_z(cli->arg[i])));
	return ask_scripts(cli, cli->account, json_pack("{s:s, s:o, s:o, s:o}",
	    "do", "run", "name", js_text(str_z(cli->arg[0])), "args", args,
	    "messages", messages));
}
