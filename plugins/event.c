/* event.c — events come in, become runs, and go out as results. */
#include "event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "base/mem.h"
#include "base/num.h"
#include "match.h"

/* ---- reading -------------------------------------------------------- */

enum { WORDS_MAX = 200, ARGS_MAX = NAMES_MAX };

static struct str
text(struct frame_in *in, struct arena *a)
{
	return arena_str(a, frame_str(in));
}

static struct strs
texts(struct frame_in *in, uint32_t max, struct arena *a)
{
	uint32_t n = frame_n(in, 4, max);
	struct strs list = { arena_get(a, (n + 1) * sizeof(struct str)), n };

	for (uint32_t i = 0; i < n; i++)
		list.v[i] = text(in, a);
	return list;
}

void
event_read_msg(struct msg *m, struct frame_in *in)
{
	struct arena *a = &m->run->a;

	m->known = true;
	m->uid = frame_u32(in);
	m->size = frame_u64(in);
	m->date = (int64_t)frame_u64(in);
	m->base.sys = frame_u32(in);
	m->base.mailbox = text(in, a);
	m->path = text(in, a);
	m->origin = text(in, a);
	m->base.keywords = texts(in, WORDS_MAX, a);
	m->sys_added = frame_u32(in);
	m->sys_removed = frame_u32(in);
	m->added = texts(in, WORDS_MAX, a);
	m->removed = texts(in, WORDS_MAX, a);
	m->from = text(in, a);
	m->message_id = text(in, a);
	if (frame_u8(in) != 0 && m->fd < 0) {
		m->fd = frame_take_fd(in);
		m->mail.fd = m->fd;
	}
	m->now = m->base;
}

enum { MSG_LEAST = 60 };	/* bytes of a message in a frame */

/* What all runs of one event have in common. */
struct head_fields {
	uint32_t	event, only;
	enum hook_kind	kind;
	struct str	mailbox, what;
	struct strs	args;
	int64_t		since;
	uint32_t	ask[FRAME_BATCH], skip[FRAME_BATCH][2];
	uint32_t	n_asks, n_skips;
};

static void
read_head(struct head_fields *h, struct frame_in *in, struct arena *a)
{
	unsigned kind;

	h->event = frame_u32(in);
	kind = frame_u8(in);
	if (kind >= HOOK_KINDS)
		in->bad = true;
	h->kind = (enum hook_kind)kind;
	h->only = frame_u32(in);
	h->mailbox = text(in, a);
	h->what = text(in, a);
	h->args = texts(in, ARGS_MAX, a);
	h->since = (int64_t)frame_u64(in);
	h->n_asks = frame_n(in, 4, FRAME_BATCH);
	for (uint32_t i = 0; i < h->n_asks; i++)
		h->ask[i] = frame_u32(in);
	h->n_skips = frame_n(in, 8, FRAME_BATCH);
	for (uint32_t i = 0; i < h->n_skips; i++) {
		h->skip[i][0] = frame_u32(in);
		h->skip[i][1] = frame_u32(in);
	}
}

static struct run *
run_of(struct script *s, const struct head_fields *h, uint32_t index)
{
	struct run *r = run_new(s, h->kind);

	r->event = h->event;
	r->index = index;
	r->only = h->only;
	r->mailbox = arena_str(&r->a, h->mailbox);
	r->what = arena_str(&r->a, h->what);
	r->since = h->since;
	r->args.v = arena_get(&r->a, (h->args.n + 1) * sizeof(struct str));
	for (; r->args.n < h->args.n; r->args.n++)
		r->args.v[r->args.n] = arena_str(&r->a, h->args.v[r->args.n]);
	for (uint32_t i = 0; i < h->n_skips; i++) {
		if ((h->skip[i][0] == index || h->skip[i][0] == FRAME_ALL) &&
		    r->n_skips < PLUGINS_MAX)
			r->skip[r->n_skips++].plugin = h->skip[i][1];
	}
	return r;
}

static bool
asked(const struct head_fields *h, uint32_t index)
{
	for (uint32_t i = 0; i < h->n_asks; i++) {
		if (h->ask[i] == index)
			return true;
	}
	return h->n_asks == 0;
}

int
event_read(struct script *s, struct frame_in *in)
{
	struct head_fields h = { 0 };
	struct arena a = { 0 };
	struct run *r = NULL;
	uint32_t n;

	read_head(&h, in, &a);
	n = frame_n(in, MSG_LEAST, FRAME_BATCH);
	if (hook_is_batch(h.kind) || n == 0)
		r = run_of(s, &h, 0);
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		struct msg *m;

		if (!hook_is_batch(h.kind))
			r = run_of(s, &h, i);
		m = run_msg(r, (int64_t)frame_u64(in));
		event_read_msg(m, in);
		r->n_own++;
		if (hook_is_batch(h.kind))
			continue;
		if (in->bad || !asked(&h, i))
			run_free(r);
		else
			run_ready(r);
		r = NULL;
	}
	if (r != NULL && in->bad)
		run_free(r);
	else if (r != NULL)
		run_ready(r);
	arena_clear(&a);
	return frame_ended(in) ? 0 : -1;
}

