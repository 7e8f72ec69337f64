/* api_fn.c — helpers that every script has. */
#include "api.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/suggest.h"
#include "glob.h"
#include "mdate.h"
#include "regex.h"
#include "registry.h"
#include "registry_fn.h"

/* ---- patterns ------------------------------------------------------- */

/* glob(text, pattern or list of patterns) */
int
api_fn_glob(lua_State *L)
{
	struct str text;
	bool found = false;

	if (lua_isnoneornil(L, 1)) {
		lua_pushboolean(L, 0);
		return 1;
	}
	text = api_check(L, 1);
	if (!lua_istable(L, 2)) {
		lua_pushboolean(L, glob_match(api_check(L, 2), text));
		return 1;
	}
	for (lua_Integer i = 1; !found && lua_rawgeti(L, 2, i) != LUA_TNIL; i++) {
		found = glob_match(api_check(L, -1), text);
		lua_pop(L, 1);
	}
	lua_pushboolean(L, found);
	return 1;
}

int
api_fn_re(lua_State *L)
{
	struct str pattern = api_check(L, 1);
	struct regex **re = lua_newuserdatauv(L, sizeof(*re), 0);
	char why[160];

	*re = NULL;
	luaL_setmetatable(L, "regex");
	*re = regex_new(pattern, why);
	if (*re == NULL)
		return luaL_error(L, "re: %s: %s", pattern.p, why);
	return 1;
}

static int
regex_gc(lua_State *L)
{
	struct regex **re = luaL_checkudata(L, 1, "regex");

	regex_free(*re);
	*re = NULL;
	return 0;
}

/* How many groups matched; nil as a text matches nothing. */
static size_t
try_regex(lua_State *L, struct str group[REGEX_GROUPS], struct str *text)
{
	struct regex **re = luaL_checkudata(L, 1, "regex");
	size_t n = 0;
	int found;

	if (lua_isnoneornil(L, 2))
		return 0;
	*text = api_check(L, 2);
	found = regex_match(*re, *text, group, &n);
	if (found < 0)
		luaL_error(L, "re: the pattern takes too many steps on this text");
	return found > 0 ? n : 0;
}

int
api_regex_find(lua_State *L)
{
	struct str group[REGEX_GROUPS], text;

	if (try_regex(L, group, &text) == 0)
		return 0;
	lua_pushinteger(L, group[0].p - text.p + 1);
	lua_pushinteger(L, group[0].p - text.p + (lua_Integer)group[0].n);
	return 2;
}

int
api_regex_match(lua_State *L)
{
	struct str group[REGEX_GROUPS], text;
	size_t n = try_regex(L, group, &text);

	if (n == 1)
		api_push(L, group[0]);
	for (size_t i = 1; i < n; i++)
		api_push_opt(L, group[i]);
	return n > 1 ? (int)n - 1 : (int)n;
}

int
api_regex_test(lua_State *L)
{
	struct str group[REGEX_GROUPS], text;

	lua_pushboolean(L, try_regex(L, group, &text) > 0);
	return 1;
}

/* ---- time ----------------------------------------------------------- */

int
api_fn_now(lua_State *L)
{
	lua_pushinteger(L, script_now());
	return 1;
}

int
api_fn_time(lua_State *L)
{
	int64_t t;

	if (lua_isinteger(L, 1)) {
		lua_settop(L, 1);
		return 1;
	}
	if (!mdate_moment(api_check(L, 1), script_now(), &t))
		return luaL_error(L, "\"%s\" is no moment: 3d, mon, 18:00 or "
		    "2026-05-01", lua_tostring(L, 1));
	lua_pushinteger(L, t);
	return 1;
}

/* A date of options{} is a table with `from` and `till`; a number is itself. */
static bool
edge(lua_State *L, int i, const char *field, int64_t *t)
{
	if (lua_isnoneornil(L, i))
		return false;
	if (lua_istable(L, i)) {
		lua_getfield(L, i, field);
		*t = luaL_checkinteger(L, -1);
		lua_pop(L, 1);
		return true;
	}
	*t = luaL_checkinteger(L, i);
	return true;
}

