/* run.c — runs: their messages, their way through the plugins. */
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "event.h"
#include "match.h"
#include "mime.h"
#include "store.h"
#include "vm.h"

struct run *
run_new(struct script *s, enum hook_kind kind)
{
	struct run *r = xcalloc(1, sizeof(*r));

	r->s = s;
	r->kind = kind;
	r->only = FRAME_ALL;
	buf_init(&r->reply_text, FRAME_MAX / 2);
	return r;
}

static void
free_msg(struct msg *m)
{
	struct script *s = m->run->s;

	if (m->fd >= 0)
		close(m->fd);
	mime_free(m->mime);
	s->slot[m->slot] = NULL;
	free(m);
}

void
run_free(struct run *r)
{
	vm_close_thread(r);
	for (size_t i = 0; i < r->n_msgs; i++)
		free_msg(r->msg[i]);
	free(r->msg);
	buf_clear(&r->reply_text);
	arena_clear(&r->a);
	free(r);
}

/* Slots are reused round robin, so that a hole is found at once as a rule. */
static uint32_t
free_slot(struct script *s)
{
	for (size_t i = 0; i < s->n_slots; i++) {
		if (++s->slot_hint >= s->n_slots)
			s->slot_hint = 0;
		if (s->slot[s->slot_hint] == NULL)
			return (uint32_t)s->slot_hint;
		if (i == 64)
			break;
	}
	s->slot = array_room(s->slot, s->n_slots, &s->cap_slots,
	    sizeof(struct msg *));
	return (uint32_t)s->n_slots++;
}

struct msg *
run_msg(struct run *r, int64_t id)
{
	struct script *s = r->s;
	struct msg *m;

	if (r->n_msgs == RUN_MSGS_MAX)
		return NULL;
	m = xcalloc(1, sizeof(*m));
	m->run = r;
	m->id = id;
	m->fd = -1;
	m->slot = free_slot(s);
	m->generation = ++s->generation;
	s->slot[m->slot] = m;
	mail_init(&m->mail, &r->a, &s->account.me, -1);
	r->msg = array_room(r->msg, r->n_msgs, &r->cap_msgs, sizeof(struct msg *));
	r->msg[r->n_msgs++] = m;
	return m;
}

struct msg *
run_msg_by_id(struct run *r, int64_t id)
{
	for (size_t i = 0; i < r->n_msgs; i++) {
		if (r->msg[i]->id == id)
			return r->msg[i];
	}
	return run_msg(r, id);
}

struct msg *
run_msg_at(struct script *s, uint32_t slot, uint32_t generation)
{
	struct msg *m = slot < s->n_slots ? s->slot[slot] : NULL;

	return m != NULL && m->generation == generation ? m : NULL;
}

void
run_ready(struct run *r)
{
	r->next = NULL;
	*r->s->ready_end = r;
	r->s->ready_end = &r->next;
}

/* What the plugin wrote into its stores in this run, backwards. */
static void
undo_writes(struct run *r)
{
	for (size_t i = r->plan.n_writes; i-- > 0;) {
		struct plan_write *w = &r->plan.write[i];

		if (w->plugin == r->plugin->id)
			store_set(w->st, w->key, w->before);
	}
}

/* "spam.lua:9" at the start of "spam.lua:9: text"; STR_NONE: it is not there. */
static struct str
place_of(struct str text, struct str file)
{
	size_t at = file.n + 1;

	if (!str_starts(text, file) || at >= text.n || text.p[file.n] != ':')
		return STR_NONE;
	while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9')
		at++;
	return at > file.n + 1 && at < text.n && text.p[at] == ':' ?
	    str_head(text, at) : STR_NONE;
}

void
run_fault(struct run *r, struct str text)
{
	struct plugin *p = r->plugin;
	struct str where;
	struct fault *f;

	undo_writes(r);
	plan_forget(&r->plan, p->id, r->msg, r->n_msgs, &r->s->account, &r->a);
	if (r->n_faults == PLUGINS_MAX)
		return;
	text = arena_str(&r->a, str_head(text, 1000));
	where = place_of(text, str_z(p->file));
	if (where.n > 0)
		text = str_trim(str_from(text, where.n + 1));
	f = &r->fault[r->n_faults++];
	*f = (struct fault){ p->id, where, text };
}

bool
run_wants(const struct run *r, const struct plugin *p)
{
	const struct str by = STR("plugin:");
	struct str origin = r->n_own > 0 ? r->msg[0]->origin : STR_NONE;

	if (r->only != FRAME_ALL && r->only != p->id)
		return false;
	/* A plugin does not hear what it caused itself. */
	if (str_starts(origin, by) &&
	    str_eq(str_from(origin, by.n), str_z(p->name)))
		return false;
	for (size_t i = 0; i < r->n_skips; i++) {
		if (r->skip[i].plugin == p->id)
			return false;
	}
	return true;
}

/* The next handler that wants this event, opened on a coroutine; false: none. */
static bool
open_handler(struct run *r)
{
	struct script *s = r->s;

	for (; r->at_plugin < s->n_plugins; r->at_plugin++) {
		struct plugin *p = s->plugin[r->at_plugin];

		/* By number: a new version may have taken its place. */
		if (r->plugin == NULL || r->plugin->id != p->id) {
			r->at_handler = 0;
			r->spent = r->parks = r->actions = 0;
		}
		r->plugin = p;
		while (run_wants(r, p) && r->at_handler < event_handlers(r, p)) {
			size_t i = r->at_handler++;

			if (event_matches(r, p, i) && event_open(r, p, i))
				return true;
		}
	}
	r->plugin = NULL;
	return false;
}

/* The rest of this plugin's handlers is left out. */
static void
next_plugin(struct run *r)
{
	if (r->load == NULL) {
		r->at_plugin++;
		r->plugin = NULL;
	}
}

bool
run_step(struct run *r)
{
	struct str error;

	r->begun = true;
	for (;;) {
		if (r->thread == NULL && (r->stopped || !open_handler(r)))
			return true;
		switch (vm_resume(r, &error)) {
		case VM_DONE:
			if (r->load != NULL)
				return true;
			break;
		case VM_WAITS:
			r->next = r->s->waiting;
			r->s->waiting = r;
			return false;
		case VM_PARKED:
			run_ready(r);
			return false;
		case VM_FAILED:
			run_fault(r, error);
			if (r->load != NULL)
				return true;
			next_plugin(r);
			break;
		}
	}
}
