/* report.c — `syncd report`: what was done since, and how things stand. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "config.h"
#include "js.h"
#include "report.h"

enum { DAY_S = 86400 };

static void
print_report(const json_t *r)
{
	json_t *done = json_object_get(r, "done"), *n;
	const char *op, *sep = "";

	printf("%s: %" JSON_INTEGER_FORMAT " messages here, %" JSON_INTEGER_FORMAT
	    " bytes\n  since %s: ", js_get(r, "account"),
	    js_int(r, "messages", 0), js_int(r, "bytes", 0), js_get(r, "since"));
	if (json_object_size(done) == 0)
		printf("nothing");
	json_object_foreach(done, op, n) {
		printf("%s%" JSON_INTEGER_FORMAT " %s", sep,
		    json_integer_value(n), op);
		sep = ", ";
	}
	if (js_get(r, "verified") == NULL)
		printf("\n  never verified\n");
	else
		printf("\n  verified %s: %" JSON_INTEGER_FORMAT " findings\n",
		    js_get(r, "verified"), js_int(r, "findings", 0));
}

int
verb_report(struct cli *cli)
{
	int64_t since = clock_wall() - USEC_S(DAY_S);
	struct conf *conf;
	struct err err;
	bool *named;
	int code = 0;

	if (cli->since != NULL && (code = cli_since(cli, &since)) != 0)
		return code;
	conf = cli_conf(cli, &code);
	named = conf != NULL ? cli_accounts(cli, conf, &code) : NULL;
	for (size_t i = 0; named != NULL && i < conf->n_accounts; i++) {
		json_t *r;

		if (!named[i])
			continue;
		r = report_period(conf, &conf->account[i], since, &err);
		if (r == NULL)
			code = cli_fail_err(cli, &err, NULL);
		else if (cli->json)
			cli_take_json(json_incref(r));
		else
			print_report(r);
		json_decref(r);
	}
	free(named);
	config_free(conf);
	return code;
}
