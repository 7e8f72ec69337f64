/* glob.c — one star is remembered, which is enough. */
#include "glob.h"

static char
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* One character of UTF-8 from ${i} on. */
static size_t
step(struct str s, size_t i)
{
	for (i++; i < s.n && ((unsigned char)s.p[i] & 0xc0) == 0x80; i++)
		;
	return i;
}

bool
glob_match(struct str pattern, struct str text)
{
	size_t p = 0, t = 0, star = pattern.n, retry = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			retry = t;
		} else if (p < pattern.n && pattern.p[p] == '?') {
			p++;
			t = step(text, t);
		} else if (p < pattern.n &&
		    fold(pattern.p[p]) == fold(text.p[t])) {
			p++;
			t++;
		} else if (star < pattern.n) {
			p = star + 1;
			t = ++retry;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}
