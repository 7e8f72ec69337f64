/* api_sets.c — addresses, sets of words. */
#include "api.h"

#include <stdlib.h>

#include "glob.h"
#include "registry_fn.h"

/* ---- addresses: tables, since they outlive the event ---------------- */

void
api_push_addr(lua_State *L, const struct addr *ad)
{
	lua_createtable(L, 0, 5);
	api_set(L, "name", ad->name);
	api_set(L, "addr", ad->addr);
	api_set(L, "user", ad->user);
	api_set(L, "detail", ad->detail);
	api_set(L, "domain", ad->domain);
	luaL_setmetatable(L, "addr");
}

void
api_push_addrs(lua_State *L, const struct addrs *list)
{
	lua_createtable(L, (int)list->n, 0);
	for (size_t i = 0; i < list->n; i++) {
		api_push_addr(L, &list->v[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	luaL_setmetatable(L, "addrs");
}

static int
addr_tostring(lua_State *L)
{
	lua_getfield(L, 1, "addr");
	return 1;
}

int
api_addrs_any(lua_State *L)
{
	struct str pattern = api_check(L, 2);
	bool found = false;

	luaL_checktype(L, 1, LUA_TTABLE);
	for (lua_Integer i = 1; !found && lua_rawgeti(L, 1, i) == LUA_TTABLE; i++) {
		lua_getfield(L, -1, "addr");
		found = glob_match(pattern, api_check(L, -1));
		lua_pop(L, 2);
	}
	lua_pushboolean(L, found);
	return 1;
}

/* ---- words: a table whose keys they are ----------------------------- */

void
api_push_words(lua_State *L, const struct strs *list)
{
	lua_createtable(L, 0, (int)list->n);
	for (size_t i = 0; i < list->n; i++) {
		api_push(L, list->v[i]);
		lua_pushboolean(L, 1);
		lua_rawset(L, -3);
	}
	luaL_setmetatable(L, "words");
}

static bool
is_words(lua_State *L, int i)
{
	bool is;

	if (!lua_istable(L, i) || !lua_getmetatable(L, i))
		return false;
	luaL_getmetatable(L, "words");
	is = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return is;
}

static int
compare(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void
add_word(lua_State *L, struct strs *out, size_t *cap, int i)
{
	struct run *r = api_run(L, "this");

	if (lua_type(L, i) != LUA_TSTRING && lua_type(L, i) != LUA_TNUMBER)
		luaL_error(L, "a word or a list of words, not a %s",
		    luaL_typename(L, i));
	out->v = arena_room(&r->a, out->v, out->n, cap, sizeof(*out->v));
	/* A copy: lua_tolstring() would change a number that is a key. */
	lua_pushvalue(L, i);
	out->v[out->n++] = arena_str(&r->a, api_check(L, -1));
	lua_pop(L, 1);
}

enum { DEPTH = 8 };

static void
flatten(lua_State *L, struct strs *out, size_t *cap, int i, int depth)
{
	i = lua_absindex(L, i);
	if (!lua_istable(L, i)) {
		add_word(L, out, cap, i);
		return;
	}
	if (depth == 0)
		luaL_error(L, "lists in lists in lists");
	luaL_checkstack(L, 6, NULL);
	if (is_words(L, i)) {
		size_t from = out->n;

		for (lua_pushnil(L); lua_next(L, i) != 0; lua_pop(L, 1))
			add_word(L, out, cap, -2);
		/* Tables have no order; what is printed should have one. */
		qsort(out->v + from, out->n - from, sizeof(struct str), compare);
		return;
	}
	for (lua_Integer k = 1; lua_rawgeti(L, i, k) != LUA_TNIL; k++) {
		flatten(L, out, cap, -1, depth - 1);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

struct strs
api_words(lua_State *L, int from)
{
	struct run *r = api_run(L, "this");
	size_t cap = 8;
	struct strs out = { arena_get(&r->a, cap * sizeof(struct str)), 0 };
	int top = lua_gettop(L);

	for (int i = from; i <= top; i++)
		flatten(L, &out, &cap, i, DEPTH);
	return out;
}

int
api_fn_set(lua_State *L)
{
	struct strs list = api_words(L, 1);

	api_push_words(L, &list);
	return 1;
}

int
api_fn_prefix(lua_State *L)
{
	struct strs list;

	api_check(L, 1);
	luaL_checkany(L, 2);
	list = api_words(L, 2);
	lua_createtable(L, (int)list.n, 0);
	for (size_t i = 0; i < list.n; i++) {
		lua_pushvalue(L, 1);
		api_push(L, list.v[i]);
		lua_concat(L, 2);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* Both operands as words, lists too; 1 and 2 are replaced. */
static void
two_words(lua_State *L)
{
	for (int i = 1; i <= 2; i++) {
		struct run *r = api_run(L, "this");
		size_t cap = 8;
		struct strs list = { arena_get(&r->a, cap * sizeof(struct str)), 0 };

		if (is_words(L, i))
			continue;
		flatten(L, &list, &cap, i, DEPTH);
		api_push_words(L, &list);
		lua_replace(L, i);
	}
	lua_settop(L, 2);
}

/* Copy those words of ${from} for which being in ${other} is ${in} (other 0: all)
 * into the table at the top. */
static void
copy_words(lua_State *L, int from, int other, bool in)
{
	int to = lua_gettop(L);

	for (lua_pushnil(L); lua_next(L, from) != 0; lua_pop(L, 1)) {
		bool has = true;

		if (other != 0) {
			lua_pushvalue(L, -2);
			has = (lua_rawget(L, other) != LUA_TNIL) == in;
			lua_pop(L, 1);
		}
		if (has) {
			lua_pushvalue(L, -2);
			lua_pushboolean(L, 1);
			lua_rawset(L, to);
		}
	}
}

static int
words_op(lua_State *L, bool in)
{
	static const struct strs none;

	two_words(L);
	api_push_words(L, &none);
	copy_words(L, 1, 2, in);
	return 1;
}

static int
words_minus(lua_State *L)
{
	return words_op(L, false);
}

static int
words_times(lua_State *L)
{
	return words_op(L, true);
}

static int
words_plus(lua_State *L)
{
	static const struct strs none;

	two_words(L);
	api_push_words(L, &none);
	copy_words(L, 1, 0, true);
	copy_words(L, 2, 0, true);
	return 1;
}

static int
words_len(lua_State *L)
{
	lua_Integer n = 0;

	for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1))
		n++;
	lua_pushinteger(L, n);
	return 1;
}

/* for word in words do */
static int
words_call(lua_State *L)
{
	lua_settop(L, 3);
	lua_remove(L, 2);
	if (lua_next(L, 1) == 0)
		return 0;
	lua_pop(L, 1);
	return 1;
}

/* Neither has a word that the other has not. */
static int
words_eq(lua_State *L)
{
	bool same = true;

	two_words(L);
	for (int i = 1; i <= 2 && same; i++) {
		for (lua_pushnil(L); same && lua_next(L, i) != 0; lua_pop(L, 1)) {
			lua_pushvalue(L, -2);
			same = lua_rawget(L, 3 - i) != LUA_TNIL;
			lua_pop(L, 1);
		}
	}
	lua_pushboolean(L, same);
	return 1;
}

void
api_open_sets(lua_State *L)
{
	static const luaL_Reg words[] = {
		{ "__add", words_plus }, { "__sub", words_minus },
		{ "__mul", words_times }, { "__len", words_len },
		{ "__call", words_call }, { "__eq", words_eq }, { NULL, NULL }
	};
	static const char *const plain[] = { "words", "addr", "event" };

	luaL_getmetatable(L, "words");
	luaL_setfuncs(L, words, 0);
	luaL_getmetatable(L, "addr");
	lua_pushcfunction(L, addr_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pop(L, 2);
	/* Tables that scripts may have and change as they like. */
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		luaL_getmetatable(L, plain[i]);
		lua_pushnil(L);
		lua_setfield(L, -2, "__newindex");
		lua_pop(L, 1);
	}
	luaL_getmetatable(L, "words");
	lua_pushnil(L);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
}
