/* vm.c — states, limits, and the way in. */
#include "vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "api.h"
#include "base/mem.h"
#include "pack.h"

enum {
	STEP	= 1000,		/* instructions between looks at the clock */
	PARKS	= 3		/* shares of instructions until it is over */
};

struct plugin *
vm_plugin(lua_State *L)
{
	return *(struct plugin **)lua_getextraspace(L);
}

static void *
allocate(void *ud, void *p, size_t before, size_t after)
{
	struct plugin *pl = ud;
	void *q;

	if (p == NULL)
		before = 0;
	if (after == 0) {
		free(p);
		pl->mem -= before;
		return NULL;
	}
	if (after > before && after - before > pl->mem_max - pl->mem)
		return NULL;
	q = realloc(p, after);
	if (q != NULL)
		pl->mem += after - before;
	return q;
}

/* Every STEP instructions.  While a plugin loads there is one share, and no
 * others to let go on. */
static void
tick(lua_State *L, lua_Debug *ar)
{
	struct run *r = vm_plugin(L)->run;
	uint64_t share, most;

	(void)ar;
	if (r == NULL)
		return;
	share = r->s->max_instructions;
	most = PARKS * share;
	r->spent += STEP;
	if (r->spent < share * (r->parks + 1) && r->spent < most)
		return;
	if (L == r->thread && lua_isyieldable(L)) {
		r->why = r->spent < most ? WHY_PARKED : WHY_ABORTED;
		r->parks++;
		lua_yield(L, 0);
		return;
	}
	if (r->spent < most)
		return;
	lua_sethook(L, tick, LUA_MASKCOUNT, 1);
	luaL_error(L, "too many instructions");
}

/* What went wrong outside of any protected call: nothing can be saved. */
static int
panic(lua_State *L)
{
	fprintf(stderr, "lua: %s\n", lua_tostring(L, -1));
	abort();
}

static int
open_all(lua_State *L)
{
	struct plugin *p = lua_touserdata(L, 1);

	api_open_libs(L, p->trusted);
	if (p->s->driver != NULL)
		p->s->driver->open(p->s, p, L);
	api_open_registry(L);
	return 0;
}

int
vm_open(struct plugin *p)
{
	p->L = lua_newstate(allocate, p);
	if (p->L == NULL)
		return -1;
	*(struct plugin **)lua_getextraspace(p->L) = p;
	lua_atpanic(p->L, panic);
	lua_pushcfunction(p->L, open_all);
	lua_pushlightuserdata(p->L, p);
	if (lua_pcall(p->L, 1, 0, 0) != LUA_OK)
		return -1;
	lua_gc(p->L, LUA_GCGEN, 0, 0);
	return 0;
}

void
vm_close(struct plugin *p)
{
	if (p->L != NULL)
		lua_close(p->L);
	p->L = NULL;
}

static int
new_thread(lua_State *L)
{
	lua_State *co = lua_newthread(L);

	lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
	lua_pushlightuserdata(L, co);
	return 2;
}

bool
vm_thread(struct run *r)
{
	struct plugin *p = r->plugin;

	if (p->n_pool > 0) {
		r->thread_ref = p->pool[--p->n_pool];
		lua_rawgeti(p->L, LUA_REGISTRYINDEX, r->thread_ref);
		r->thread = lua_tothread(p->L, -1);
		lua_pop(p->L, 1);
	} else {
		lua_pushcfunction(p->L, new_thread);
		if (lua_pcall(p->L, 0, 2, 0) != LUA_OK) {
			lua_pop(p->L, 1);
			return false;
		}
		r->thread = lua_touserdata(p->L, -1);
		r->thread_ref = (int)lua_tointeger(p->L, -2);
		lua_pop(p->L, 2);
	}
	lua_sethook(r->thread, tick, LUA_MASKCOUNT, STEP);
	return true;
}

/* A thread that did not end by itself is left to the collector, and never closed:
 * closing would run the script's __close methods, where no yield stops them. */
