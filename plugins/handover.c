/*
 * handover.c — one version of a script after another.
 *
 * These handlers run at once and to their end: they may neither ask nor do anything
 * (api_run() refuses), and what fails leaves the version that runs.
 */
#include "handover.h"

#include <stdio.h>

#include <lua.h>

#include "pack.h"
#include "run.h"
#include "vm.h"

/* In a protected call: the handler, and what it is given. */
struct entry {
	int		fn;
	struct str	packed;
};

static int
push_entry(lua_State *L)
{
	const struct entry *e = lua_touserdata(L, 1);

	lua_rawgeti(L, LUA_REGISTRYINDEX, e->fn);
	if (e->packed.n == 0)
		return 1;
	pack_push(L, e->packed);
	return 2;
}

static bool
enter(struct run *r, const struct handler *h, struct str packed, struct str *why)
{
	lua_State *L = r->plugin->L;
	struct entry e = { h->fn, packed };
	int top = lua_gettop(L);
	enum vm_end end;

	*why = STR("not enough memory");
	if (!vm_thread(r))
		return false;
	lua_pushcfunction(L, push_entry);
	lua_pushlightuserdata(L, &e);
	if (lua_pcall(L, 1, LUA_MULTRET, 0) != LUA_OK) {
		lua_settop(L, top);
		vm_close_thread(r);
		return false;
	}
	lua_xmove(L, r->thread, lua_gettop(L) - top);
	end = vm_resume(r, why);
	if (end == VM_WAITS || end == VM_PARKED) {
		*why = STR("too many instructions");
		vm_close_thread(r);
	}
	return end == VM_DONE;
}

/* All handlers of that kind; what on.save returns is appended to ${saved}. */
static bool
call(struct plugin *p, enum hook_kind kind, struct str packed, struct buf *saved,
    char *text, size_t cap)
{
	struct run *r = run_new(p->s, kind);
	bool good = true;
	struct str why;

	r->plugin = p;
	for (size_t i = 0; i < p->n_handlers && good; i++) {
		if (p->handler[i].kind != kind)
			continue;
		good = enter(r, &p->handler[i], packed, &why);
		if (!good)
			snprintf(text, cap, "on.%s: %.*s", hook_kind_name(kind),
			    STR_ARG(why));
	}
	if (good && saved != NULL &&
	    buf_add_str(saved, buf_str(&r->reply_text)) < 0) {
		snprintf(text, cap, "on.save: too much is saved");
		good = false;
	}
	r->plugin = NULL;
	run_free(r);
	return good;
}

void
handover_start(struct plugin *old, struct plugin *p, char *why, size_t cap)
{
	CLEANUP(buf_clear) struct buf saved;

	buf_init(&saved, FRAME_BLOB_MAX);
	if (old != NULL &&
	    !call(old, HOOK_SAVE, STR_NONE, &saved, why, cap))
		return;
	if (saved.n > 0 &&
	    !call(p, HOOK_RESTORE, buf_str(&saved), NULL, why, cap))
		return;
	(void)call(p, HOOK_START, STR_NONE, NULL, why, cap);
}

void
handover_stop(struct plugin *old)
{
	char ignored[200];

	(void)call(old, HOOK_STOP, STR_NONE, NULL, ignored, sizeof(ignored));
}
