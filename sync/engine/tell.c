/*
 * tell.c — what happened, noted for scripts where it happens: who wants to know, who
 * did it, and whether it is news at all.  Waits for the disk only.
 */
#include "engine/hooks_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/account.h"

enum { CAUSE_S = 600, MOVE_S = 120 };

/* ---- who wants what -------------------------------------------------- */

bool
tell_wanted(const struct hooks *h, enum hook_kind kind)
{
	return h->host != NULL && h->host->ops->kinds(h->host) >> kind & 1;
}

bool
tell_wants(const struct account *acc, enum hook_kind kind)
{
	return acc->hooks != NULL && tell_wanted(acc->hooks, kind);
}

/* Mail that was there before we were is no news.  Folders that came later have
 * news only. */
bool
tell_initial(const struct hooks *h, const struct folder *f)
{
	struct err err;

	return account_two_way(h->acc) && (h->first_folders == 0 ||
	    f->id <= h->first_folders) && store_marked(h->acc->store, f->id, &err) == 0;
}

bool
tell_wanted_in(const struct hooks *h, enum hook_kind kind, const struct folder *f)
{
	if (!tell_wanted(h, kind))
		return false;
	return !tell_initial(h, f) || h->host->ops->initial(h->host) >> kind & 1;
}

/* Which folders have been synced by now; and, once there is a list, which were there
 * first. */
static int
mark_folders(struct hooks *h, struct err *err)
{
	struct account *acc = h->acc;
	int64_t last = 0;
	char text[24];

	for (size_t i = 0; i < acc->n_folders; i++) {
		const struct folder *f = acc->folder[i];

		last = f->id > last ? f->id : last;
		if (f->uidnext != 0 && tell_initial(h, f) &&
		    store_mark(acc->store, f->id, err) < 0)
			return -1;
	}
	if (h->first_folders != 0 || !acc->greeted)
		return 0;
	h->first_folders = last;
	snprintf(text, sizeof(text), "%lld", (long long)last);
	return store_set(acc->store, HOOKS_FIRST, str_z(text), err);
}

int
tell_mark(struct account *acc, struct err *err)
{
	if (acc->hooks == NULL)
		return 0;
	/* What waited for a folder may go on. */
	if (acc->hooks->effects_at != USEC_NEVER)
		acc->hooks->effects_due = true;
	if (account_begin(acc, err) < 0)
		return -1;
	return account_end(acc, mark_folders(acc->hooks, err), err);
}

/* ---- telling --------------------------------------------------------- */

static void
words_between(const struct kwtab *t, uint64_t bits, char *out, size_t cap)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < t->n; i++)
		if ((bits >> i & 1) && n + strlen(t->name[i]) + 2 < cap)
			n += (size_t)snprintf(out + n, cap - n, "%s%s",
			    n > 0 ? " " : "", t->name[i]);
}

/* Who did it: a script, if it said so before. */
static int
find_cause(struct hooks *h, struct script_event *e, char origin[80],
    struct err *err)
{
	struct script_cause c;
	int got;

	if (e->kind != HOOK_MOVED && e->kind != HOOK_FLAGS)
		return 0;
	got = store_cause_take(h->acc->store, e->msg, e->kind,
	    clock_wall() - USEC_S(CAUSE_S), &c, err);
	if (got > 0) {
		snprintf(origin, 80, "plugin:%.*s", STR_ARG(c.plugin));
		e->origin = str_z(origin);
		e->depth = c.depth;
	}
	return got < 0 ? -1 : 0;
}

bool
tell_trashed(const struct hooks *h, const struct folder *f, const struct hash *all)
{
	if (!(f->attrs & LIST_TRASH))
		return false;
	for (size_t i = 0; i < RECENT && i < h->n_trashed; i++)
		if (hash_eq(&h->trashed[i].all, all))
			return h->trashed[i].when + USEC_S(CAUSE_S) >
			    clock_now();
	return false;
}

/* What comes and goes, to be known again. */
static void
remember(struct hooks *h, enum hook_kind kind, const struct msg_row *row,
    const char *origin)
{
	if (kind == HOOK_DELIVERED) {
		h->recent[h->n_recent % RECENT].msg = row->id;
		h->recent[h->n_recent++ % RECENT].when = clock_now();
	} else if (kind == HOOK_REMOVED && origin != NULL &&
	    strcmp(origin, "client") == 0) {
		h->trashed[h->n_trashed % RECENT].all = row->all;
		h->trashed[h->n_trashed++ % RECENT].when = clock_now();
	}
}

/* Texts of an event. */
struct told {
	char	origin[80], in[KW_MAX * 32], out[KW_MAX * 32];
};

