/* worker_script.c — scripts in the life of a worker. */
#include "worker_script.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/hooks.h"
#include "js.h"
#include "maildir/name.h"
#include "plugin_conf.h"
#include "plugins/host.h"
#include "store/script.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 64, ARGS_MAX = HOOK_ARGS_MAX,
    OFFLINE_S = 60, LAST_WORDS_S = 5, LOAD_S = 10 };

int
worker_script_open(struct account *acc, struct link *l, struct err *err)
{
	struct hook_broker broker = link_broker(l);
	char *lua;

	/* A restore works on the tree of another account than theirs. */
	if (acc->conf->n_plugins == 0 || acc->conf->restore.on)
		return 0;
	acc->hooks = hooks_new(acc, &broker, err);
	if (acc->hooks == NULL)
		return -1;
	lua = plugin_conf_lua_dir();
	hooks_take_host(acc->hooks, host_new(acc->conf, lua,
	    hooks_world(acc->hooks), hooks_broker(acc->hooks)));
	free(lua);
	return tell_mark(acc, err);
}

/* ---- the connection ---------------------------------------------------- */

void
worker_script_online(struct account *acc, struct outage *o)
{
	if (o->since != 0)
		due_say(acc, HOOK_ONLINE, "", o->since / 1000000);
	*o = (struct outage){ .tell_at = USEC_NEVER };
}

void
worker_script_offline(struct account *acc, struct outage *o, const char *why)
{
	if (o->since == 0)
		o->since = clock_wall();
	due_say(acc, HOOK_OFFLINE, why, o->since / 1000000);
	if (acc->hooks != NULL)
		o->tell_at = clock_in(USEC_S(OFFLINE_S));
}

void
worker_script_auth_failed(struct account *acc, const char *why)
{
	struct err ignored;

	due_say(acc, HOOK_AUTH_FAILED, why, clock_wall() / 1000000);
	(void)hooks_finish(acc, clock_in(USEC_S(LAST_WORDS_S)), &ignored);
}

/* ---- jobs ------------------------------------------------------------- */

static void
end_job(struct job *job, int code, const char *text)
{
	struct str rest = str_z(text);
	json_t *error = json_null();

	if (code != 0)
		error = js_error("plugin.error", text, "syncd plugin list");
	while (code == 0 && rest.n > 0)
		link_send(IPC_JOB_LINE, json_pack("{s:I, s:o}", "job", job->id,
		    "text", js_text(str_split(&rest, '\n'))));
	link_send(IPC_JOB_DONE, json_pack("{s:I, s:i, s:{}, s:o}", "job",
	    job->id, "exit", code, "summary", "error", error));
	free(job->folder);
	json_decref(job->script);
}

static void
drop_job(struct link *l, size_t at)
{
	memmove(&l->wish[at], &l->wish[at + 1],
	    (--l->n_wishes - at) * sizeof(*l->wish));
}

/* The message whose file that is; 0. */
static int64_t
by_path(struct account *acc, const char *path)
{
	char *real = xstrdup(path), *dir, *file;
	size_t root = strlen(acc->root);
	struct mname name;
	struct msg_row row;
	struct folder *f;
	struct err err;
	int64_t id = 0;

	file = strrchr(real, '/');
	if (strncmp(real, acc->root, root) != 0 || real[root] != '/' ||
	    file == NULL || file - real < (ptrdiff_t)(root + 5))
		goto out;
	*file++ = '\0';
	/* .../cur or .../new */
	dir = real + strlen(real) - 4;
	*dir = '\0';
	f = account_by_path(acc, real + root + 1);
	if (f != NULL && mname_parse(str_z(file), &name) && store_find_unique(
	    acc->store, f->id, name.unique, &row, &err) > 0)
		id = row.id;
out:
	free(real);
	return id;
}

static int64_t
by_message_id(struct account *acc, const char *msgid)
{
	struct msg_row row;
	struct err err;

	for (size_t i = 0; i < acc->n_folders; i++) {
		struct script_query q = { .folder = acc->folder[i]->id,
		    .msgid = str_z(msgid) };

		if (q.folder != 0 &&
		    store_search(acc->store, &q, 0, &row, &err) > 0)
			return row.id;
	}
	return 0;
}

static size_t
find_messages(struct account *acc, const json_t *list, int64_t *row, size_t cap,
    const char **missing)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list) && n < cap; i++) {
		const char *what = json_string_value(json_array_get(list, i));

		if (what == NULL)
			continue;
		row[n] = what[0] == '/' ? by_path(acc, what) :
		    by_message_id(acc, what);
		if (row[n] != 0)
			n++;
		else
			*missing = what;
	}
	return n;
}

/* Which script has a command of that name; NULL. */
static const char *
has_command(struct account *acc, const char *name)
{
	struct hooks_status s;

	for (size_t i = 0; hooks_status(acc, i, &s); i++)
		for (size_t k = 0; k < s.info.n_commands; k++)
			if (strcmp(s.info.command[k].name, name) == 0)
				return s.info.name;
	return NULL;
}