int
api_fn_between(lua_State *L)
{
	int64_t t = luaL_checkinteger(L, 1), from, till;
	bool open = lua_isnoneornil(L, 2) && lua_isnoneornil(L, 3);

	lua_pushboolean(L, !open && (!edge(L, 2, "from", &from) || t >= from) &&
	    (!edge(L, 3, "till", &till) || t < till));
	return 1;
}

/* ---- escape, log, metric -------------------------------------------- */

static int
escape_markup(lua_State *L)
{
	struct str s = api_check(L, 1);
	luaL_Buffer b;

	luaL_buffinit(L, &b);
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '<':
			luaL_addstring(&b, "&lt;");
			break;
		case '>':
			luaL_addstring(&b, "&gt;");
			break;
		case '&':
			luaL_addstring(&b, "&amp;");
			break;
		default:
			luaL_addchar(&b, s.p[i]);
		}
	}
	luaL_pushresult(&b);
	return 1;
}

static int
escape_shell(lua_State *L)
{
	struct str s = api_check(L, 1);
	luaL_Buffer b;

	luaL_buffinit(L, &b);
	luaL_addchar(&b, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			luaL_addstring(&b, "'\\''");
		else
			luaL_addchar(&b, s.p[i]);
	}
	luaL_addchar(&b, '\'');
	luaL_pushresult(&b);
	return 1;
}

enum { LOG_TEXT = 2000 };

static int
log_line(lua_State *L, enum log_level level)
{
	struct plugin *p = vm_plugin(L);
	struct frame f;
	luaL_Buffer b;
	int n = lua_gettop(L);

	luaL_buffinit(L, &b);
	for (int i = 1; i <= n; i++) {
		if (i > 1)
			luaL_addchar(&b, ' ');
		luaL_tolstring(L, i, NULL);
		luaL_addvalue(&b);
	}
	luaL_pushresult(&b);
	frame_init(&f, FRAME_LOG);
	frame_put_u32(&f, p->id);
	frame_put_u8(&f, level);
	frame_put_str(&f, str_head(api_check(L, -1), LOG_TEXT));
	script_send(p->s, &f);
	return 0;
}

static int
log_error_line(lua_State *L)
{
	return log_line(L, LOG_LV_ERROR);
}

static int
log_warn_line(lua_State *L)
{
	return log_line(L, LOG_LV_WARN);
}

static int
log_info_line(lua_State *L)
{
	return log_line(L, LOG_LV_INFO);
}

int
api_fn_metric(lua_State *L)
{
	struct plugin *p = vm_plugin(L);
	struct str name = api_check(L, 1);
	lua_Integer n = (lua_Integer)luaL_optnumber(L, 2, 1);
	struct frame f;

	if (name.n == 0 || name.n > 64)
		return luaL_error(L, "a metric has a name of 1 to 64 bytes");
	frame_init(&f, FRAME_METRIC);
	frame_put_u32(&f, p->id);
	frame_put_str(&f, name);
	frame_put_u64(&f, (uint64_t)n);
	script_send(p->s, &f);
	return 0;
}

/* ---- strings -------------------------------------------------------- */

static int
string_has(lua_State *L)
{
	struct str s = api_check(L, 1), part = api_check(L, 2);
	bool found = part.n == 0;

	for (size_t i = 0; !found && i + part.n <= s.n; i++)
		found = str_istarts(str_from(s, i), part);
	lua_pushboolean(L, found);
	return 1;
}

static int
string_glob(lua_State *L)
{
	lua_pushboolean(L, glob_match(api_check(L, 2), api_check(L, 1)));
	return 1;
}

static int
string_trim(lua_State *L)
{
	api_push(L, str_trim(api_check(L, 1)));
	return 1;
}