/* What changed; false: nothing did. */
static bool
show_change(struct script_event *e, struct told *t, const struct folder *f,
    const struct msg_row *row, const struct hook_was *was)
{
	struct flags more, less;

	if (e->kind == HOOK_REMOVED)
		e->detail = row->msgid;
	else if (was != NULL && was->mailbox != NULL)
		e->detail = str_z(was->mailbox);
	if (e->kind != HOOK_FLAGS || was == NULL)
		return true;
	more = flags_minus(row->flags, was->flags);
	less = flags_minus(was->flags, row->flags);
	words_between(&f->kw, more.kw, t->in, sizeof(t->in));
	words_between(&f->kw, less.kw, t->out, sizeof(t->out));
	e->sys_in = more.sys;
	e->sys_out = less.sys;
	e->kw_in = str_z(t->in);
	e->kw_out = str_z(t->out);
	return !flags_none(more) || !flags_none(less);
}

int
tell_message(struct account *acc, enum hook_kind kind, struct folder *f,
    const struct msg_row *row, const struct hook_was *was, struct err *err)
{
	struct hooks *h = acc->hooks;
	struct script_event e = { .kind = kind, .msg = row->id,
	    .mailbox = str_z(f->name) };
	struct told t = { .origin = "" };

	if (h == NULL)
		return 0;
	remember(h, kind, row, was != NULL ? was->origin : NULL);
	e.origin = was != NULL && was->origin != NULL ? str_z(was->origin) :
	    tell_initial(h, f) ? STR("initial") : STR("server");
	if (find_cause(h, &e, t.origin, err) < 0)
		return -1;
	if (!show_change(&e, &t, f, row, was))
		return 0;
	if (settle_note(h, &e, tell_wanted_in(h, HOOK_SETTLED, f), err) < 0)
		return -1;
	if (!tell_wanted_in(h, kind, f) || (kind == HOOK_DELIVERED &&
	    tell_trashed(h, f, &row->all)))
		return 0;
	if (e.depth > HOOK_DEPTH_MAX) {
		log_error("plugins: a chain of more than %d changes ends at "
		    "message %lld in %s", HOOK_DEPTH_MAX, (long long)row->id,
		    f->name);
		return 0;
	}
	return store_event_add(acc->store, &e, err);
}

static bool
is_recent(const struct hooks *h, int64_t msg)
{
	for (size_t i = 0; i < RECENT; i++)
		if (h->recent[i].msg == msg)
			return h->recent[i].when + USEC_S(MOVE_S) > clock_now();
	return false;
}

/* The row that has the very same bytes and came just now; 1, 0, -1. */
static int
find_arrived(struct hooks *h, const struct msg_row *gone, struct msg_row *row,
    struct err *err)
{
	struct cursor *c = cursor_open_head(h->acc->store, 0, &gone->head,
	    gone->wire_size, err);
	int64_t id = 0;
	int got = 1;

	if (c == NULL)
		return -1;
	while (id == 0 && (got = cursor_next(c, row, err)) > 0)
		if (row->id != gone->id && row->folder != gone->folder &&
		    hash_eq(&row->all, &gone->all) && is_recent(h, row->id))
			id = row->id;
	cursor_close(c);
	return id != 0 ? store_find_id(h->acc->store, id, row, err) : got;
}

int
tell_gone(struct account *acc, struct folder *f, const struct msg_row *row,
    const char *origin, struct err *err)
{
	struct hook_was was = { .origin = origin };
	struct msg_row here;
	struct folder *to = NULL;
	int got = 0;

	if (tell_wants(acc, HOOK_MOVED))
		got = find_arrived(acc->hooks, row, &here, err);
	if (got < 0)
		return -1;
	if (got > 0)
		to = account_by_id(acc, here.folder);
	if (to == NULL)
		return tell_message(acc, HOOK_REMOVED, f, row, &was, err);
	was.mailbox = f->name;
	return tell_message(acc, HOOK_MOVED, to, &here, &was, err);
}

int
tell_folder(struct account *acc, const struct folder *f, const char *what,
    const char *old, const char *origin, struct err *err)
{
	struct hooks *h = acc->hooks;
	char detail[2200];
	struct script_event e = { .kind = HOOK_FOLDER, .origin = str_z(origin),
	    .mailbox = str_z(f->name) };

	if (h == NULL)
		return 0;
	snprintf(detail, sizeof(detail), "%s %s", what, old != NULL ? old : "");
	e.detail = str_trim(str_z(detail));
	if (settle_note(h, &e, h->first_folders != 0 && tell_wanted(h,
	    HOOK_SETTLED), err) < 0)
		return -1;
	return tell_wanted(h, HOOK_FOLDER) ?
	    store_event_add(acc->store, &e, err) : 0;
}

