/* api_msg.c — a message as scripts see it: its fields. */
#include "api.h"

#include <string.h>
#include <unistd.h>

#include "mime.h"
#include "registry.h"
#include "registry_fn.h"

struct handle {
	uint32_t	slot, generation;
};

void
api_push_msg(lua_State *L, const struct msg *m)
{
	struct handle *h = lua_newuserdatauv(L, sizeof(*h), 0);

	*h = (struct handle){ m->slot, m->generation };
	luaL_setmetatable(L, "msg");
}

struct msg *
api_test_msg(lua_State *L, int i)
{
	const struct handle *h = luaL_testudata(L, i, "msg");
	const struct plugin *p = vm_plugin(L);
	struct msg *m;

	if (h == NULL)
		return NULL;
	m = run_msg_at(p->s, h->slot, h->generation);
	return m != NULL && m->run == p->run ? m : NULL;
}

struct msg *
api_check_msg(lua_State *L, int i)
{
	struct msg *m = api_test_msg(L, i);

	if (m == NULL) {
		luaL_checkudata(L, i, "msg");
		luaL_error(L, "message used after its event; keep msg.id and "
		    "find it again by message(id)");
	}
	return m;
}

/* The answer to CALL_MESSAGE went into the message itself. */
static int
after_message(lua_State *L, int status, lua_KContext ctx)
{
	lua_CFunction fn = (lua_CFunction)(intptr_t)ctx;
	struct run *r = api_run(L, "this");

	(void)status;
	if (r->reply.failed)
		return luaL_error(L, "%s", r->reply.text.p);
	return fn(L);
}

static int
ask_for(lua_State *L, struct msg *m, lua_CFunction fn)
{
	struct frame f;

	m->asked = true;
	api_call(L, &f, CALL_MESSAGE);
	frame_put_u64(&f, (uint64_t)m->id);
	m->run->reply_to = m;
	return api_ask(L, &f, (lua_KContext)(intptr_t)fn, after_message);
}

int
api_need_header(lua_State *L, struct msg *m, lua_CFunction fn)
{
	if (m->fd >= 0 || m->mail.read || m->asked)
		return fn(L);
	return ask_for(L, m, fn);
}

bool
api_header_only(const struct msg *m)
{
	return m != NULL && m->run->kind == HOOK_OFFERED &&
	    m == m->run->msg[0];
}

int
api_need_body(lua_State *L, struct msg *m, lua_CFunction fn)
{
	if (api_header_only(m))
		return luaL_error(L, "the message is not here yet: only its "
		    "header is known");
	return m->fd >= 0 || m->asked ? fn(L) : ask_for(L, m, fn);
}

int
api_need_state(lua_State *L, struct msg *m, lua_CFunction fn)
{
	return m->known || m->asked ? fn(L) : ask_for(L, m, fn);
}

/* ---- fields: state -------------------------------------------------- */

#define M	api_check_msg(L, 1)

int
api_msg_get_id(lua_State *L)
{
	lua_pushinteger(L, M->id);
	return 1;
}

int
api_msg_get_account(lua_State *L)
{
	api_push(L, vm_plugin(L)->s->account.name);
	return 1;
}

int
api_msg_get_mailbox(lua_State *L)
{
	api_push(L, M->now.mailbox);
	return 1;
}

int
api_msg_get_uid(lua_State *L)
{
	struct msg *m = M;

	if (m->uid == 0)
		lua_pushnil(L);
	else
		lua_pushinteger(L, m->uid);
	return 1;
}

int
api_msg_get_size(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)M->size);
	return 1;
}

int
api_msg_get_date(lua_State *L)
{
	lua_pushinteger(L, M->date);
	return 1;
}

int
api_msg_get_origin(lua_State *L)
{
	api_push(L, M->origin);
	return 1;
}

int
api_msg_get_path(lua_State *L)
{
	struct str path = M->path;

	api_push_opt(L, path.n > 0 ? path : STR_NONE);
	return 1;
}

int
api_msg_get_gone(lua_State *L)
{
	lua_pushboolean(L, M->gone);
	return 1;
}

#define FLAG_FIELD(name, bit)						\
int									\
api_msg_get_##name(lua_State *L)					\
{									\
	lua_pushboolean(L, (M->now.sys & (bit)) != 0);			\
	return 1;							\
}
FLAG_FIELD(seen, FLAG_SEEN)
FLAG_FIELD(flagged, FLAG_FLAGGED)
FLAG_FIELD(answered, FLAG_ANSWERED)
FLAG_FIELD(draft, FLAG_DRAFT)
FLAG_FIELD(deleted, FLAG_DELETED)
FLAG_FIELD(passed, FLAG_PASSED)
#undef FLAG_FIELD

int
api_msg_get_keywords(lua_State *L)
{
	api_push_words(L, &M->now.keywords);
	return 1;
}

/* ---- fields: header ------------------------------------------------- */

int
api_msg_get_subject(lua_State *L)
{
	api_push(L, mail_text(&M->mail, MAIL_SUBJECT));
	return 1;
}

/* Of a message that is gone it is what there is to know it by. */
int
api_msg_get_message_id(lua_State *L)
{
	struct msg *m = M;
	struct str told = str_trim(m->message_id);

	if (m->fd >= 0 || told.n < 3 || told.p[0] != '<') {
		api_push_opt(L, mail_text(&m->mail, MAIL_MESSAGE_ID));
		return 1;
	}
	told = str_from(told, 1);
	api_push(L, str_head(told, str_find(told, '>')));
	return 1;
}

