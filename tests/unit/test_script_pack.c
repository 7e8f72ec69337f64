/* test_script_pack.c — values that scripts store: to bytes and back, and bytes that are
 * none. */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "base/attr.h"
#include "plugins/pack.h"

enum { ROOM = 4096 };

static lua_State *L;

static int
set_up(void **state)
{
	(void)state;
	L = luaL_newstate();
	if (L == NULL)
		return -1;
	luaL_openlibs(L);
	return luaL_dostring(L, "function nested(n) local t = {}"
	    " if n > 1 then t[1] = nested(n - 1) end return t end") == LUA_OK ?
	    0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	lua_close(L);
	return 0;
}

/* The value of the expression ${lua} on the stack. */
static void
push(const char *lua)
{
	char line[256];

	snprintf(line, sizeof(line), "return %s", lua);
	if (luaL_dostring(L, line) != LUA_OK)
		fail_msg("%s: %s", lua, lua_tostring(L, -1));
}

/* Is the expression ${lua}, of the value on the stack as v, true?  Takes the value. */
static bool
is(const char *lua)
{
	bool yes;

	lua_setglobal(L, "v");
	push(lua);
	yes = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return yes;
}

static void
what_is_stored_comes_back(void **state)
{
	static const struct {
		const char	*value, *same;
	} rows[] = {
		{ "nil", "v == nil" },
		{ "true", "v == true" },
		{ "false", "v == false" },
		{ "0", "v == 0 and math.type(v) == 'integer'" },
		{ "-1", "v == -1" },
		{ "math.maxinteger", "v == math.maxinteger" },
		{ "math.mininteger", "v == math.mininteger" },
		{ "1.0", "v == 1 and math.type(v) == 'float'" },
		{ "-0.0", "1 / v == -math.huge" },
		{ "math.huge", "v == math.huge" },
		{ "0/0", "v ~= v" },
		{ "''", "v == ''" },
		{ "'a\\0b\\xff'", "v == 'a\\0b\\xff'" },
		{ "{}", "next(v) == nil" },
		{ "{ 1, 'b', { c = true } }", "#v == 3 and v[2] == 'b' and v[3].c" },
		{ "{ [false] = 1, [1.5] = 2 }", "v[false] == 1 and v[1.5] == 2" },
		{ "{ a = { b = {} } }", "next(v.a.b) == nil" }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_clear) struct buf b;
		const char *why = NULL;
		int top = lua_gettop(L);

		buf_init(&b, ROOM);
		push(rows[i].value);
		assert_int_equal(pack_value(L, -1, &b, &why), 0);
		lua_pop(L, 1);
		pack_push(L, buf_str(&b));
		assert_int_equal(lua_gettop(L), top + 1);
		if (!is(rows[i].same))
			fail_msg("%s came back as something else", rows[i].value);
	}
}

static void
what_cannot_be_stored_is_named(void **state)
{
	static const struct {
		const char	*value;
		size_t		 room;
		const char	*why;
	} rows[] = {
		{ "print", ROOM, "it holds something that is no text, number, "
		  "boolean or table" },
		{ "{ f = print }", ROOM, "it holds something that is no text, "
		  "number, boolean or table" },
		{ "{ [print] = 1 }", ROOM, "it holds something that is no text, "
		  "number, boolean or table" },
		{ "coroutine.create(print)", ROOM, "it holds something that is no "
		  "text, number, boolean or table" },
		{ "string.rep('x', 100)", 105, NULL },
		{ "string.rep('x', 100)", 104, "it is too large" },
		{ "{ 1, 2, 3 }", 20, "it is too large" },
		{ "'x'", 4, "it is too large" },
		{ "1", 8, "it is too large" },
		{ "{}", 1, "it is too large" },
		{ "{}", 2, NULL },
		{ "(function() local t = {} t.t = t return t end)()", ROOM,
		  "it has tables in tables in tables" },
		{ "nested(16)", ROOM, NULL },
		{ "nested(17)", ROOM, "it has tables in tables in tables" }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_clear) struct buf b;
		const char *why = NULL;
		int top = lua_gettop(L), rc;

		buf_init(&b, rows[i].room);
		push(rows[i].value);
		rc = pack_value(L, -1, &b, &why);
		assert_int_equal(lua_gettop(L), top + 1);
		lua_pop(L, 1);
		assert_int_equal(rc, rows[i].why == NULL ? 0 : -1);
		if (rows[i].why != NULL)
			assert_string_equal(why, rows[i].why);
	}
}

static void
bytes_that_are_no_value_are_nil(void **state)
{
#define BYTES(text)	{ text, sizeof(text) - 1 }
	static const struct str rows[] = {
		BYTES(""), BYTES("x"), BYTES("N"), BYTES("}"), BYTES("\0"),
		BYTES("i"), BYTES("i1234567"), BYTES("d1234567"), BYTES("s\1\0\0"),
		BYTES("s\2\0\0\0x"), BYTES("s\xff\xff\xff\xffx"),
		BYTES("{"), BYTES("{t"), BYTES("{tt"), BYTES("{t}"), BYTES("{nt}"),
		BYTES("{tx}"), BYTES("{xt}"), BYTES("{tt{tt}"),
		/* A table's key cannot be what is no number. */
		BYTES("{d\0\0\0\0\0\0\xf8\x7ft}"),
		BYTES("{d\1\0\0\0\0\0\xf0\xfft}"),
		BYTES("{t{t{t{t{t{t{t{t{t{t{t{t{t{t{t{t{tt}}}}}}}}}}}}}}}}}")
	};
#undef BYTES

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int top = lua_gettop(L);

		pack_push(L, rows[i]);
		assert_int_equal(lua_gettop(L), top + 1);
		if (!lua_isnil(L, -1))
			fail_msg("row %zu is a %s", i, luaL_typename(L, -1));
		lua_pop(L, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_stored_comes_back),
		cmocka_unit_test(what_cannot_be_stored_is_named),
		cmocka_unit_test(bytes_that_are_no_value_are_nil)
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
