/* worker_backup.c — findings and counts, as the parent is told of them. */
#include "worker_backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/restore.h"
#include "js.h"

static void
tell_finding(void *who, const char *where, const char *what, const char *remedy)
{
	const struct job *job = who;
	char text[2048];

	snprintf(text, sizeof(text), "%s: %s%s%s", where, what,
	    remedy[0] != '\0' ? "; " : "", remedy);
	log_info("verify: %s", text);
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
		    "syncd verify --online", "%" PRIu64 " things are not as they "
		    "should be, %" PRIu64 " were fetched again",
		    n->findings, n->recovered);
	snprintf(text, sizeof(text), "%" PRId64 " %" PRIu64, clock_wall(),
	    n->findings);
	if (account_begin(acc, &err) < 0 ||
	    store_set(acc->store, "verified", str_z(text), &err) < 0 ||
	    account_commit(acc, &err) < 0) {
		log_warn("verify: %s", err.text);
		if (store_in_transaction(acc->store))
			store_rollback(acc->store);
	}
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

int
worker_count_restored(struct account *acc, json_t *summary, int *code,
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