void
vm_close_thread(struct run *r)
{
	struct plugin *p = r->plugin;

	if (r->thread == NULL)
		return;
	lua_sethook(r->thread, NULL, 0, 0);
	if (r->why == WHY_NONE && lua_status(r->thread) == LUA_OK &&
	    p->n_pool < ARRAY_LEN(p->pool)) {
		lua_settop(r->thread, 0);
		p->pool[p->n_pool++] = r->thread_ref;
	} else {
		luaL_unref(p->L, LUA_REGISTRYINDEX, r->thread_ref);
	}
	r->thread = NULL;
}

/* What a handler may give back: the message it had, or nothing.  Anything else is
 * a misunderstanding, and is said.  A command's text is its answer. */
static bool
check_results(struct run *r, int n, struct str *error)
{
	lua_State *L = r->thread;

	for (int i = -n; i < 0 && r->load == NULL; i++) {
		size_t len;
		const char *s;

		if (lua_isnil(L, i) || luaL_testudata(L, i, "msg") != NULL ||
		    luaL_testudata(L, i, "msgs") != NULL)
			continue;
		if (r->kind == HOOK_SAVE && lua_istable(L, i)) {
			const char *why = NULL;

			if (pack_value(L, i, &r->reply_text, &why) == 0)
				continue;
		}
		if (r->kind == HOOK_COMMAND && lua_type(L, i) == LUA_TSTRING) {
			s = lua_tolstring(L, i, &len);
			if (buf_add(&r->reply_text, s, len) == 0)
				continue;
		}
		char text[160];
		int used = snprintf(text, sizeof(text), "%s: a handler returned "
		    "a %s; return values have no meaning, use methods like "
		    "msg:move()", r->plugin->file, luaL_typename(L, i));

		*error = arena_str(&r->a, (struct str){ text, (size_t)used });
		return false;
	}
	return true;
}

static struct str
error_text(struct run *r)
{
	lua_State *L = r->thread;
	size_t n;
	const char *s = lua_type(L, -1) == LUA_TSTRING ?
	    lua_tolstring(L, -1, &n) : NULL;

	if (s == NULL)
		return STR("the error is not a text");
	return arena_str(&r->a, (struct str){ s, n });
}

static struct str
aborted_text(struct run *r)
{
	char where[80], text[200];
	int n;

	vm_where(r->thread, where);
	n = snprintf(text, sizeof(text), "%s: too many instructions; stopped",
	    where[0] != '\0' ? where : r->plugin->file);
	return arena_str(&r->a, (struct str){ text, (size_t)n });
}

static void
mark_progress(struct run *r, bool busy)
{
	struct progress *pr = r->s->progress;

	pr->event = r->event;
	pr->index = r->index;
	pr->plugin = r->plugin->id;
	pr->handler = (uint32_t)r->at_handler;
	pr->busy = busy;
	pr->beat++;
}

enum vm_end
vm_resume(struct run *r, struct str *error)
{
	struct plugin *p = r->plugin;
	lua_State *L = r->thread;
	bool fresh = lua_status(L) == LUA_OK;
	int n = 0, status;
	enum vm_end end;

	p->run = r;
	r->why = WHY_NONE;
	mark_progress(r, true);
	status = lua_resume(L, p->L, fresh ? lua_gettop(L) - 1 : 0, &n);
	mark_progress(r, false);
	p->run = NULL;
	if (status == LUA_YIELD) {
		if (r->why == WHY_CALL)
			return VM_WAITS;
		if (r->why == WHY_PARKED)
			return VM_PARKED;
		*error = r->why == WHY_ABORTED ? aborted_text(r) :
		    STR("a handler called coroutine.yield() outside of a "
		    "coroutine of its own");
		r->why = WHY_ABORTED;
		end = VM_FAILED;
	} else if (status != LUA_OK) {
		*error = error_text(r);
		r->why = WHY_ABORTED;
		end = VM_FAILED;
	} else {
		end = check_results(r, n, error) ? VM_DONE : VM_FAILED;
	}
	vm_close_thread(r);
	return end;
}

void
vm_where(lua_State *L, char out[80])
{
	lua_Debug ar;

	out[0] = '\0';
	for (int level = 0; lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sl", &ar);
		if (ar.currentline > 0 && ar.source[0] == '@') {
			snprintf(out, 80, "%.68s:%d", ar.source + 1,
			    ar.currentline);
			return;
		}
	}
}
