/* worker_backup.c — findings and counts, as the parent is told of them. */
#include "worker_backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/restore.h"
#include "js.h"

/* When the account was verified last, and how many findings there were. */
#define VERIFIED	"verified"

static void
tell_finding(void *who, const char *where, const char *what, const char *remedy)
{
	const struct job *job = who;
	char text[2048];

	snprintf(text, sizeof(text), "%s: %s%s%s", where, what,
	    remedy[0] != '\0' ? "; " : "", remedy);
	log_info("verify: %s", text);
	if (job->id == 0)
		return;
	link_send(IPC_JOB_LINE, json_pack("{s:I, s:o}", "job", job->id, "text",
	    js_text(str_z(text))));
}

static void
note_verified(struct account *acc, const struct verified *n)
{
	char text[256];
	struct err err;

	if (n->findings == 0)
		problem_close(acc, "backup.damaged", NULL);
	else
		problem_open(acc, PROBLEM_ERROR, "backup.damaged", NULL,
		    "", "%" PRIu64 " things are not as they "
		    "should be, %" PRIu64 " were fetched again",
		    n->findings, n->recovered);
	snprintf(text, sizeof(text), "%" PRId64 " %" PRIu64, clock_wall(),
	    n->findings);
	if (account_begin(acc, &err) < 0 || account_end(acc,
	    store_set(acc->store, VERIFIED, str_z(text), &err), &err) < 0)
		log_warn("verify: %s", err.text);
}

int
worker_verify(struct account *acc, const struct job *job, struct verified *n,
    struct err *err)
{
	struct verify_opts o = { .percent = job->percent, .online = job->online,
	    .deep = job->deep, .found = tell_finding, .who = (void *)job };

	if (verify_run(acc, &o, n, err) < 0)
		return -1;
	note_verified(acc, n);
	return 0;
}

json_t *
worker_verified_json(const struct verified *n)
{
	char text[200];

	snprintf(text, sizeof(text), "%" PRIu64 " files, %" PRIu64 " of them read"
	    ", %" PRIu64 " fetched to compare: %" PRIu64 " findings, %" PRIu64
	    " fetched again", n->files, n->read, n->fetched, n->findings,
	    n->recovered);
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "text", text,
	    "files", (json_int_t)n->files, "read", (json_int_t)n->read,
	    "fetched", (json_int_t)n->fetched,
	    "findings", (json_int_t)n->findings,
	    "recovered", (json_int_t)n->recovered);
}

static int
count_restored(struct account *acc, json_t *summary, int *code,
    struct err *err)
{
	struct restored n;
	char text[160];

	if (restore_count(acc, &n, err) < 0)
		return -1;
	snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 " messages in %"
	    PRIu64 " folders are on the server, %" PRIu64 " of them uploaded now",
	    n.there, n.here, n.folders, acc->tally.uploaded);
	json_object_set_new(summary, "text", json_string(text));
	json_object_set_new(summary, "here", json_integer((json_int_t)n.here));
	json_object_set_new(summary, "there", json_integer((json_int_t)n.there));
	if (n.short_of != NULL) {
		problem_open(acc, PROBLEM_WARNING, "backup.incomplete", NULL,
		    "syncd restore, again", "%s; %s lacks some", text,
		    n.short_of);
		*code = *code != 0 ? *code : 1;
	}
	free(n.short_of);
	return 0;
}

/* When it was verified last, wall clock us; 0: never. */
static int
last_verified(struct account *acc, int64_t *at, struct err *err)
{
	char *text;

	if (store_get(acc->store, VERIFIED, &text, err) < 0)
		return -1;
	*at = text != NULL ? atoll(text) : 0;
	free(text);
	return 0;
}

int
worker_verify_due(struct account *acc, json_int_t job, struct err *err)
{
	struct job wish = { .id = job, .verify = true };
	struct verified n;
	int64_t last, now = clock_wall();
	usec every;

	if (acc->conf->backup.verify == NULL || verify_parse(
	    acc->conf->backup.verify, &every, &wish.percent) < 0)
		return 0;
	if (last_verified(acc, &last, err) < 0)
		return -1;
	/* A clock that was set back is no reason to wait for years. */
	if (last <= now && now < last + every)
		return 0;
	if (worker_verify(acc, &wish, &n, err) < 0)
		return -1;
	log_info("verify: %llu files, %llu findings",
	    (unsigned long long)n.files, (unsigned long long)n.findings);
	return n.findings > 0;
}

int
worker_after_round(struct account *acc, const struct job *job, json_t *summary,
    int *code, struct err *err)
{
	int got;

	if (acc->conf->restore.on)
		return count_restored(acc, summary, code, err);
	if (!acc->once || job->folder != NULL || *code != 0)
		return 0;
	got = worker_verify_due(acc, job->id, err);
	if (got > 0)
		*code = 1;
	return got < 0 ? -1 : 0;
}