static int
next_line(lua_State *L)
{
	struct str rest = str_from(api_check(L, lua_upvalueindex(1)),
	    (size_t)lua_tointeger(L, lua_upvalueindex(2)));
	size_t n = str_find(rest, '\n');
	struct str line = str_head(rest, n);

	if (rest.n == 0)
		return 0;
	lua_pushinteger(L, lua_tointeger(L, lua_upvalueindex(2)) +
	    (lua_Integer)n + 1);
	lua_replace(L, lua_upvalueindex(2));
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	api_push(L, line);
	return 1;
}

static int
string_lines(lua_State *L)
{
	api_check(L, 1);
	lua_settop(L, 1);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, next_line, 2);
	return 1;
}

/* ---- globals -------------------------------------------------------- */

/* A global that nobody set: a typo, as a rule. */
static int
no_global(lua_State *L)
{
	const char *name = luaL_tolstring(L, 2, NULL);
	struct suggest near;

	suggest_init(&near, str_z(name));
	for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
		if (lua_type(L, -2) == LUA_TSTRING)
			suggest_offer(&near, lua_tostring(L, -2));
	}
	if (near.best[0] == '\0')
		return luaL_error(L, "nothing is called `%s`", name);
	return luaL_error(L, "nothing is called `%s`; did you mean `%s`?", name,
	    near.best);
}

static int
syncd_has(lua_State *L)
{
	struct str what = api_check(L, 1), kind = str_split(&what, ':');
	static const struct {
		const char	*name;
		enum reg_kind	 kind;
	} kinds[] = {
		{ "event", REG_EVENT }, { "function", REG_FUNCTION },
		{ "key", REG_KEY }, { "permission", REG_PERMISSION },
	};
	bool found = false;

	for (size_t i = 0; what.p != NULL && i < ARRAY_LEN(kinds); i++) {
		if (str_eq(kind, str_z(kinds[i].name)))
			found = registry_find(kinds[i].kind, NULL, what.p) != NULL;
	}
	lua_pushboolean(L, found);
	return 1;
}

static void
open_table(lua_State *L, const char *name, const luaL_Reg *fns)
{
	lua_newtable(L);
	luaL_setfuncs(L, fns, 0);
	lua_setglobal(L, name);
}

void
api_open_misc(lua_State *L)
{
	static const luaL_Reg log_fns[] = {
		{ "error", log_error_line }, { "warn", log_warn_line },
		{ "info", log_info_line }, { NULL, NULL }
	};
	static const luaL_Reg escape_fns[] = {
		{ "markup", escape_markup }, { "shell", escape_shell },
		{ NULL, NULL }
	};
	static const luaL_Reg string_fns[] = {
		{ "has", string_has }, { "glob", string_glob },
		{ "trim", string_trim }, { "lines", string_lines }, { NULL, NULL }
	};
	static const luaL_Reg syncd_fns[] = { { "has", syncd_has }, { NULL, NULL } };

	open_table(L, "log", log_fns);
	open_table(L, "escape", escape_fns);
	open_table(L, "syncd", syncd_fns);
	lua_getglobal(L, "syncd");
	lua_pushinteger(L, 1);
	lua_setfield(L, -2, "api");
	lua_pop(L, 1);
	lua_register(L, "print", log_info_line);
	lua_getglobal(L, "string");
	luaL_setfuncs(L, string_fns, 0);
	lua_pop(L, 1);
	luaL_getmetatable(L, "regex");
	lua_pushcfunction(L, regex_gc);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 1);
	api_open_plugin(L);
	api_open_account(L);
	/* The last: from here on an unknown name is an error. */
	lua_pushglobaltable(L);
	api_index(L, no_global);
	lua_pop(L, 1);
}

/* ---- files ----------------------------------------------------------- */

static int
after_file(lua_State *L, int status, lua_KContext ctx)
{
	(void)status;
	(void)ctx;
	api_push(L, api_reply(L, "read")->out);
	return 1;
}

int
api_fn_read(lua_State *L)
{
	struct str path = api_check(L, 1);
	struct frame f;

	api_need_directory(L, "read", path);
	api_call(L, &f, CALL_FILE);
	frame_put_str(&f, path);
	return api_ask(L, &f, 0, after_file);
}
