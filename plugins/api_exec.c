/* api_exec.c — programs and mail: exec, run, pipe, forward, reply. */
#include "api.h"

#include <string.h>
#include <time.h>

#include "api_part.h"
#include "mdate.h"
#include "registry_fn.h"
#include "words.h"

/* What `exec` and `run` are told: argv is the list part of the table at 1. */
struct how {
	struct strs	 argv;
	int64_t		 timeout;	/* us */
	bool		 at_most_once;
	struct msg	*msg;		/* input: a message */
	struct str	 bytes;		/* input: bytes, of a part or a text */
};

static struct strs
argv_of(lua_State *L, int i)
{
	struct strs list;
	int top = lua_gettop(L);

	/* api_words() takes what stands from ${i} on. */
	lua_pushvalue(L, i);
	list = api_words(L, top + 1);
	lua_settop(L, top);
	if (list.n == 0)
		luaL_error(L, "the list of a program and its arguments is empty");
	if (list.n > HOOK_ARGS_MAX * 8)
		luaL_error(L, "too many arguments");
	for (size_t k = 0; k < list.n; k++) {
		if (memchr(list.v[k].p, '\0', list.v[k].n) != NULL)
			luaL_error(L, "an argument has a zero byte");
	}
	return list;
}

static void
read_input(lua_State *L, struct how *h)
{
	struct run *r = api_run(L, "input");

	if (lua_isnil(L, -1))
		return;
	if (lua_type(L, -1) == LUA_TSTRING)
		h->bytes = arena_str(&r->a, api_check(L, -1));
	else if (api_part_test(L, -1))
		h->bytes = api_part_content(L, -1);
	else if ((h->msg = api_test_msg(L, -1)) == NULL)
		luaL_error(L, "input is a message, a part or a text, not a %s",
		    luaL_typename(L, -1));
}

/* No key but those, and the list part if there is one. */
static void
check_keys(lua_State *L, int i, const char *const *known, const char *takes)
{
	luaL_checktype(L, i, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, i) != 0; lua_pop(L, 1)) {
		size_t k = 0;

		if (lua_type(L, -2) != LUA_TSTRING)
			continue;
		while (known[k] != NULL &&
		    strcmp(known[k], lua_tostring(L, -2)) != 0)
			k++;
		if (known[k] == NULL)
			luaL_error(L, "%s, not `%s`", takes,
			    lua_tostring(L, -2));
	}
}

static void
read_timeout(lua_State *L, int i, struct how *h)
{
	int64_t seconds;

	if (lua_getfield(L, i, "timeout") != LUA_TNIL) {
		if (!mdate_duration(api_check(L, -1), &seconds) || seconds == 0)
			luaL_error(L, "timeout takes a duration such as \"5s\"");
		h->timeout = seconds * 1000000;
	}
	lua_pop(L, 1);
}

static void
read_how(lua_State *L, int i, struct how *h)
{
	static const char *const known[] = { "input", "timeout", "once", "env",
	    NULL };

	check_keys(L, i, known, "a program takes input, timeout, once and env");
	h->argv = argv_of(L, i);
	api_need(L, "exec", h->argv.v[0]);
	lua_getfield(L, i, "input");
	read_input(L, h);
	read_timeout(L, i, h);
	if (lua_getfield(L, i, "once") != LUA_TNIL) {
		if (strcmp(luaL_checkstring(L, -1), "at-most") == 0)
			h->at_most_once = true;
		else if (strcmp(lua_tostring(L, -1), "at-least") != 0)
			luaL_error(L, "once is \"at-most\" or \"at-least\"");
	}
	lua_pop(L, 2);
}

/* ---- exec: a question ----------------------------------------------- */

static void
push_lines(lua_State *L, struct str s)
{
	lua_Integer n = 0;

	lua_newtable(L);
	while (s.n > 0) {
		struct str line = str_split(&s, '\n');

		api_push(L, line);
		lua_rawseti(L, -2, ++n);
	}
}

static int
after_exec(lua_State *L, int status, lua_KContext ctx)
{
	const struct reply *re = api_reply(L, ctx != 0 ? "connect" : "exec");

	(void)status;
	lua_createtable(L, 0, 5);
	lua_pushinteger(L, re->code);
	lua_setfield(L, -2, "code");
	lua_pushboolean(L, re->code == 0);
	lua_setfield(L, -2, "ok");
	api_set(L, "out", re->out);
	api_set(L, "err", re->err);
	push_lines(L, re->out);
	lua_setfield(L, -2, "lines");
	return 1;
}

