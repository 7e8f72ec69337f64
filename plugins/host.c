/* host.c — the hook_host that runs scripts; see host.h. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "host_impl.h"

static struct host *
of(struct hook_host *head)
{
	return (struct host *)head;	/* head is its first member */
}

static const struct host *
of_const(const struct hook_host *head)
{
	return (const struct host *)head;
}

static uint64_t
host_kinds(const struct hook_host *head)
{
	const struct host *h = of_const(head);
	uint64_t kinds = 0;

	for (size_t i = 0; i < h->n_plugins; i++) {
		const struct host_plugin *pl = &h->plugin[i];

		if (pl->state != HOOK_DISABLED)
			kinds |= pl->loaded ? pl->kinds :
			    ((uint64_t)1 << HOOK_KINDS) - 1;
	}
	return kinds;
}

static uint64_t
host_initial(const struct hook_host *head)
{
	const struct host *h = of_const(head);
	uint64_t kinds = 0;

	for (size_t i = 0; i < h->n_plugins; i++)
		kinds |= h->plugin[i].initial;
	return kinds;
}

/* ---- asking --------------------------------------------------------- */

/* The share of the process, made if it is the first that concerns it. */
static void
add_share(struct pending *pe, struct proc *p)
{
	struct share *sh;

	for (size_t i = 0; i < pe->n_shares; i++) {
		if (pe->share[i].proc == p)
			return;
	}
	sh = &pe->share[pe->n_shares++];
	*sh = (struct share){ .proc = p, .n_open = pe->n_parts };
	for (size_t i = 0; i < pe->n_parts; i++)
		sh->open[i] = true;
}

/* A plugin that is suspended is owed what it misses. */
static void
miss(struct host *h, struct pending *pe, struct host_plugin *pl)
{
	if (pe->event.kind != HOOK_INCOMING)
		return;
	for (size_t i = 0; i < pe->event.n_msgs; i++)
		answer_fault(h, pe, pl, pe->event.msg[i].id, STR_NONE,
		    STR("suspended"));
}

