/* api_msgs.c — sets of messages. */
#include "api.h"

#include <string.h>

#include "registry.h"
#include "registry_fn.h"

struct set {
	uint32_t	n;
	uint32_t	says;		/* #set, when only the first are here */
	bool		really;
	struct { uint32_t slot, generation; } v[];
};

static struct set *
new_set(lua_State *L, size_t room)
{
	struct set *s = lua_newuserdatauv(L, sizeof(*s) +
	    room * sizeof(s->v[0]), 0);

	s->n = s->says = 0;
	s->really = false;
	luaL_setmetatable(L, "msgs");
	return s;
}

static void
set_add(struct set *s, const struct msg *m)
{
	s->v[s->n].slot = m->slot;
	s->v[s->n++].generation = m->generation;
}

void
api_push_msgs(lua_State *L, struct msg *const *msg, size_t n)
{
	struct set *s = new_set(L, n);

	for (size_t i = 0; i < n; i++)
		set_add(s, msg[i]);
}

void
api_msgs_say(lua_State *L, uint32_t n)
{
	struct set *s = luaL_checkudata(L, -1, "msgs");

	s->says = n;
}

static struct set *
check_set(lua_State *L, int i)
{
	return luaL_checkudata(L, i, "msgs");
}

static struct msg *
member(lua_State *L, const struct set *s, size_t i)
{
	struct plugin *p = vm_plugin(L);
	struct msg *m = run_msg_at(p->s, s->v[i].slot, s->v[i].generation);

	if (m == NULL || m->run != p->run)
		luaL_error(L, "a set of messages was used after its event");
	return m;
}

static bool
set_has(const struct set *s, uint32_t slot, uint32_t generation)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->v[i].slot == slot && s->v[i].generation == generation)
			return true;
	}
	return false;
}

static int
msgs_combine(lua_State *L, bool all_a, bool in_b)
{
	struct set *a = check_set(L, 1), *b = check_set(L, 2);
	struct set *out = new_set(L, (size_t)a->n + b->n);

	for (uint32_t i = 0; i < a->n; i++) {
		if (all_a || set_has(b, a->v[i].slot, a->v[i].generation) == in_b)
			out->v[out->n++] = a->v[i];
	}
	for (uint32_t i = 0; all_a && i < b->n; i++) {
		if (!set_has(a, b->v[i].slot, b->v[i].generation))
			out->v[out->n++] = b->v[i];
	}
	return 1;
}

static int
msgs_plus(lua_State *L)
{
	return msgs_combine(L, true, false);
}

static int
msgs_times(lua_State *L)
{
	return msgs_combine(L, false, true);
}

static int
msgs_minus(lua_State *L)
{
	return msgs_combine(L, false, false);
}

static int
msgs_len(lua_State *L)
{
	struct set *s = check_set(L, 1);

	lua_pushinteger(L, s->says > s->n ? s->says : s->n);
	return 1;
}

/* for m in set do: the message after the one in argument 3. */
static int
msgs_call(lua_State *L)
{
	struct set *s = check_set(L, 1);
	struct msg *last = api_test_msg(L, 3);
	uint32_t i = 0;

	if (last != NULL) {
		while (i < s->n && s->v[i].slot != last->slot)
			i++;
		i++;
	}
	if (i >= s->n)
		return 0;
	api_push_msg(L, member(L, s, i));
	return 1;
}

int
api_msgs_first(lua_State *L)
{
	struct set *s = check_set(L, 1), *out;
	lua_Integer n = luaL_checkinteger(L, 2);

	n = n < 0 ? 0 : n > s->n ? s->n : n;
	out = new_set(L, (size_t)n);
	for (uint32_t i = 0; i < (uint32_t)n; i++)
		out->v[out->n++] = s->v[i];
	return 1;
}

/* 1: the set, 2: the function, 3: what is kept; ${at}: which is being asked. */
static int
where_step(lua_State *L, int status, lua_KContext at)
{
	struct set *s = check_set(L, 1), *out = check_set(L, 3);
	uint32_t i = (uint32_t)at;

	for (;;) {
		if (status != LUA_OK) {
			if (lua_toboolean(L, -1))
				out->v[out->n++] = s->v[i];
			lua_settop(L, 3);
			i++;
		}
		if (i >= s->n)
			return 1;
		lua_pushvalue(L, 2);
		api_push_msg(L, member(L, s, i));
		lua_callk(L, 1, 1, (lua_KContext)i, where_step);
		status = LUA_YIELD;	/* it came back without a wait */
	}
}

int
api_msgs_where(lua_State *L)
{
	struct set *s = check_set(L, 1);

	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	new_set(L, s->n);
	return where_step(L, LUA_OK, 0);
}

int
api_msgs_really(lua_State *L)
{
	check_set(L, 1)->really = true;
	lua_settop(L, 1);
	return 1;
}

