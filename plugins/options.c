/*
 * options.c — options{}: what may be configured, and what was.
 *
 * The configuration comes as JSON; each value is checked against the type that the
 * script declares, and errors name the option, what it takes, and where it was
 * written.  A secret is only named there: the worker is asked for it, once all else
 * is right.
 */
#include "api.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/suggest.h"
#include "json.h"
#include "mdate.h"
#include "registry.h"
#include "registry_fn.h"

enum { TYPE_DEPTH = 4 };

/* "map<glob,duration>" is head "map" and inside "glob,duration". */
struct type {
	struct str	head, inside;
};

static struct type
split_type(struct str s)
{
	struct type t = { s, STR_NONE };

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '<' && s.p[i] != '(')
			continue;
		t.head = str_head(s, i);
		t.inside = str_head(str_from(s, i + 1), s.n - i - 2);
		break;
	}
	return t;
}

static int
wrong(lua_State *L, const char *takes)
{
	return luaL_error(L, "takes %s, not %s", takes, luaL_tolstring(L, -1, NULL));
}

/* Each of these replaces the value at the top by the one that scripts see. */

static void
text_value(lua_State *L, const char *takes)
{
	if (lua_type(L, -1) == LUA_TNUMBER)
		lua_tostring(L, -1);
	if (lua_type(L, -1) != LUA_TSTRING || lua_rawlen(L, -1) == 0)
		wrong(L, takes);
}

static void
bool_value(lua_State *L)
{
	bool yes = false;
	const char *s;

	if (lua_isboolean(L, -1))
		return;
	s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
	yes = strcmp(s, "yes") == 0 || strcmp(s, "true") == 0;
	if (!yes && strcmp(s, "no") != 0 && strcmp(s, "false") != 0)
		wrong(L, "yes or no");
	lua_pop(L, 1);
	lua_pushboolean(L, yes);
}

static void
number_value(lua_State *L, bool whole)
{
	int is;

	lua_tonumberx(L, -1, &is);
	if (is && whole)
		lua_tointegerx(L, -1, &is);
	if (!is)
		wrong(L, whole ? "a whole number" : "a number");
	if (whole)
		lua_pushinteger(L, lua_tointeger(L, -1));
	else
		lua_pushnumber(L, lua_tonumber(L, -1));
	lua_replace(L, -2);
}

static void
unit_value(lua_State *L, bool (*parse)(struct str, int64_t *), const char *takes)
{
	int64_t n;

	if (lua_isinteger(L, -1))
		return;
	if (lua_type(L, -1) != LUA_TSTRING || !parse(api_check(L, -1), &n))
		wrong(L, takes);
	lua_pop(L, 1);
	lua_pushinteger(L, n);
}

static int
date_tostring(lua_State *L)
{
	lua_getfield(L, 1, "text");
	return 1;
}

/* A day is all of it: { from, till, text }, and prints as it was written. */
static void
date_value(lua_State *L)
{
	struct str s = lua_type(L, -1) == LUA_TSTRING ? api_check(L, -1) : STR_NONE;
	int64_t from, till;
	struct tm tm;
	time_t t;

	if (s.n != 10 || !mdate_moment(s, 0, &from))
		wrong(L, "a day such as 2026-05-01");
	t = (time_t)from;
	localtime_r(&t, &tm);
	tm.tm_mday++;
	tm.tm_isdst = -1;
	till = (int64_t)mktime(&tm);
	lua_createtable(L, 0, 3);
	lua_pushinteger(L, from);
	lua_setfield(L, -2, "from");
	lua_pushinteger(L, till);
	lua_setfield(L, -2, "till");
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, "text");
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, date_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_setmetatable(L, -2);
	lua_replace(L, -2);
}

static void
time_value(lua_State *L)
{
	struct str s = lua_type(L, -1) == LUA_TSTRING ? api_check(L, -1) : STR_NONE;
	int64_t t;

	if (str_find(s, ':') == s.n || !mdate_moment(s, 0, &t))
		wrong(L, "a time of day such as 18:00");
}

static void
addr_value(lua_State *L)
{
	text_value(L, "an address");
	if (str_find(api_check(L, -1), '@') == lua_rawlen(L, -1))
		wrong(L, "an address");
}

static void
enum_value(lua_State *L, struct str words)
{
	struct str rest = words, value;

	text_value(L, "a word");
	value = api_check(L, -1);
	while (rest.p != NULL) {
		if (str_eq(str_trim(str_split(&rest, ',')), value))
			return;
	}
	api_push(L, words);
	lua_insert(L, -2);
	luaL_error(L, "takes one of %s, not `%s`", lua_tostring(L, -2),
	    lua_tostring(L, -1));
}

/* Which command or file it comes from; never printed, because who does not know
 * that writes the secret itself. */
