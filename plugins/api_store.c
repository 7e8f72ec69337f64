/* api_store.c — stores in scripts: store[key], store:pairs(). */
#include "api.h"

#include <string.h>

#include "mdate.h"
#include "pack.h"
#include "registry.h"
#include "registry_fn.h"
#include "store.h"

static struct store *
check_store(lua_State *L, int i)
{
	struct store **st = luaL_checkudata(L, i, "store");

	return *st;
}

/* Keys are texts or numbers; a number is its text. */
static struct str
check_key(lua_State *L, int i)
{
	if (lua_type(L, i) != LUA_TSTRING && lua_type(L, i) != LUA_TNUMBER)
		luaL_error(L, "a key of a store is a text or a number, not a %s",
		    luaL_typename(L, i));
	lua_pushvalue(L, i);
	lua_replace(L, i);
	return api_check(L, i);
}

static void
push_value(lua_State *L, const struct store *st, struct str key)
{
	struct str packed = store_get(st, key);

	if (packed.p == NULL)
		lua_pushnil(L);
	else
		pack_push(L, packed);
}

static struct str
packed_value(lua_State *L, int i, struct arena *a)
{
	struct buf b;
	const char *why = NULL;
	struct str out = STR_NONE;

	if (lua_isnil(L, i))
		return STR_NONE;
	buf_init(&b, STORE_VALUE_MAX);
	if (pack_value(L, i, &b, &why) == 0)
		out = arena_str(a, buf_str(&b));
	buf_clear(&b);
	if (why != NULL)
		luaL_error(L, "this value cannot be kept: %s", why);
	return out;
}

static void
write_value(lua_State *L, struct store *st, int key_at, int value_at)
{
	struct run *r = api_run(L, "writing to a store");
	struct str key = arena_str(&r->a, check_key(L, key_at));
	struct str value = packed_value(L, value_at, &r->a);
	struct str before = store_get(st, key);
	size_t rest = store_size(r->plugin->stores) -
	    (before.p != NULL ? key.n + before.n : 0);
	struct plan_write *w;

	if (r->load != NULL)
		luaL_error(L, "a store cannot be written while the plugin loads");
	/* One that is full can still be emptied. */
	if (value.p != NULL && rest + key.n + value.n > STORE_MAX)
		luaL_error(L, "the plugin's stores hold more than 16 MiB");
	w = plan_write(&r->plan, &r->a);
	*w = (struct plan_write){ .plugin = r->plugin->id,
	    .store = arena_str(&r->a, store_name(st)), .key = key,
	    .value = value, .remove = value.p == NULL, .st = st,
	    .before = before.p != NULL ? arena_str(&r->a, before) : STR_NONE };
	if (store_expire(st) > 0 && value.p != NULL)
		w->expires = script_now() + store_expire(st);
	store_set(st, key, value);
}

int
api_store_get(lua_State *L)
{
	struct store *st = check_store(L, 1);

	push_value(L, st, check_key(L, 2));
	return 1;
}

int
api_store_set(lua_State *L)
{
	luaL_checkany(L, 3);
	write_value(L, check_store(L, 1), 2, 3);
	lua_settop(L, 1);
	return 1;
}

static int
store_index(lua_State *L)
{
	struct store *st = check_store(L, 1);
	const struct reg *r = lua_type(L, 2) == LUA_TSTRING ?
	    registry_find(REG_METHOD, "store", lua_tostring(L, 2)) : NULL;

	if (r != NULL)
		lua_pushcfunction(L, r->fn);
	else if (lua_isnil(L, 2))
		lua_pushnil(L);		/* muted[msg.thread_root] without one */
	else
		push_value(L, st, check_key(L, 2));
	return 1;
}

static int
store_newindex(lua_State *L)
{
	write_value(L, check_store(L, 1), 2, 3);
	return 0;
}

/* The key may be removed meanwhile, since it is found again by its order. */
static int
next_pair(lua_State *L)
{
	struct store *st = check_store(L, 1);
	struct str after = lua_isnil(L, 2) ? STR_NONE : api_check(L, 2);
	struct str key, value;

	if (!store_next(st, after, &key, &value))
		return 0;
	api_push(L, key);
	pack_push(L, value);
	return 2;
}

int
api_store_pairs(lua_State *L)
{
	check_store(L, 1);
	lua_pushcfunction(L, next_pair);
	lua_pushvalue(L, 1);
	lua_pushnil(L);
	return 3;
}

/* ---- opening: all of it is read, page by page ----------------------- */

static int ask_page(lua_State *L, struct store *st, struct str after);

static int
after_page(lua_State *L, int status, lua_KContext ctx)
{
	struct store *st = check_store(L, -1);
	const struct reply *re = api_reply(L, "store");

	(void)status;
	(void)ctx;
	for (size_t i = 0; i < re->key.n; i++)
		store_set(st, re->key.v[i], re->value.v[i]);
	if (re->more && re->key.n > 0 && store_size(st) <= STORE_MAX)
		return ask_page(L, st, re->key.v[re->key.n - 1]);
	return 1;
}

static int
ask_page(lua_State *L, struct store *st, struct str after)
{
	struct frame f;

	api_call(L, &f, CALL_STORE);
	frame_put_str(&f, store_name(st));
	frame_put_str(&f, after);
	return api_ask(L, &f, 0, after_page);
}

static int64_t
expire_of(lua_State *L, int i)
{
	int64_t seconds;

	if (lua_isnoneornil(L, i))
		return 0;
	luaL_checktype(L, i, LUA_TTABLE);
	if (lua_getfield(L, i, "expire") == LUA_TNIL)
		return 0;
	if (!mdate_duration(api_check(L, -1), &seconds) || seconds == 0)
		luaL_error(L, "expire takes a duration such as \"30d\"");
	return seconds;
}

int
api_fn_store(lua_State *L)
{
	struct plugin *p = vm_plugin(L);
	struct str name = api_check(L, 1);
	int64_t expire = expire_of(L, 2);
	struct store *st = store_find(p->stores, name), **ud;

	if (name.n == 0 || name.n > STORE_NAME_MAX)
		return luaL_error(L, "a store has a name of 1 to %d bytes",
		    STORE_NAME_MAX);
	ud = lua_newuserdatauv(L, sizeof(struct store *), 0);
	*ud = st;
	if (st != NULL) {
		luaL_setmetatable(L, "store");
		return 1;
	}
	if (!p->loading)
		return luaL_error(L, "open the stores at the top of the script");
	*ud = st = store_add(&p->stores, name, expire);
	luaL_setmetatable(L, "store");
	return ask_page(L, st, STR_NONE);
}

void
api_open_store(lua_State *L)
{
	static const luaL_Reg meta[] = {
		{ "__index", store_index }, { "__newindex", store_newindex },
		{ NULL, NULL }
	};

	luaL_getmetatable(L, "store");
	luaL_setfuncs(L, meta, 0);
	lua_pop(L, 1);
}