/* True: it is with the script now. */
static bool
run_command(struct account *acc, struct job *job)
{
	const json_t *args = json_object_get(job->script, "args");
	const char *name = js_get(job->script, "name"), *missing = NULL, *plugin;
	struct str arg[ARGS_MAX];
	int64_t row[HOOK_BATCH];
	size_t n_args = 0, n_rows;
	char *text;

	plugin = name != NULL ? has_command(acc, name) : NULL;
	if (plugin == NULL) {
		text = xasprintf("no script has a command `%s`",
		    name != NULL ? name : "");
		end_job(job, EXIT_USAGE, text);
		free(text);
		return false;
	}
	n_rows = find_messages(acc, json_object_get(job->script, "messages"),
	    row, HOOK_BATCH, &missing);
	if (missing != NULL) {
		text = xasprintf("%s is no message of this account", missing);
		end_job(job, EXIT_USAGE, text);
		free(text);
		return false;
	}
	for (size_t i = 0; i < json_array_size(args) && n_args < ARGS_MAX; i++)
		arg[n_args++] = str_z(json_string_value(json_array_get(args, i)));
	hooks_command(acc, job->id, plugin, name, arg, n_args, row, n_rows);
	job->asked = true;
	return true;
}

static void
replay(struct account *acc, struct job *job)
{
	const char *plugin = js_get(job->script, "plugin");
	const char *mailbox = js_get(job->script, "mailbox");
	struct err err;
	size_t n;
	char *text;

	if (plugin == NULL || mailbox == NULL ||
	    hooks_replay(acc, plugin, mailbox,
	    js_int(job->script, "since", 0), &n, &err) < 0) {
		end_job(job, EXIT_FAILED, plugin != NULL && mailbox != NULL ?
		    err.text : "no script, or no mailbox, is named");
		return;
	}
	text = xasprintf("%zu messages of %s go to %s", n, mailbox, plugin);
	end_job(job, 0, text);
	free(text);
}

/* True: it goes on. */
static bool
begin_job(struct account *acc, struct job *job)
{
	const char *what = js_get(job->script, "do");

	/* Who asks at once after the start need not know that it is one. */
	if (job->late == 0)
		job->late = clock_in(USEC_S(LOAD_S));
	if (hooks_loading(acc) && clock_now() < job->late)
		return true;
	if (acc->hooks == NULL) {
		end_job(job, EXIT_USAGE, "the account has no scripts");
		return false;
	}
	if (what != NULL && strcmp(what, "run") == 0)
		return run_command(acc, job);
	if (what != NULL && strcmp(what, "replay") == 0) {
		replay(acc, job);
		return false;
	}
	hooks_resume(acc, js_get(job->script, "plugin"));
	end_job(job, 0, "");
	return false;
}

static void
end_answered(struct account *acc, struct link *l)
{
	struct hooks_answer a;

	while (hooks_answered(acc, &a)) {
		for (size_t i = 0; i < l->n_wishes; i++) {
			if (!l->wish[i].asked || l->wish[i].id != a.job)
				continue;
			end_job(&l->wish[i], a.failed ? EXIT_FAILED : 0, a.text);
			drop_job(l, i);
			break;
		}
		free(a.text);
	}
}

void
worker_script_jobs(struct account *acc, struct link *l)
{
	for (size_t i = 0; i < l->n_wishes;) {
		struct job *job = &l->wish[i];

		if (job->asked || begin_job(acc, job))
			i++;
		else
			drop_job(l, i);
	}
	end_answered(acc, l);
}

/* ---- status ------------------------------------------------------------- */

static const char *const states[] = {
	[HOOK_OK] = "ok", [HOOK_SUSPENDED] = "suspended",
	[HOOK_DISABLED] = "disabled"
};

static json_t *
commands_json(const struct hook_info *info)
{
	json_t *all = json_array();

	for (size_t i = 0; i < info->n_commands; i++)
		json_array_append_new(all, json_pack("{s:o, s:o}", "name",
		    js_words(info->command[i].name), "doc",
		    js_words(info->command[i].doc)));
	return all;
}

static json_t *
events_json(const struct hook_info *info)
{
	json_t *all = json_array();

	for (int i = 0; i < HOOK_KINDS; i++)
		if (info->kinds >> i & 1)
			json_array_append_new(all, json_string(
			    hook_kind_name((enum hook_kind)i)));
	return all;
}

static json_t *
metrics_json(const struct hook_info *info)
{
	json_t *all = json_object();

	for (size_t i = 0; i < info->n_metrics; i++) {
		json_t *name = js_text(str_z(info->metric[i].name));

		json_object_set_new(all, json_string_value(name),
		    json_integer(info->metric[i].n));
		json_decref(name);
	}
	return all;
}

json_t *
worker_script_status(struct account *acc)
{
	json_t *all = json_array();
	struct hooks_status s;

	for (size_t i = 0; hooks_status(acc, i, &s); i++)
		json_array_append_new(all, json_pack("{s:s, s:s, s:I, s:I, "
		    "s:I, s:o, s:b, s:o, s:i, s:I, s:o, s:o, s:o, s:o}",
		    "name", s.info.name, "state", states[s.info.state],
		    "events", (json_int_t)s.info.replies,
		    "median_us", (json_int_t)s.info.median,
		    "errors", (json_int_t)s.info.faults,
		    "error", js_words(s.info.error), "stale", (int)s.info.stale,
		    "until", s.info.until != 0 ?
		    js_time(s.info.until * 1000000) : json_null(),
		    "times", (int)s.info.times,
		    "owed", (json_int_t)s.owed, "grant",
		    js_words(s.info.grant),
		    "handles", events_json(&s.info),
		    "commands", commands_json(&s.info),
		    "metrics", metrics_json(&s.info)));
	return all;
}
