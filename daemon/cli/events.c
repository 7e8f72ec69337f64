/* events.c — `syncd events`: what happens, as JSON lines, for scripts. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/num.h"
#include "js.h"

static int
params_of(const struct cli *cli, json_t **params, uint64_t *most)
{
	json_t *patterns;
	uint64_t since;

	*most = UINT64_MAX;
	if (cli->most != NULL && !num_u64(str_z(cli->most), 1, INT64_MAX, most))
		return cli_fail(cli, EX_USAGE, "usage", "-n takes a number", NULL);
	if (cli->since != NULL &&
	    !num_u64(str_z(cli->since), 0, INT64_MAX, &since))
		return cli_fail(cli, EX_USAGE, "usage",
		    "--since takes the seq of an event", NULL);
	patterns = json_array();
	for (size_t i = 0; i < cli->n; i++)
		json_array_append_new(patterns, js_text(str_z(cli->arg[i])));
	if (cli->n == 0)
		json_array_append_new(patterns, json_string("*"));
	*params = json_pack("{s:o}", "events", patterns);
	if (cli->since != NULL)
		json_object_set_new(*params, "since",
		    json_integer((json_int_t)since));
	return 0;
}

int
verb_events(struct cli *cli)
{
	struct line_to to;
	struct err err;
	json_t *params = NULL, *answer, *line;
	const json_t *result;
	uint64_t most;
	int code = params_of(cli, &params, &most);

	if (code != 0)
		return code;
	code = cli_dial(cli, &to);
	if (code != 0) {
		json_decref(params);
		return code;
	}
	answer = client_call(&to, "subscribe", params, clock_in(USEC_S(30)), &err);
	result = json_object_get(answer, "result");
	if (answer == NULL)
		code = cli_fail_err(cli, &err, NULL);
	else if (result == NULL)
		code = cli_fail_json(cli, json_object_get(answer, "error"));
	else if (!js_bool(result, "complete"))
		fprintf(stderr, "syncd: older events are not known any more; "
		    "look at `syncd status` as well\n");
	json_decref(answer);
	while (code == 0 && most > 0 && !ferror(stdout)) {
		line = client_next(&to, USEC_NEVER, &err);
		if (line == NULL) {
			code = cli_fail_err(cli, &err, NULL);
		} else if (js_get(line, "event") != NULL) {
			cli_take_json(json_incref(line));
			fflush(stdout);
			most--;
		}
		json_decref(line);
	}
	client_close(&to);
	return code;
}
