/*
 * fixture.c — test.lua of a plugin: it makes messages, and looks at plans.
 *
 * test.lua runs as a plugin that loads; what it asks for goes through the same runs as
 * in earnest.  lua/syncd/test.lua makes of the table here what its authors see.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api.h"
#include "base/mem.h"
#include "load.h"
#include "mdate.h"
#include "registry.h"
#include "reply.h"

enum { RUNS_MAX = FRAME_BATCH, PROGRAMS_MAX = 20 };

struct fixture {
	char		 main[4096];
	struct run	*tester;	/* waits for what follows */
	struct run	*run[RUNS_MAX];
	size_t		 n_runs, n_wanted;
	size_t		 passed, failed;
};

static struct bench *
bench_of(lua_State *L)
{
	return vm_plugin(L)->s->driver_data;
}

static struct fixture *
fixture_of(lua_State *L)
{
	return bench_of(L)->data;
}

/* The tester gives up the CPU until somebody gives it back. */
static int
wait_for(lua_State *L, lua_KFunction k)
{
	struct run *r = api_run(L, "this");

	if (L != r->thread)
		return luaL_error(L, "not in a coroutine");
	r->why = WHY_CALL;
	r->reply = (struct reply){ 0 };
	fixture_of(L)->tester = r;
	return lua_yieldk(L, 0, 0, k);
}

/* ---- load ----------------------------------------------------------- */

static int
after_load(lua_State *L, int status, lua_KContext ctx)
{
	const struct bench *b = bench_of(L);

	(void)status;
	(void)ctx;
	if (b->error[0] != '\0')
		return luaL_error(L, "%s", b->error);
	return 0;
}

/* load(json): the plugin anew, with empty stores. */
static int
load(lua_State *L)
{
	struct bench *b = bench_of(L);
	struct fixture *f = b->data;

	b->options = arena_str(&b->a, api_check(L, 1)).p;
	b->n_programs = 0;
	b->n_msgs = 0;
	b->loaded = false;
	script_fixed_now = 0;
	load_start(&b->s, &(struct load_wish){ .name = STR("plugin"),
	    .path = str_z(f->main), .config = str_z(b->options) });
	return b->loaded ? after_load(L, 0, 0) : wait_for(L, after_load);
}

static void
on_loaded(struct bench *b, uint32_t id)
{
	struct fixture *f = b->data;
	struct run *r = f->tester;

	f->tester = NULL;
	if (id != FIXTURE_ID && r != NULL)
		reply_give(r);
}

/* ---- messages ------------------------------------------------------- */

static struct str
field(lua_State *L, int i, const char *name, const char *otherwise)
{
	struct bench *b = bench_of(L);
	struct str s = str_z(otherwise);

	if (lua_getfield(L, i, name) != LUA_TNIL)
		s = arena_str(&b->a, api_check(L, -1));
	lua_pop(L, 1);
	return s;
}

static void
message(lua_State *L, int i)
{
	struct bench *b = bench_of(L);
	struct str bytes = field(L, i, "bytes", "");
	struct bench_message *m = bench_message(b);
	struct strs words;
	int top = lua_gettop(L);

	m->mailbox = field(L, i, "mailbox", "INBOX").p;
	m->origin = field(L, i, "origin", "server").p;
	m->from = field(L, i, "moved_from", "").p;
	if (lua_getfield(L, i, "date") == LUA_TNUMBER)
		m->date = lua_tointeger(L, -1);
	lua_settop(L, top);
	lua_getfield(L, i, "flags");
	words = lua_isnil(L, -1) ? (struct strs){ NULL, 0 } :
	    api_words(L, top + 1);
	for (size_t k = 0; k < words.n; k++)
		m->sys |= api_flag(L, words.v[k]);
	lua_settop(L, top);
	lua_getfield(L, i, "keywords");
	if (!lua_isnil(L, -1))
		m->keywords = api_words(L, top + 1);
	lua_settop(L, top);
	m->fd = memfd_create("message", MFD_CLOEXEC);
	if (m->fd < 0 || write(m->fd, bytes.p, bytes.n) != (ssize_t)bytes.n)
		luaL_error(L, "no room for a message");
}

/* ---- plans ---------------------------------------------------------- */

