/* require.c — modules: syncd.NAME of ours, or a file beside the plugin. */
#include "api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "registry_fn.h"

static const char loaded_key[] = "syncd.loaded";

enum { PATH_LEN = 1000 };

/* "a.b" is a/b.lua; only letters, digits, - and _ between the dots, so that no name
 * leaves the directory. */
static bool
module_path(const char *dir, struct str name, char out[PATH_LEN])
{
	char file[200];
	size_t n = 0;

	for (; n < name.n && n + 1 < sizeof(file); n++) {
		char c = name.p[n];

		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789-_.", c) == NULL || c == '\0' ||
		    (c == '.' && (n == 0 || name.p[n - 1] == '.')))
			return false;
		file[n] = c == '.' ? '/' : c;
	}
	file[n] = '\0';
	return n == name.n && n > 0 && snprintf(out, PATH_LEN, "%s/%s.lua", dir,
	    file) < PATH_LEN;
}

static bool
find_module(const struct plugin *p, struct str name, char out[PATH_LEN])
{
	if (str_starts(name, STR("syncd.")))
		return module_path(p->s->lua_dir, name, out);
	return module_path(p->dir, name, out);
}

/* Stack: name, loaded, value. */
static int
keep(lua_State *L, int status, lua_KContext ctx)
{
	(void)status;
	(void)ctx;
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_pushboolean(L, 1);
	}
	lua_pushvalue(L, 1);
	lua_pushvalue(L, -2);
	lua_rawset(L, 2);
	return 1;
}

/* The chunk of ${source} on the stack, or the error; the buffer is the caller's. */
static int
chunk(lua_State *L, const struct buf *source, const char *path)
{
	const char *slash = strrchr(path, '/');

	lua_pushfstring(L, "@%s", slash != NULL ? slash + 1 : path);
	return luaL_loadbufferx(L, (const char *)source->p, source->n,
	    lua_tostring(L, -1), "t");
}

/* With trusted plugins: what the standard require finds. */
static int
standard(lua_State *L, const char *why)
{
	if (lua_getfield(L, LUA_REGISTRYINDEX, "syncd.require") != LUA_TFUNCTION)
		return luaL_error(L, "%s", why);
	lua_pushvalue(L, 1);
	lua_callk(L, 1, 1, 0, keep);
	return keep(L, LUA_OK, 0);
}

int
api_fn_require(lua_State *L)
{
	const struct plugin *p = vm_plugin(L);
	struct str name = api_check(L, 1);
	char path[PATH_LEN], why[PATH_LEN + 100];
	struct buf source;
	int rc;

	lua_settop(L, 1);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, loaded_key);
	lua_pushvalue(L, 1);
	if (lua_rawget(L, 2) != LUA_TNIL)
		return 1;
	lua_pop(L, 1);
	if (!find_module(p, name, path)) {
		snprintf(why, sizeof(why), "require: no module can be called `%s`",
		    name.p);
		return standard(L, why);
	}
	if (load_file(path, &source) < 0) {
		buf_clear(&source);
		snprintf(why, sizeof(why), "require: %s: %s", path,
		    strerror(errno));
		return standard(L, why);
	}
	rc = chunk(L, &source, path);
	buf_clear(&source);
	if (rc != LUA_OK)
		return lua_error(L);
	lua_callk(L, 0, 1, 0, keep);
	return keep(L, LUA_OK, 0);
}
