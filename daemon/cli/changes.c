/* changes.c — `syncd changes`: files that came, went or were renamed since a
 * token, for programs that index mail. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/mem.h"
#include "changes.h"
#include "config.h"
#include "js.h"
#include "text.h"

static bool
watches(const char *state)
{
	return state != NULL && (strcmp(state, "live") == 0 ||
	    strcmp(state, "polling") == 0 || strcmp(state, "syncing") == 0);
}

/* Which accounts a daemon watches now; none without one. */
static bool *
live_accounts(const struct cli *cli, const struct conf *conf)
{
	bool *live = xcalloc(conf->n_accounts + 1, sizeof(*live));
	struct line_to to;
	struct err ignored;
	json_t *answer, *a;
	size_t i;

	if (client_open(&to, cli_socket(cli, conf), clock_in(USEC_S(1)),
	    &ignored) < 0)
		return live;
	answer = client_call(&to, "status", NULL, clock_in(USEC_S(5)), &ignored);
	json_array_foreach(json_object_get(json_object_get(answer, "result"),
	    "accounts"), i, a)
		for (size_t k = 0; k < conf->n_accounts; k++)
			if (strcmp(js_get(a, "account"), conf->account[k].name) ==
			    0)
				live[k] = watches(js_get(a, "state"));
	json_decref(answer);
	client_close(&to);
	return live;
}

static void
print_json(const struct changes *c)
{
	cli_take_json(json_pack("{s:s, s:b}", "token", c->token, "snapshot",
	    c->snapshot));
	for (size_t i = 0; i < c->n; i++) {
		const struct change *v = &c->v[i];
		json_t *o = json_pack("{s:s, s:o}", "change",
		    change_names[v->kind], "path", js_text(str_z(v->path)));

		if (v->kind != CHANGE_REMOVED)
			json_object_set_new(o, "mtime_ns", json_integer(v->mtime));
		if (v->old != NULL)
			json_object_set_new(o, "old", js_text(str_z(v->old)));
		cli_take_json(o);
	}
}

static void
put(const char *text, bool exact)
{
	if (exact)
		fputs(text, stdout);
	else
		text_put(text);
}

static void
print(const struct changes *c, bool exact)
{
	char end = exact ? '\0' : '\n';

	printf("token\t%s\t%s%c", c->token, c->snapshot ? "snapshot" : "delta",
	    end);
	for (size_t i = 0; i < c->n; i++) {
		const struct change *v = &c->v[i];

		printf("%s\t%lld\t", change_names[v->kind], (long long)v->mtime);
		put(v->path, exact);
		if (v->old != NULL) {
			putchar('\t');
			put(v->old, exact);
		}
		putchar(end);
	}
}

int
verb_changes(struct cli *cli)
{
	struct changes c;
	struct conf *conf;
	struct err err;
	bool *live;
	int code = 0;

	conf = cli_conf(cli, &code);
	if (conf == NULL)
		return code;
	live = live_accounts(cli, conf);
	if (changes_gather(conf, live, cli->arg[0], cli->since, &c, &err) < 0) {
		code = cli_fail_err(cli, &err, strcmp(err.code, "state.locked") ==
		    0 ? "syncd sync" : NULL);
	} else {
		if (cli->json)
			print_json(&c);
		else
			print(&c, cli->null);
		/* What was asked for could not be told. */
		if (c.snapshot && cli->since != NULL)
			code = EXIT_ATTENTION;
		changes_clear(&c);
	}
	free(live);
	config_free(conf);
	return code;
}
