/* fill.c — names in braces and what stands for them. */
#include "fill.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "run.h"

enum { VALUE_MAX = 120 };

struct str
fill_clean(struct str s, struct arena *a)
{
	char *out = arena_get(a, VALUE_MAX + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < VALUE_MAX; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c == 127)
			continue;
		out[n++] = c == '/' || c == '\\' ? '_' : (char)c;
	}
	/* Do not cut a character in two. */
	if (n == VALUE_MAX) {
		while (n > 0 && ((unsigned char)out[n - 1] & 0xc0) == 0x80)
			n--;
		if (n > 0 && (unsigned char)out[n - 1] >= 0xc0)
			n--;
	}
	while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == '.'))
		n--;
	for (size_t i = 0; i < n && (out[i] == '.' || out[i] == ' '); i++)
		out[i] = '_';
	return n > 0 ? (struct str){ out, n } : STR("none");
}

static struct str
by_time(struct msg *m, const char *format)
{
	char text[40];
	time_t t = (time_t)m->date;
	struct tm tm;
	size_t n;

	localtime_r(&t, &tm);
	n = strftime(text, sizeof(text), format, &tm);
	return arena_str(&m->run->a, (struct str){ text, n });
}

/* "linux-kernel" of linux-kernel.vger.kernel.org. */
static struct str
list_name(struct msg *m)
{
	struct str id = mail_text(&m->mail, MAIL_LIST_ID);

	return str_head(id, str_find(id, '.'));
}

static const struct addr *
first(struct msg *m, enum mail_list which)
{
	static const struct addr none;
	const struct addrs *list = mail_list(&m->mail, which);

	return list->n > 0 ? &list->v[0] : &none;
}

enum value {
	V_YEAR, V_MONTH, V_DAY, V_DATE, V_ACCOUNT, V_MAILBOX, V_FILENAME,
	V_HEADER,	/* from here on the header is needed */
	V_LIST = V_HEADER, V_FROM, V_FROM_USER, V_FROM_DOMAIN, V_TO_DETAIL, V_SUBJECT
};

static const struct {
	const char	*name;
	enum value	 value;
} names[] = {
	{ "year", V_YEAR }, { "month", V_MONTH }, { "day", V_DAY },
	{ "date", V_DATE }, { "account", V_ACCOUNT }, { "mailbox", V_MAILBOX },
	{ "filename", V_FILENAME }, { "list", V_LIST }, { "from", V_FROM },
	{ "from.user", V_FROM_USER }, { "from.domain", V_FROM_DOMAIN },
	{ "to.detail", V_TO_DETAIL }, { "subject", V_SUBJECT },
};

static struct str
value_of(struct msg *m, const struct fill_part *part, enum value v)
{
	switch (v) {
	case V_YEAR:
		return by_time(m, "%Y");
	case V_MONTH:
		return by_time(m, "%m");
	case V_DAY:
		return by_time(m, "%d");
	case V_DATE:
		return by_time(m, "%Y-%m-%d");
	case V_ACCOUNT:
		return m->run->s->account.name;
	case V_MAILBOX:
		return m->now.mailbox;
	case V_FILENAME:
		return part != NULL ? part->filename : STR("message.eml");
	case V_LIST:
		return list_name(m);
	case V_FROM:
		return first(m, MAIL_FROM)->addr;
	case V_FROM_USER:
		return first(m, MAIL_FROM)->user;
	case V_FROM_DOMAIN:
		return first(m, MAIL_FROM)->domain;
	case V_TO_DETAIL:
		return first(m, MAIL_TO)->detail;
	case V_SUBJECT:
		return mail_text(&m->mail, MAIL_SUBJECT);
	}
	return STR_NONE;
}

/* The next {name} in ${s}: where it begins, and its name; false: none. */
static bool
next_name(struct str s, size_t *at, struct str *name)
{
	size_t open = str_find(s, '{'), close;

	close = open + str_find(str_from(s, open), '}');
	if (close >= s.n)
		return false;
	*at = open;
	*name = str_head(str_from(s, open + 1), close - open - 1);
	return true;
}

static bool
find_value(struct str name, enum value *v)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(name, str_z(names[i].name))) {
			*v = names[i].value;
			return true;
		}
	}
	return false;
}

bool
fill_needs_header(struct str pattern)
{
	struct str name;
	enum value v;
	size_t at;

	for (; next_name(pattern, &at, &name);
	    pattern = str_from(pattern, at + name.n + 2)) {
		if (find_value(name, &v) && v >= V_HEADER)
			return true;
	}
	return false;
}

bool
fill_needs_state(struct str pattern)
{
	return str_find(pattern, '{') < pattern.n;
}

int
fill_pattern(struct msg *m, const struct fill_part *part, struct str pattern,
    struct str *out, struct str *bad)
{
	struct arena *a = &m->run->a;
	struct str name;
	size_t at;

	*out = STR("");
	for (;;) {
		char *joined;
		struct str value = STR("");
		enum value v;
		bool more = next_name(pattern, &at, &name);

		if (!more)
			at = pattern.n;
		if (more && !find_value(name, &v)) {
			*bad = name;
			return -1;
		}
		if (more)
			value = fill_clean(value_of(m, part, v), a);
		joined = arena_get(a, out->n + at + value.n + 1);
		memcpy(joined, out->p, out->n);
		memcpy(joined + out->n, pattern.p, at);
		memcpy(joined + out->n + at, value.p, value.n);
		*out = (struct str){ joined, out->n + at + value.n };
		if (!more)
			return 0;
		pattern = str_from(pattern, at + name.n + 2);
	}
}
