/* registry.c — the table, and how its classes come into a state. */
#include "registry.h"

#include <string.h>

#include "api.h"
#include "base/suggest.h"
#include "registry_fn.h"

const struct reg registry[] = {
#define CLASS(name, doc) \
	{ REG_CLASS, NULL, #name, NULL, STATE, NULL, 0, doc },
#define FIELD(class, name, type, cost, doc) \
	{ REG_FIELD, #class, #name, type, cost, api_##class##_get_##name, 0, doc },
#define DATA(class, name, type, doc) \
	{ REG_DATA, #class, #name, type, STATE, NULL, 0, doc },
#define METHOD(class, name, sig, doc) \
	{ REG_METHOD, #class, #name, sig, STATE, api_##class##_##name, 0, doc },
#define FUNCTION(name, sig, doc) \
	{ REG_FUNCTION, NULL, #name, sig, STATE, api_fn_##name, 0, doc },
#define EVENT(kind, name, args, doc) \
	{ REG_EVENT, NULL, #name, args, STATE, NULL, HOOK_##kind, doc },
#define KEY(name, type, doc) \
	{ REG_KEY, NULL, #name, type, STATE, NULL, 0, doc },
#define OPTION(name, doc) \
	{ REG_OPTION, NULL, #name, NULL, STATE, NULL, 0, doc },
#define PERMISSION(name, type, doc) \
	{ REG_PERMISSION, NULL, #name, type, STATE, NULL, 0, doc },
#include "registry.def"
};

const size_t registry_n = ARRAY_LEN(registry);

static bool
is_of(const struct reg *r, enum reg_kind kind, const char *class)
{
	return r->kind == kind && (class == NULL || strcmp(r->class, class) == 0);
}

const struct reg *
registry_find(enum reg_kind kind, const char *class, const char *name)
{
	for (size_t i = 0; i < registry_n; i++) {
		if (is_of(&registry[i], kind, class) &&
		    strcmp(registry[i].name, name) == 0)
			return &registry[i];
	}
	return NULL;
}

const char *
registry_event_name(enum hook_kind kind)
{
	for (size_t i = 0; i < registry_n; i++) {
		if (registry[i].kind == REG_EVENT && registry[i].event == (int)kind)
			return registry[i].name;
	}
	return "";
}

int
registry_unknown(lua_State *L, const char *what, enum reg_kind kind,
    const char *class, const char *name)
{
	struct suggest near;

	suggest_init(&near, str_z(name));
	for (size_t i = 0; i < registry_n; i++) {
		const struct reg *r = &registry[i];

		if (is_of(r, kind, class) ||
		    (kind == REG_FIELD && (is_of(r, REG_METHOD, class) ||
		    is_of(r, REG_DATA, class))))
			suggest_offer(&near, r->name);
	}
	if (near.best[0] == '\0')
		return luaL_error(L, "no %s `%s`", what, name);
	return luaL_error(L, "no %s `%s`; did you mean `%s`?", what, name,
	    near.best);
}

/* A field by its getter; what costs a look at the message may have to wait for
 * the worker to send its descriptor. */
static int
index_member(lua_State *L)
{
	const char *class = lua_tostring(L, lua_upvalueindex(2));
	const struct reg *r;

	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TFUNCTION)
		return 1;
	if (lua_type(L, -1) != LUA_TLIGHTUSERDATA) {
		/* Behind the end of a list: ipairs() looks there. */
		if (lua_type(L, 2) == LUA_TNUMBER && lua_istable(L, 1))
			return 0;
		if (lua_type(L, 2) != LUA_TSTRING)
			return luaL_error(L, "a %s has no such field", class);
		/* A field that may be there and is not. */
		if (registry_find(REG_DATA, class, lua_tostring(L, 2)) != NULL)
			return 0;
		return registry_unknown(L, class, REG_FIELD, class,
		    lua_tostring(L, 2));
	}
	r = lua_touserdata(L, -1);
	lua_settop(L, 1);
	if (strcmp(class, "msg") != 0 || strcmp(r->name, "id") == 0)
		return r->fn(L);
	if (r->cost == BODY)
		return api_need_body(L, api_check_msg(L, 1), r->fn);
	if (r->cost == HEADER)
		return api_need_header(L, api_check_msg(L, 1), r->fn);
	return api_need_state(L, api_check_msg(L, 1), r->fn);
}

static int
refuse_newindex(lua_State *L)
{
	return luaL_error(L, "fields of a %s cannot be set",
	    lua_tostring(L, lua_upvalueindex(1)));
}

/* The metatable of ${class}, with its members; classes with a way of their own to
 * index set their own functions afterwards. */
static void
open_class(lua_State *L, const char *class)
{
	luaL_newmetatable(L, class);
	lua_newtable(L);
	for (size_t i = 0; i < registry_n; i++) {
		const struct reg *r = &registry[i];

		if (r->class == NULL || strcmp(r->class, class) != 0)
			continue;
		if (r->kind == REG_METHOD)
			lua_pushcfunction(L, r->fn);
		else if (r->kind == REG_FIELD)
			lua_pushlightuserdata(L, (void *)(uintptr_t)r);
		else
			continue;
		lua_setfield(L, -2, r->name);
	}
	lua_pushvalue(L, -1);
	lua_setfield(L, -3, "methods");
	lua_pushstring(L, class);
	lua_pushcclosure(L, index_member, 2);
	lua_setfield(L, -2, "__index");
	lua_pushstring(L, class);
	lua_pushcclosure(L, refuse_newindex, 1);
	lua_setfield(L, -2, "__newindex");
	lua_pushstring(L, class);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}

void
api_open_registry(lua_State *L)
{
	for (size_t i = 0; i < registry_n; i++) {
		const struct reg *r = &registry[i];

		if (r->kind == REG_CLASS)
			open_class(L, r->name);
		else if (r->kind == REG_FUNCTION)
			lua_register(L, r->name, r->fn);
	}
	api_open_msg(L);
	api_open_sets(L);
	api_open_msgs(L);
	api_open_store(L);
	api_open_misc(L);
}