#define TEXT_FIELD(name, which)						\
int									\
api_msg_get_##name(lua_State *L)					\
{									\
	api_push_opt(L, mail_text(&M->mail, which));			\
	return 1;							\
}
TEXT_FIELD(in_reply_to, MAIL_IN_REPLY_TO)
TEXT_FIELD(thread_root, MAIL_THREAD_ROOT)
TEXT_FIELD(list_id, MAIL_LIST_ID)
TEXT_FIELD(list_post, MAIL_LIST_POST)
TEXT_FIELD(unsubscribe, MAIL_UNSUBSCRIBE)
#undef TEXT_FIELD

static int
one_addr(lua_State *L, enum mail_list which)
{
	static const struct addr none;
	const struct addrs *list = mail_list(&M->mail, which);

	api_push_addr(L, list->n > 0 ? &list->v[0] : &none);
	return 1;
}

int
api_msg_get_from(lua_State *L)
{
	return one_addr(L, MAIL_FROM);
}

int
api_msg_get_sender(lua_State *L)
{
	return one_addr(L, MAIL_SENDER);
}

int
api_msg_get_reply_to(lua_State *L)
{
	return one_addr(L, MAIL_REPLY_TO);
}

#define LIST_FIELD(name, which)						\
int									\
api_msg_get_##name(lua_State *L)					\
{									\
	api_push_addrs(L, mail_list(&M->mail, which));			\
	return 1;							\
}
LIST_FIELD(to, MAIL_TO)
LIST_FIELD(cc, MAIL_CC)
LIST_FIELD(bcc, MAIL_BCC)
LIST_FIELD(recipients, MAIL_RECIPIENTS)
#undef LIST_FIELD

int
api_msg_get_references(lua_State *L)
{
	api_push_list(L, mail_references(&M->mail));
	return 1;
}

int
api_msg_get_sent_date(lua_State *L)
{
	int64_t t;

	if (mail_sent(&M->mail, &t))
		lua_pushinteger(L, t);
	else
		lua_pushnil(L);
	return 1;
}

#define BIT_FIELD(name, bit)						\
int									\
api_msg_get_##name(lua_State *L)					\
{									\
	lua_pushboolean(L, (mail_bits(&M->mail) & (bit)) != 0);		\
	return 1;							\
}
BIT_FIELD(is_bulk, MAIL_IS_BULK)
BIT_FIELD(is_auto, MAIL_IS_AUTO)
BIT_FIELD(to_me, MAIL_TO_ME)
BIT_FIELD(from_me, MAIL_FROM_ME)
BIT_FIELD(spam, MAIL_SPAM)
#undef BIT_FIELD

static int
header(lua_State *L)
{
	api_push_opt(L, mail_header(&M->mail, api_check(L, 2), 0));
	return 1;
}

int
api_msg_header(lua_State *L)
{
	api_check(L, 2);
	return api_need_header(L, M, header);
}

static int
header_all(lua_State *L)
{
	struct msg *m = M;
	struct str name = api_check(L, 2), value;

	lua_newtable(L);
	for (size_t i = 0; (value = mail_header(&m->mail, name, i)).p != NULL; i++) {
		api_push(L, value);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

int
api_msg_header_all(lua_State *L)
{
	api_check(L, 2);
	return api_need_header(L, M, header_all);
}

static int
has_header(lua_State *L)
{
	lua_pushboolean(L, mail_header(&M->mail, api_check(L, 2), 0).p != NULL);
	return 1;
}

int
api_msg_has_header(lua_State *L)
{
	api_check(L, 2);
	return api_need_header(L, M, has_header);
}

/* ---- fields: body --------------------------------------------------- */

int
api_msg_get_text(lua_State *L)
{
	struct msg *m = M;

	api_push(L, mime_text(mime_of(m), &m->run->a));
	return 1;
}

int
api_msg_get_html(lua_State *L)
{
	struct msg *m = M;

	api_push_opt(L, mime_html(mime_of(m), &m->run->a));
	return 1;
}

int
api_msg_get_body_hash(lua_State *L)
{
	struct msg *m = M;
	char hex[MIME_HASH_MAX];

	mime_body_hash(m->fd, mail_header_size(&m->mail), hex);
	lua_pushstring(L, hex);
	return 1;
}

static int
bytes(lua_State *L)
{
	struct msg *m = M;
	luaL_Buffer b;
	off_t at = 0;

	luaL_buffinit(L, &b);
	while (m->fd >= 0) {
		char *room = luaL_prepbuffsize(&b, 64 << 10);
		ssize_t n = pread(m->fd, room, 64 << 10, at);

		if (n <= 0)
			break;
		luaL_addsize(&b, (size_t)n);
		at += n;
	}
	luaL_pushresult(&b);
	return 1;
}

int
api_msg_bytes(lua_State *L)
{
	return api_need_body(L, M, bytes);
}

/* Two handles of the same message are equal. */
static int
equal(lua_State *L)
{
	const struct handle *a = luaL_testudata(L, 1, "msg");
	const struct handle *b = luaL_testudata(L, 2, "msg");

	lua_pushboolean(L, a != NULL && b != NULL && a->slot == b->slot &&
	    a->generation == b->generation);
	return 1;
}

static int
to_string(lua_State *L)
{
	struct msg *m = api_test_msg(L, 1);

	if (m == NULL)
		lua_pushliteral(L, "message (its event is over)");
	else
		lua_pushfstring(L, "message %I", (lua_Integer)m->id);
	return 1;
}

void
api_open_msg(lua_State *L)
{
	static const luaL_Reg meta[] = {
		{ "__eq", equal }, { "__tostring", to_string }, { NULL, NULL }
	};

	luaL_getmetatable(L, "msg");
	luaL_setfuncs(L, meta, 0);
	lua_pop(L, 1);
}
