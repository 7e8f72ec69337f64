/* why.c — `syncd why MESSAGE-ID`: the life of a message, as the log has it, and
 * where it is now. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/attr.h"
#include "text.h"
#include "config.h"
#include "js.h"
#include "removed.h"
#include "report.h"

/* What the operations of the log mean, for a reader who asks once a year. */
static const struct {
	const char	*op, *text;
} ops[] = {
	{ "download", "came from the server" },
	{ "upload", "was sent to the server" },
	{ "match", "was found on both sides" },
	{ "flags-local", "its flags were changed here" },
	{ "flags-remote", "its flags were changed on the server" },
	{ "move-local", "was moved here" },
	{ "move-remote", "was moved on the server" },
	{ "copy-remote", "was copied on the server" },
	{ "delete-local", "was removed here" },
	{ "trash-remote", "was moved to Trash on the server" },
	{ "expunge-remote", "was removed from the server" },
	{ "mark-remote", "was marked \\Deleted on the server" },
	{ "put-back", "was brought back" },
	{ "recover", "was settled after an interruption" },
	{ "refuse", "was not taken" },
	{ "forget", "was forgotten: gone on both sides" }
};

static const char *
meaning(const char *op)
{
	for (size_t i = 0; op != NULL && i < ARRAY_LEN(ops); i++)
		if (strcmp(ops[i].op, op) == 0)
			return ops[i].text;
	return op != NULL ? op : "?";
}

static void
print_event(const json_t *row)
{
	const char *time = js_get(row, "time");

	printf("%s  %s/", time != NULL ? time : "-", js_get(row, "account"));
	text_put(js_get(row, "folder"));
	printf("  %s", meaning(js_get(row, "op")));
	if (js_int(row, "uid", 0) > 0)
		printf(" (uid %" JSON_INTEGER_FORMAT ")", js_int(row, "uid", 0));
	printf(": ");
	text_put(js_get(row, "reason"));
	putchar('\n');
}

static void
print_place(const json_t *p)
{
	printf("now  %s/", js_get(p, "account"));
	text_put(js_get(p, "folder"));
	printf("  %s", js_get(p, "text"));
	if (js_int(p, "uid", 0) > 0)
		printf("\n     server: uid %" JSON_INTEGER_FORMAT,
		    js_int(p, "uid", 0));
	if (js_get(p, "file") != NULL) {
		printf("\n     here:   ");
		text_put(js_get(p, "file"));
	}
	putchar('\n');
}

static void
print_kept(const struct account_conf *a, const struct removed *r)
{
	char msgid[1024];

	str_shell(r->msgid, msgid, sizeof(msgid));
	printf("now  %s/", a->name);
	text_put(r->folder);
	printf("  removed, but %s\n     syncd undo --message-id %s %s\n",
	    r->kind == REMOVED_HERE ? "kept for a while" : "in Trash",
	    msgid, a->name);
}

/* One account's part; what it knows is added to ${all}, or printed. */
static int
tell_account(const struct cli *cli, const struct conf *conf,
    const struct account_conf *a, json_t *log, json_t *places, size_t *n_kept)
{
	struct log_query q = { .msgid = cli->arg[0], .most = 1000 };
	struct removed_query rq = { .msgid = cli->arg[0] };
	struct removed_list kept = { 0 };
	struct err err;
	json_t *some = report_log(conf, a, &q, &err), *now = NULL, *row;
	size_t i;

	if (some != NULL)
		now = report_places(conf, a, cli->arg[0], &err);
	if (now == NULL || removed_find(conf, a, &rq, &kept, &err) < 0) {
		json_decref(some);
		json_decref(now);
		return cli_fail_err(cli, &err, NULL);
	}
	json_array_extend(log, some);
	json_array_extend(places, now);
	if (!cli->json) {
		json_array_foreach(some, i, row)
			print_event(row);
		json_array_foreach(now, i, row)
			print_place(row);
		for (i = 0; i < kept.n; i++)
			print_kept(a, &kept.v[i]);
	}
	*n_kept += kept.n;
	removed_clear(&kept);
	json_decref(some);
	json_decref(now);
	return 0;
}

static int
sum_up(const struct cli *cli, const json_t *log, const json_t *places,
    size_t n_kept)
{
	if (json_array_size(log) + json_array_size(places) == 0)
		return cli_fail(cli, EX_NOINPUT, "target.unknown",
		    "syncd never saw a message with that Message-ID",
		    "syncd log prints what it saw");
	if (cli->json)
		cli_take_json(json_pack("{s:O, s:O, s:I}", "log", log, "now",
		    places, "can_undo", (json_int_t)n_kept));
	else if (json_array_size(places) + n_kept == 0)
		puts("now  nowhere: gone on both sides, and not kept any more");
	return 0;
}

int
verb_why(struct cli *cli)
{
	json_t *log = json_array(), *places = json_array();
	struct conf *conf;
	size_t n_kept = 0;
	int code = 0;

	conf = cli_conf(cli, &code);
	for (size_t i = 0; conf != NULL && code == 0 && i < conf->n_accounts; i++)
		code = tell_account(cli, conf, &conf->account[i], log, places,
		    &n_kept);
	if (conf != NULL && code == 0)
		code = sum_up(cli, log, places, n_kept);
	json_decref(log);
	json_decref(places);
	config_free(conf);
	return code;
}
