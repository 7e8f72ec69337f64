/* api_part.c — parts of messages, and what an event without a message has. */
#include "api_part.h"

#include <string.h>

#include "fill.h"
#include "glob.h"
#include "mime.h"
#include "registry_fn.h"

enum { BYTES_MAX = 48 << 20 };

struct part {
	uint32_t	slot, generation, index;
};

bool
api_part_test(lua_State *L, int i)
{
	return luaL_testudata(L, i, "part") != NULL;
}

static struct msg *
check_part(lua_State *L, int i, uint32_t *index)
{
	const struct part *part = luaL_checkudata(L, i, "part");
	struct plugin *p = vm_plugin(L);
	struct msg *m = run_msg_at(p->s, part->slot, part->generation);

	if (m == NULL || m->run != p->run)
		luaL_error(L, "part used after its event");
	*index = part->index;
	return m;
}

struct msg *
api_part_msg(lua_State *L, int i)
{
	uint32_t index;

	return check_part(L, i, &index);
}

struct str
api_part_content(lua_State *L, int i)
{
	uint32_t index;
	struct msg *m = check_part(L, i, &index);
	struct buf b;
	struct str out;
	int rc;

	buf_init(&b, BYTES_MAX);
	rc = mime_bytes(mime_of(m), index, &b);
	out = arena_str(&m->run->a, buf_str(&b));
	buf_clear(&b);
	if (rc < 0)
		luaL_error(L, "the part is larger than 48 MiB");
	return out;
}

#define PART								\
	uint32_t i;							\
	struct msg *m = check_part(L, 1, &i);				\
	struct mime *mime = mime_of(m);					\
	struct arena *a = &m->run->a

int
api_part_get_type(lua_State *L)
{
	PART;

	api_push(L, mime_type(mime, i, a));
	return 1;
}

int
api_part_get_filename(lua_State *L)
{
	PART;

	api_push_opt(L, mime_filename(mime, i, a));
	return 1;
}

int
api_part_get_charset(lua_State *L)
{
	PART;

	api_push_opt(L, mime_charset(mime, i, a));
	return 1;
}

int
api_part_get_text(lua_State *L)
{
	PART;

	api_push(L, mime_part_text(mime, i, a));
	return 1;
}

int
api_part_get_params(lua_State *L)
{
	struct str name, value;
	PART;

	lua_newtable(L);
	for (size_t n = 0; mime_param(mime, i, n, &name, &value, a); n++) {
		api_push(L, name);
		api_push(L, value);
		lua_rawset(L, -3);
	}
	return 1;
}

int
api_part_get_size(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)api_part_content(L, 1).n);
	return 1;
}

int
api_part_bytes(lua_State *L)
{
	api_push(L, api_part_content(L, 1));
	return 1;
}

int
api_part_save(lua_State *L)
{
	struct fill_part fp;
	PART;

	fp.filename = mime_filename(mime, i, a);
	if (fp.filename.p == NULL)
		fp.filename = STR("part");
	api_save(L, m, &fp, api_part_content(L, 1));
	lua_settop(L, 1);
	return 1;
}

/* ---- iterating ------------------------------------------------------ */

/* Upvalues: the message, the pattern or nil, the next index, attachments only. */
static int
next_part(lua_State *L)
{
	struct msg *m = api_check_msg(L, lua_upvalueindex(1));
	struct mime *mime = mime_of(m);
	size_t i = (size_t)lua_tointeger(L, lua_upvalueindex(3));
	bool attachments = lua_toboolean(L, lua_upvalueindex(4));
	struct str pattern = lua_isnil(L, lua_upvalueindex(2)) ? STR("*") :
	    api_check(L, lua_upvalueindex(2));

	for (; i < mime_parts(mime); i++) {
		struct part *part;

		if (attachments && !mime_is_attachment(mime, i))
			continue;
		if (!glob_match(pattern, mime_type(mime, i, &m->run->a)) &&
		    !(attachments && glob_match(pattern,
		    mime_filename(mime, i, &m->run->a))))
			continue;
		lua_pushinteger(L, (lua_Integer)i + 1);
		lua_replace(L, lua_upvalueindex(3));
		part = lua_newuserdatauv(L, sizeof(*part), 0);
		*part = (struct part){ m->slot, m->generation, (uint32_t)i };
		luaL_setmetatable(L, "part");
		return 1;
	}
	return 0;
}

static int
iterate(lua_State *L, bool attachments)
{
	api_check_msg(L, 1);
	if (!lua_isnoneornil(L, 2))
		api_check(L, 2);
	lua_settop(L, 2);
	lua_pushinteger(L, 0);
	lua_pushboolean(L, attachments);
	lua_pushcclosure(L, next_part, 4);
	return 1;
}

static int
parts(lua_State *L)
{
	return iterate(L, false);
}

int
api_msg_parts(lua_State *L)
{
	return api_need_body(L, api_check_msg(L, 1), parts);
}

static int
attachments(lua_State *L)
{
	return iterate(L, true);
}

int
api_msg_attachments(lua_State *L)
{
	return api_need_body(L, api_check_msg(L, 1), attachments);
}

/* ---- events without a message --------------------------------------- */

int
api_event_hold(lua_State *L)
{
	struct run *r = api_run(L, "hold");
	struct str why = api_copy(L, 2);
	struct op *op;

	luaL_checktype(L, 1, LUA_TTABLE);
	if (r->kind != HOOK_REMOVING && r->kind != HOOK_FOLDER)
		return luaL_error(L, "only removing and folder can be held");
	op = api_op(L, NULL, OPK_HOLD, "hold");
	op->arg.v = arena_get(&r->a, sizeof(struct str));
	op->arg.v[0] = why;
	op->arg.n = 1;
	api_op_done(L, op);
	lua_pushliteral(L, "reason");
	lua_pushvalue(L, 2);
	lua_rawset(L, 1);
	lua_settop(L, 1);
	return 1;
}

/* The keywords as they were before this burst. */
static void
push_before(lua_State *L, const struct msg *m)
{
	api_push_words(L, &m->base.keywords);
	for (size_t i = 0; i < m->added.n; i++) {
		api_push(L, m->added.v[i]);
		lua_pushnil(L);
		lua_rawset(L, -3);
	}
	for (size_t i = 0; i < m->removed.n; i++) {
		api_push(L, m->removed.v[i]);
		lua_pushboolean(L, 1);
		lua_rawset(L, -3);
	}
}

/* Upvalues: what, the next index. */
static int
next_changed(lua_State *L)
{
	struct run *r = api_run(L, "changed");
	bool flags = strcmp(lua_tostring(L, lua_upvalueindex(1)), "flags") == 0;
	size_t i = (size_t)lua_tointeger(L, lua_upvalueindex(2));

	for (; i < r->n_own; i++) {
		const struct msg *m = r->msg[i];

		if (flags ? (m->sys_added | m->sys_removed) == 0 :
		    m->added.n + m->removed.n == 0)
			continue;
		lua_pushinteger(L, (lua_Integer)i + 1);
		lua_replace(L, lua_upvalueindex(2));
		api_push_msg(L, m);
		push_before(L, m);
		return 2;
	}
	return 0;
}

int
api_event_changed(lua_State *L)
{
	static const char *const what[] = { "keywords", "flags", NULL };

	luaL_checkoption(L, 2, NULL, what);
	lua_pushvalue(L, 2);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, next_changed, 2);
	return 1;
}
