/* api_plugin.c — how a script says what it is: plugin{}, on.EVENT, timers, commands. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/timer.h"
#include "match.h"
#include "registry.h"
#include "registry_fn.h"

static struct plugin *
loading(lua_State *L, const char *what)
{
	struct plugin *p = vm_plugin(L);

	if (!p->loading)
		luaL_error(L, "%s belongs at the top of the script, not into a "
		    "handler", what);
	return p;
}

static struct declared *
declare(lua_State *L, struct declareds *d, struct str name, const char *text)
{
	struct declared *one;

	if (d->n == DECLARED_MAX)
		luaL_error(L, "more than %d declarations", DECLARED_MAX);
	one = &d->v[d->n++];
	*one = (struct declared){ .name = str_dup(name),
	    .text = text != NULL ? xstrdup(text) : NULL, .fn = LUA_NOREF };
	return one;
}

/* ---- plugin{} ------------------------------------------------------- */

/* exec = { "bogofilter" }; ~ is the home directory, as the daemon sees it. */
static void
declare_list(lua_State *L, struct plugin *p, const char *permission)
{
	luaL_argexpected(L, lua_istable(L, -1), 1, "list");
	for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "plugin: %s takes a list of texts",
			    permission);
		declare(L, &p->grants, str_z(permission), lua_tostring(L, -1));
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

int
api_fn_plugin(lua_State *L)
{
	struct plugin *p = loading(L, "plugin{}");

	luaL_checktype(L, 1, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
		const struct reg *r;

		if (lua_type(L, -2) != LUA_TSTRING)
			return luaL_error(L, "plugin takes names: { api = 1 }");
		r = registry_find(REG_PERMISSION, NULL, lua_tostring(L, -2));
		if (r == NULL)
			return registry_unknown(L, "permission", REG_PERMISSION,
			    NULL, lua_tostring(L, -2));
		if (strcmp(r->type, "strings") == 0)
			declare_list(L, p, r->name);
		else if (strcmp(r->type, "integer") == 0)
			p->api = (int)luaL_checkinteger(L, -1);
		else if (lua_toboolean(L, -1))
			declare(L, &p->grants, str_z(r->name), "");
	}
	if (p->api != 1)
		return luaL_error(L, "plugin: this syncd knows api = 1");
	p->has_plugin = true;
	return 0;
}

/* ---- on.EVENT ------------------------------------------------------- */

/* on.incoming([match,] fn); upvalue 1: the event. */
static int
register_handler(lua_State *L)
{
	struct plugin *p = loading(L, "on");
	const struct reg *r = lua_touserdata(L, lua_upvalueindex(1));
	struct handler *h;
	lua_Debug ar;
	int fn = lua_istable(L, 1) ? 2 : 1;

	if (lua_gettop(L) == 2 && !lua_istable(L, 1) && !lua_isnil(L, 1))
		return luaL_error(L, "on.%s takes a match and a function", r->name);
	if (lua_isnil(L, 1))
		fn = 2;
	luaL_checktype(L, fn, LUA_TFUNCTION);
	if (p->n_handlers == HANDLERS_MAX)
		return luaL_error(L, "more than %d handlers", HANDLERS_MAX);
	h = &p->handler[p->n_handlers];
	*h = (struct handler){ .kind = (enum hook_kind)r->event };
	if (lua_istable(L, 1)) {
		h->match = match_compile(L, 1, MATCH_EVENT, &p->a);
		h->after = match_after(h->match);
		if (h->kind == HOOK_OFFERED && match_cost(h->match) == BODY)
			return luaL_error(L, "on.offered: only the header is "
			    "known then; no key can be about the body");
		lua_pushvalue(L, 1);
		luaL_ref(L, LUA_REGISTRYINDEX);	/* keeps its expressions alive */
	}
	if (lua_getstack(L, 1, &ar) && lua_getinfo(L, "l", &ar))
		h->line = ar.currentline;
	lua_pushvalue(L, fn);
	h->fn = luaL_ref(L, LUA_REGISTRYINDEX);
	p->n_handlers++;
	return 0;
}

static int
on_index(lua_State *L)
{
	const char *name = luaL_checkstring(L, 2);
	const struct reg *r = registry_find(REG_EVENT, NULL, name);

	if (r == NULL)
		return registry_unknown(L, "event", REG_EVENT, NULL, name);
	lua_pushlightuserdata(L, (void *)(uintptr_t)r);
	lua_pushcclosure(L, register_handler, 1);
	return 1;
}

/* ---- timers, commands ----------------------------------------------- */

static bool
timer_ok(struct str spec)
{
	struct timer t;
	struct err err;

	return timer_parse(spec, &t, &err) == 0;
}

/* every("15m", [how,] fn): how = { catch_up = false }. */
static int
timer(lua_State *L, const char *kind)
{
	struct plugin *p = loading(L, kind);
	int fn = lua_istable(L, 2) ? 3 : 2;
	struct declared *d;

	luaL_checkstring(L, 1);
	luaL_checktype(L, fn, LUA_TFUNCTION);
	lua_pushfstring(L, "%s %s", kind, lua_tostring(L, 1));
	if (!timer_ok(api_check(L, -1)))
		return luaL_error(L, "%s does not take \"%s\"", kind,
		    lua_tostring(L, 1));
	d = declare(L, &p->timers, api_check(L, -1), NULL);
	d->catch_up = true;
	if (fn == 3 && lua_getfield(L, 2, "catch_up") == LUA_TBOOLEAN)
		d->catch_up = lua_toboolean(L, -1);
	lua_pushvalue(L, fn);
	d->fn = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

int
api_fn_every(lua_State *L)
{
	return timer(L, "every");
}

int
api_fn_daily(lua_State *L)
{
	return timer(L, "daily");
}

int
api_fn_cron(lua_State *L)
{
	return timer(L, "cron");
}

int
api_fn_command(lua_State *L)
{
	struct plugin *p = loading(L, "command");
	struct str name = api_check(L, 1);
	const char *doc = luaL_checkstring(L, 2);
	struct declared *d;

	luaL_checktype(L, 3, LUA_TFUNCTION);
	for (size_t i = 0; i < name.n; i++) {
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-_",
		    name.p[i]) == NULL)
			return luaL_error(L, "a command has a name of a-z, 0-9, - "
			    "and _, not `%s`", name.p);
	}
	d = declare(L, &p->commands, name, doc);
	lua_pushvalue(L, 3);
	d->fn = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

/* on.typo, and other globals that are not there. */
void
api_open_plugin(lua_State *L)
{
	lua_newtable(L);
	api_index(L, on_index);
	lua_setglobal(L, "on");
}
