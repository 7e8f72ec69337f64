/* account_status.c — what is said of an account: by its worker, and by what the
 * parent knows better. */
#include "account_impl.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "js.h"
#include "remedy.h"
#include "schedule.h"

bool
account_offline(int code)
{
	return code == EX_TEMPFAIL || code == EX_UNAVAILABLE;
}

bool
account_active(const struct account *a)
{
	return !a->removed && !a->paused && a->conf->enabled;
}

void
account_doing(const struct account *a, char *out, size_t cap)
{
	struct progress p = progress_read(&a->page);
	char text[PROGRESS_NAME + 64];

	progress_text(&p, text, sizeof(text));
	snprintf(out, cap, "%s%s", text[0] != '\0' ? ", " : "", text);
}

const char *
account_state(const struct account *a)
{
	const char *said = js_get(a->status, "state");

	if (!a->conf->enabled)
		return "disabled";
	if (a->paused)
		return "paused";
	if (a->pid == 0 && a->exit == EX_NOPERM)
		return "auth-required";
	if (a->pid == 0 && a->exit != 0 && !account_offline(a->exit))
		return "error";
	if (a->pid == 0 && condition_missing(&a->condition) != NULL)
		return "waiting";
	if (a->pid == 0 && a->exit == 0 && schedule_turns(a->conf))
		return "scheduled";
	if (a->pid == 0 || said == NULL)
		return "offline";
	return said;
}

json_t *
account_last_error(const struct account *a)
{
	const char *code = js_get(a->bye, "code"), *text = js_get(a->bye, "message");
	char ended[PROGRESS_NAME + 160], doing[PROGRESS_NAME + 96];
	struct remedy_place at = { .account = a->conf };
	const char *remedy = js_get(a->bye, "remedy");
	char general[1024];

	account_doing(a, doing, sizeof(doing));
	if (a->exit == 0)
		snprintf(ended, sizeof(ended), "the account was stopped while the "
		    "job waited%s", doing);
	else
		snprintf(ended, sizeof(ended), "the process of the account ended "
		    "with exit code %d%s", a->exit, doing);
	if (code == NULL || code[0] == '\0')
		code = a->exit != 0 ? "internal.worker" : "account.stopped";
	if (remedy == NULL)
		remedy = remedy_text(code, &at, general, sizeof(general));
	return js_error(code, text != NULL && text[0] != '\0' ? text : ended,
	    remedy);
}

/* The error that keeps the account down, as a problem like the worker's own. */
static json_t *
own_problem(const struct account *a)
{
	/* A disk is tried again, but it does not mend itself. */
	bool user = a->next_start == USEC_NEVER || a->exit == EX_IOERR;
	json_t *p = account_last_error(a);
	const char *said = js_get(p, "remedy");
	char remedy[1200];

	snprintf(remedy, sizeof(remedy), "%s%ssyncd resume %s",
	    said != NULL ? said : "", said != NULL ? "; then: " : "", a->name);
	json_object_set_new(p, "severity", json_string(user ? "error" : "warning"));
	json_object_set_new(p, "since", js_time(a->since));
	json_object_set_new(p, "count", json_integer(a->n_failed));
	json_object_set_new(p, "needs_user", json_boolean(user));
	if (user)
		json_object_set_new(p, "remedy", json_string(remedy));
	return p;
}

static json_t *
stale_problem(const struct account *a, int64_t since)
{
	char text[160], remedy[192];

	snprintf(text, sizeof(text), "no full success for %lld hours",
	    (long long)((clock_wall() - since) / USEC_S(3600)));
	snprintf(remedy, sizeof(remedy), "syncd sync %s", a->name);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:i, s:b}", "code",
	    "backup.stale", "message", text, "remedy", remedy, "severity",
	    "error", "since", js_time(since), "count", 1, "needs_user", 1);
}

static json_t *
problems(const struct account *a)
{
	json_t *said = json_object_get(a->status, "problems"), *all = json_array();

	if (a->pid == 0 && a->exit != 0)
		json_array_append_new(all, own_problem(a));
	else if (a->pid > 0 && json_is_array(said))
		json_array_extend(all, said);
	if (schedule_stale(a) != 0)
		json_array_append_new(all, stale_problem(a, schedule_stale(a)));
	return all;
}

json_t *
account_status(const struct account *a)
{
	json_t *s = a->status != NULL ? json_copy(a->status) : json_object();
	bool running = a->pid > 0 && !a->paused;

	json_object_set_new(s, "account", json_string(a->name));
	json_object_set_new(s, "state", json_string(account_state(a)));
	json_object_set_new(s, "problems", problems(a));
	if (!running || json_object_get(s, "since") == NULL)
		json_object_set_new(s, "since", js_time(a->since));
	if (running) {
		struct progress p = progress_read(&a->page);

		if (p.phase != PHASE_IDLE)
			json_object_set_new(s, "progress", progress_json(&p));
		return s;
	}
	json_object_set_new(s, "connections", json_integer(0));
	json_object_del(s, "problems_more");
	if (strcmp(account_state(a), "waiting") == 0) {
		json_object_set_new(s, "waiting_for",
		    json_string(condition_missing(&a->condition)));
		json_object_set_new(s, "next_attempt", json_null());
		return s;
	}
	if (schedule_deadline(a) != USEC_NEVER) {
		json_object_set_new(s, "next_attempt",
		    js_time(clock_wall() + a->due - clock_now()));
		return s;
	}
	json_object_set_new(s, "next_attempt", account_active(a) &&
	    a->next_start != USEC_NEVER && a->next_start > clock_now() ?
	    js_time(clock_wall() + a->next_start - clock_now()) : json_null());
	return s;
}
