/*
 * query.c — what others are asked of a query: the database, and the server.
 *
 * Neither decides alone: both may find more than is meant, never less, and what they
 * find is tested.  (Words in the text, which only the server is asked for, are the
 * exception: see leave_to_server().)
 */
#include "match_impl.h"

#include <string.h>

#include "base/mem.h"
#include "engine/hook.h"
#include "words.h"

/* ---- the database --------------------------------------------------- */

/* The one glob of a condition, when that is all it has. */
static struct str
one_glob(const struct match *mt, const char *key)
{
	const struct cond *c = match_cond(mt, key);

	return c != NULL && !c->is_bool && c->n_re == 0 && c->globs.n == 1 ?
	    c->globs.v[0] : STR_NONE;
}

/* The same when it is no pattern, but the word itself. */
static struct str
one_word(const struct match *mt, const char *key)
{
	struct str s = one_glob(mt, key);

	return str_find(s, '*') < s.n || str_find(s, '?') < s.n ? STR_NONE : s;
}

static uint64_t
limit(const struct match *mt, const char *key)
{
	const struct cond *c = match_cond(mt, key);

	return c != NULL ? (uint64_t)c->n : 0;
}

void
match_put_query(const struct match *mt, struct frame *f)
{
	static const struct {
		const char	*name;
		uint32_t	 bit;
	} bits[] = {
		{ "seen", FLAG_SEEN }, { "flagged", FLAG_FLAGGED },
		{ "answered", FLAG_ANSWERED }, { "draft", FLAG_DRAFT },
	};
	uint32_t set = 0, clear = 0;
	uint64_t older = limit(mt, "older"), newer = limit(mt, "newer");
	uint64_t now = (uint64_t)script_now();

	for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
		const struct cond *c = match_cond(mt, bits[i].name);

		if (c != NULL && c->yes)
			set |= bits[i].bit;
		else if (c != NULL)
			clear |= bits[i].bit;
	}
	frame_put_str(f, one_glob(mt, "mailbox"));
	frame_put_u32(f, set);
	frame_put_u32(f, clear);
	frame_put_str(f, one_word(mt, "keyword"));
	frame_put_u64(f, newer > 0 ? now - newer : 0);
	frame_put_u64(f, older > 0 ? now - older : 0);
	frame_put_u64(f, limit(mt, "larger"));
	frame_put_u64(f, limit(mt, "smaller"));
	frame_put_str(f, one_word(mt, "message_id"));
}

/* ---- the server ----------------------------------------------------- */

enum { CHUNK_MAX = 200, CHUNKS_MAX = 64, DAY_S = 86400 };

bool
match_asks_server(const struct match *mt)
{
	return mt->server;
}

/* Terms, as they are put. */
struct terms {
	struct frame	*f;
	uint32_t	 n, group;
};

static void
put(struct terms *t, enum imap_key key, struct str field, struct str text, int64_t n)
{
	if (t->n == IMAP_TERMS_MAX)
		return;		/* more is found, and tested here */
	frame_put_u8(t->f, key);
	frame_put_u32(t->f, t->group);
	frame_put_str(t->f, field);
	frame_put_str(t->f, text);
	frame_put_u64(t->f, (uint64_t)n);
	t->n++;
}

static bool
is_wild(char c)
{
	return c == '*' || c == '?' || (unsigned char)c < ' ' || c == 0x7f;
}

/* The longest part of a pattern that stands for itself: whatever matches has it. */
static struct str
longest_part(struct str glob)
{
	struct str best = STR_NONE;

	for (size_t at = 0; at < glob.n;) {
		size_t end = at;
		struct str part;

		while (end < glob.n && !is_wild(glob.p[end]))
			end++;
		part = str_trim(str_head(str_from(glob, at), end - at));
		if (part.n > CHUNK_MAX) {
			part.n = CHUNK_MAX;
			while ((part.p[part.n] & 0xc0) == 0x80)
				part.n--;
		}
		if (part.n > best.n && words_is_utf8(part))
			best = part;
		at = end + 1;
	}
	return best;
}

/* One for each pattern; 0: there is one that says nothing. */
static size_t
parts_of(const struct cond *c, struct str part[CHUNKS_MAX])
{
	if (c->is_bool || c->n_re > 0 || c->globs.n > CHUNKS_MAX)
		return 0;
	for (size_t i = 0; i < c->globs.n; i++) {
		part[i] = c->server ? c->globs.v[i] :
		    longest_part(c->globs.v[i]);
		if (part[i].n == 0)
			return 0;
	}
	return c->globs.n;
}

/* Any of the parts in any of the places. */
static void
put_texts(struct terms *t, const struct cond *c, const enum imap_key *key,
    size_t n_keys, struct str field)
{
	struct str part[CHUNKS_MAX];
	size_t n = parts_of(c, part);

	if (t->n + n * n_keys > IMAP_TERMS_MAX)
		return;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n_keys; k++)
			put(t, key[k], field, part[i], 0);
	t->group++;
}

/* Is there such a field?  That there is none is tested here. */
static void
put_header(struct terms *t, const struct cond *c, struct str field)
{
	const enum imap_key key = IMAP_KEY_HEADER;

	if (field.n == 0 || !words_is_utf8(field))
		return;
	for (size_t i = 0; i < field.n; i++)
		if (field.p[i] <= ' ' || field.p[i] > '~' || field.p[i] == ':')
			return;
	if (!c->is_bool)
		put_texts(t, c, &key, 1, field);
	else if (c->yes)
		put(t, key, field, STR(""), 0), t->group++;
}

