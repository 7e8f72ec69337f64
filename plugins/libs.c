/* libs.c — which part of the standard library a script gets. */
#include "api.h"

#include <string.h>

#include <lualib.h>

/* No finaliser: nothing stops one that loops. */
static int
safe_setmetatable(lua_State *L)
{
	int type = lua_type(L, 2);

	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2,
	    "nil or table");
	if (type == LUA_TTABLE) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L, "__gc is not available in plugins");
		lua_pop(L, 1);
	}
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
		return luaL_error(L, "cannot change a protected metatable");
	lua_settop(L, 2);
	lua_setmetatable(L, 1);
	return 1;
}

/* xpcall() whose handler runs after the error, not in it, where hooks are off:
 * what it costs is a traceback that is shorter. */
static int
after_pcall(lua_State *L, int status, lua_KContext ctx)
{
	(void)ctx;
	if (status == LUA_OK || status == LUA_YIELD) {
		lua_pushboolean(L, 1);
		lua_replace(L, 2);
		return lua_gettop(L) - 1;
	}
	/* 1: the handler; top: the error. */
	lua_pushboolean(L, 0);
	lua_pushvalue(L, 1);
	lua_pushvalue(L, -3);
	lua_call(L, 1, 1);
	return 2;
}

static int
safe_xpcall(lua_State *L)
{
	int n = lua_gettop(L);

	luaL_checktype(L, 2, LUA_TFUNCTION);
	/* 1: handler, 2: room for the result, 3: function, then arguments. */
	lua_pushvalue(L, 1);
	lua_insert(L, 3);
	lua_pushvalue(L, 2);
	lua_replace(L, 1);
	lua_pushnil(L);
	lua_replace(L, 2);
	return after_pcall(L, lua_pcallk(L, n - 2, LUA_MULTRET, 0, 0,
	    after_pcall), 0);
}

/* Each coroutine of a script ends with its instructions, like all else in it. */
static void
keep_only(lua_State *L, const char *lib, const char *const *names)
{
	lua_getglobal(L, lib);
	lua_newtable(L);
	for (; *names != NULL; names++) {
		lua_getfield(L, -2, *names);
		lua_setfield(L, -2, *names);
	}
	lua_setglobal(L, lib);
	lua_pop(L, 1);
}

static void
drop(lua_State *L, const char *name)
{
	lua_pushnil(L);
	lua_setglobal(L, name);
}

static void
open_strict(lua_State *L)
{
	static const luaL_Reg libs[] = {
		{ LUA_GNAME, luaopen_base }, { LUA_STRLIBNAME, luaopen_string },
		{ LUA_TABLIBNAME, luaopen_table }, { LUA_MATHLIBNAME, luaopen_math },
		{ LUA_UTF8LIBNAME, luaopen_utf8 },
		{ LUA_COLIBNAME, luaopen_coroutine },
		{ LUA_OSLIBNAME, luaopen_os },
	};
	static const char *const os_names[] = {
		"time", "date", "clock", "difftime", NULL
	};

	for (size_t i = 0; i < sizeof(libs) / sizeof(libs[0]); i++) {
		luaL_requiref(L, libs[i].name, libs[i].func, 1);
		lua_pop(L, 1);
	}
	keep_only(L, "os", os_names);
	drop(L, "load");
	drop(L, "loadfile");
	drop(L, "dofile");
	drop(L, "collectgarbage");
	lua_getglobal(L, "string");
	lua_pushnil(L);
	lua_setfield(L, -2, "dump");
	lua_pop(L, 1);
}

void
api_open_libs(lua_State *L, bool trusted)
{
	if (trusted) {
		luaL_openlibs(L);
		lua_getglobal(L, "require");
		lua_setfield(L, LUA_REGISTRYINDEX, "syncd.require");
	} else {
		open_strict(L);
	}
	lua_register(L, "setmetatable", safe_setmetatable);
	lua_register(L, "xpcall", safe_xpcall);
}