/* env = { NAME = "value" } at the top: "NAME=value" each. */
static void
put_env(lua_State *L, struct frame *f)
{
	size_t at = frame_count(f);
	uint32_t n = 0;

	if (lua_istable(L, -1)) {
		for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1), n++) {
			lua_pushvalue(L, -2);
			lua_pushliteral(L, "=");
			lua_pushvalue(L, -3);
			lua_concat(L, 3);
			frame_put_str(f, api_check(L, -1));
			lua_pop(L, 1);
		}
	}
	frame_count_set(f, at, n);
}

static void
put_input(struct frame *f, const struct how *h)
{
	bool file = h->bytes.p == NULL && h->msg != NULL && h->msg->fd >= 0;

	frame_put_u8(f, h->bytes.p != NULL || file);
	if (h->bytes.p != NULL)
		frame_put_blob(f, h->bytes);
	else if (file)
		frame_put_blob_fd(f, h->msg->fd);
}

static int
exec_now(lua_State *L)
{
	struct run *r = api_run(L, "exec");
	struct how h = { 0 };
	struct frame f;

	read_how(L, 1, &h);
	lua_getfield(L, 1, "env");
	api_call(L, &f, CALL_EXEC);
	frame_put_u32(&f, (uint32_t)h.argv.n);
	for (size_t i = 0; i < h.argv.n; i++)
		frame_put_str(&f, h.argv.v[i]);
	put_env(L, &f);
	frame_put_u64(&f, (uint64_t)h.timeout);
	put_input(&f, &h);
	lua_pushfstring(L, "%d.%d", (int)r->event, (int)r->index);
	frame_put_str(&f, api_check(L, -1));
	lua_settop(L, 1);
	return api_ask(L, &f, 0, after_exec);
}

int
api_fn_exec(lua_State *L)
{
	struct msg *m;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getfield(L, 1, "input");
	m = api_test_msg(L, -1);
	lua_settop(L, 1);
	return m != NULL ? api_need_body(L, m, exec_now) : exec_now(L);
}

/* ---- connect: a question to a service --------------------------------- */

static int
connect_now(lua_State *L)
{
	static const char *const known[] = { "input", "timeout", "keep_open",
	    NULL };
	struct run *r = api_run(L, "connect");
	struct how h = { 0 };
	struct frame f;
	bool half;

	check_keys(L, 2, known, "connect takes input, timeout and keep_open");
	api_need(L, "connect", api_check(L, 1));
	lua_getfield(L, 2, "input");
	read_input(L, &h);
	read_timeout(L, 2, &h);
	lua_getfield(L, 2, "keep_open");
	half = !lua_toboolean(L, -1);
	api_call(L, &f, CALL_CONNECT);
	frame_put_str(&f, api_check(L, 1));
	frame_put_u8(&f, half);
	frame_put_u64(&f, (uint64_t)h.timeout);
	put_input(&f, &h);
	lua_pushfstring(L, "%d.%d", (int)r->event, (int)r->index);
	frame_put_str(&f, api_check(L, -1));
	lua_settop(L, 2);
	return api_ask(L, &f, 1, after_exec);
}

int
api_fn_connect(lua_State *L)
{
	struct msg *m;

	luaL_checkstring(L, 1);
	lua_settop(L, 2);
	if (lua_isnil(L, 2)) {
		lua_newtable(L);
		lua_replace(L, 2);
	}
	luaL_checktype(L, 2, LUA_TTABLE);
	lua_getfield(L, 2, "input");
	m = api_test_msg(L, -1);
	lua_settop(L, 2);
	return m != NULL ? api_need_body(L, m, connect_now) : connect_now(L);
}

/* ---- run, pipe: effects --------------------------------------------- */

static void
add_run(lua_State *L, const char *verb, struct msg *about, const struct how *h)
{
	struct op *op = api_op(L, about, OPK_RUN, verb);

	op->arg = h->argv;
	op->bytes = h->bytes;
	op->whole = h->msg != NULL;
	op->at_most_once = h->at_most_once;
	op->timeout = h->timeout;
	api_op_done(L, op);
}

int
api_fn_run(lua_State *L)
{
	struct how h = { 0 };

	read_how(L, 1, &h);
	add_run(L, "run", h.msg, &h);
	return 0;
}

int
api_msg_pipe(lua_State *L)
{
	struct how h = { 0 };

	read_how(L, 2, &h);
	h.msg = api_check_msg(L, 1);
	h.bytes = STR_NONE;
	add_run(L, "pipe", h.msg, &h);
	lua_settop(L, 1);
	return 1;
}

