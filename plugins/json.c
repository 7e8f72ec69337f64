/* json.c — the only file of the script process that knows jansson. */
#include "json.h"

#include <lauxlib.h>

#include <jansson.h>

enum { DEPTH = 32 };

static void
push(lua_State *L, const json_t *v, int depth)
{
	const char *key;
	json_t *member;
	size_t i;

	if (depth == 0 || !lua_checkstack(L, 4)) {
		lua_pushnil(L);
		return;
	}
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		lua_newtable(L);
		json_object_foreach((json_t *)(uintptr_t)v, key, member) {
			lua_pushstring(L, key);
			push(L, member, depth - 1);
			lua_rawset(L, -3);
		}
		break;
	case JSON_ARRAY:
		lua_newtable(L);
		json_array_foreach(v, i, member) {
			push(L, member, depth - 1);
			lua_rawseti(L, -2, (lua_Integer)i + 1);
		}
		break;
	case JSON_STRING:
		lua_pushlstring(L, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		lua_pushinteger(L, (lua_Integer)json_integer_value(v));
		break;
	case JSON_REAL:
		lua_pushnumber(L, json_real_value(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		lua_pushboolean(L, json_is_true(v));
		break;
	case JSON_NULL:
		lua_pushnil(L);
		break;
	}
}

/* The tree as a light userdata, so that a Lua error does not leak it. */
static int
push_call(lua_State *L)
{
	push(L, lua_touserdata(L, 1), DEPTH);
	return 1;
}

bool
json_push(lua_State *L, struct str text)
{
	json_t *tree = json_loadb(text.p != NULL ? text.p : "", text.n,
	    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	int rc;

	if (tree == NULL) {
		lua_pushnil(L);
		return false;
	}
	lua_pushcfunction(L, push_call);
	lua_pushlightuserdata(L, tree);
	rc = lua_pcall(L, 1, 1, 0);
	json_decref(tree);
	if (rc != LUA_OK)
		lua_error(L);
	return true;
}
