/* api_act.c — what scripts ask to be done to a message. */
#include "api.h"

#include <string.h>

#include "base/suggest.h"
#include "fill.h"
#include "registry_fn.h"

#define M	api_check_msg(L, 1)

static int
self(lua_State *L)
{
	lua_settop(L, 1);
	return 1;
}

static struct strs
one_arg(lua_State *L, struct str s)
{
	struct run *r = api_run(L, "this");
	struct strs list = { arena_get(&r->a, sizeof(struct str)), 1 };

	list.v[0] = s;
	return list;
}

/* Argument 2, with its {names} filled in. */
static struct str
filled(lua_State *L, struct msg *m, const struct fill_part *part)
{
	struct str out, bad;

	if (fill_pattern(m, part, api_copy(L, 2), &out, &bad) < 0)
		luaL_error(L, "no {%s} in patterns",
		    lua_pushlstring(L, bad.p, bad.n));
	return out;
}

static int
need_pattern(lua_State *L, lua_CFunction fn)
{
	struct msg *m = M;
	struct str pattern = api_check(L, 2);

	if (fill_needs_header(pattern))
		return api_need_header(L, m, fn);
	if (fill_needs_state(pattern))
		return api_need_state(L, m, fn);
	return fn(L);
}

/* accounts.NAME.x as argument 2 becomes a name, and NAME argument 3. */
static void
spread_place(lua_State *L)
{
	if (!api_is_place(L, 2))
		return;
	lua_settop(L, 2);
	lua_getfield(L, 2, "account");
	lua_getfield(L, 2, "mailbox");
	lua_replace(L, 2);
}

/* Is argument 3 an account, and not this one? */
static bool
goes_across(lua_State *L)
{
	return !lua_isnoneornil(L, 3) && !str_eq(api_check(L, 3),
	    api_run(L, "this")->s->account.name);
}

static int
put_across(lua_State *L, struct msg *m, struct str mailbox, const char *verb,
    bool moves)
{
	struct run *r = api_run(L, verb);
	struct str account = api_copy(L, 3);
	struct op *op;

	api_need(L, "accounts", account);
	op = api_op(L, m, OPK_ACROSS, verb);
	op->arg.v = arena_get(&r->a, 3 * sizeof(struct str));
	op->arg.v[0] = mailbox;
	op->arg.v[1] = account;
	op->arg.v[2] = STR("move");
	op->arg.n = moves ? 3 : 2;
	api_op_done(L, op);
	return self(L);
}

static int
file_by(lua_State *L, enum hook_op_kind kind, const char *verb)
{
	struct msg *m = M;
	struct str mailbox = filled(L, m, NULL);
	struct op *op;

	if (mailbox.n == 0)
		return luaL_error(L, "%s: the name of the mailbox is empty", verb);
	if (kind == OPK_MOVE && goes_across(L))
		return put_across(L, m, mailbox, verb, true);
	op = api_op(L, m, kind, verb);
	op->arg = one_arg(L, mailbox);
	api_op_done(L, op);
	return self(L);
}

static int
move(lua_State *L)
{
	return file_by(L, OPK_MOVE, "move");
}

int
api_msg_move(lua_State *L)
{
	spread_place(L);
	return need_pattern(L, move);
}

static int
refile(lua_State *L)
{
	return file_by(L, OPK_MOVE, "refile");
}

int
api_msg_refile(lua_State *L)
{
	spread_place(L);
	return need_pattern(L, refile);
}

static int
archive(lua_State *L)
{
	return file_by(L, OPK_ARCHIVE, "archive");
}

int
api_msg_archive(lua_State *L)
{
	if (!lua_isnoneornil(L, 2))
		return need_pattern(L, archive);
	api_op_done(L, api_op(L, M, OPK_ARCHIVE, "archive"));
	return self(L);
}

int
api_msg_trash(lua_State *L)
{
	api_op_done(L, api_op(L, M, OPK_TRASH, "trash"));
	return self(L);
}

int
api_msg_delete(lua_State *L)
{
	api_need(L, "delete", STR_NONE);
	api_op_done(L, api_op(L, M, OPK_DELETE, "delete"));
	return self(L);
}

static int
copy(lua_State *L)
{
	struct msg *m = M;
	struct strs arg = one_arg(L, filled(L, m, NULL));
	struct op *op;

	if (goes_across(L))
		return put_across(L, m, arg.v[0], "copy", false);
	op = api_op(L, m, OPK_COPY, "copy");
	op->arg = arg;
	api_op_done(L, op);
	return self(L);
}

int
api_msg_copy(lua_State *L)
{
	spread_place(L);
	return need_pattern(L, copy);
}

static const struct {
	const char	*name;
	uint32_t	 bit;
} flag_names[] = {
	{ "seen", FLAG_SEEN }, { "flagged", FLAG_FLAGGED },
	{ "answered", FLAG_ANSWERED }, { "draft", FLAG_DRAFT },
	{ "passed", FLAG_PASSED }, { "deleted", FLAG_DELETED },
};