static void
secret_value(lua_State *L, int depth)
{
	static const char takes[] = "takes {command: ...} or {file: ...}: a secret "
	    "itself is not written into the configuration";
	int from = LUA_TNIL, n = 0;

	if (depth != TYPE_DEPTH)
		luaL_error(L, "has secrets in a list or a map, which is not "
		    "possible");
	if (!lua_istable(L, -1))
		luaL_error(L, "%s", takes);
	for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1))
		n++;
	if (lua_getfield(L, -1, "command") != LUA_TNIL)
		from = lua_type(L, -1) == LUA_TTABLE ? LUA_TSTRING :
		    lua_type(L, -1);
	else if (lua_pop(L, 1), lua_getfield(L, -1, "file") != LUA_TNIL)
		from = lua_type(L, -1);
	lua_pop(L, 1);
	if (n != 1 || from != LUA_TSTRING)
		luaL_error(L, "%s", takes);
}

static void convert(lua_State *L, struct str type, int depth);

/* A list whose members are ${type}; one alone is a list of one. */
static void
list_value(lua_State *L, struct str type, int depth)
{
	lua_Integer n;

	if (!lua_istable(L, -1)) {
		convert(L, type, depth);
		lua_createtable(L, 1, 0);
		lua_insert(L, -2);
		lua_rawseti(L, -2, 1);
		return;
	}
	n = (lua_Integer)lua_rawlen(L, -1);
	lua_createtable(L, (int)n, 0);
	for (lua_Integer i = 1; i <= n; i++) {
		lua_rawgeti(L, -2, i);
		convert(L, type, depth);
		lua_rawseti(L, -2, i);
	}
	lua_replace(L, -2);
}

static void
map_value(lua_State *L, struct str inside, int depth)
{
	struct str key = str_split(&inside, ',');

	if (!lua_istable(L, -1))
		wrong(L, "names with values");
	lua_newtable(L);
	for (lua_pushnil(L); lua_next(L, -3) != 0;) {
		lua_pushvalue(L, -2);
		convert(L, str_trim(key), depth);
		lua_insert(L, -2);
		convert(L, str_trim(inside), depth);
		/* new, key, key as converted, value */
		lua_rawset(L, -4);
	}
	lua_replace(L, -2);
}

static const char *
type_name(size_t i)
{
	size_t seen = 0;

	for (size_t k = 0; k < registry_n; k++) {
		if (registry[k].kind == REG_OPTION && seen++ == i)
			return registry[k].name;
	}
	return NULL;
}

static void
convert(lua_State *L, struct str type, int depth)
{
	struct type t = split_type(type);

	if (depth == 0)
		luaL_error(L, "has a type inside a type inside a type");
	luaL_checkstack(L, 10, NULL);
	if (str_eq(t.head, STR("string")) || str_eq(t.head, STR("mailbox")) ||
	    str_eq(t.head, STR("glob")) || str_eq(t.head, STR("path")))
		text_value(L, "a text");
	else if (str_eq(t.head, STR("int")))
		number_value(L, true);
	else if (str_eq(t.head, STR("number")))
		number_value(L, false);
	else if (str_eq(t.head, STR("bool")))
		bool_value(L);
	else if (str_eq(t.head, STR("duration")))
		unit_value(L, mdate_duration, "a duration such as 30d");
	else if (str_eq(t.head, STR("size")))
		unit_value(L, mdate_size, "a size such as 2M");
	else if (str_eq(t.head, STR("date")))
		date_value(L);
	else if (str_eq(t.head, STR("time")))
		time_value(L);
	else if (str_eq(t.head, STR("addr")))
		addr_value(L);
	else if (str_eq(t.head, STR("enum")))
		enum_value(L, t.inside);
	else if (str_eq(t.head, STR("secret")))
		secret_value(L, depth);
	else if (str_eq(t.head, STR("globs")))
		list_value(L, STR("glob"), depth - 1);
	else if (str_eq(t.head, STR("addrs")))
		list_value(L, STR("addr"), depth - 1);
	else if (str_eq(t.head, STR("list")))
		list_value(L, t.inside, depth - 1);
	else if (str_eq(t.head, STR("map")))
		map_value(L, t.inside, depth - 1);
	else
		api_unknown(L, "type of options", t.head, type_name);
}

/* In a protected call, so that the error can be given its option's name:
 * (type, value) to value. */
static int
convert_call(lua_State *L)
{
	convert(L, api_check(L, 1), TYPE_DEPTH);
	return 1;
}

/* A key of the configuration that no option has. */
static void
check_known(lua_State *L, int config)
{
	for (lua_pushnil(L); lua_next(L, config) != 0; lua_pop(L, 1)) {
		struct suggest near;

		lua_pushvalue(L, -2);
		if (lua_rawget(L, 1) != LUA_TNIL) {
			lua_pop(L, 1);
			continue;
		}
		suggest_init(&near, str_z(luaL_tolstring(L, -3, NULL)));
		for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
			if (lua_type(L, -2) == LUA_TSTRING)
				suggest_offer(&near, lua_tostring(L, -2));
		}
		if (near.best[0] == '\0')
			luaL_error(L, "no option `%s`", lua_tostring(L, -1));
		luaL_error(L, "no option `%s`; did you mean `%s`?",
		    lua_tostring(L, -1), near.best);
	}
}

