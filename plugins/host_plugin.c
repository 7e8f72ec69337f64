/* host_plugin.c — what is known of each plugin: grants, failures, suspension. */
#include "host_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { KILLS_ALLOWED = 2, SUSPEND_MAX_S = 3600, SUSPEND_S = 60 };

static const usec window = USEC_S(600);

/* ---- failures ------------------------------------------------------- */

static void
suspend(struct host_plugin *pl)
{
	usec wait = clock_doubled(USEC_S(SUSPEND_S), pl->times++,
	    USEC_S(SUSPEND_MAX_S));

	pl->n_failed = 0;
	pl->state = HOOK_SUSPENDED;
	pl->until = (clock_wall() + wait) / 1000000;
	pl->until_mono = clock_in(wait);
	log_warn("plugin %s is suspended for %lld s: %s", pl->conf->name,
	    (long long)(wait / 1000000), pl->error);
}

/* A kill counts as two errors and a half. */
void
plugin_failed(struct host *h, struct host_plugin *pl, struct str text, bool killed)
{
	size_t most = ARRAY_LEN(pl->failed), again = killed ? 2 : 1;
	usec now = clock_now();

	(void)h;
	pl->faults++;
	free(pl->error);
	pl->error = str_dup(text);
	for (size_t i = 0; i < again; i++) {
		if (pl->n_failed == most) {
			memmove(&pl->failed[0], &pl->failed[1],
			    (most - 1) * sizeof(pl->failed[0]));
			pl->n_failed--;
		}
		pl->failed[pl->n_failed++] = now;
	}
	if (pl->state == HOOK_OK && now - pl->failed[0] < window &&
	    pl->n_failed >= (killed ? KILLS_ALLOWED * 2 : most))
		suspend(pl);
}

void
plugin_poll(struct host_plugin *pl)
{
	if (pl->state == HOOK_SUSPENDED && clock_now() >= pl->until_mono) {
		pl->state = HOOK_OK;
		pl->until = 0;
	}
}

bool
plugin_wants(const struct host_plugin *pl, const struct hook_event *ev)
{
	if (ev->only != NULL && strcmp(ev->only, pl->conf->name) != 0)
		return false;
	if (pl->state == HOOK_DISABLED)
		return false;
	/* Before it has loaded, it may want anything. */
	return !pl->loaded || (pl->kinds >> ev->kind & 1) != 0;
}

static int
by_size(const void *a, const void *b)
{
	usec x = *(const usec *)a, y = *(const usec *)b;

	return (x > y) - (x < y);
}

usec
plugin_median(const struct host_plugin *pl)
{
	usec sorted[ARRAY_LEN(pl->spent)];
	size_t n = pl->n_spent < ARRAY_LEN(sorted) ? pl->n_spent :
	    ARRAY_LEN(sorted);

	if (n == 0)
		return 0;
	memcpy(sorted, pl->spent, n * sizeof(usec));
	qsort(sorted, n, sizeof(usec), by_size);
	return sorted[n / 2];
}

/* ---- FRAME_LOADED --------------------------------------------------- */

static bool
allowed(const struct plugin_conf *conf, struct str perm, struct str arg)
{
	const struct {
		const char		*name;
		const struct strlist	*list;
	} lists[] = {
		{ "exec", &conf->allow.exec }, { "read", &conf->allow.read },
		{ "write", &conf->allow.write },
		{ "accounts", &conf->allow.accounts },
		{ "connect", &conf->allow.connect },
	};

	if (conf->bundled)
		return true;
	if (str_eq(perm, STR("send")))
		return conf->allow.send;
	if (str_eq(perm, STR("delete")))
		return conf->allow.delete;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (!str_eq(perm, str_z(lists[i].name)))
			continue;
		for (size_t k = 0; k < lists[i].list->n; k++) {
			if (str_eq(arg, str_z(lists[i].list->v[k])))
				return true;
		}
	}
	return false;
}

/* The lines of syncd.yaml that are missing, "" when none are.  What a permission is
 * wanted for comes together. */
