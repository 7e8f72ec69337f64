/* config.c — `syncd config`: values in effect, keys, schema, files. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "config.h"
#include "js.h"

static int
show(const struct cli *cli, const char *only)
{
	struct conf *conf;
	int code = 0;

	conf = cli_conf(cli, &code);
	if (conf == NULL)
		return code;
	if (cli->json)
		cli_take_json(config_show_json(conf, only));
	else
		config_show(conf, only, stdout);
	config_free(conf);
	return 0;
}

static int
path(const struct cli *cli)
{
	json_t *files = json_array();
	struct conf *conf;
	int code = 0;

	conf = cli_conf(cli, &code);
	for (size_t i = 0; conf != NULL && i < conf->files.n; i++) {
		if (!cli->json)
			puts(conf->files.v[i]);
		json_array_append_new(files, js_text(str_z(conf->files.v[i])));
	}
	if (cli->json && conf != NULL)
		cli_take_json(json_incref(files));
	json_decref(files);
	config_free(conf);
	return code;
}

int
verb_config(struct cli *cli)
{
	const char *what = cli->arg[0], *key = cli->n > 1 ? cli->arg[1] : NULL;

	if (strcmp(what, "explain") == 0)
		return config_explain(key, stdout) > 0 ? 0 : EX_NOINPUT;
	if (strcmp(what, "show") == 0)
		return show(cli, key);
	if (key == NULL && strcmp(what, "path") == 0)
		return path(cli);
	if (key == NULL && strcmp(what, "schema") == 0) {
		config_schema(stdout);
		return 0;
	}
	return cli_fail(cli, EX_USAGE, "usage",
	    "usage: syncd config show [ACCOUNT]|explain [KEY]|schema|path", NULL);
}