int
api_part_pipe(lua_State *L)
{
	struct how h = { 0 };

	read_how(L, 2, &h);
	h.bytes = api_part_content(L, 1);
	h.msg = NULL;
	add_run(L, "pipe", api_part_msg(L, 1), &h);
	lua_settop(L, 1);
	return 1;
}

/* ---- mail ----------------------------------------------------------- */

static bool
is_plain_addr(struct str s)
{
	size_t at = str_find(s, '@');

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] == '<' || s.p[i] == '>' ||
		    s.p[i] == ',' || s.p[i] == 127)
			return false;
	}
	return at > 0 && at + 1 < s.n && s.p[0] != '-';
}

static struct op *
add_send(lua_State *L, struct msg *m, const char *verb, struct str to)
{
	struct run *r = m->run;
	struct op *op;

	api_need(L, "send", STR_NONE);
	if (!is_plain_addr(to))
		luaL_error(L, "%s: `%s` is no address", verb, to.p);
	op = api_op(L, m, OPK_SEND, verb);
	op->arg.v = arena_get(&r->a, sizeof(struct str));
	op->arg.v[0] = to;
	op->arg.n = 1;
	op->at_most_once = true;
	return op;
}

int
api_msg_forward(lua_State *L)
{
	struct op *op = add_send(L, api_check_msg(L, 1), "forward",
	    api_copy(L, 2));

	op->whole = true;
	api_op_done(L, op);
	lua_settop(L, 1);
	return 1;
}

/* A header field of an answer: one line, whatever it was made of. */
static void
add_field(luaL_Buffer *b, const char *name, struct str value)
{
	luaL_addstring(b, name);
	luaL_addstring(b, ": ");
	for (size_t i = 0; i < value.n; i++)
		luaL_addchar(b, (unsigned char)value.p[i] < ' ' ? ' ' : value.p[i]);
	luaL_addstring(b, "\n");
}

/* RFC 3834: what answers by itself says so, and to whom it answers. */
static struct str
compose(lua_State *L, struct msg *m, struct str to, struct str subject,
    struct str text)
{
	struct account *acc = &m->run->s->account;
	struct str id = mail_text(&m->mail, MAIL_MESSAGE_ID), out;
	luaL_Buffer b;
	char date[64];
	time_t now = (time_t)script_now();
	struct tm tm;
	size_t n;

	localtime_r(&now, &tm);
	n = strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S %z", &tm);
	luaL_buffinit(L, &b);
	if (acc->me.n > 0)
		add_field(&b, "From", acc->me.v[0]);
	add_field(&b, "To", to);
	add_field(&b, "Subject", words_encode(subject, &m->run->a));
	add_field(&b, "Date", (struct str){ date, n });
	add_field(&b, "Auto-Submitted", STR("auto-replied"));
	if (id.n > 0) {
		luaL_addstring(&b, "In-Reply-To: <");
		luaL_addlstring(&b, id.p, id.n);
		luaL_addstring(&b, ">\nReferences: <");
		luaL_addlstring(&b, id.p, id.n);
		luaL_addstring(&b, ">\n");
	}
	add_field(&b, "MIME-Version", STR("1.0"));
	add_field(&b, "Content-Type", STR("text/plain; charset=utf-8"));
	add_field(&b, "Content-Transfer-Encoding", STR("8bit"));
	luaL_addstring(&b, "\n");
	luaL_addlstring(&b, text.p, text.n);
	luaL_addstring(&b, "\n");
	luaL_pushresult(&b);
	out = arena_str(&m->run->a, api_check(L, -1));
	lua_pop(L, 1);
	return out;
}

static int
reply(lua_State *L)
{
	struct msg *m = api_check_msg(L, 1);
	const struct addrs *to = mail_list(&m->mail, MAIL_REPLY_TO);
	struct str subject = mail_text(&m->mail, MAIL_SUBJECT), text;
	struct op *op;

	lua_getfield(L, 2, "text");
	text = api_check(L, -1);
	if (lua_getfield(L, 2, "subject") == LUA_TSTRING) {
		subject = api_check(L, -1);
	} else if (!str_istarts(subject, STR("re:"))) {
		lua_pushliteral(L, "Re: ");
		api_push(L, subject);
		lua_concat(L, 2);
		subject = api_check(L, -1);
	}
	if (to->n == 0)
		return luaL_error(L, "reply: the message names nobody to answer");
	op = add_send(L, m, "reply", to->v[0].addr);
	op->bytes = compose(L, m, op->arg.v[0], subject, text);
	api_op_done(L, op);
	lua_settop(L, 1);
	return 1;
}

int
api_msg_reply(lua_State *L)
{
	luaL_checktype(L, 2, LUA_TTABLE);
	return api_need_header(L, api_check_msg(L, 1), reply);
}
