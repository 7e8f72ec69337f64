/* match.c — conditions of a match table. */
#include "match.h"

#include <string.h>

#include "api.h"
#include "base/mem.h"
#include "glob.h"
#include "mdate.h"
#include "match_impl.h"
#include "mime.h"
#include "regex.h"

/* In the order in which they are tested: the cheap ones first. */
static const struct key keys[] = {
	{ "id", NUMBER, STATE }, { "mailbox", GLOBS, STATE },
	{ "account", GLOBS, STATE }, { "origin", GLOBS, STATE },
	{ "seen", BOOL, STATE }, { "flagged", BOOL, STATE },
	{ "answered", BOOL, STATE }, { "draft", BOOL, STATE },
	{ "keyword", GLOBS, STATE }, { "larger", SIZE, STATE },
	{ "smaller", SIZE, STATE }, { "older", AGE, STATE },
	{ "newer", AGE, STATE }, { "after", AGE, STATE },
	{ "list", GLOBS, HEADER }, { "from", GLOBS, HEADER },
	{ "to", GLOBS, HEADER }, { "cc", GLOBS, HEADER },
	{ "recipients", GLOBS, HEADER }, { "subject", GLOBS, HEADER },
	{ "header", MAP, HEADER }, { "to_me", BOOL, HEADER },
	{ "from_me", BOOL, HEADER }, { "is_bulk", BOOL, HEADER },
	{ "is_auto", BOOL, HEADER }, { "spam", BOOL, HEADER },
	{ "message_id", GLOBS, HEADER }, { "thread", GLOBS, HEADER },
	{ "sent_before", MOMENT, HEADER }, { "sent_since", MOMENT, HEADER },
	{ "attachment", GLOBS, BODY }, { "text", GLOBS, BODY },
	{ "where", FUNCTION, STATE }, { "server", SERVER, STATE },
};

static const char *
key_name(size_t i)
{
	return i < ARRAY_LEN(keys) ? keys[i].name : NULL;
}

static const struct key *
find_key(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (str_eq(name, str_z(keys[i].name)))
			return &keys[i];
	}
	return NULL;
}

/* ---- compiling ------------------------------------------------------ */

/* One glob or regular expression at the top of the stack, which stays. */
static void
add_pattern(lua_State *L, struct cond *c, struct arena *a)
{
	struct regex **re = luaL_testudata(L, -1, "regex");

	if (re != NULL) {
		c->re[c->n_re++] = *re;
		return;
	}
	if (lua_type(L, -1) != LUA_TSTRING)
		luaL_error(L, "`%s` takes a pattern, re\"...\", or a list of them, "
		    "not a %s", c->key->name, luaL_typename(L, -1));
	c->globs.v[c->globs.n++] = arena_str(a, api_check(L, -1));
}

static void
compile_globs(lua_State *L, struct cond *c, struct arena *a)
{
	bool list = lua_istable(L, -1);
	size_t n = list ? (size_t)lua_rawlen(L, -1) : 1;

	if (lua_isboolean(L, -1)) {
		c->is_bool = true;
		c->yes = lua_toboolean(L, -1);
		return;
	}
	c->globs.v = arena_get(a, (n + 1) * sizeof(struct str));
	c->re = arena_get(a, (n + 1) * sizeof(struct regex *));
	for (size_t i = 0; list && i < n; i++) {
		lua_rawgeti(L, -1, (lua_Integer)i + 1);
		add_pattern(L, c, a);
		lua_pop(L, 1);
	}
	if (!list)
		add_pattern(L, c, a);
}

static int64_t
number_of(lua_State *L, const struct key *key)
{
	int64_t n = 0;
	bool ok;

	if (lua_isinteger(L, -1))
		return lua_tointeger(L, -1);
	if (lua_isnumber(L, -1))
		return (int64_t)lua_tonumber(L, -1);
	if (lua_type(L, -1) != LUA_TSTRING)
		luaL_error(L, "`%s` takes a text or a number", key->name);
	switch (key->type) {
	case AGE:
		ok = mdate_duration(api_check(L, -1), &n);
		break;
	case SIZE:
		ok = mdate_size(api_check(L, -1), &n);
		break;
	default:
		ok = mdate_moment(api_check(L, -1), script_now(), &n);
		break;
	}
	if (!ok)
		luaL_error(L, "`%s` does not take \"%s\"", key->name,
		    lua_tostring(L, -1));
	return n;
}

static struct cond *
add_cond(lua_State *L, struct match *mt, const struct key *key)
{
	if (mt->n == CONDS_MAX)
		luaL_error(L, "more than %d conditions", CONDS_MAX);
	if (key->cost > mt->cost)
		mt->cost = key->cost;
	mt->cond[mt->n].key = key;
	return &mt->cond[mt->n++];
}

/* header = { Name = pattern, ... }, at the top of the stack. */
static void
compile_map(lua_State *L, struct match *mt, const struct key *key, struct arena *a)
{
	luaL_checktype(L, -1, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
		struct cond *c = add_cond(L, mt, key);

		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L, "`header` takes names of fields");
		c->name = arena_str(a, api_check(L, -2));
		compile_globs(L, c, a);
	}
}