/* The option failed with the text at the top. */
static int
option_error(lua_State *L, const char *name)
{
	const char *why = lua_tostring(L, -1);

	if (json_push(L, str_z(vm_plugin(L)->places)) && lua_istable(L, -1) &&
	    lua_getfield(L, -1, name) == LUA_TSTRING)
		return luaL_error(L, "option `%s` %s (%s)", name, why,
		    lua_tostring(L, -1));
	return luaL_error(L, "option `%s` %s", name, why);
}

/* The option whose spec is at the top and whose name is below it; its value (or
 * nil) takes the place of the spec.  True: a secret, still to be asked for. */
static bool
one_option(lua_State *L, int config)
{
	const char *name = lua_tostring(L, -2);
	int spec = lua_gettop(L);
	bool secret;

	if (!lua_istable(L, spec))
		luaL_error(L, "option `%s` is declared as { type, default, doc }",
		    name);
	lua_pushcfunction(L, convert_call);
	if (lua_rawgeti(L, spec, 1) != LUA_TSTRING)
		luaL_error(L, "option `%s` has no type", name);
	secret = strcmp(lua_tostring(L, -1), "secret") == 0;
	if (lua_getfield(L, config, name) == LUA_TNIL) {
		lua_pop(L, 1);
		if (lua_rawgeti(L, spec, 2) != LUA_TNIL && secret)
			luaL_error(L, "option `%s` is a secret, which has no "
			    "default", name);
	}
	secret = secret && !lua_isnil(L, -1);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 3);
		lua_pushnil(L);
	} else if (lua_pcall(L, 2, 1, 0) != LUA_OK) {
		option_error(L, name);
	}
	lua_replace(L, spec);
	return secret;
}

/* opt.typo is an error, too. */
static int
no_option(lua_State *L)
{
	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) {
		lua_pushnil(L);		/* declared, and not set */
		return 1;
	}
	return luaL_error(L, "no option `%s`", luaL_tolstring(L, 2, NULL));
}

/* ---- secrets: asked for one after the other ------------------------------ */

enum { AT_SPEC = 1, AT_VALUES, AT_SECRETS, AT_NAME };

static int ask_secrets(lua_State *L);

static int
after_secret(lua_State *L, int status, lua_KContext ctx)
{
	const struct reply *re = &api_run(L, "options")->reply;

	(void)status;
	(void)ctx;
	if (re->failed) {
		lua_pushfstring(L, "is not there: %s", re->text.p);
		return option_error(L, lua_tostring(L, AT_NAME));
	}
	lua_settop(L, AT_NAME);
	api_push(L, re->out);
	lua_rawset(L, AT_VALUES);
	return ask_secrets(L);
}

/* The names that are left at AT_SECRETS; in the end the values at AT_VALUES. */
static int
ask_secrets(lua_State *L)
{
	lua_Integer n = (lua_Integer)lua_rawlen(L, AT_SECRETS);
	struct frame f;

	if (n == 0) {
		lua_settop(L, AT_VALUES);
		return 1;
	}
	lua_rawgeti(L, AT_SECRETS, n);
	lua_pushnil(L);
	lua_rawseti(L, AT_SECRETS, n);
	api_call(L, &f, CALL_SECRET);
	frame_put_str(&f, api_check(L, AT_NAME));
	return api_ask(L, &f, 0, after_secret);
}

/* What syncd.yaml has, a table at the top. */
static int
push_config(lua_State *L)
{
	json_push(L, str_z(vm_plugin(L)->config));
	if (!lua_istable(L, -1)) {
		lua_pop(L, 1);
		lua_newtable(L);
	}
	return lua_gettop(L);
}

int
api_fn_options(lua_State *L)
{
	lua_Integer n = 0;
	int config;

	luaL_checktype(L, AT_SPEC, LUA_TTABLE);
	lua_settop(L, AT_SPEC);
	lua_newtable(L);
	lua_newtable(L);
	config = push_config(L);
	check_known(L, config);
	for (lua_pushnil(L); lua_next(L, AT_SPEC) != 0;) {
		if (lua_type(L, -2) != LUA_TSTRING)
			return luaL_error(L, "options have names");
		if (one_option(L, config)) {
			lua_pushvalue(L, -2);
			lua_rawseti(L, AT_SECRETS, ++n);
		}
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, AT_VALUES);
	}
	lua_settop(L, AT_SECRETS);
	lua_newtable(L);
	lua_pushvalue(L, AT_SPEC);
	lua_pushcclosure(L, no_option, 1);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, AT_VALUES);
	return ask_secrets(L);
}
