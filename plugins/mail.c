/* mail.c — fields of a message, each computed once. */
#include "mail.h"

#include <string.h>
#include <unistd.h>

#include "glob.h"
#include "mdate.h"
#include "words.h"

void
mail_init(struct mail *m, struct arena *a, const struct strs *me, int fd)
{
	*m = (struct mail){ .a = a, .me = me, .fd = fd };
}

void
mail_bytes(struct mail *m, struct str header)
{
	m->read = true;
	m->raw = header;
	head_scan(&m->head, header, m->a);
}

/* Where the header ends in ${s}: past the empty line; 0: not in it. */
static size_t
header_end(struct str s, size_t from)
{
	const char *p = s.p + from, *end = s.p + s.n;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p++;
		if (p < end && *p == '\n')
			return (size_t)(p + 1 - s.p);
		if (p + 1 < end && p[0] == '\r' && p[1] == '\n')
			return (size_t)(p + 2 - s.p);
	}
	return 0;
}

/* Most headers fit the first read. */
static void
read_header(struct mail *m)
{
	static char room[HEAD_MAX];
	size_t have = 0, portion = 8 << 10, end = 0;

	while (m->fd >= 0 && end == 0 && have < sizeof(room)) {
		size_t want = sizeof(room) - have;
		ssize_t n = pread(m->fd, room + have,
		    want < portion ? want : portion, (off_t)have);

		if (n <= 0)
			break;
		end = header_end((struct str){ room, have + (size_t)n },
		    have > 3 ? have - 3 : 0);
		have += (size_t)n;
		portion = sizeof(room);
	}
	mail_bytes(m, arena_str(m->a,
	    (struct str){ room, end > 0 ? end : have }));
}

static const struct head *
head_of(struct mail *m)
{
	if (!m->read)
		read_header(m);
	return &m->head;
}

size_t
mail_header_size(struct mail *m)
{
	return head_of(m)->size;
}

struct str
mail_header(struct mail *m, struct str name, size_t i)
{
	const struct head_field *f = head_find(head_of(m), name, i);

	return f == NULL ? STR_NONE :
	    words_decode(head_unfold(f->raw, m->a), m->a);
}

static struct str
raw_field(struct mail *m, const char *name)
{
	return head_get(head_of(m), str_z(name), m->a);
}

/* What stands between the first < and the > after it; without them all of it, up
 * to the first blank. */
static struct str
bracketed(struct str s)
{
	size_t open = str_find(s, '<');

	if (open < s.n) {
		s = str_from(s, open + 1);
		return str_trim(str_head(s, str_find(s, '>')));
	}
	s = str_trim(s);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ' ' || s.p[i] == '\t')
			return str_head(s, i);
	}
	return s;
}

/* None for what is empty, too: "nil when absent". */
static struct str
some(struct str s)
{
	return s.n > 0 ? s : STR_NONE;
}

/* List-Id: "Words <linux-kernel.vger.kernel.org>" (RFC 2919). */
static struct str
list_id(struct mail *m)
{
	struct str s = raw_field(m, "List-Id");
	const char *open = s.n > 0 ? memrchr(s.p, '<', s.n) : NULL;

	if (open != NULL)
		s = str_from(s, (size_t)(open - s.p));
	return some(bracketed(s));
}

/* "<mailto:list@example.org>", or NO (RFC 2369). */
static struct str
list_post(struct mail *m)
{
	struct str s = bracketed(raw_field(m, "List-Post"));

	if (str_istarts(s, STR("mailto:")))
		s = str_from(s, 7);
	s = str_head(s, str_find(s, '?'));
	return str_ieq(s, STR("NO")) ? STR_NONE : some(s);
}

/* The first message of the thread that this one names, else itself. */
static struct str
thread_root(struct mail *m)
{
	const struct strs *refs = mail_references(m);
	struct str reply = mail_text(m, MAIL_IN_REPLY_TO);

	if (refs->n > 0)
		return refs->v[0];
	return reply.n > 0 ? reply : mail_text(m, MAIL_MESSAGE_ID);
}

static struct str
compute_text(struct mail *m, enum mail_text which)
{
	switch (which) {
	case MAIL_SUBJECT:
		return words_decode(raw_field(m, "Subject"), m->a);
	case MAIL_MESSAGE_ID:
		return some(bracketed(raw_field(m, "Message-ID")));
	case MAIL_IN_REPLY_TO:
		return some(bracketed(raw_field(m, "In-Reply-To")));
	case MAIL_LIST_ID:
		return list_id(m);
	case MAIL_LIST_POST:
		return list_post(m);
	case MAIL_UNSUBSCRIBE:
		return some(bracketed(raw_field(m, "List-Unsubscribe")));
	case MAIL_THREAD_ROOT:
		return some(thread_root(m));
	case MAIL_TEXTS:
		break;
	}
	return STR_NONE;
}

struct str
mail_text(struct mail *m, enum mail_text which)
{
	if ((m->have_text & 1u << which) == 0) {
		m->have_text |= 1u << which;
		m->text[which] = compute_text(m, which);
	}
	return m->text[which];
}

static void
add_field(struct mail *m, struct addrs *list, const char *name)
{
	const struct head_field *f;

	for (size_t i = 0;
	    (f = head_find(head_of(m), str_z(name), i)) != NULL; i++)
		addr_parse(list, head_unfold(f->raw, m->a), m->a);
}