/* The value at the top of the stack for ${key}. */
static void
compile_cond(lua_State *L, struct match *mt, const struct key *key, struct arena *a)
{
	struct cond *c;

	if (key->type == MAP) {
		compile_map(L, mt, key, a);
		return;
	}
	if (key->type == FUNCTION) {
		luaL_checktype(L, -1, LUA_TFUNCTION);
		return;		/* called by whoever searches */
	}
	if (key->type == SERVER) {
		luaL_checktype(L, -1, LUA_TBOOLEAN);
		mt->server = lua_toboolean(L, -1);
		return;
	}
	c = add_cond(L, mt, key);
	switch (key->type) {
	case GLOBS:
		compile_globs(L, c, a);
		break;
	case BOOL:
		if (!lua_isboolean(L, -1))
			luaL_error(L, "`%s` takes true or false", key->name);
		c->yes = lua_toboolean(L, -1);
		break;
	default:
		c->n = number_of(L, key);
		break;
	}
}

/* Cheap conditions first, so that the dear ones are often not computed. */
static void
sort_conds(struct match *mt)
{
	for (size_t i = 1; i < mt->n; i++) {
		struct cond c = mt->cond[i];
		size_t j = i;

		for (; j > 0 && mt->cond[j - 1].key > c.key; j--)
			mt->cond[j] = mt->cond[j - 1];
		mt->cond[j] = c;
	}
}

/* Words in the text are the server's to find: it has what was written into them,
 * and looks without regard to case.  All else is tested here, too. */
static void
leave_to_server(struct match *mt)
{
	mt->cost = STATE;
	for (size_t i = 0; i < mt->n; i++) {
		struct cond *c = &mt->cond[i];

		c->server = strcmp(c->key->name, "text") == 0 && !c->is_bool &&
		    c->n_re == 0 && c->globs.n > 0;
		for (size_t k = 0; k < c->globs.n; k++)
			c->server = c->server && c->globs.v[k].n > 0;
		if (!c->server && c->key->cost > mt->cost)
			mt->cost = c->key->cost;
	}
}

struct match *
match_compile(lua_State *L, int i, enum match_use use, struct arena *a)
{
	struct match *mt = arena_get(a, sizeof(*mt));

	i = lua_absindex(L, i);
	luaL_checktype(L, i, LUA_TTABLE);
	mt->cond = arena_get(a, CONDS_MAX * sizeof(struct cond));
	for (lua_pushnil(L); lua_next(L, i) != 0; lua_pop(L, 1)) {
		const struct key *key;

		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L, "a match has keys: { mailbox = \"INBOX\" }");
		key = find_key(api_check(L, -2));
		if (key == NULL)
			api_unknown(L, "key", api_check(L, -2), key_name);
		if (use == MATCH_EVENT && key->type == FUNCTION)
			luaL_error(L, "`where` is for search; write an `if`");
		if (use == MATCH_EVENT && key->type == SERVER)
			luaL_error(L, "`server` is for search");
		compile_cond(L, mt, key, a);
	}
	sort_conds(mt);
	if (mt->server)
		leave_to_server(mt);
	return mt;
}

/* ---- testing -------------------------------------------------------- */

/* One text against the patterns of a condition. */
static bool
text_matches(const struct cond *c, struct str text, bool inside)
{
	struct str group[REGEX_GROUPS];
	size_t n;

	if (c->is_bool)
		return (text.n > 0) == c->yes;
	if (text.p == NULL)
		return false;
	for (size_t i = 0; i < c->globs.n; i++) {
		struct str g = c->globs.v[i];

		if (inside ? g.n > 0 && memmem(text.p, text.n, g.p, g.n) != NULL :
		    glob_match(g, text))
			return true;
	}
	for (size_t i = 0; i < c->n_re; i++) {
		if (regex_match(c->re[i], text, group, &n) == 1)
			return true;
	}
	return false;
}

static bool
addrs_match(const struct cond *c, const struct addrs *list)
{
	if (c->is_bool)
		return (list->n > 0) == c->yes;
	for (size_t i = 0; i < list->n; i++) {
		if (text_matches(c, list->v[i].addr, false))
			return true;
	}
	return false;
}

static bool
words_match(const struct cond *c, const struct strs *words)
{
	if (c->is_bool)
		return (words->n > 0) == c->yes;
	for (size_t i = 0; i < words->n; i++) {
		if (text_matches(c, words->v[i], false))
			return true;
	}
	return false;
}

static bool
attachments_match(const struct cond *c, struct msg *m)
{
	struct mime *mime = mime_of(m);
	bool any = false;

	for (size_t i = 0; i < mime_parts(mime); i++) {
		if (text_matches(c, mime_type(mime, i, &m->run->a), false) &&
		    !c->is_bool)
			return true;
		if (!mime_is_attachment(mime, i))
			continue;
		any = true;
		if (!c->is_bool &&
		    text_matches(c, mime_filename(mime, i, &m->run->a), false))
			return true;
	}
	return c->is_bool && any == c->yes;
}

static bool
sent_matches(const struct cond *c, struct msg *m, bool before)
{
	int64_t t;

	return mail_sent(&m->mail, &t) && (before ? t < c->n : t >= c->n);
}