int
event_read_msgs(struct run *r, struct frame_in *in)
{
	uint32_t n = frame_n(in, MSG_LEAST, UINT32_MAX);

	r->reply.msg = arena_get(&r->a, (n + 1) * sizeof(struct msg *));
	for (uint32_t i = 0; i < n; i++) {
		int64_t id = (int64_t)frame_u64(in);
		struct msg *m = run_msg_by_id(r, id);

		if (m == NULL || in->bad)
			return -1;
		event_read_msg(m, in);
		r->reply.msg[r->reply.n_msgs++] = m;
	}
	return 0;
}

/* ---- writing -------------------------------------------------------- */

void
event_put_texts(struct frame *f, const struct strs *list)
{
	frame_put_u32(f, (uint32_t)list->n);
	for (size_t i = 0; i < list->n; i++)
		frame_put_str(f, list->v[i]);
}

static void
put_op(struct frame *f, const struct op *op)
{
	unsigned flags = (op->bytes.p != NULL ? OP_BYTES : 0u) |
	    (op->whole ? OP_WHOLE : 0u) | (op->at_most_once ? OP_ONCE : 0u);

	frame_put_u32(f, op->plugin);
	frame_put_u8(f, op->kind);
	frame_put_str(f, str_z(op->verb));
	frame_put_str(f, op->where);
	frame_put_str(f, op->lost);
	frame_put_u64(f, op->msg != NULL ? (uint64_t)op->msg->id : 0);
	event_put_texts(f, &op->arg);
	frame_put_u32(f, op->sys);
	frame_put_u8(f, flags);
	frame_put_u64(f, (uint64_t)op->timeout);
	if (op->bytes.p != NULL)
		frame_put_blob(f, op->bytes);
}

static void
put_write(struct frame *f, const struct plan_write *w)
{
	frame_put_u32(f, w->plugin);
	frame_put_str(f, w->store);
	frame_put_str(f, w->key);
	frame_put_u8(f, w->remove);
	frame_put_blob(f, w->value);
	frame_put_u64(f, (uint64_t)w->expires);
}

size_t
event_write_result(struct run *r, struct frame *f, size_t from)
{
	size_t i = from, most = r->plan.n, at, last;
	uint32_t n = 0;

	frame_put_u32(f, r->event);
	frame_put_u32(f, r->index);
	last = f->b.n;
	frame_put_u8(f, 0);
	at = frame_count(f);
	/* As many as fit; the rest comes with the next part. */
	for (; i < most && f->b.n < FRAME_MAX / 3 && f->n_fds < 6; i++, n++)
		put_op(f, r->plan.op[i]);
	frame_count_set(f, at, n);
	at = frame_count(f);
	for (n = 0; i >= most && i < most + r->plan.n_writes &&
	    f->b.n < FRAME_MAX / 2 && f->n_fds < 6; i++, n++)
		put_write(f, &r->plan.write[i - most]);
	frame_count_set(f, at, n);
	if (i < most + r->plan.n_writes) {
		frame_put_u32(f, 0);
		frame_put_str(f, STR_NONE);
		return i;
	}
	if (!f->bad)
		f->b.p[last] = 1;
	frame_put_u32(f, (uint32_t)r->n_faults);
	for (size_t k = 0; k < r->n_faults; k++) {
		frame_put_u32(f, r->fault[k].plugin);
		frame_put_str(f, r->fault[k].where);
		frame_put_str(f, r->fault[k].text);
	}
	frame_put_str(f, str_head(buf_str(&r->reply_text), FRAME_MAX / 4));
	return 0;
}

/* ---- handlers ------------------------------------------------------- */

size_t
event_handlers(const struct run *r, const struct plugin *p)
{
	if (r->kind == HOOK_TIMER)
		return p->timers.n;
	if (r->kind == HOOK_COMMAND)
		return p->commands.n;
	return p->n_handlers;
}

/* on.offline { after = "1h" }: once for each time offline. */
static bool
offline_long_enough(struct run *r, struct handler *h)
{
	if (r->kind != HOOK_OFFLINE)
		return true;
	if (h->served == r->since || script_now() - r->since < h->after)
		return false;
	h->served = r->since;
	return true;
}

bool
event_matches(struct run *r, struct plugin *p, size_t i)
{
	struct handler *h;

	if (r->kind == HOOK_TIMER)
		return str_eq(r->what, str_z(p->timers.v[i].name));
	if (r->kind == HOOK_COMMAND)
		return str_eq(r->what, str_z(p->commands.v[i].name));
	h = &p->handler[i];
	if (h->kind != r->kind || !offline_long_enough(r, h))
		return false;
	if (hook_is_batch(r->kind) || r->n_own == 0)
		return true;
	return match_test(h->match, r->msg[0]);
}

static int
push_words_pair(lua_State *L, const struct strs *words, uint32_t sys)
{
	const char *name;
	uint32_t bit;

	api_push_words(L, words);
	for (size_t i = 0; api_flag_at(i, &name, &bit); i++) {
		if ((sys & bit) == 0)
			continue;
		lua_pushboolean(L, 1);
		lua_setfield(L, -2, name);
	}
	return 1;
}

