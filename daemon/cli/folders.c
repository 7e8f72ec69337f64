/* folders.c — `syncd folders`: the server's folders and ours, from the store. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "config.h"
#include "js.h"
#include "report.h"

static const char *
text_of(const json_t *folder, const char *key)
{
	const char *text = js_get(folder, key);

	return text != NULL ? text : "-";
}

static void
print_folders(json_t *all)
{
	json_t *f;
	size_t i;

	if (json_array_size(all) > 0)
		printf("%-12s %9s  %-32s %s\n", "ACCOUNT", "MESSAGES", "SERVER",
		    "HERE");
	json_array_foreach(all, i, f) {
		printf("%-12s %9" JSON_INTEGER_FORMAT "  %-32s %s\n",
		    text_of(f, "account"), js_int(f, "messages", 0),
		    text_of(f, "remote"), text_of(f, "local"));
		if (js_get(f, "held") != NULL)
			printf("%25s held: %s\n", "", js_get(f, "held"));
	}
}

int
verb_folders(struct cli *cli)
{
	json_t *all = json_array();
	struct conf *conf;
	struct err err;
	bool *named;
	int code = 0;

	conf = cli_conf(cli, &code);
	named = conf != NULL ? cli_accounts(cli, conf, &code) : NULL;
	for (size_t i = 0; named != NULL && i < conf->n_accounts; i++) {
		json_t *some;

		if (!named[i])
			continue;
		some = report_folders(conf, &conf->account[i], &err);
		if (some == NULL) {
			code = cli_fail_err(cli, &err, NULL);
			continue;
		}
		json_array_extend(all, some);
		json_decref(some);
	}
	if (named != NULL && cli->json)
		cli_take_json(json_pack("{s:O}", "folders", all));
	else if (named != NULL)
		print_folders(all);
	json_decref(all);
	free(named);
	config_free(conf);
	return code;
}
