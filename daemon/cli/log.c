/* log.c — `syncd log`: every change that was made to mail, and why, from the
 * store; "where did it go?" is `syncd log --message-id ID`. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "config.h"
#include "js.h"
#include "report.h"

/* "90s", "2h", "3d" ago, or "2026-11-23", or "2026-11-23T04:46:50Z". */
static int
parse_since(const char *text, int64_t *since)
{
	static const char units[] = "smhdw";
	static const int64_t seconds[] = { 1, 60, 3600, 86400, 604800 };
	struct str s = str_z(text);
	struct tm tm = { 0 };
	const char *unit, *end;
	uint64_t n;

	unit = s.n > 1 ? strchr(units, s.p[s.n - 1]) : NULL;
	if (unit != NULL && num_u64(str_head(s, s.n - 1), 0, 100000, &n)) {
		*since = clock_wall() -
		    (int64_t)n * seconds[unit - units] * 1000000;
		return 0;
	}
	end = strptime(text, "%Y-%m-%d", &tm);
	if (end != NULL && *end == 'T')
		end = strptime(end, "T%H:%M:%SZ", &tm);
	if (end == NULL || *end != '\0')
		return -1;
	*since = (int64_t)timegm(&tm) * 1000000;
	return 0;
}

static int
query_of(const struct cli *cli, struct log_query *q)
{
	uint64_t n;

	*q = (struct log_query){
		.msgid = cli->message_id, .folder = cli->folder, .most = 100
	};
	if (cli->since != NULL && parse_since(cli->since, &q->since) < 0)
		return cli_fail(cli, EX_USAGE, "usage",
		    "--since takes 2h, 3d or 2026-11-23", NULL);
	if (cli->most == NULL)
		return 0;
	if (!num_u64(str_z(cli->most), 1, 1000000, &n))
		return cli_fail(cli, EX_USAGE, "usage",
		    "-n takes a number from 1 to 1000000", NULL);
	q->most = (size_t)n;
	return 0;
}

/* What a server wrote must not steer the terminal. */
static void
print_plain(const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
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
	print_plain(js_get(r, "folder"));
	printf("  %s", js_get(r, "op"));
	if (js_int(r, "uid", 0) > 0)
		printf(" uid=%" JSON_INTEGER_FORMAT, js_int(r, "uid", 0));
	printf("  ");
	print_plain(js_get(r, "reason"));
	if (subject != NULL && subject[0] != '\0') {
		printf("  \"");
		print_plain(subject);
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

int
verb_log(struct cli *cli)
{
	json_t *all = json_array();
	struct log_query q;
	struct conf *conf = NULL;
	struct err err;
	bool *named = NULL;
	int code = query_of(cli, &q);

	if (code == 0)
		conf = cli_conf(cli, &code);
	if (conf != NULL)
		named = cli_accounts(cli, conf, &code);
	for (size_t i = 0; named != NULL && i < conf->n_accounts; i++) {
		json_t *some;

		if (!named[i])
			continue;
		some = report_log(conf, &conf->account[i], &q, &err);
		if (some == NULL) {
			code = cli_fail_err(cli, &err, NULL);
			continue;
		}
		json_array_extend(all, some);
		json_decref(some);
	}
	print_rows(cli, all, q.most);
	json_decref(all);
	free(named);
	config_free(conf);
	return code;
}