/* The message, and what the kind adds to it. */
static int
push_msg_args(lua_State *L, struct run *r)
{
	struct msg *m = r->msg[0];

	api_push_msg(L, m);
	if (r->kind == HOOK_MOVED) {
		api_push(L, m->from);
		api_push(L, m->base.mailbox);
		return 3;
	}
	if (r->kind == HOOK_FLAGS) {
		lua_newtable(L);
		push_words_pair(L, &m->added, m->sys_added);
		lua_setfield(L, -2, "added");
		push_words_pair(L, &m->removed, m->sys_removed);
		lua_setfield(L, -2, "removed");
		return 2;
	}
	return 1;
}

static void
set_text(lua_State *L, const char *name, struct str s)
{
	if (s.n > 0)
		api_set(L, name, s);
}

static void
set_since(lua_State *L, int64_t since)
{
	char text_[40];
	time_t t = (time_t)since;
	struct tm tm;

	if (since == 0)
		return;
	localtime_r(&t, &tm);
	set_text(L, "since", (struct str){ text_,
	    strftime(text_, sizeof(text_), "%Y-%m-%d %H:%M", &tm) });
}

static void
set_stats(lua_State *L, const struct strs *args)
{
	lua_newtable(L);
	for (size_t i = 0; i < args->n; i++) {
		struct str value = args->v[i], name = str_split(&value, '=');
		uint64_t n;

		if (!num_u64(value, 0, INT64_MAX, &n))
			continue;
		api_push(L, name);
		lua_pushinteger(L, (lua_Integer)n);
		lua_settable(L, -3);
	}
	lua_setfield(L, -2, "stats");
}

static void
set_list(lua_State *L, const char *name, const struct strs *list)
{
	api_push_list(L, list);
	lua_setfield(L, -2, name);
}

static int
push_event(lua_State *L, struct run *r)
{
	uint32_t n;

	lua_newtable(L);
	set_text(L, "kind", r->kind == HOOK_FOLDER ? r->what :
	    str_z(registry_event_name(r->kind)));
	set_text(L, "mailbox", r->mailbox);
	set_since(L, r->since);
	if (r->kind == HOOK_OFFLINE || r->kind == HOOK_AUTH_FAILED)
		set_text(L, "error", r->what);
	else
		set_text(L, "mode", r->what);
	if (r->kind == HOOK_FOLDER && r->args.n > 0)
		set_text(L, "from", r->args.v[0]);
	if (r->kind == HOOK_SYNC_DONE)
		set_stats(L, &r->args);
	if (r->kind == HOOK_SETTLED)
		set_list(L, "mailboxes", &r->args);
	if (r->kind == HOOK_REMOVING) {
		lua_pushfstring(L, "%s/%s", r->s->account.name.p, r->mailbox.p);
		lua_setfield(L, -2, "id");
	}
	api_push_msgs(L, r->msg, r->n_own);
	/* Removing: only the first of thousands fit, and how many there are. */
	if (r->kind == HOOK_REMOVING && r->args.n > 0 &&
	    num_u32(r->args.v[0], 0, UINT32_MAX, &n))
		api_msgs_say(L, n);
	lua_setfield(L, -2, "messages");
	luaL_setmetatable(L, "event");
	return 1;
}

static int
push_args(lua_State *L, struct run *r)
{
	int n = 1;

	if (r->kind == HOOK_TIMER)
		return 0;
	if (r->kind != HOOK_COMMAND)
		return hook_is_batch(r->kind) ? push_event(L, r) : push_msg_args(L, r);
	api_push_msgs(L, r->msg, r->n_own);
	for (size_t i = 0; i < r->args.n && i < 100; i++, n++)
		api_push(L, r->args.v[i]);
	return n;
}

static int
handler_fn(const struct run *r, const struct plugin *p, size_t i)
{
	return r->kind == HOOK_TIMER ? p->timers.v[i].fn :
	    r->kind == HOOK_COMMAND ? p->commands.v[i].fn : p->handler[i].fn;
}

/* In a protected call of the main state: the function and its arguments. */
static int
push_call(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);
	int fn = (int)lua_tointeger(L, 2);

	luaL_checkstack(L, 120, NULL);
	lua_rawgeti(L, LUA_REGISTRYINDEX, fn);
	return 1 + push_args(L, r);
}

bool
event_open(struct run *r, struct plugin *p, size_t i)
{
	lua_State *L = p->L;
	int top = lua_gettop(L);

	if (!vm_thread(r)) {
		run_fault(r, STR("not enough memory"));
		return false;
	}
	lua_pushcfunction(L, push_call);
	lua_pushlightuserdata(L, r);
	lua_pushinteger(L, handler_fn(r, p, i));
	if (lua_pcall(L, 2, LUA_MULTRET, 0) != LUA_OK ||
	    !lua_checkstack(r->thread, lua_gettop(L) - top + 10)) {
		lua_settop(L, top);
		vm_close_thread(r);
		run_fault(r, STR("not enough memory"));
		return false;
	}
	lua_xmove(L, r->thread, lua_gettop(L) - top);
	return true;
}
