/* pack.c — values to bytes and back. */
#include "pack.h"

#include <string.h>

#include <lauxlib.h>

static int
add(struct buf *out, const void *p, size_t n, const char **why)
{
	if (buf_add(out, p, n) == 0)
		return 0;
	*why = "it is too large";
	return -1;
}

static int
add_number(struct buf *out, char type, uint64_t v, size_t n, const char **why)
{
	uint8_t le[9] = { (uint8_t)type };

	for (size_t i = 0; i < n; i++)
		le[1 + i] = (uint8_t)(v >> 8 * i);
	return add(out, le, n + 1, why);
}

static int
add_string(lua_State *L, int i, struct buf *out, const char **why)
{
	struct str s;

	s.p = lua_tolstring(L, i, &s.n);
	if (s.n > UINT32_MAX) {
		*why = "it is too large";
		return -1;
	}
	if (add_number(out, 's', s.n, 4, why) < 0)
		return -1;
	return add(out, s.p, s.n, why);
}

static int pack(lua_State *L, int i, struct buf *out, int depth, const char **why);

static int
add_table(lua_State *L, int i, struct buf *out, int depth, const char **why)
{
	if (depth == 0 || !lua_checkstack(L, 4)) {
		*why = "it has tables in tables in tables";
		return -1;
	}
	if (add(out, "{", 1, why) < 0)
		return -1;
	for (lua_pushnil(L); lua_next(L, i) != 0; lua_pop(L, 1)) {
		int top = lua_gettop(L);

		if (pack(L, top - 1, out, depth - 1, why) < 0 ||
		    pack(L, top, out, depth - 1, why) < 0)
			return -1;
	}
	return add(out, "}", 1, why);
}

static int
pack(lua_State *L, int i, struct buf *out, int depth, const char **why)
{
	lua_Number d;
	uint64_t bits;

	switch (lua_type(L, i)) {
	case LUA_TNIL:
		return add(out, "n", 1, why);
	case LUA_TBOOLEAN:
		return add(out, lua_toboolean(L, i) ? "t" : "f", 1, why);
	case LUA_TNUMBER:
		if (lua_isinteger(L, i))
			return add_number(out, 'i', (uint64_t)lua_tointeger(L, i),
			    8, why);
		d = lua_tonumber(L, i);
		memcpy(&bits, &d, sizeof(bits));
		return add_number(out, 'd', bits, 8, why);
	case LUA_TSTRING:
		return add_string(L, i, out, why);
	case LUA_TTABLE:
		return add_table(L, i, out, depth, why);
	default:
		*why = "it holds something that is no text, number, boolean or "
		    "table";
		return -1;
	}
}

int
pack_value(lua_State *L, int i, struct buf *out, const char **why)
{
	int top = lua_gettop(L), rc;

	rc = pack(L, lua_absindex(L, i), out, PACK_DEPTH, why);
	lua_settop(L, top);
	return rc;
}

static bool
take(struct str *s, size_t n, struct str *out)
{
	if (n > s->n)
		return false;
	*out = str_head(*s, n);
	*s = str_from(*s, n);
	return true;
}

static bool
take_number(struct str *s, size_t n, uint64_t *v)
{
	struct str b;

	*v = 0;
	if (!take(s, n, &b))
		return false;
	for (size_t i = 0; i < n; i++)
		*v |= (uint64_t)(uint8_t)b.p[i] << 8 * i;
	return true;
}

/* Lua raises an error for what cannot be a table's key. */
static bool
is_key(lua_State *L, int i)
{
	return !lua_isnil(L, i) && (lua_type(L, i) != LUA_TNUMBER ||
	    lua_rawequal(L, i, i));
}

/* One value on the stack; false (and nothing there) when malformed. */
static bool
unpack(lua_State *L, struct str *s, int depth)
{
	struct str type, b;
	uint64_t v;
	lua_Number d;

	if (!take(s, 1, &type) || depth == 0 || !lua_checkstack(L, 4))
		return false;
	switch (type.p[0]) {
	case 'n':
		lua_pushnil(L);
		return true;
	case 't':
	case 'f':
		lua_pushboolean(L, type.p[0] == 't');
		return true;
	case 'i':
		if (!take_number(s, 8, &v))
			return false;
		lua_pushinteger(L, (lua_Integer)v);
		return true;
	case 'd':
		if (!take_number(s, 8, &v))
			return false;
		memcpy(&d, &v, sizeof(d));
		lua_pushnumber(L, d);
		return true;
	case 's':
		if (!take_number(s, 4, &v) || !take(s, (size_t)v, &b))
			return false;
		lua_pushlstring(L, b.p, b.n);
		return true;
	case '{':
		break;
	default:
		return false;
	}
	lua_newtable(L);
	while (s->n > 0 && s->p[0] != '}') {
		if (!unpack(L, s, depth - 1) || !is_key(L, -1))
			return false;
		if (!unpack(L, s, depth - 1))
			return false;
		lua_rawset(L, -3);
	}
	return take(s, 1, &b);
}

void
pack_push(lua_State *L, struct str packed)
{
	int top = lua_gettop(L);

	if (!unpack(L, &packed, PACK_DEPTH + 1)) {
		lua_settop(L, top);
		lua_pushnil(L);
	}
}
