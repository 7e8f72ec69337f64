/* undo.c — `syncd undo`: list what was removed, then put it back on both sides. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/ask.h"
#include "text.h"
#include "config.h"
#include "js.h"
#include "removed.h"
#include "target.h"

struct batch {			/* of one account */
	const struct account_conf	*conf;
	struct removed_list		 list;
};

static const char *const kinds[] = {
	[REMOVED_HERE] = "here", [REMOVED_THERE] = "there"
};

static json_t *
removed_json(const struct batch *b, const struct removed *r)
{
	return json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:o}",
	    "account", b->conf->name, "folder", js_text(str_z(r->folder)),
	    "time", js_time(r->when), "removed", kinds[r->kind],
	    "message_id", js_text(str_z(r->msgid)),
	    "subject", js_text(str_z(r->subject)),
	    "reason", js_text(str_z(r->reason)));
}

static void
print_removed(const struct batch *b, const struct removed *r)
{
	char when[32];

	text_when(r->when, when, sizeof(when));
	printf("%s  %s/", when, b->conf->name);
	text_put(r->folder);
	printf("  removed %s: ", kinds[r->kind]);
	text_put(r->reason);
	printf("  \"");
	text_put(r->subject);
	printf("\"\n");
}

static void
print_all(const struct cli *cli, const struct batch *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < b[i].list.n; k++) {
			if (cli->json)
				cli_take_json(removed_json(&b[i],
				    &b[i].list.v[k]));
			else if (!cli->quiet)
				print_removed(&b[i], &b[i].list.v[k]);
		}
	fflush(stdout);
}

/* Accounts to which something came back are added to ${targets}: whole accounts,
 * because what leaves Trash is a move. */
static int
put_back(const struct cli *cli, const struct conf *conf, const struct batch *b,
    size_t n, struct strlist *targets)
{
	size_t done = 0, before;
	int code = 0, rc;
	struct err err;

	for (size_t i = 0; i < n; i++) {
		before = done;
		for (size_t k = 0; k < b[i].list.n; k++) {
			rc = removed_put_back(conf, b[i].conf,
			    &b[i].list.v[k], &err);
			if (rc < 0)
				code = cli_fail_err(cli, &err, NULL);
			done += rc > 0;
		}
		if (done > before)
			strlist_add(targets, b[i].conf->name);
	}
	if (!cli->json && !cli->quiet)
		printf("%zu put back\n", done);
	fflush(stdout);
	return code;
}

/* Removed mail that has its file again, to the server: as `syncd sync` does. */
static int
sync_targets(const struct cli *cli, struct strlist *targets)
{
	struct cli sync = *cli;

	if (targets->n == 0)
		return 0;
	sync.arg = targets->v;
	sync.n = targets->n;
	return verb_sync(&sync);
}

static int
decide(const struct cli *cli, const struct conf *conf, const struct batch *b,
    size_t n)
{
	struct strlist targets = { 0 };
	size_t all = 0;
	int code;

	print_all(cli, b, n);
	for (size_t i = 0; i < n; i++)
		all += b[i].list.n;
	if (all == 0 && !cli->json && !cli->quiet)
		puts("nothing that can be put back");
	if (all == 0 || cli->dry_run)
		return 0;
	if (!ask_confirm(cli, "Put all of it back, on both sides?")) {
		if (!cli->yes && !cli->json && !cli->quiet)
			puts("nothing was done; with --yes it is put back");
		return 0;
	}
	code = put_back(cli, conf, b, n, &targets);
	if (code == 0)
		code = sync_targets(cli, &targets);
	strlist_clear(&targets);
	return code;
}

int
verb_undo(struct cli *cli)
{
	struct removed_query q = { .msgid = cli->message_id };
	struct batch *batch = NULL;
	struct conf *conf = NULL;
	struct err err;
	size_t n = 0;
	bool *named = NULL;
	int code = cli_since(cli, &q.since);

	if (code == 0)
		conf = cli_conf(cli, &code);
	if (conf != NULL)
		named = cli_accounts(cli, conf, &code);
	if (named != NULL && cli->n > 0) {
		struct target t;

		if (target_parse(&t, cli->arg[0], &err) == 0)
			q.folder = t.folder;
	}
	if (named != NULL)
		batch = xcalloc(conf->n_accounts + 1, sizeof(*batch));
	for (size_t i = 0; named != NULL && i < conf->n_accounts; i++) {
		if (!named[i])
			continue;
		batch[n].conf = &conf->account[i];
		if (removed_find(conf, batch[n].conf, &q, &batch[n].list, &err) < 0)
			code = cli_fail_err(cli, &err, NULL);
		n++;
	}
	if (named != NULL && code == 0)
		code = decide(cli, conf, batch, n);
	for (size_t i = 0; i < n; i++)
		removed_clear(&batch[i].list);
	free(batch);
	free(named);
	config_free(conf);
	return code;
}