static void
missing_grants(struct host_plugin *pl, struct frame_in *in, struct buf *yaml)
{
	uint32_t n = frame_n(in, 8, HOST_DECLARED);
	struct str last = STR_NONE;
	bool list = false;	/* the last line is one */

	for (uint32_t i = 0; i < n; i++) {
		struct str perm = frame_str(in), arg = frame_str(in);

		if (in->bad || allowed(pl->conf, perm, arg))
			continue;
		if (list && arg.n > 0 && str_eq(perm, last)) {
			yaml->n--;	/* the bracket */
			if (buf_fmt(yaml, ", %.*s]", STR_ARG(arg)) < 0)
				return;
			continue;
		}
		last = perm;
		list = arg.n > 0;
		if (yaml->n > 0 && buf_fmt(yaml, "\n") < 0)
			return;
		if (arg.n > 0 ? buf_fmt(yaml, "%.*s: [%.*s]", STR_ARG(perm),
		    STR_ARG(arg)) < 0 : buf_fmt(yaml, "%.*s: yes",
		    STR_ARG(perm)) < 0)
			return;
	}
}

static void
read_declarations(struct host_plugin *pl, struct frame_in *in)
{
	uint32_t n = frame_n(in, 5, HOST_DECLARED);

	for (pl->n_timers = 0; pl->n_timers < n; pl->n_timers++) {
		struct hook_timer *t = &pl->timer[pl->n_timers];

		t->spec = arena_str(&pl->a, frame_str(in)).p;
		t->catch_up = frame_u8(in) != 0;
	}
	n = frame_n(in, 8, HOST_DECLARED);
	for (pl->n_commands = 0; pl->n_commands < n; pl->n_commands++) {
		struct hook_command *c = &pl->command[pl->n_commands];

		c->name = arena_str(&pl->a, frame_str(in)).p;
		c->doc = arena_str(&pl->a, frame_str(in)).p;
	}
}

static struct host_plugin *
plugin_of(struct host *h, struct proc *p, uint32_t id)
{
	return id < h->n_plugins && h->plugin[id].proc == p ? &h->plugin[id] : NULL;
}

/* A new version, or a person, says that it is well again.  That a process had to be
 * replaced says nothing: its failures still count. */
static void
forgive(struct host_plugin *pl)
{
	free(pl->error);
	pl->error = NULL;
	pl->state = HOOK_OK;
	pl->until = 0;
	pl->times = pl->n_failed = 0;
}

int
plugin_loaded(struct host *h, struct proc *p)
{
	struct frame_in *in = &p->in;
	struct host_plugin *pl = plugin_of(h, p, frame_u32(in));
	struct str error = frame_str(in);
	CLEANUP(buf_clear) struct buf yaml;
	uint64_t kinds = frame_u64(in), initial = frame_u64(in);

	buf_init(&yaml, 4000);
	if (pl == NULL || in->bad)
		return -1;
	if (error.n > 0) {
		log_error("plugin %s: %.*s", pl->conf->name, STR_ARG(error));
		free(pl->error);
		pl->error = str_dup(error);
		/* One that ran before goes on running, if it is not gone with
		 * its process. */
		pl->stale = pl->loaded && pl->state != HOOK_DISABLED &&
		    pl->life == p->life;
		if (!pl->stale)
			pl->state = HOOK_DISABLED;
		pl->loaded = true;
		pl->renewed = false;
		return 0;
	}
	pl->life = p->life;
	pl->stale = false;
	arena_clear(&pl->a);
	pl->kinds = kinds;
	pl->initial = initial;
	read_declarations(pl, in);
	missing_grants(pl, in, &yaml);
	pl->loaded = true;
	free(pl->grant);
	pl->grant = yaml.n > 0 ? str_dup(buf_str(&yaml)) : NULL;
	if (yaml.n > 0) {
		free(pl->error);
		pl->error = xstrdup("it wants what is not allowed");
		pl->state = HOOK_DISABLED;
	} else if (pl->state == HOOK_DISABLED || pl->renewed) {
		forgive(pl);
	}
	pl->renewed = false;
	return frame_ended(in) ? 0 : -1;
}
