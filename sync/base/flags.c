/* flags.c — flags as bits, and their names on the wire and on disk. */
#include "base/flags.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* In the order of the Maildir letters, which must be sorted. */
static const struct {
	uint32_t	 bit;
	char		 letter;
	const char	*imap;
} sysflags[] = {
	{ FLAG_DRAFT,		'D', "\\Draft" },
	{ FLAG_FLAGGED,		'F', "\\Flagged" },
	{ FLAG_PASSED,		'P', "$Forwarded" },
	{ FLAG_ANSWERED,	'R', "\\Answered" },
	{ FLAG_SEEN,		'S', "\\Seen" },
	{ FLAG_DELETED,		'T', "\\Deleted" },
};

void
kwtab_clear(struct kwtab *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->name[i]);
	*t = (struct kwtab){ 0 };
}

int
kwtab_find(const struct kwtab *t, struct str name)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_ieq(str_z(t->name[i]), name))
			return (int)i;
	return -1;
}

/* RFC 9051 section 9: flag-keyword = atom. */
static bool
is_atom(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= 0x20 || c >= 0x7f || strchr("(){%*\"\\]", c) != NULL)
			return false;
	}
	return s.n > 0 && s.n <= KW_NAME_MAX;
}

int
kwtab_bit(struct kwtab *t, struct str name)
{
	int bit = kwtab_find(t, name);

	if (bit >= 0)
		return bit;
	if (t->n == KW_MAX || !is_atom(name))
		return -1;
	t->name[t->n] = str_dup(name);
	return (int)t->n++;
}

uint64_t
kwtab_translate(uint64_t kw, const struct kwtab *from, struct kwtab *to)
{
	uint64_t out = 0;

	if (from == to)
		return kw;
	for (size_t i = 0; i < from->n; i++) {
		int bit = kw >> i & 1 ? kwtab_bit(to, str_z(from->name[i])) : -1;

		if (bit >= 0)
			out |= (uint64_t)1 << bit;
	}
	return out;
}

void
flags_from_imap(struct flags *f, struct kwtab *t, struct str name)
{
	int bit;

	for (size_t i = 0; i < ARRAY_LEN(sysflags); i++)
		if (str_ieq(str_z(sysflags[i].imap), name)) {
			f->sys |= sysflags[i].bit;
			return;
		}
	if (name.n > 0 && name.p[0] == '\\')
		return;
	bit = kwtab_bit(t, name);
	if (bit >= 0)
		f->kw |= (uint64_t)1 << bit;
}

size_t
flags_to_imap(struct flags f, const struct kwtab *t, char *out, size_t cap)
{
	size_t n = 0;

	if (cap > 0)
		out[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(sysflags); i++)
		if (f.sys & sysflags[i].bit)
			n += (size_t)snprintf(n < cap ? out + n : NULL,
			    n < cap ? cap - n : 0, "%s%s", n > 0 ? " " : "",
			    sysflags[i].imap);
	for (size_t i = 0; i < t->n; i++)
		if (f.kw >> i & 1)
			n += (size_t)snprintf(n < cap ? out + n : NULL,
			    n < cap ? cap - n : 0, "%s%s", n > 0 ? " " : "",
			    t->name[i]);
	return n;
}

uint32_t
sysflags_from_letters(struct str letters)
{
	uint32_t sys = 0;

	for (size_t i = 0; i < letters.n; i++)
		for (size_t k = 0; k < ARRAY_LEN(sysflags); k++)
			if (letters.p[i] == sysflags[k].letter)
				sys |= sysflags[k].bit;
	return sys;
}

void
sysflags_to_letters(uint32_t sys, char out[7])
{
	size_t n = 0;

	for (size_t k = 0; k < ARRAY_LEN(sysflags); k++)
		if (sys & sysflags[k].bit)
			out[n++] = sysflags[k].letter;
	out[n] = '\0';
}
