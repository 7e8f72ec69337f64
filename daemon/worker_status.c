/* worker_status.c — what a worker tells the parent of its account. */
#include "worker_status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/watcher.h"
#include "js.h"
#include "worker_job.h"
#include "worker_script.h"
#include "net/stream.h"

enum { PROBLEMS_MAX = 20 };

void
worker_status_connected(struct worker_status *s, const struct lane *ln)
{
	struct lane_info info = ln->ops->info(ln);

	snprintf(s->mechanism, sizeof(s->mechanism), "%s", info.mechanism);
	s->tls = info.stream->tls_version;
	s->compress = info.stream->compressed;
}

void
worker_status_round(struct worker_status *s, const struct tally *did, usec took,
    bool all)
{
	uint64_t flags = did->flags_local + did->flags_remote;
	uint64_t gone = did->deleted_local + did->deleted_remote;

	if (all)
		s->last_success = clock_wall();
	if (did->downloaded + did->uploaded + flags + gone + did->moved == 0)
		return;
	s->last_change = clock_wall();
	log_info("round done new=%" PRIu64 " sent=%" PRIu64 " flags=%" PRIu64
	    " deleted=%" PRIu64 " moved=%" PRIu64 " bytes=%" PRIu64
	    " secs=%.1f", did->downloaded, did->uploaded, flags, gone, did->moved,
	    did->bytes_down + did->bytes_up, (double)took / 1e6);
}

void
worker_status_folder(const struct folder *f, const struct tally *did, usec took,
    char *out, size_t cap)
{
	char kept[32] = "";

	/* Few accounts keep what the server lost: the line is long already. */
	if (did->kept > 0)
		snprintf(kept, sizeof(kept), " kept=%" PRIu64, did->kept);
	snprintf(out, cap, "%s done new=%" PRIu64 " sent=%" PRIu64 " flags=%"
	    PRIu64 " deleted=%" PRIu64 " moved=%" PRIu64 "%s bytes=%" PRIu64
	    " secs=%.1f", f->name, did->downloaded, did->uploaded,
	    did->flags_local + did->flags_remote,
	    did->deleted_local + did->deleted_remote, did->moved, kept,
	    did->bytes_down + did->bytes_up, (double)took / 1e6);
}

static json_t *
problem_json(const struct account *acc, const struct problem *p)
{
	json_t *v = json_pack("{s:s, s:o, s:o, s:i, s:b}",
	    "severity", p->severity == PROBLEM_ERROR ? "error" :
	    "warning", "folder", js_text(str_z(p->where)),
	    "since", js_time(p->since), "count", (int)p->count,
	    "needs_user", p->needs_user);

	json_object_update_new(v, worker_problem(acc, p));
	return v;
}

/* As many as a person reads, and the parent takes.  Those that wait for somebody come
 * first: nobody else tells him. */
static json_t *
problems_json(const struct account *acc)
{
	json_t *all = json_array();

	for (int user = 1; user >= 0; user--)
		for (size_t i = 0; i < acc->n_problems; i++)
			if (acc->problem[i].needs_user == user &&
			    json_array_size(all) < PROBLEMS_MAX)
				json_array_append_new(all,
				    problem_json(acc, &acc->problem[i]));
	return all;
}

static json_t *
transport_json(const struct worker_status *s, const struct account *acc)
{
	struct lane_info info;

	if (acc->work == NULL)
		return json_null();
	info = acc->work->ops->info(acc->work);
	return json_pack("{s:s, s:s?, s:s, s:b, s:o, s:s, s:s}",
	    "protocol", acc->work->ops->protocol, "tls", s->tls,
	    "mechanism", s->mechanism, "compress", s->compress,
	    "server", js_words(info.server), "delta", info.delta,
	    "push", watcher_push(acc));
}

/* By the server's own counts: nothing here may cost a look at the mailbox. */
static json_t *
totals_json(const struct account *acc)
{
	json_int_t messages = 0;

	for (size_t i = 0; i < acc->n_folders; i++)
		messages += acc->folder[i]->messages;
	return json_pack("{s:I, s:I}", "messages", messages,
	    "folders", (json_int_t)acc->n_folders);
}

static const char *
policy_name(struct policy p)
{
	if (p.readonly)
		return "backup";
	if (p.pull == POLICY_ALL && p.push == POLICY_ALL)
		return "two-way";
	if (p.pull == POLICY_ALL && p.push == 0)
		return "pull";
	if (p.pull == 0 && p.push == POLICY_ALL)
		return "push";
	if (p.pull == (POLICY_NEW | POLICY_FLAGS) && p.push == p.pull)
		return "archive";
	return "custom";
}

char *
worker_status_json(struct worker_status *s, struct account *acc,
    const struct account_conf *conf, const char *state, int64_t next_attempt)
{
	json_t *v;
	char *text;

	if (strcmp(s->state, state) != 0) {
		snprintf(s->state, sizeof(s->state), "%s", state);
		s->since = clock_wall();
	}
	v = json_pack("{s:s, s:o, s:s, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:i, s:o}",
	    "state", state, "since", js_time(s->since),
	    "policy", policy_name(conf->policy),
	    "transport", transport_json(s, acc),
	    "connections", (int)acc->lanes.n,
	    "last_success", js_time(s->last_success),
	    "last_change", js_time(s->last_change),
	    "next_attempt", js_time(next_attempt),
	    "totals", totals_json(acc), "problems", problems_json(acc),
	    "problems_more", acc->n_problems > PROBLEMS_MAX ?
	    (int)(acc->n_problems - PROBLEMS_MAX) : 0,
	    "plugins", worker_script_status(acc));
	text = js_dump(v);
	json_decref(v);
	if (s->sent != NULL && strcmp(s->sent, text) == 0) {
		free(text);
		return NULL;
	}
	free(s->sent);
	s->sent = xstrdup(text);
	return text;
}

void
worker_status_clear(struct worker_status *s)
{
	free(s->sent);
	s->sent = NULL;
}