static bool
header_matches(const struct cond *c, struct msg *m)
{
	struct str value;

	if (c->is_bool)
		return (mail_header(&m->mail, c->name, 0).p != NULL) == c->yes;
	for (size_t i = 0;
	    (value = mail_header(&m->mail, c->name, i)).p != NULL; i++) {
		if (text_matches(c, value, false))
			return true;
	}
	return false;
}

static bool
bit_matches(const struct cond *c, struct msg *m)
{
	static const struct {
		const char	*name;
		uint32_t	 sys;
		unsigned	 bit;
	} bits[] = {
		{ "seen", FLAG_SEEN, 0 }, { "flagged", FLAG_FLAGGED, 0 },
		{ "answered", FLAG_ANSWERED, 0 }, { "draft", FLAG_DRAFT, 0 },
		{ "to_me", 0, MAIL_TO_ME }, { "from_me", 0, MAIL_FROM_ME },
		{ "is_bulk", 0, MAIL_IS_BULK }, { "is_auto", 0, MAIL_IS_AUTO },
		{ "spam", 0, MAIL_SPAM },
	};

	for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
		if (strcmp(c->key->name, bits[i].name) != 0)
			continue;
		return c->yes == (bits[i].sys != 0 ?
		    (m->now.sys & bits[i].sys) != 0 :
		    (mail_bits(&m->mail) & bits[i].bit) != 0);
	}
	return false;
}

static bool
number_matches(const struct cond *c, const struct msg *m)
{
	switch (c->key->name[0]) {
	case 'i':
		return m->id == c->n;
	case 'l':
		return m->size > (uint64_t)c->n;
	case 's':
		return m->size < (uint64_t)c->n;
	case 'o':
		return m->date < script_now() - c->n;
	case 'n':
		return m->date >= script_now() - c->n;
	default:
		return true;	/* after: looked at by event.c */
	}
}

static bool
globs_match(const struct cond *c, struct msg *m)
{
	static const struct {
		const char	*name;
		enum mail_list	 which;
	} lists[] = {
		{ "from", MAIL_FROM }, { "to", MAIL_TO }, { "cc", MAIL_CC },
		{ "recipients", MAIL_RECIPIENTS },
	};
	static const struct {
		const char	*name;
		enum mail_text	 which;
	} texts[] = {
		{ "list", MAIL_LIST_ID }, { "subject", MAIL_SUBJECT },
		{ "message_id", MAIL_MESSAGE_ID }, { "thread", MAIL_THREAD_ROOT },
	};
	const char *name = c->key->name;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (strcmp(name, lists[i].name) == 0)
			return addrs_match(c, mail_list(&m->mail, lists[i].which));
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(name, texts[i].name) == 0)
			return text_matches(c, mail_text(&m->mail,
			    texts[i].which), false);
	}
	if (strcmp(name, "mailbox") == 0)
		return text_matches(c, m->now.mailbox, false);
	if (strcmp(name, "account") == 0)
		return text_matches(c, m->run->s->account.name, false);
	if (strcmp(name, "origin") == 0)
		return text_matches(c, m->origin, false);
	if (strcmp(name, "keyword") == 0)
		return words_match(c, &m->now.keywords);
	if (strcmp(name, "attachment") == 0)
		return attachments_match(c, m);
	return text_matches(c, mime_text(mime_of(m), &m->run->a), true);
}

static bool
cond_matches(const struct cond *c, struct msg *m)
{
	switch (c->key->type) {
	case GLOBS:
		return globs_match(c, m);
	case BOOL:
		return bit_matches(c, m);
	case MAP:
		return header_matches(c, m);
	case MOMENT:
		return sent_matches(c, m, strcmp(c->key->name, "sent_before") == 0);
	default:
		return number_matches(c, m);
	}
}

const char *
match_first_failing(const struct match *mt, struct msg *m)
{
	/* A first sync is not asked for by accident. */
	if (str_eq(m->origin, STR("initial")) && !match_wants_initial(mt))
		return "origin";
	for (size_t i = 0; mt != NULL && i < mt->n; i++) {
		if (!mt->cond[i].server && !cond_matches(&mt->cond[i], m))
			return mt->cond[i].key->name;
	}
	return NULL;
}

bool
match_test(const struct match *mt, struct msg *m)
{
	return match_first_failing(mt, m) == NULL;
}

enum reg_cost
match_cost(const struct match *mt)
{
	return mt != NULL ? mt->cost : STATE;
}

const struct cond *
match_cond(const struct match *mt, const char *key)
{
	for (size_t i = 0; mt != NULL && i < mt->n; i++) {
		if (strcmp(mt->cond[i].key->name, key) == 0)
			return &mt->cond[i];
	}
	return NULL;
}

bool
match_wants_initial(const struct match *mt)
{
	const struct cond *c = match_cond(mt, "origin");

	return c != NULL && text_matches(c, STR("initial"), false);
}

int64_t
match_after(const struct match *mt)
{
	const struct cond *c = match_cond(mt, "after");

	return c != NULL ? c->n : 0;
}