/* Names, not patterns of them. */
static void
put_keywords(struct terms *t, const struct cond *c)
{
	static const char not_in_atoms[] = "(){%*?\"\\]";

	if (c->is_bool || c->n_re > 0)
		return;
	for (size_t i = 0; i < c->globs.n; i++) {
		struct str s = c->globs.v[i];

		for (size_t k = 0; k < s.n; k++)
			if (s.p[k] <= ' ' || s.p[k] > '~' ||
			    strchr(not_in_atoms, s.p[k]) != NULL)
				return;
		if (s.n == 0)
			return;
	}
	for (size_t i = 0; i < c->globs.n; i++)
		put(t, IMAP_KEY_KEYWORD, STR_NONE, c->globs.v[i], 0);
	t->group++;
}

/* Days of the server's may begin elsewhere: two more are asked for.  A file has up to
 * as many bytes less as it has lines. */
static bool
put_number(struct terms *t, const struct cond *c)
{
	int64_t now = script_now(), margin = 2 * DAY_S;
	const struct {
		const char	*name;
		enum imap_key	 key;
		int64_t		 n;
	} all[] = {
		{ "newer", IMAP_KEY_SINCE, now - c->n - margin },
		{ "older", IMAP_KEY_BEFORE, now - c->n + margin },
		{ "sent_since", IMAP_KEY_SENTSINCE, c->n - margin },
		{ "sent_before", IMAP_KEY_SENTBEFORE, c->n + margin },
		{ "larger", IMAP_KEY_LARGER, c->n },
		{ "smaller", IMAP_KEY_SMALLER, 2 * c->n },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (strcmp(c->key->name, all[i].name) != 0)
			continue;
		if (c->n >= 0 && c->n < INT32_MAX * (int64_t)1000 &&
		    (i < 4 || all[i].n <= UINT32_MAX))
			put(t, all[i].key, STR_NONE, STR_NONE, all[i].n);
		t->group++;
		return true;
	}
	return false;
}

static void
put_bit(struct terms *t, const struct cond *c)
{
	static const struct {
		const char	*name;
		enum imap_key	 yes, no;
	} bits[] = {
		{ "seen", IMAP_KEY_SEEN, IMAP_KEY_UNSEEN },
		{ "flagged", IMAP_KEY_FLAGGED, IMAP_KEY_UNFLAGGED },
		{ "answered", IMAP_KEY_ANSWERED, IMAP_KEY_UNANSWERED },
		{ "draft", IMAP_KEY_DRAFT, IMAP_KEY_UNDRAFT },
	};

	for (size_t i = 0; i < ARRAY_LEN(bits); i++)
		if (strcmp(c->key->name, bits[i].name) == 0) {
			put(t, c->yes ? bits[i].yes : bits[i].no, STR_NONE,
			    STR_NONE, 0);
			t->group++;
		}
}

static void
put_patterns(struct terms *t, const struct cond *c)
{
	static const struct {
		const char	*name;
		enum imap_key	 key[3];
		size_t		 n;
	} all[] = {
		{ "from", { IMAP_KEY_FROM }, 1 }, { "to", { IMAP_KEY_TO }, 1 },
		{ "cc", { IMAP_KEY_CC }, 1 }, { "recipients",
		    { IMAP_KEY_TO, IMAP_KEY_CC, IMAP_KEY_BCC }, 3 },
		{ "subject", { IMAP_KEY_SUBJECT }, 1 },
	};

	if (c->server) {
		put_texts(t, c, (enum imap_key[]){ IMAP_KEY_BODY }, 1, STR_NONE);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(c->key->name, all[i].name) == 0)
			put_texts(t, c, all[i].key, all[i].n, STR_NONE);
	if (strcmp(c->key->name, "list") == 0)
		put_header(t, c, STR("List-Id"));
	if (strcmp(c->key->name, "message_id") == 0)
		put_header(t, c, STR("Message-ID"));
	if (strcmp(c->key->name, "keyword") == 0)
		put_keywords(t, c);
}

static void
put_mailboxes(const struct match *mt, struct frame *f)
{
	const struct cond *c = match_cond(mt, "mailbox");
	bool globs = c != NULL && !c->is_bool && c->n_re == 0 &&
	    c->globs.n <= 32;

	frame_put_u32(f, globs ? (uint32_t)c->globs.n : 0);
	for (size_t i = 0; globs && i < c->globs.n; i++)
		frame_put_str(f, c->globs.v[i]);
}

void
match_put_terms(const struct match *mt, struct frame *f)
{
	struct terms t = { .f = f };
	size_t at;

	put_mailboxes(mt, f);
	at = frame_count(f);
	for (size_t i = 0; i < mt->n; i++) {
		const struct cond *c = &mt->cond[i];

		if (c->key->type == GLOBS)
			put_patterns(&t, c);
		else if (c->key->type == BOOL)
			put_bit(&t, c);
		else if (c->key->type == MAP)
			put_header(&t, c, c->name);
		else
			(void)put_number(&t, c);
	}
	frame_count_set(f, at, t.n);
}