static void
compute_list(struct mail *m, struct addrs *list, enum mail_list which)
{
	static const char *const name[] = {
		[MAIL_FROM] = "From", [MAIL_SENDER] = "Sender",
		[MAIL_REPLY_TO] = "Reply-To", [MAIL_TO] = "To",
		[MAIL_CC] = "Cc", [MAIL_BCC] = "Bcc",
	};

	if (which != MAIL_RECIPIENTS) {
		add_field(m, list, name[which]);
		/* An answer goes to the author when nobody else is named. */
		if (list->n == 0 && which == MAIL_REPLY_TO)
			*list = *mail_list(m, MAIL_FROM);
		return;
	}
	add_field(m, list, "To");
	add_field(m, list, "Cc");
	add_field(m, list, "Bcc");
}

const struct addrs *
mail_list(struct mail *m, enum mail_list which)
{
	if ((m->have_list & 1u << which) == 0) {
		m->have_list |= 1u << which;
		compute_list(m, &m->list[which], which);
	}
	return &m->list[which];
}

const struct strs *
mail_references(struct mail *m)
{
	struct str s;
	size_t most = 0;

	if (m->have_references)
		return &m->references;
	m->have_references = true;
	s = raw_field(m, "References");
	for (size_t i = 0; i < s.n; i++)
		most += s.p[i] == '<';
	m->references.v = arena_get(m->a, (most + 1) * sizeof(struct str));
	for (;;) {
		size_t open = str_find(s, '<');
		struct str id;

		if (open == s.n)
			return &m->references;
		s = str_from(s, open + 1);
		id = str_split(&s, '>');
		if (id.n > 0)
			m->references.v[m->references.n++] = id;
	}
}

static bool
any_is_mine(const struct mail *m, const struct addrs *list)
{
	for (size_t i = 0; i < list->n; i++) {
		for (size_t j = 0; m->me != NULL && j < m->me->n; j++) {
			const struct addr *ad = &list->v[i];
			struct str me = m->me->v[j];
			struct addr plain = *ad;

			if (glob_match(me, ad->addr))
				return true;
			/* ann+x@example.org is ann, too. */
			if (ad->detail.n > 0 && me.n == plain.user.n + 1 +
			    plain.domain.n && str_istarts(me, plain.user) &&
			    me.p[plain.user.n] == '@' &&
			    str_ieq(str_from(me, plain.user.n + 1), plain.domain))
				return true;
		}
	}
	return false;
}

static bool
is_bulk(struct mail *m)
{
	struct str precedence = raw_field(m, "Precedence");

	return mail_text(m, MAIL_LIST_ID).n > 0 ||
	    raw_field(m, "List-Unsubscribe").n > 0 ||
	    raw_field(m, "Feedback-ID").n > 0 ||
	    str_ieq(precedence, STR("bulk")) ||
	    str_ieq(precedence, STR("list")) || str_ieq(precedence, STR("junk"));
}

/* RFC 3834 section 2, and what was used before it. */
static bool
is_auto(struct mail *m)
{
	struct str submitted = raw_field(m, "Auto-Submitted");
	struct str type = raw_field(m, "Content-Type");
	const struct addrs *from = mail_list(m, MAIL_FROM);
	struct str user = from->n > 0 ? from->v[0].user : STR_NONE;

	submitted = str_trim(str_head(submitted, str_find(submitted, ';')));
	if (submitted.n > 0 && !str_ieq(submitted, STR("no")))
		return true;
	return str_istarts(type, STR("multipart/report")) ||
	    str_eq(raw_field(m, "Return-Path"), STR("<>")) ||
	    raw_field(m, "X-Autoreply").n > 0 ||
	    raw_field(m, "X-Autorespond").n > 0 ||
	    str_ieq(raw_field(m, "Precedence"), STR("auto_reply")) ||
	    str_ieq(user, STR("mailer-daemon")) ||
	    str_istarts(user, STR("no-reply")) ||
	    str_istarts(user, STR("noreply"));
}

static bool
is_spam(struct mail *m)
{
	return str_istarts(raw_field(m, "X-Spam-Flag"), STR("yes")) ||
	    str_istarts(raw_field(m, "X-Spam-Status"), STR("yes")) ||
	    str_istarts(raw_field(m, "X-Spam"), STR("yes")) ||
	    str_istarts(raw_field(m, "X-Bogosity"), STR("spam"));
}

unsigned
mail_bits(struct mail *m)
{
	if (m->have_bits)
		return m->bits;
	m->have_bits = true;
	m->bits = (is_bulk(m) ? MAIL_IS_BULK : 0) |
	    (is_auto(m) ? MAIL_IS_AUTO : 0) |
	    (any_is_mine(m, mail_list(m, MAIL_RECIPIENTS)) ? MAIL_TO_ME : 0) |
	    (any_is_mine(m, mail_list(m, MAIL_FROM)) ? MAIL_FROM_ME : 0) |
	    (is_spam(m) ? MAIL_SPAM : 0);
	return m->bits;
}

bool
mail_sent(struct mail *m, int64_t *t)
{
	return mdate_parse(raw_field(m, "Date"), t);
}
