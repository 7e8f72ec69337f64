/* once.c — one job in the foreground. */
#include "once.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "js.h"
#include "target.h"
#include "tell.h"

static struct job *
the_job(const struct parent *p)
{
	return p->jobs.n > 0 ? p->jobs.v[0] : NULL;
}

int
once_begin(struct parent *p, int *code)
{
	const struct parent_opts *o = p->opts;
	struct job *job = job_new(&p->jobs, o->dry_run, o->full,
	    o->verdict);
	struct err err;
	int rc = 0;

	job->verify = o->verify;
	meter_init(&p->meter, o->progress, stderr, o->utf8, clock_now());
	if (o->n_targets == 0)
		rc = target_add(&p->jobs, job, p->conf, NULL, &err);
	for (size_t i = 0; i < o->n_targets && rc == 0; i++)
		rc = target_add(&p->jobs, job, p->conf, o->target[i], &err);
	if (rc == 0)
		return 0;
	*code = tell_error(o->json, EX_NOINPUT, err.code, err.text, NULL);
	return -1;
}

static bool
is_named(const struct parent_opts *o, const char *account)
{
	size_t n = strlen(account);

	for (size_t i = 0; i < o->n_targets; i++)
		if (strncmp(o->target[i], account, n) == 0 &&
		    (o->target[i][n] == '\0' || o->target[i][n] == '/'))
			return true;
	return false;
}

void
once_skip_paused(struct parent *p)
{
	struct job *job = the_job(p);

	for (size_t i = 0; i < job->n; i++) {
		const struct account *a = parent_find(p, job->part[i].account);
		char remedy[320];

		if (a == NULL || !a->paused || job->part[i].done)
			continue;
		snprintf(remedy, sizeof(remedy), "syncd resume %s", a->name);
		if (is_named(p->opts, a->name))
			job_take_settle(&job->part[i], EX_TEMPFAIL, NULL,
			    js_error("account.paused", "the account is paused",
			    remedy));
		else
			job_take_settle(&job->part[i], 0,
			    json_pack("{s:s}", "text", "paused"), NULL);
	}
}

size_t
once_room(const struct parent *p)
{
	size_t running = 0;

	for (size_t i = 0; i < p->n; i++)
		running += account_running(p->account[i]);
	return running < ONCE_WORKERS ? ONCE_WORKERS - running : 0;
}

void
once_line(struct parent *p, const struct part *part, const json_t *body)
{
	const char *text = js_get(body, "text");

	if (text == NULL || p->opts->quiet)
		return;
	if (js_bool(body, "progress")) {
		meter_line(&p->meter, part->account, text);
		return;
	}
	meter_clear(&p->meter);
	if (p->opts->json) {
		char *line = js_dump(body);

		puts(line);
		free(line);
	} else {
		puts(text);
	}
	fflush(stdout);
}

void
once_show(struct parent *p)
{
	struct meter_row row[ONCE_WORKERS];
	size_t n = 0;

	if (clock_now() < meter_due(&p->meter))
		return;
	for (size_t i = 0; i < p->n && n < ONCE_WORKERS; i++) {
		const struct account *a = p->account[i];
		struct progress now = progress_read(&a->page);

		if (account_running(a) && now.phase != PHASE_IDLE)
			row[n++] = (struct meter_row){ a->name, now };
	}
	meter_step(&p->meter, row, n, clock_now());
}

static void
print_done(const json_t *part)
{
	json_t *summary = json_object_get(part, "summary"), *v;
	const char *text = js_get(summary, "text"), *key, *sep = " ";

	printf("%s: done", js_get(part, "account"));
	if (text != NULL)
		printf(": %s", text);
	if (text == NULL)
		json_object_foreach(summary, key, v) {
			if (!json_is_integer(v) || json_integer_value(v) == 0)
				continue;
			printf("%s%s=%" JSON_INTEGER_FORMAT, sep, key,
			    json_integer_value(v));
		}
	putchar('\n');
}

/* What went wrong with a part, if anything did. */
static void
tell_part(const json_t *part, bool json)
{
	const json_t *error = json_object_get(part, "error");
	const char *text = js_get(error, "message");
	const char *remedy = js_get(error, "remedy");
	char words[1024];

	if (!json_is_object(error))
		return;
	snprintf(words, sizeof(words), "%s: %s", js_get(part, "account"),
	    text != NULL ? text : "failed");
	tell_error(json, (int)js_int(part, "exit", EX_SOFTWARE),
	    js_get(error, "code") != NULL ? js_get(error, "code") : "internal",
	    words, remedy != NULL && remedy[0] != '\0' ? remedy : NULL);
}

/* The part that decides the exit code: its error is the last line of stderr. */
static void
tell_worst(const json_t *result)
{
	json_int_t code = js_int(result, "exit", 0);
	json_t *part;
	size_t i;

	json_array_foreach(json_object_get(result, "parts"), i, part)
		if (code != 0 && js_int(part, "exit", 0) == code) {
			tell_part(part, true);
			return;
		}
}

int
once_print_result(const json_t *result, bool json, bool quiet)
{
	json_t *part;
	size_t i;

	if (json) {
		char *text = js_dump(result);

		puts(text);
		free(text);
		tell_worst(result);
	}
	json_array_foreach(json_object_get(result, "parts"), i, part) {
		bool failed = json_is_object(json_object_get(part, "error"));

		if (!json && failed)
			tell_part(part, false);
		else if (!json && !quiet)
			print_done(part);
	}
	return (int)js_int(result, "exit", EX_SOFTWARE);
}

int
once_end(const struct parent *p)
{
	json_t *result = job_result(the_job(p));
	int code = once_print_result(result, p->opts->json, p->opts->quiet);

	json_decref(result);
	return code;
}
