/* api.c — what the parts of the interface share. */
#include "api.h"

#include <string.h>

#include "handover.h"
#include "base/suggest.h"

void
api_push(lua_State *L, struct str s)
{
	lua_pushlstring(L, s.p != NULL ? s.p : "", s.n);
}

void
api_push_opt(lua_State *L, struct str s)
{
	if (s.p == NULL)
		lua_pushnil(L);
	else
		api_push(L, s);
}

void
api_set(lua_State *L, const char *name, struct str s)
{
	api_push(L, s);
	lua_setfield(L, -2, name);
}

void
api_push_list(lua_State *L, const struct strs *list)
{
	lua_createtable(L, (int)list->n, 0);
	for (size_t i = 0; i < list->n; i++) {
		api_push(L, list->v[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
}

void
api_index(lua_State *L, lua_CFunction fn)
{
	lua_newtable(L);
	lua_pushcfunction(L, fn);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
}

struct str
api_check(lua_State *L, int i)
{
	struct str s;

	s.p = luaL_checklstring(L, i, &s.n);
	return s;
}

struct str
api_copy(lua_State *L, int i)
{
	return arena_str(&api_run(L, "this")->a, api_check(L, i));
}

struct run *
api_run(lua_State *L, const char *what)
{
	struct run *r = vm_plugin(L)->run;

	if (r == NULL || handover_is(r->kind))
		luaL_error(L, "%s is not possible here", what);
	return r;
}

void
api_call(lua_State *L, struct frame *f, enum frame_call kind)
{
	struct run *r = api_run(L, "asking");

	if (L != r->thread)
		luaL_error(L, "this waits, which a coroutine of the script's "
		    "own cannot do");
	if (!lua_isyieldable(L))
		luaL_error(L, "this waits, which is not possible in a "
		    "comparator, a metamethod of C or a pattern's function");
	r->call = ++r->s->next_call;
	r->call_kind = kind;
	frame_init(f, FRAME_CALL);
	frame_put_u32(f, r->call);
	frame_put_u32(f, r->plugin->id);
	frame_put_u8(f, kind);
}

int
api_ask(lua_State *L, struct frame *f, lua_KContext ctx, lua_KFunction k)
{
	struct run *r = api_run(L, "asking");

	if (f->bad) {
		frame_clear(f);
		return luaL_error(L, "what is asked is too large");
	}
	r->reply = (struct reply){ 0 };
	r->why = WHY_CALL;
	script_send(r->s, f);
	return lua_yieldk(L, 0, ctx, k);
}

struct reply *
api_reply(lua_State *L, const char *what)
{
	struct run *r = api_run(L, what);

	if (r->reply.failed)
		luaL_error(L, "%s: %s", what, r->reply.text.p);
	return &r->reply;
}

struct op *
api_op(lua_State *L, struct msg *m, enum hook_op_kind kind, const char *verb)
{
	struct run *r = api_run(L, verb);
	char where[80];
	struct op *op;

	if (r->load != NULL)
		luaL_error(L, "%s is not possible while the plugin loads", verb);
	if (!r->in_set && ++r->actions > r->s->max_actions)
		luaL_error(L, "more than %d actions in one event",
		    (int)r->s->max_actions);
	if (api_header_only(m) && kind != OPK_SKIP && kind != OPK_DELETE &&
	    kind != OPK_KEEP && kind != OPK_STOP)
		luaL_error(L, "%s is not possible before the message is here: "
		    "skip, delete and keep_on_server are", verb);
	vm_where(L, where);
	op = plan_add(&r->plan, &r->a);
	*op = (struct op){ .kind = kind, .verb = verb, .plugin = r->plugin->id,
	    .where = arena_str(&r->a, str_z(where)), .msg = m };
	return op;
}

void
api_op_done(lua_State *L, struct op *op)
{
	struct run *r = api_run(L, op->verb);

	if (op->msg != NULL && op->msg->gone)
		op->lost = STR("the message is gone");
	else
		plan_apply(op, &r->s->account, &r->a);
}

void
api_need(lua_State *L, const char *permission, struct str arg)
{
	const struct plugin *p = vm_plugin(L);

	for (size_t i = 0; i < p->grants.n; i++) {
		const struct declared *d = &p->grants.v[i];

		if (strcmp(d->name, permission) == 0 &&
		    (arg.p == NULL || str_eq(arg, str_z(d->text))))
			return;
	}
	if (arg.p != NULL)
		luaL_error(L, "%s `%s` is not declared: plugin { %s = { \"%s\" } }",
		    permission, lua_pushlstring(L, arg.p, arg.n), permission,
		    lua_pushlstring(L, arg.p, arg.n));
	luaL_error(L, "this needs plugin { %s = true }", permission);
}

void
api_need_directory(lua_State *L, const char *permission, struct str path)
{
	const struct plugin *p = vm_plugin(L);

	for (size_t i = 0; i < p->grants.n; i++) {
		struct str dir = str_z(p->grants.v[i].text);

		if (strcmp(p->grants.v[i].name, permission) == 0 &&
		    str_starts(path, dir) && (path.n == dir.n ||
		    path.p[dir.n] == '/'))
			return;
	}
	luaL_error(L, "%s is in no directory of plugin { %s = { ... } }",
	    path.p, permission);
}

int
api_unknown(lua_State *L, const char *what, struct str word,
    const char *(*candidate)(size_t i))
{
	struct suggest near;
	const char *c;

	suggest_init(&near, word);
	for (size_t i = 0; (c = candidate(i)) != NULL; i++)
		suggest_offer(&near, c);
	api_push(L, word);
	if (near.best[0] == '\0')
		return luaL_error(L, "no %s `%s`", what, lua_tostring(L, -1));
	return luaL_error(L, "no %s `%s`; did you mean `%s`?", what,
	    lua_tostring(L, -1), near.best);
}
