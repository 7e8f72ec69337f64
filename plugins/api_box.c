/* api_box.c — the account, its mailboxes, and finding messages. */
#include "api.h"

#include <string.h>
#include <unistd.h>

#include "glob.h"
#include "match.h"
#include "registry.h"
#include "registry_fn.h"

static const char *const role_names[ROLE_N] = {
	[ROLE_INBOX] = "inbox", [ROLE_SENT] = "sent", [ROLE_TRASH] = "trash",
	[ROLE_JUNK] = "junk", [ROLE_DRAFTS] = "drafts", [ROLE_ARCHIVE] = "archive",
};

static const struct account *
acc(lua_State *L)
{
	return &vm_plugin(L)->s->account;
}

/* ---- account -------------------------------------------------------- */

int
api_account_get_name(lua_State *L)
{
	api_push(L, acc(L)->name);
	return 1;
}

int
api_account_get_identities(lua_State *L)
{
	api_push_list(L, &acc(L)->me);
	return 1;
}

int
api_account_get_online(lua_State *L)
{
	lua_pushboolean(L, acc(L)->online);
	return 1;
}

#define ROLE_FIELD(name, which)						\
int									\
api_account_get_##name(lua_State *L)					\
{									\
	api_push_opt(L, acc(L)->role[which]);				\
	return 1;							\
}
ROLE_FIELD(inbox, ROLE_INBOX)
ROLE_FIELD(sent, ROLE_SENT)
ROLE_FIELD(trash, ROLE_TRASH)
ROLE_FIELD(junk, ROLE_JUNK)
ROLE_FIELD(drafts, ROLE_DRAFTS)
ROLE_FIELD(archive, ROLE_ARCHIVE)
#undef ROLE_FIELD