static const char *
flag_name(size_t i)
{
	return i < ARRAY_LEN(flag_names) ? flag_names[i].name : NULL;
}

bool
api_flag_at(size_t i, const char **name, uint32_t *bit)
{
	if (i >= ARRAY_LEN(flag_names))
		return false;
	*name = flag_names[i].name;
	*bit = flag_names[i].bit;
	return true;
}

uint32_t
api_flag(lua_State *L, struct str word)
{
	if (word.n > 0 && word.p[0] == '\\')
		word = str_from(word, 1);
	for (size_t i = 0; i < ARRAY_LEN(flag_names); i++) {
		if (str_ieq(word, str_z(flag_names[i].name)))
			return flag_names[i].bit;
	}
	return (uint32_t)api_unknown(L, "flag", word, flag_name);
}

static int
change_flags(lua_State *L, enum hook_op_kind kind, const char *verb)
{
	struct msg *m = M;
	struct strs words = api_words(L, 2);
	uint32_t sys = 0;
	struct op *op;

	for (size_t i = 0; i < words.n; i++)
		sys |= api_flag(L, words.v[i]);
	op = api_op(L, m, kind, verb);
	op->sys = sys;
	api_op_done(L, op);
	return self(L);
}

int
api_msg_flag(lua_State *L)
{
	return change_flags(L, OPK_FLAG, "flag");
}

int
api_msg_unflag(lua_State *L)
{
	return change_flags(L, OPK_UNFLAG, "unflag");
}

/* A keyword is an atom (RFC 9051): no blanks, no ( ) { % * " \ ]. */
static bool
is_keyword(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] >= 127 ||
		    strchr("(){%*\"\\]", s.p[i]) != NULL)
			return false;
	}
	return s.n > 0 && s.n <= KW_NAME_MAX;
}

static int
change_tags(lua_State *L, enum hook_op_kind kind, const char *verb)
{
	struct msg *m = M;
	struct strs words = api_words(L, 2);
	struct op *op;

	for (size_t i = 0; i < words.n; i++) {
		if (!is_keyword(words.v[i]))
			return luaL_error(L, "`%s` cannot be a keyword: letters, "
			    "digits and $-_. are fine", words.v[i].p);
	}
	if (words.n == 0)
		return self(L);
	op = api_op(L, m, kind, verb);
	op->arg = words;
	api_op_done(L, op);
	return self(L);
}

int
api_msg_tag(lua_State *L)
{
	return change_tags(L, OPK_TAG, "tag");
}

int
api_msg_untag(lua_State *L)
{
	return change_tags(L, OPK_UNTAG, "untag");
}

int
api_msg_rewrite(lua_State *L)
{
	struct msg *m = M;
	struct str bytes = api_copy(L, 2);
	struct op *op;

	api_need(L, "delete", STR_NONE);
	op = api_op(L, m, OPK_APPEND, "rewrite");
	op->bytes = bytes;
	api_op_done(L, op);
	return self(L);
}

int
api_msg_hold(lua_State *L)
{
	struct op *op;

	api_check(L, 2);
	op = api_op(L, M, OPK_HOLD, "hold");
	op->arg = one_arg(L, api_copy(L, 2));
	api_op_done(L, op);
	return self(L);
}

int
api_msg_keep_on_server(lua_State *L)
{
	struct op *op;

	luaL_checktype(L, 2, LUA_TBOOLEAN);
	op = api_op(L, M, OPK_KEEP, "keep_on_server");
	op->arg = one_arg(L, lua_toboolean(L, 2) ? STR("yes") : STR("no"));
	api_op_done(L, op);
	return self(L);
}

int
api_msg_skip(lua_State *L)
{
	struct msg *m = M;

	if (!api_header_only(m))
		return luaL_error(L, "skip: the message is here; only on.offered "
		    "can skip it");
	api_op_done(L, api_op(L, m, OPK_SKIP, "skip"));
	return self(L);
}

int
api_msg_stop(lua_State *L)
{
	struct msg *m = M;

	api_op_done(L, api_op(L, m, OPK_STOP, "stop"));
	m->run->stopped = true;
	return self(L);
}

/* ---- saving --------------------------------------------------------- */

void
api_save(lua_State *L, struct msg *m, const struct fill_part *part,
    struct str bytes)
{
	struct str path = filled(L, m, part);
	struct op *op;

	api_need_directory(L, "write", path);
	op = api_op(L, m, OPK_SAVE, "save");
	op->arg = one_arg(L, path);
	op->bytes = bytes;
	op->whole = bytes.p == NULL;
	api_op_done(L, op);
}

static int
save(lua_State *L)
{
	api_save(L, M, NULL, STR_NONE);
	return self(L);
}

int
api_msg_save(lua_State *L)
{
	api_check(L, 2);
	return api_need_header(L, M, save);
}
