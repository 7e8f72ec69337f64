/* log.c — `syncd log`: every change that was made to mail, and why, from the
 * store; "where did it go?" is `syncd log --message-id ID`. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/wait.h"
#include "text.h"
#include "config.h"
#include "js.h"
#include "report.h"

static int
query_of(const struct cli *cli, struct log_query *q)
{
	uint64_t n;

	*q = (struct log_query){
		.msgid = cli->message_id, .folder = cli->folder, .most = 100
	};
	if (cli_since(cli, &q->since) != 0)
		return EX_USAGE;
	if (cli->most == NULL)
		return 0;
	if (!num_u64(str_z(cli->most), 1, 1000000, &n))
		return cli_fail(cli, EX_USAGE, "usage",
		    "-n takes a number from 1 to 1000000", NULL);
	q->most = (size_t)n;
	return 0;
}

static const char *
time_of(const json_t *row)
{
	const char *time = js_get(row, "time");

	return time != NULL ? time : "-";
}

static void
print_row(const json_t *r)
{
	const char *subject = js_get(r, "subject");

	printf("%s  %s/", time_of(r), js_get(r, "account"));
	text_put(js_get(r, "folder"));
	printf("  %s", js_get(r, "op"));
	if (js_int(r, "uid", 0) > 0)
		printf(" uid=%" JSON_INTEGER_FORMAT, js_int(r, "uid", 0));
	printf("  ");
	text_put(js_get(r, "reason"));
	if (subject != NULL && subject[0] != '\0') {
		printf("  \"");
		text_put(subject);
		putchar('"');
	}
	putchar('\n');
}

static int
by_time(const void *a, const void *b)
{
	const json_t *const *ra = a, *const *rb = b;
	int rc = strcmp(time_of(*ra), time_of(*rb));
	json_int_t sa = js_int(*ra, "seq", 0), sb = js_int(*rb, "seq", 0);

	return rc != 0 ? rc : (sa > sb) - (sa < sb);
}

/* All accounts in one order, the newest ${most}. */
static void
print_rows(const struct cli *cli, const json_t *all, size_t most)
{
	size_t n = json_array_size(all), from = n > most ? n - most : 0;
	json_t **rows = xcalloc(n + 1, sizeof(*rows));

	for (size_t i = 0; i < n; i++)
		rows[i] = json_array_get(all, i);
	qsort(rows, n, sizeof(*rows), by_time);
	for (size_t i = from; i < n; i++) {
		if (cli->json)
			cli_take_json(json_incref(rows[i]));
		else
			print_row(rows[i]);
	}
	free(rows);
}

/* The rows of all named accounts after those that ${after} knows. */
static int
collect(const struct cli *cli, const struct conf *conf, const bool *named,
    struct log_query *q, int64_t *after, json_t *all)
{
	struct err err;
	int code = 0;

	for (size_t i = 0; i < conf->n_accounts; i++) {
		json_t *some, *last;

		if (!named[i])
			continue;
		q->after = after[i];
		some = report_log(conf, &conf->account[i], q, &err);
		if (some == NULL) {
			code = cli_fail_err(cli, &err, NULL);
			continue;
		}
		last = json_array_get(some, json_array_size(some) - 1);
		after[i] = js_int(last, "seq", after[i]);
		json_array_extend(all, some);
		json_decref(some);
	}
	return code;
}

/* Look again each second: the log is a file, and nobody rings when it grows. */
static int
show(const struct cli *cli, const struct conf *conf, const bool *named,
    struct log_query *q)
{
	int64_t *after = xcalloc(conf->n_accounts + 1, sizeof(*after));
	struct err err;
	int code;

	do {
		json_t *all = json_array();

		code = collect(cli, conf, named, q, after, all);
		print_rows(cli, all, q->most);
		json_decref(all);
		fflush(stdout);
		/* -n is what it begins with; a sync does more in a second. */
		q->most = SIZE_MAX;
	} while (cli->follow && code == 0 && !ferror(stdout) &&
	    wait_any(NULL, 0, clock_in(USEC_S(1)), &err) >= 0);
	free(after);
	return code;
}

int
verb_log(struct cli *cli)
{
	struct log_query q;
	struct conf *conf = NULL;
	bool *named = NULL;
	int code = query_of(cli, &q);

	if (code == 0)
		conf = cli_conf(cli, &code);
	if (conf != NULL)
		named = cli_accounts(cli, conf, &code);
	if (named != NULL)
		code = show(cli, conf, named, &q);
	free(named);
	config_free(conf);
	return code;
}