int
api_account_mailboxes(lua_State *L)
{
	const struct account *a = acc(L);
	struct str pattern = lua_isnoneornil(L, 2) ? STR("*") : api_check(L, 2);
	lua_Integer n = 0;

	lua_newtable(L);
	for (size_t i = 0; i < a->n_boxes; i++) {
		if (!glob_match(pattern, a->box[i].name))
			continue;
		api_push(L, a->box[i].name);
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

/* ---- mailboxes: tables with a name ---------------------------------- */

static struct str
box_name(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_pushliteral(L, "name");
	lua_rawget(L, 1);
	return api_check(L, -1);
}

static const struct mailbox *
box(lua_State *L)
{
	const struct account *a = acc(L);
	struct str name = box_name(L);

	for (size_t i = 0; i < a->n_boxes; i++) {
		if (str_eq(a->box[i].name, name))
			return &a->box[i];
	}
	return NULL;
}

int
api_mailbox_get_name(lua_State *L)
{
	box_name(L);
	return 1;
}

int
api_mailbox_get_exists(lua_State *L)
{
	lua_pushboolean(L, box(L) != NULL);
	return 1;
}

int
api_mailbox_get_role(lua_State *L)
{
	const struct mailbox *b = box(L);

	lua_pushstring(L, b != NULL ? role_names[b->role] : NULL);
	return 1;
}

int
api_mailbox_get_total(lua_State *L)
{
	const struct mailbox *b = box(L);

	lua_pushinteger(L, b != NULL ? b->total : 0);
	return 1;
}

static int
push_unseen(lua_State *L, int status, lua_KContext ctx)
{
	(void)status;
	(void)ctx;
	lua_pushinteger(L, api_reply(L, "unseen")->code);
	return 1;
}

/* Counted when somebody wants to know: it is a look at all rows. */
int
api_mailbox_get_unseen(lua_State *L)
{
	struct str name = box_name(L);
	struct frame f;

	api_call(L, &f, CALL_UNSEEN);
	frame_put_str(&f, name);
	return api_ask(L, &f, 0, push_unseen);
}

static int
box_op(lua_State *L, const char *verb, struct str to)
{
	struct run *r = api_run(L, verb);
	struct op *op;

	op = api_op(L, NULL, OPK_MAILBOX, verb);
	op->arg.v = arena_get(&r->a, 3 * sizeof(struct str));
	op->arg.v[0] = str_z(verb);
	op->arg.v[1] = arena_str(&r->a, box_name(L));
	op->arg.v[2] = to;
	op->arg.n = to.p != NULL ? 3 : 2;
	api_op_done(L, op);
	lua_settop(L, 1);
	return 1;
}

int
api_mailbox_create(lua_State *L)
{
	return box_op(L, "create", STR_NONE);
}

int
api_mailbox_rename(lua_State *L)
{
	return box_op(L, "rename", api_copy(L, 2));
}

int
api_mailbox_remove(lua_State *L)
{
	api_need(L, "delete", STR_NONE);
	return box_op(L, "remove", STR_NONE);
}

int
api_mailbox_append(lua_State *L)
{
	struct run *r = api_run(L, "append");
	struct str bytes = api_check(L, 2);
	struct str date = STR("0");
	uint32_t sys = 0;
	struct op *op;

	if (lua_istable(L, 3) && lua_getfield(L, 3, "date") != LUA_TNIL) {
		lua_pushinteger(L, luaL_checkinteger(L, -1));
		date = api_copy(L, lua_gettop(L));
	}
	if (lua_istable(L, 3) && lua_getfield(L, 3, "flags") != LUA_TNIL) {
		struct strs words = api_words(L, lua_gettop(L));

		for (size_t i = 0; i < words.n; i++)
			sys |= api_flag(L, words.v[i]);
	}
	op = api_op(L, NULL, OPK_APPEND, "append");
	op->arg.v = arena_get(&r->a, 2 * sizeof(struct str));
	op->arg.v[0] = arena_str(&r->a, box_name(L));
	op->arg.v[1] = date;
	op->arg.n = 2;
	op->sys = sys;
	op->bytes = arena_str(&r->a, bytes);
	api_op_done(L, op);
	lua_settop(L, 1);
	return 1;
}

int
api_fn_mailbox(lua_State *L)
{
	api_check(L, 1);
	lua_createtable(L, 0, 1);
	lua_pushvalue(L, 1);
	lua_setfield(L, -2, "name");
	luaL_setmetatable(L, "mailbox");
	return 1;
}

/* ---- messages by id, by query --------------------------------------- */

int
api_fn_message(lua_State *L)
{
	struct run *r = api_run(L, "message()");
	lua_Integer id;
	struct msg *m;
	int is;

	/* Keys of stores are texts, also when they were numbers. */
	id = lua_tointegerx(L, 1, &is);
	if (!is)
		return luaL_error(L, "message() takes the id of a message");
	m = run_msg_by_id(r, id);
	if (m == NULL)
		return luaL_error(L, "too many messages for one event");
	api_push_msg(L, m);
	return 1;
}

/* Stack of a search: 1 the query, 2 the match, 3 struct found. */
struct found {
	struct msg	**msg;		/* NULL: tested, and not meant */
	size_t		 n, cap, tested;
	struct str	 ids;		/* of what the server found, in its bytes */
	size_t		 looked;	/* at so many of them */
};

static int test_found(lua_State *L, int status, lua_KContext ctx);

static int
ask_page(lua_State *L, const struct match *mt, int64_t after)
{
	struct frame f;

	api_call(L, &f, CALL_SEARCH);
	frame_put_u64(&f, (uint64_t)after);
	match_put_query(mt, &f);
	return api_ask(L, &f, 0, test_found);
}

enum { LOOK_AT = 60 };		/* messages in one question */

/* The next of those that the server found. */
static int
ask_look(lua_State *L, struct found *fd)
{
	size_t all = fd->ids.n / sizeof(uint64_t), n = all - fd->looked;
	struct frame f;

	n = n < LOOK_AT ? n : LOOK_AT;
	api_call(L, &f, CALL_LOOK);
	frame_put_u32(&f, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		uint64_t id;

		memcpy(&id, fd->ids.p + fd->looked++ * sizeof(id), sizeof(id));
		frame_put_u64(&f, id);
	}
	return api_ask(L, &f, 0, test_found);
}

/* The server has answered. */
static int
after_server(lua_State *L, int status, lua_KContext ctx)
{
	struct found *fd = lua_touserdata(L, 3);

	(void)ctx;
	fd->ids = api_reply(L, "search")->out;
	if (fd->ids.n < sizeof(uint64_t))
		return test_found(L, status, 0);
	return ask_look(L, fd);
}

/* The round that brings a message waits for what these say: the server would be
 * asked after it. */
static bool
holds_the_round(const struct run *r)
{
	return r->load != NULL || r->kind == HOOK_OFFERED ||
	    r->kind == HOOK_INCOMING || r->kind == HOOK_CREATED ||
	    r->kind == HOOK_REMOVING;
}

static int
ask_server(lua_State *L, const struct match *mt)
{
	struct run *r = api_run(L, "search");
	struct frame f;

	if (holds_the_round(r))
		return luaL_error(L, "search: the server cannot be asked %s%s: mail "
		    "would wait for the answer, and the answer for mail",
		    r->load != NULL ? "while the plugin loads" : "in on.",
		    r->load != NULL ? "" : hook_kind_name(r->kind));
	api_call(L, &f, CALL_SERVER);
	match_put_terms(mt, &f);
	return api_ask(L, &f, 0, after_server);
}

/* The messages of this page join the others. */
static void
keep_page(struct run *r, struct found *fd)
{
	size_t more = fd->n + r->reply.n_msgs;

	if (more > fd->cap) {
		struct msg **v;

		fd->cap = more * 2;
		v = arena_get(&r->a, fd->cap * sizeof(*v));
		if (fd->n > 0)
			memcpy(v, fd->msg, fd->n * sizeof(*v));
		fd->msg = v;
	}
	for (size_t i = 0; i < r->reply.n_msgs; i++)
		fd->msg[fd->n++] = r->reply.msg[i];
}

static int
nothing(lua_State *L)
{
	(void)L;
	return 0;
}

static int
open_message(lua_State *L)
{
	return api_need_body(L, api_check_msg(L, 1), nothing);
}

/* Descriptors are few: what was only looked at is closed again. */
static void
close_message(struct msg *m)
{
	for (size_t i = 0; i < m->run->n_own; i++) {
		if (m->run->msg[i] == m)
			return;
	}
	if (m->fd >= 0 && m->mime == NULL) {
		close(m->fd);
		m->fd = m->mail.fd = -1;
		m->asked = false;
	}
}

/* The set, tested by the function `where` too, if there is one. */
static int
give_found(lua_State *L, struct found *fd)
{
	size_t n = 0;

	for (size_t i = 0; i < fd->n; i++) {
		if (fd->msg[i] != NULL)
			fd->msg[n++] = fd->msg[i];
	}
	if (lua_getfield(L, 1, "where") == LUA_TNIL) {
		api_push_msgs(L, fd->msg, n);
		return 1;
	}
	api_push_msgs(L, fd->msg, n);
	lua_insert(L, -2);
	lua_replace(L, 2);
	lua_replace(L, 1);
	lua_settop(L, 2);
	return api_msgs_where(L);
}

/* ctx 0: a page came; 1: the message at .tested was opened, if it was not. */
static int
test_found(lua_State *L, int status, lua_KContext ctx)
{
	struct run *r = api_run(L, "search");
	const struct match *mt = lua_touserdata(L, 2);
	struct found *fd = lua_touserdata(L, 3);

	(void)status;
	if (ctx == 0) {
		(void)api_reply(L, "search");
		keep_page(r, fd);
		if (r->reply.more && r->reply.n_msgs > 0)
			return ask_page(L, mt, fd->msg[fd->n - 1]->id);
		if (fd->looked < fd->ids.n / sizeof(uint64_t))
			return ask_look(L, fd);
	}
	for (; fd->tested < fd->n; fd->tested++, ctx = 0) {
		struct msg *m = fd->msg[fd->tested];

		if (ctx == 0 && match_cost(mt) > STATE) {
			lua_pushcfunction(L, open_message);
			api_push_msg(L, m);
			lua_callk(L, 1, 0, 1, test_found);
		}
		if (m->gone || !match_test(mt, m))
			fd->msg[fd->tested] = NULL;
		close_message(m);
	}
	return give_found(L, fd);
}

int
api_fn_search(lua_State *L)
{
	struct run *r = api_run(L, "search");
	struct match *mt = match_compile(L, 1, MATCH_SEARCH, &r->a);

	lua_settop(L, 1);
	lua_pushlightuserdata(L, mt);
	lua_pushlightuserdata(L, arena_get(&r->a, sizeof(struct found)));
	return match_asks_server(mt) ? ask_server(L, mt) : ask_page(L, mt, 0);
}

/* ---- globals -------------------------------------------------------- */

static const char place_type[] = "syncd.place";

bool
api_is_place(lua_State *L, int i)
{
	bool is = lua_istable(L, i) && lua_getmetatable(L, i);

	if (!is)
		return false;
	luaL_getmetatable(L, place_type);
	is = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return is;
}

/* accounts.work.archive, accounts.work["Lists/x"]; upvalue 1 is the account. */
static int
other_index(lua_State *L)
{
	static const struct {
		const char	*key, *mailbox;
	} roles[] = {
		{ "inbox", "INBOX" }, { "sent", "Sent" }, { "trash", "Trash" },
		{ "junk", "Junk" }, { "drafts", "Drafts" },
		{ "archive", "Archive" },
	};
	const char *key = luaL_checkstring(L, 2);

	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (strcmp(key, roles[i].key) == 0)
			key = roles[i].mailbox;
	lua_createtable(L, 0, 2);
	lua_pushstring(L, key);
	lua_setfield(L, -2, "mailbox");
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_setfield(L, -2, "account");
	luaL_newmetatable(L, place_type);
	lua_setmetatable(L, -2);
	return 1;
}

/* Of another account there is nothing to be seen; mail can be put there. */
static int
accounts_index(lua_State *L)
{
	if (str_eq(api_check(L, 2), acc(L)->name)) {
		lua_getglobal(L, "account");
		return 1;
	}
	api_need(L, "accounts", api_check(L, 2));
	lua_newtable(L);
	lua_createtable(L, 0, 2);
	lua_pushvalue(L, 2);
	lua_setfield(L, -2, "name");
	lua_pushvalue(L, 2);
	lua_pushcclosure(L, other_index, 1);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
	return 1;
}

void
api_open_account(lua_State *L)
{
	lua_newtable(L);
	luaL_setmetatable(L, "account");
	lua_setglobal(L, "account");
	lua_newtable(L);
	api_index(L, accounts_index);
	lua_setglobal(L, "accounts");
}
