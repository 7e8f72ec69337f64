/* alert.c — which problems somebody is told of. */
#include "alert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "js.h"
#include "parent.h"
#include "schedule.h"

/* ---- what was told ---------------------------------------------------- */

void
alerts_open(struct alerts *al, const char *path)
{
	*al = (struct alerts){ .path = xstrdup(path), .look = true,
	    .told = json_load_file(path, 0, NULL) };
	if (!json_is_object(al->told)) {
		json_decref(al->told);
		al->told = json_object();
	}
}

void
alerts_clear(struct alerts *al)
{
	free(al->path);
	json_decref(al->told);
	*al = (struct alerts){ 0 };
}

static void
save(const struct alerts *al)
{
	char *beside = xasprintf("%s.new", al->path);

	if (json_dump_file(al->told, beside, JSON_INDENT(1) | JSON_SORT_KEYS) < 0 ||
	    rename(beside, al->path) < 0) {
		log_warn("%s cannot be written: somebody may be told twice",
		    al->path);
		unlink(beside);
	}
	free(beside);
}

/* ---- telling ---------------------------------------------------------- */

struct look {
	struct parent	*p;
	json_t		*seen;		/* keys of what there is now */
	int64_t		 now;		/* wall clock us */
	usec		 next;		/* when the first is due again */
	bool		 changed;
};

static void
no_later_than(struct look *l, int64_t us)
{
	usec at = clock_in(us > 0 ? us : 0);

	if (at < l->next)
		l->next = at;
}

static char *
key_of(const char *account, const char *code, const char *folder)
{
	return xasprintf("%s\t%s\t%s", account, code,
	    folder != NULL ? folder : "");
}

/* ${account} "": of none. */
static void
consider(struct look *l, const char *account, json_t *problem)
{
	const usec repeat = l->p->conf->notify_repeat;
	const char *code = js_get(problem, "code");
	char *key;
	int64_t told;

	if (code == NULL)
		return;
	key = key_of(account, code, js_get(problem, "folder"));
	told = js_int(l->p->alerts.told, key, 0);
	/* A clock that was set back is no reason to wait for years. */
	if (told == 0 || told > l->now || l->now - told >= repeat) {
		told = l->now;
		json_object_set_new(l->p->alerts.told, key, json_integer(told));
		l->changed = true;
		events_take_add(&l->p->events, "problem.notify",
		    json_pack("{s:s*, s:s, s:O}", "account",
		    account[0] != '\0' ? account : NULL, "title",
		    account[0] != '\0' ? account : "the configuration",
		    "problem", problem));
	}
	no_later_than(l, told + repeat - l->now);
	json_object_set_new(l->seen, key, json_true());
	free(key);
}

/* One that is not "ok" has failed too often, or does not load. */
static void
look_at_script(struct look *l, const struct account *a, const json_t *script)
{
	const char *name = js_get(script, "name"), *error = js_get(script, "error");
	const char *state = js_get(script, "state");
	char text[1024], remedy[320];
	json_t *problem;

	if (name == NULL || state == NULL || strcmp(state, "ok") == 0)
		return;
	snprintf(text, sizeof(text), "script %s is %s%s%s", name, state,
	    error != NULL ? ": " : "", error != NULL ? error : "");
	snprintf(remedy, sizeof(remedy),
	    "mend the script at that line, then: syncd plugin resume %s", name);
	problem = js_error("plugin.error", text, remedy);
	json_object_set_new(problem, "folder", json_string(name));
	consider(l, a->name, problem);
	json_decref(problem);
}

static void
look_at(struct look *l, const struct account *a)
{
	json_t *status = account_status(a), *problem, *script;
	int64_t stale = schedule_stale_in(a);
	size_t i;

	json_array_foreach(json_object_get(status, "problems"), i, problem)
		if (js_bool(problem, "needs_user"))
			consider(l, a->name, problem);
	json_array_foreach(json_object_get(status, "plugins"), i, script)
		look_at_script(l, a, script);
	if (stale != 0)
		no_later_than(l, stale);
	json_decref(status);
}

/* Does the account do well enough to know that a problem it does not name is over?
 * After a start it has to try first. */
static bool
is_settled(const struct parent *p, const char *account, int64_t told)
{
	const struct account *a = parent_find(p, account);
	const char *state = a != NULL ? account_state(a) : "disabled";

	return account[0] == '\0' || (a != NULL && a->succeeded &&
	    a->last_ok > told) || strcmp(state, "disabled") == 0 ||
	    strcmp(state, "live") == 0 || strcmp(state, "polling") == 0 ||
	    strcmp(state, "held") == 0;
}

/* A script that failed is well again after a start, until it fails again. */
static bool
is_over(const struct look *l, const char *key, int64_t told)
{
	size_t n = strcspn(key, "\t");
	char account[256];

	snprintf(account, sizeof(account), "%.*s", (int)n, key);
	if (json_object_get(l->seen, key) != NULL ||
	    !is_settled(l->p, account, told))
		return false;
	return !str_starts(str_z(key + n), STR("\tplugin.")) ||
	    l->now - told >= l->p->conf->notify_repeat;
}

/* What is over is forgotten: when it comes again, it is another problem. */
static void
forget(struct look *l)
{
	json_t *when;
	const char *key;
	void *next;

	json_object_foreach_safe(l->p->alerts.told, next, key, when) {
		if (!is_over(l, key, json_integer_value(when)))
			continue;
		json_object_del(l->p->alerts.told, key);
		l->changed = true;
	}
}

void
alerts_step(struct parent *p)
{
	struct look l = { .p = p, .next = USEC_NEVER };
	struct alerts *al = &p->alerts;

	if (al->path == NULL || (!al->look && clock_now() < al->next))
		return;
	al->look = false;
	l.seen = json_object();
	l.now = clock_wall();
	for (size_t i = 0; i < p->n; i++)
		if (!p->account[i]->removed)
			look_at(&l, p->account[i]);
	if (p->conf_error != NULL)
		consider(&l, "", p->conf_error);
	forget(&l);
	if (l.changed)
		save(al);
	al->next = l.next;
	json_decref(l.seen);
}

usec
alerts_deadline(const struct alerts *al)
{
	return al->path == NULL ? USEC_NEVER : al->look ? 0 : al->next;
}