static void
host_ask(struct hook_host *head, const struct hook_event *ev)
{
	struct host *h = of(head);
	struct pending *pe = ask_copy(ev), **end = &h->pending;

	pe->number = ++h->next_number;
	pe->asked = clock_now();
	pe->n_parts = hook_is_batch(ev->kind) || ev->n_msgs == 0 ? 1 : ev->n_msgs;
	pe->share = arena_get(&pe->a, h->n_procs * sizeof(*pe->share));
	for (size_t i = 0; i < h->n_plugins; i++) {
		struct host_plugin *pl = &h->plugin[i];

		plugin_poll(pl);
		if (!plugin_wants(pl, ev))
			continue;
		if (pl->state == HOOK_SUSPENDED) {
			miss(h, pe, pl);
			continue;
		}
		pe->want |= (uint64_t)1 << i;
		add_share(pe, pl->proc);
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = pe;
	if (ev->kind == HOOK_ONLINE || ev->kind == HOOK_OFFLINE)
		h->online = ev->kind == HOOK_ONLINE;
	for (size_t i = 0; i < pe->n_shares; i++) {
		struct proc *p = pe->share[i].proc;

		if (p->fd < 0)
			continue;	/* asked when it is up */
		if (hook_is_batch(ev->kind))
			proc_account(h, p);
		ask_send(h, pe, &pe->share[i]);
	}
}

/* ---- stepping ------------------------------------------------------- */

static void
receive(struct host *h, struct proc *p)
{
	/* A bound: a process that talks without end does not keep us here. */
	for (int i = 0; i < 200 && p->fd >= 0; i++) {
		struct err err = { 0 };
		int got = frame_recv(p->fd, &p->in, &err);

		if (got == 0)
			return;
		if (got < 0)
			proc_down(h, p, err.class == ERR_PROTO ?
			    "it sent garbage" : "it ended");
		else if (answer_read(h, p) < 0)
			proc_down(h, p, "it sent garbage");
	}
}

/* Its time is over: whoever has not answered failed. */
static void
expire(struct host *h, struct pending *pe)
{
	for (size_t i = 0; i < pe->n_shares; i++) {
		struct share *sh = &pe->share[i];
		struct frame f;

		if (sh->n_open == 0)
			continue;
		for (size_t k = 0; k < pe->n_parts; k++) {
			if (!sh->open[k])
				continue;
			ask_drop_part(pe, (uint32_t)k);
			/* That it does not start was said once. */
			if (sh->proc->absent && pe->event.n_msgs == 0)
				continue;
			for (size_t j = 0; j < h->n_plugins; j++) {
				if (h->plugin[j].proc == sh->proc &&
				    (pe->want >> j & 1) != 0)
					answer_fault(h, pe, &h->plugin[j],
					    k < pe->event.n_msgs ?
					    pe->event.msg[k].id : 0, STR_NONE,
					    STR("no answer in time"));
			}
		}
		sh->n_open = 0;
		frame_init(&f, FRAME_DROP);
		frame_put_u32(&f, pe->number);
		proc_send(h, sh->proc, &f);
	}
}

static void
note_times(struct host *h, const struct pending *pe)
{
	usec each = (clock_now() - pe->asked) / (usec)pe->n_parts;

	for (size_t i = 0; i < h->n_plugins; i++) {
		struct host_plugin *pl = &h->plugin[i];

		if ((pe->want >> i & 1) == 0)
			continue;
		pl->replies += pe->n_parts;
		pl->spent[pl->n_spent++ % ARRAY_LEN(pl->spent)] = each;
	}
}

static void
host_extend(struct hook_host *head, uint64_t event, usec by)
{
	for (struct pending *pe = of(head)->pending; pe != NULL; pe = pe->next) {
		/* 0: it is given up. */
		if (pe->event.id == event && pe->event.deadline != 0)
			pe->event.deadline += by;
	}
}

/* The first event whose answers are all in, taken out; NULL. */
static struct pending *
take_complete(struct host *h)
{
	struct pending **at = &h->pending, *pe;

	while (*at != NULL && !ask_complete(*at))
		at = &(*at)->next;
	pe = *at;
	if (pe != NULL)
		*at = pe->next;
	return pe;
}

static void
keep_overlay(struct host *h, const struct pending *pe)
{
	for (size_t i = 0; i < pe->n_kv; i++) {
		const struct hook_kv *kv = &pe->kv[i];
		struct overlay *o = xcalloc(1, sizeof(*o));

		o->event = pe->event.id;
		o->plugin = (struct str){ str_dup(kv->plugin), kv->plugin.n };
		o->store = (struct str){ str_dup(kv->store), kv->store.n };
		o->key = (struct str){ str_dup(kv->key), kv->key.n };
		if (kv->value.p != NULL)
			o->value = (struct str){ str_dup(kv->value), kv->value.n };
		o->next = h->overlay;
		h->overlay = o;
	}
}

static void
fill_plan(struct hook_plan *plan, const struct pending *pe)
{
	*plan = (struct hook_plan){ .event = pe->event.id, .op = pe->op,
	    .n_ops = pe->n_ops, .kv = pe->kv, .n_kv = pe->n_kv,
	    .fault = pe->fault, .n_faults = pe->n_faults,
	    .reply = buf_str(&pe->reply) };
}

static int
host_step(struct hook_host *head, struct hook_plan *plan)
{
	struct host *h = of(head);
	usec now = clock_now();
	struct pending *pe;

	ask_free(h->given);
	h->given = NULL;
	for (size_t i = 0; i < h->n_plugins; i++)
		plugin_poll(&h->plugin[i]);
	call_poll(h);
	for (size_t i = 0; i < h->n_procs; i++) {
		struct proc *p = &h->proc[i];

		proc_keep_up(h, p);
		receive(h, p);
		if (proc_hangs(p, now))
			proc_down(h, p, "it did not come back for 2 s");
		proc_flush(h, p);
	}
	for (pe = h->pending; pe != NULL; pe = pe->next) {
		if (now >= pe->event.deadline)
			expire(h, pe);
	}
	pe = take_complete(h);
	if (pe == NULL)
		return 0;
	answer_order(h, pe);
	note_times(h, pe);
	keep_overlay(h, pe);
	fill_plan(plan, pe);
	h->given = pe;
	return 1;
}

static void
free_overlay(struct overlay *o)
{
	free((char *)(uintptr_t)o->plugin.p);
	free((char *)(uintptr_t)o->store.p);
	free((char *)(uintptr_t)o->key.p);
	free((char *)(uintptr_t)o->value.p);
	free(o);
}

/* What was planned and did not happen is still in the process's copy of its
 * stores: a fresh one reads them again. */
static void
forget_stores(struct host *h, struct str plugin)
{
	for (size_t i = 0; i < h->n_plugins; i++) {
		if (str_eq(plugin, str_z(h->plugin[i].conf->name)))
			proc_restart(h, h->plugin[i].proc);
	}
}

static void
host_settle(struct hook_host *head, uint64_t event, bool committed)
{
	struct host *h = of(head);

	for (struct overlay **at = &h->overlay; *at != NULL;) {
		struct overlay *o = *at;

		if (o->event != event) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		if (!committed)
			forget_stores(h, o->plugin);
		free_overlay(o);
	}
}

/* ---- the rest ------------------------------------------------------- */

static size_t
host_waiters(const struct hook_host *head, struct waiter *w, size_t cap)
{
	const struct host *h = of_const(head);
	size_t n = 0;

	for (size_t i = 0; i < h->n_procs && n < cap; i++) {
		const struct proc *p = &h->proc[i];

		if (p->fd >= 0)
			w[n++] = (struct waiter){ .fd = p->fd, .want = WAIT_READ |
			    (p->out.first != NULL ? WAIT_WRITE : 0u) };
	}
	return n;
}

static usec
host_deadline(const struct hook_host *head)
{
	const struct host *h = of_const(head);
	usec at = USEC_NEVER;

	for (size_t i = 0; i < h->n_procs; i++) {
		const struct proc *p = &h->proc[i];

		if (p->fd < 0)
			at = p->absent && proc_owes(h, p) ? 0 :
			    clock_earlier(at, p->again);
		else if (h->pending != NULL)
			at = clock_earlier(at, clock_in(USEC_MS(500)));
	}
	for (const struct pending *pe = h->pending; pe != NULL; pe = pe->next)
		at = ask_complete(pe) ? 0 : clock_earlier(at, pe->event.deadline);
	for (size_t i = 0; i < h->n_plugins; i++) {
		if (h->plugin[i].state == HOOK_SUSPENDED)
			at = clock_earlier(at, h->plugin[i].until_mono);
	}
	return at;
}

static bool
host_info(struct hook_host *head, size_t i, struct hook_info *info)
{
	struct host *h = of(head);
	const struct host_plugin *pl = &h->plugin[i];

	if (i >= h->n_plugins)
		return false;
	*info = (struct hook_info){ .name = pl->conf->name, .state = pl->state,
	    .kinds = pl->kinds, .initial = pl->initial, .replies = pl->replies,
	    .median = plugin_median(pl), .faults = pl->faults,
	    .error = pl->error, .until = pl->until, .times = pl->times,
	    .timer = pl->timer, .n_timers = pl->n_timers,
	    .command = pl->command, .n_commands = pl->n_commands,
	    .metric = pl->metric, .n_metrics = pl->n_metrics,
	    .grant = pl->grant, .stale = pl->stale };
	return true;
}

static void
host_reload(struct hook_host *head, const char *plugin)
{
	struct host *h = of(head);

	for (size_t i = 0; i < h->n_plugins; i++) {
		struct host_plugin *pl = &h->plugin[i];

		if (strcmp(plugin, pl->conf->name) != 0)
			continue;
		pl->renewed = true;
		proc_load(h, pl);
	}
}

static void
host_resume(struct hook_host *head, const char *plugin)
{
	struct host *h = of(head);

	for (size_t i = 0; i < h->n_plugins; i++) {
		struct host_plugin *pl = &h->plugin[i];

		if (plugin != NULL && strcmp(plugin, pl->conf->name) != 0)
			continue;
		pl->times = pl->n_failed = 0;
		pl->until = 0;
		pl->renewed = true;
		if (pl->state == HOOK_SUSPENDED)
			pl->state = HOOK_OK;
		if (pl->state == HOOK_DISABLED)
			pl->loaded = false;
		proc_load(h, pl);
	}
}

static void
host_free(struct hook_host *head)
{
	struct host *h = of(head);

	for (size_t i = 0; i < h->n_procs; i++)
		proc_clear(h, &h->proc[i]);
	while (h->pending != NULL) {
		struct pending *pe = h->pending;

		h->pending = pe->next;
		ask_free(pe);
	}
	ask_free(h->given);
	server_forget(h, NULL);
	while (h->overlay != NULL) {
		struct overlay *o = h->overlay;

		h->overlay = o->next;
		free_overlay(o);
	}
	for (size_t i = 0; i < h->n_plugins; i++) {
		arena_clear(&h->plugin[i].a);
		free(h->plugin[i].error);
		free(h->plugin[i].grant);
		for (size_t k = 0; k < h->plugin[i].n_metrics; k++)
			free((char *)(uintptr_t)h->plugin[i].metric[k].name);
	}
	free(h->lua_dir);
	free(h);
}

static const struct hook_ops ops = {
	.kinds = host_kinds, .initial = host_initial, .ask = host_ask,
	.step = host_step, .extend = host_extend, .settle = host_settle, .waiters = host_waiters,
	.deadline = host_deadline, .info = host_info, .resume = host_resume,
	.reload = host_reload, .wish = server_wish, .found = server_found,
	.free = host_free,
};

/* Slot 0 is the common process; a trusted plugin has its own. */
static struct proc *
proc_for(struct host *h, unsigned slot)
{
	for (size_t i = 0; i < h->n_procs; i++) {
		if (h->proc[i].slot == slot)
			return &h->proc[i];
	}
	proc_init(&h->proc[h->n_procs], slot);
	return &h->proc[h->n_procs++];
}

struct hook_host *
host_new(const struct account_conf *conf, const char *lua_dir,
    const struct hook_world *world, const struct hook_broker *broker)
{
	struct host *h = xcalloc(1, sizeof(*h));

	h->head.ops = &ops;
	h->conf = conf;
	h->lua_dir = xstrdup(lua_dir);
	h->world = world;
	h->broker = broker;
	for (size_t i = 0; i < conf->n_plugins && i < HOST_PLUGINS; i++) {
		struct host_plugin *pl = &h->plugin[h->n_plugins];

		pl->conf = &conf->plugin[i];
		pl->id = (uint32_t)h->n_plugins++;
		pl->proc = proc_for(h, pl->conf->trusted ? pl->id + 1 : 0);
	}
	return &h->head;
}