static void
push_op(lua_State *L, const struct op *op)
{
	lua_newtable(L);
	api_set(L, "verb", str_z(op->verb));
	api_set(L, "where", op->where);
	if (op->lost.n > 0)
		api_set(L, "lost", op->lost);
	if (op->bytes.p != NULL)
		api_set(L, "bytes", op->bytes);
	lua_pushinteger(L, op->msg != NULL ? op->msg->id : 0);
	lua_setfield(L, -2, "id");
	for (size_t i = 0; i < op->arg.n; i++) {
		api_push(L, op->arg.v[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	if (op->kind == OPK_FLAG || op->kind == OPK_UNFLAG) {
		lua_Integer n = 0;
		const char *name;
		uint32_t bit;

		for (size_t i = 0; api_flag_at(i, &name, &bit); i++) {
			if ((op->sys & bit) == 0)
				continue;
			lua_pushstring(L, name);
			lua_rawseti(L, -2, ++n);
		}
	}
}

/* A list of ops, of all runs in order; .errors, .reply. */
static int
after_event(lua_State *L, int status, lua_KContext ctx)
{
	struct fixture *f = fixture_of(L);
	lua_Integer n = 0, n_errors = 0;

	(void)status;
	(void)ctx;
	lua_newtable(L);
	lua_newtable(L);
	for (size_t i = 0; i < f->n_runs; i++) {
		struct run *r = f->run[i];

		for (size_t k = 0; k < r->plan.n; k++) {
			push_op(L, r->plan.op[k]);
			lua_rawseti(L, -3, ++n);
		}
		for (size_t k = 0; k < r->n_faults; k++) {
			lua_pushfstring(L, "%s: %s", r->fault[k].where.n > 0 ?
			    r->fault[k].where.p : "plugin", r->fault[k].text.p);
			lua_rawseti(L, -2, ++n_errors);
		}
		api_push(L, buf_str(&r->reply_text));
		lua_setfield(L, -3, "reply");
		run_free(r);
	}
	f->n_runs = 0;
	lua_setfield(L, -2, "errors");
	return 1;
}

static bool
on_done(struct bench *b, struct run *r)
{
	struct fixture *f = b->data;
	struct run *tester = f->tester;

	if (f->n_runs == RUNS_MAX)
		return false;
	f->run[f->n_runs++] = r;
	if (f->n_runs == f->n_wanted && tester != NULL) {
		f->tester = NULL;
		reply_give(tester);
	}
	return true;
}

static void
read_programs(lua_State *L, struct bench *b)
{
	b->n_programs = 0;
	b->program = arena_get(&b->a, PROGRAMS_MAX * sizeof(*b->program));
	if (lua_getfield(L, 2, "programs") != LUA_TTABLE)
		return;
	for (lua_pushnil(L); lua_next(L, -2) != 0 &&
	    b->n_programs < PROGRAMS_MAX; lua_pop(L, 1)) {
		struct bench_program *p = &b->program[b->n_programs++];
		int i = lua_gettop(L);

		p->name = arena_str(&b->a, api_check(L, -2));
		p->out = field(L, i, "out", "");
		p->err = field(L, i, "err", "");
		lua_getfield(L, i, "code");
		p->code = (uint32_t)lua_tointeger(L, -1);
		lua_pop(L, 1);
	}
}

/* event(kind, { messages = {...}, what =, args =, since =, programs = }) */
static int
event(lua_State *L)
{
	struct bench *b = bench_of(L);
	struct fixture *f = b->data;
	const struct reg *r = registry_find(REG_EVENT, NULL, luaL_checkstring(L, 1));
	enum hook_kind kind = r != NULL ? (enum hook_kind)r->event :
	    strcmp(lua_tostring(L, 1), "timer") == 0 ? HOOK_TIMER : HOOK_COMMAND;
	size_t from = b->n_msgs, n;
	struct strs args = { 0 };
	struct str what;
	lua_Integer since;

	luaL_checktype(L, 2, LUA_TTABLE);
	lua_settop(L, 2);
	read_programs(L, b);
	lua_settop(L, 2);
	if (lua_getfield(L, 2, "messages") == LUA_TTABLE) {
		for (lua_Integer i = 1; i <= FRAME_BATCH &&
		    lua_rawgeti(L, 3, i) == LUA_TTABLE; i++) {
			message(L, lua_gettop(L));
			lua_settop(L, 3);
		}
	}
	lua_settop(L, 2);
	what = field(L, 2, "what", "");
	lua_getfield(L, 2, "since");
	since = lua_tointeger(L, -1);
	lua_settop(L, 2);
	if (lua_getfield(L, 2, "args") == LUA_TTABLE)
		args = api_words(L, 3);
	n = b->n_msgs - from;
	f->n_runs = 0;
	f->n_wanted = n == 0 || hook_is_batch(kind) ? 1 : n;
	bench_event(b, kind, from, n, what.p, &args, since);
	return wait_for(L, after_event);
}

static int
now(lua_State *L)
{
	if (lua_isinteger(L, 1))
		script_fixed_now = lua_tointeger(L, 1);
	else if (!mdate_moment(api_check(L, 1), script_now(), &script_fixed_now))
		return luaL_error(L, "\"%s\" is no moment", lua_tostring(L, 1));
	return 0;
}

/* result(name, ok, text) */
static int
result(lua_State *L)
{
	struct fixture *f = fixture_of(L);
	bool ok = lua_toboolean(L, 2);

	if (ok)
		f->passed++;
	else
		f->failed++;
	if (!ok)
		printf("FAILED %s: %s\n", luaL_checkstring(L, 1),
		    luaL_tolstring(L, 3, NULL));
	return 0;
}

void
fixture_open(lua_State *L)
{
	static const luaL_Reg fns[] = {
		{ "load", load }, { "event", event }, { "now", now },
		{ "result", result }, { NULL, NULL }
	};

	lua_newtable(L);
	luaL_setfuncs(L, fns, 0);
	lua_setglobal(L, "fixture");
}

int
fixture_run(struct bench *b, const char *dir)
{
	struct fixture f = { 0 };
	char path[4096];

	snprintf(f.main, sizeof(f.main), "%s/main.lua", dir);
	snprintf(path, sizeof(path), "%s/test.lua", dir);
	b->done = on_done;
	b->on_loaded = on_loaded;
	b->data = &f;
	b->s.max_instructions = UINT64_MAX / 8;
	(void)bench_load(b, FIXTURE_ID, path);
	if (b->error[0] != '\0') {
		printf("FAILED %s\n", b->error);
		f.failed++;
	}
	printf("%s: %zu passed, %zu failed\n", dir, f.passed, f.failed);
	b->data = NULL;
	return f.failed > 0;
}
