/*
 * restore.c — `syncd restore ACCOUNT --to OTHER`: the Maildirs of one account to
 * the server of another.
 *
 * It is a one-way sync of its own: OTHER's server and credentials, ACCOUNT's tree,
 * and a state below state_dir/restore/ that outlives a kill and goes when all is
 * done.  Neither account's own state is touched, so a daemon may go on meanwhile.
 */
#include "cli/cli.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"
#include "cli/text.h"
#include "config.h"
#include "options.h"
#include "parent.h"

static struct account_conf *
find_account(const struct cli *cli, struct conf *conf, const char *name,
    int *code)
{
	char text[256];

	for (size_t i = 0; i < conf->n_accounts; i++)
		if (strcmp(conf->account[i].name, name) == 0)
			return &conf->account[i];
	snprintf(text, sizeof(text), "no account `%.100s`", name);
	*code = cli_fail(cli, EX_NOINPUT, "target.unknown", text,
	    "syncd config show");
	return NULL;
}

/* --map old=new: the folder `old` of here is `new` there. */
static int
take_map(const struct cli *cli, struct strmap *rename)
{
	for (size_t i = 0; i < cli->map.n; i++) {
		struct str there = str_z(cli->map.v[i]);
		struct str here = str_split(&there, '=');
		char *from = str_dup(here), *to = str_dup(there);
		bool good = from[0] != '\0' && there.n > 0;

		if (good)
			strmap_add(rename, to, from);
		free(from);
		free(to);
		if (!good)
			return cli_fail(cli, EX_USAGE, "usage",
			    "--map takes OLD=NEW, two names of folders", NULL);
	}
	return 0;
}

static int
take_dates(const struct cli *cli, struct account_conf *a)
{
	int64_t since = 0, until = 0;

	if ((cli->since != NULL && text_since(cli->since, &since) < 0) ||
	    (cli->until != NULL && text_since(cli->until, &until) < 0))
		return cli_fail(cli, EX_USAGE, "usage",
		    "--since and --until take 2h, 3d or 2026-11-23", NULL);
	a->restore.since = since / 1000000;
	a->restore.until = until / 1000000;
	return 0;
}

/* The server of ${a} with the tree of ${source}. */
static int
make_restore(const struct cli *cli, struct account_conf *a,
    const struct account_conf *source)
{
	static const struct {
		const char	*key;
	} from_source[] = {
		{ "accounts.*.path" }, { "accounts.*.layout" },
		{ "accounts.*.keywords" }, { "accounts.*.folders.rename" },
	};
	static const char *const cleared[] = { "accounts.*.policy_for",
		"accounts.*.folders.sync", "accounts.*.folders.subscribed_only" };

	for (size_t i = 0; i < ARRAY_LEN(from_source) && a != source; i++) {
		const struct option *o = option_get(from_source[i].key);

		option_clear(o, a);
		if (o->type == OPT_ENUM)
			*(int *)((char *)a + o->at) =
			    *(const int *)((const char *)source + o->at);
		option_copy(o, a, source);
	}
	for (size_t i = 0; i < ARRAY_LEN(cleared); i++)
		option_clear(option_get(cleared[i]), a);
	strlist_add(&a->folders.sync, cli->folder != NULL ? cli->folder : "*");
	a->policy = (struct policy){ .push = POLICY_NEW |
	    (cli->skip_existing ? 0 : POLICY_FLAGS) };
	a->folders.create_local = false;
	a->folders.create_remote = true;
	a->backup.manifest = false;
	option_clear(option_get("accounts.*.backup.verify"), a);
	option_clear(option_get("accounts.*.backup.ping"), a);
	a->enabled = true;
	a->restore.on = true;
	if (take_dates(cli, a) != 0)
		return EX_USAGE;
	return take_map(cli, &a->folders.rename);
}

/* One kind of restore is one state: another --map means other folders. */
static char *
state_of(const struct cli *cli, const char *state_dir, const char *source)
{
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < cli->map.n; i++)
		for (const char *p = cli->map.v[i]; *p != '\0'; p++)
			sum = (sum ^ (unsigned char)*p) * 16777619u;
	return cli->map.n == 0 ? xasprintf("%s/restore/%s", state_dir, source) :
	    xasprintf("%s/restore/%s-%08x", state_dir, source, sum);
}

/* All of it is there: nothing is left to be resumed. */
static void
forget_state(const char *dir, const char *account)
{
	static const char *const tails[] = { ".db", ".db-wal", ".db-shm",
		".lock" };

	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		char *path = xasprintf("%s/%s%s", dir, account, tails[i]);

		(void)unlink(path);
		free(path);
	}
	(void)rmdir(dir);
}

static int
restore(struct cli *cli, struct conf *conf, const char *to)
{
	char *dir = xstrdup(conf->state_dir);
	int code = cli_run_here(cli, conf, &(struct parent_opts){
	    .target = (char *[]){ (char *)to }, .n_targets = 1 });

	if (code == 0)
		forget_state(dir, to);
	free(dir);
	return code;
}

int
verb_restore(struct cli *cli)
{
	const struct account_conf *source;
	struct account_conf *target;
	struct conf *conf;
	char *dir;
	int code;

	if (cli->to == NULL)
		return cli_fail(cli, EX_USAGE, "usage",
		    "say where to: --to ACCOUNT", "syncd help restore");
	conf = cli_conf(cli, &code);
	if (conf == NULL)
		return code;
	source = find_account(cli, conf, cli->arg[0], &code);
	target = source == NULL ? NULL :
	    find_account(cli, conf, cli->to, &code);
	if (target == NULL ||
	    (code = make_restore(cli, target, source)) != 0) {
		config_free(conf);
		return code;
	}
	dir = state_of(cli, conf->state_dir, cli->arg[0]);
	free(conf->state_dir);
	conf->state_dir = dir;
	return restore(cli, conf, cli->to);
}
