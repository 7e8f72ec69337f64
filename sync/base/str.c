/* str.c — borrowed text. */
#include "base/str.h"

#include <stdio.h>

#include "base/mem.h"

bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII only: what the locale thinks of case has no say in a protocol. */
static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_head(s, prefix.n), prefix);
}

bool
str_istarts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_ieq(str_head(s, prefix.n), prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (c != 0)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

size_t
str_find(struct str s, char c)
{
	const char *hit = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

size_t
str_ifind(struct str s, struct str part)
{
	for (size_t i = 0; i + part.n <= s.n; i++)
		if (str_istarts(str_from(s, i), part))
			return i;
	return s.n;
}

struct str
str_from(struct str s, size_t at)
{
	if (at > s.n)
		at = s.n;
	if (at == 0)
		return s;
	return (struct str){ s.p + at, s.n - at };
}

struct str
str_head(struct str s, size_t n)
{
	return (struct str){ s.p, n < s.n ? n : s.n };
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && is_space(s.p[0]))
		s = str_from(s, 1);
	return s;
}

struct str
str_split(struct str *s, char sep)
{
	size_t at = str_find(*s, sep);
	struct str head = str_head(*s, at);

	*s = at < s->n ? str_from(*s, at + 1) : STR_NONE;
	return head;
}

char *
str_dup(struct str s)
{
	char *z = xmalloc(s.n + 1);

	if (s.n > 0)
		memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return z;
}

/* Also U+0080 to U+009F, which some terminals obey. */
void
str_plain(char *z)
{
	for (unsigned char *p = (unsigned char *)z; *p != '\0'; p++) {
		if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) {
			*p++ = '?';
			*p = '?';
		} else if (*p < ' ' || *p == 0x7f) {
			*p = '?';
		}
	}
}

void
str_shell(const char *z, char *out, size_t cap)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
	size_t at = 0, left;

	if (z[0] != '\0' && z[strspn(z, plain)] == '\0') {
		snprintf(out, cap, "%s", z);
		return;
	}
	for (left = cap; *z != '\0' && left > 8; left = cap - at) {
		at += (size_t)snprintf(out + at, left, "%s%s", at == 0 ? "'" : "",
		    *z == '\'' ? "'\\''" : (char[]){ *z, '\0' });
		z++;
	}
	snprintf(out + at, left, "%s", at == 0 ? "''" : "'");
}