/* A field that is absent (false here), or false, comes before all others. */
static bool
is_less(lua_State *L, int a, int b)
{
	if (lua_toboolean(L, a) && !lua_isboolean(L, a) &&
	    lua_toboolean(L, b) && !lua_isboolean(L, b))
		return lua_compare(L, a, b, LUA_OPLT);
	return !lua_toboolean(L, a) && lua_toboolean(L, b);
}

/* By a key that was computed for each: 1: the set, 2: the field, 3: list of keys. */
static int
sort_now(lua_State *L, bool down)
{
	struct set *s = check_set(L, 1), *out = new_set(L, s->n);
	int to = lua_gettop(L);

	/* Insertion by binary search over what is sorted: 3 becomes sorted too. */
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t lo = 0, hi = out->n;

		lua_rawgeti(L, 3, (lua_Integer)i + 1);
		while (lo < hi) {
			uint32_t mid = lo + (hi - lo) / 2;
			bool less;

			lua_rawgeti(L, 3, (lua_Integer)mid + 1);
			less = down ? is_less(L, -1, -2) : is_less(L, -2, -1);
			lua_pop(L, 1);
			if (less)
				hi = mid;
			else
				lo = mid + 1;
		}
		memmove(&out->v[lo + 1], &out->v[lo],
		    (out->n - lo) * sizeof(out->v[0]));
		out->v[lo] = s->v[i];
		for (uint32_t k = out->n; k > lo; k--) {
			lua_rawgeti(L, 3, (lua_Integer)k);
			lua_rawseti(L, 3, (lua_Integer)k + 1);
		}
		lua_rawseti(L, 3, (lua_Integer)lo + 1);
		out->n++;
	}
	lua_settop(L, to);
	return 1;
}

static int
sort_keys(lua_State *L, int status, lua_KContext at)
{
	struct set *s = check_set(L, 1);
	struct str key = api_check(L, 2);
	bool down = str_starts(key, STR("-"));
	uint32_t i = (uint32_t)at;

	for (;;) {
		if (status != LUA_OK) {
			if (lua_isnil(L, -1)) {
				lua_pop(L, 1);
				lua_pushboolean(L, false);
			}
			lua_rawseti(L, 3, (lua_Integer)i + 1);
			lua_settop(L, 3);
			i++;
		}
		if (i >= s->n)
			return sort_now(L, down);
		/* Called as itself it may wait, within lua_gettable() not. */
		api_push_msg(L, member(L, s, i));
		luaL_getmetafield(L, -1, "__index");
		lua_insert(L, -2);
		api_push(L, down ? str_from(key, 1) : key);
		lua_callk(L, 2, 1, (lua_KContext)i, sort_keys);
		status = LUA_YIELD;
	}
}

int
api_msgs_sort(lua_State *L)
{
	check_set(L, 1);
	api_check(L, 2);
	lua_settop(L, 2);
	lua_newtable(L);
	return sort_keys(L, LUA_OK, 0);
}

enum { MANY = 500 };

/* set:move("x"): upvalue 1 is the message's method; the arguments follow. */
static int
apply_step(lua_State *L, int status, lua_KContext at)
{
	struct set *s = check_set(L, 1);
	struct run *r = api_run(L, "an action");
	int n = lua_gettop(L);		/* the set, and the arguments */
	uint32_t i = (uint32_t)at;

	(void)status;
	for (; i < s->n; i++) {
		r->in_set = i > 0;
		lua_pushvalue(L, lua_upvalueindex(1));
		api_push_msg(L, member(L, s, i));
		for (int k = 2; k <= n; k++)
			lua_pushvalue(L, k);
		lua_callk(L, n, 0, (lua_KContext)i + 1, apply_step);
	}
	r->in_set = false;
	lua_settop(L, 1);
	return 1;
}

static int
apply(lua_State *L)
{
	struct set *s = check_set(L, 1);

	if (s->n > MANY && !s->really)
		return luaL_error(L, "%d messages in one action; say :really() "
		    "before it if you mean it", (int)s->n);
	return apply_step(L, LUA_OK, 0);
}

static int
msgs_index(lua_State *L)
{
	const char *name = luaL_checkstring(L, 2);
	const struct reg *r = registry_find(REG_METHOD, "msgs", name);

	if (r != NULL) {
		lua_pushcfunction(L, r->fn);
		return 1;
	}
	r = registry_find(REG_METHOD, "msg", name);
	if (r == NULL)
		return registry_unknown(L, "set", REG_METHOD, "msg", name);
	lua_pushcfunction(L, r->fn);
	lua_pushcclosure(L, apply, 1);
	return 1;
}

void
api_open_msgs(lua_State *L)
{
	static const luaL_Reg msgs[] = {
		{ "__add", msgs_plus }, { "__sub", msgs_minus },
		{ "__mul", msgs_times }, { "__len", msgs_len },
		{ "__call", msgs_call }, { "__index", msgs_index }, { NULL, NULL }
	};

	luaL_getmetatable(L, "msgs");
	luaL_setfuncs(L, msgs, 0);
	lua_pop(L, 1);
}
