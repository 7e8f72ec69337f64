/*
 * flags.h — the flags of a message as plain bits, so that three sides can be
 * merged with and, or, not.  System flags are fixed; keywords are bits of a
 * folder's own table (struct kwtab), because IMAP lets every mailbox have its
 * own set (RFC 9051 section 2.3.2).
 */
#ifndef BASE_FLAGS_H
#define BASE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum sysflag {
	FLAG_DRAFT	= 1 << 0,	/* \Draft	D */
	FLAG_FLAGGED	= 1 << 1,	/* \Flagged	F */
	FLAG_PASSED	= 1 << 2,	/* $Forwarded	P */
	FLAG_ANSWERED	= 1 << 3,	/* \Answered	R */
	FLAG_SEEN	= 1 << 4,	/* \Seen	S */
	FLAG_DELETED	= 1 << 5,	/* \Deleted	T */
	FLAG_ALL	= (1 << 6) - 1
};

struct flags {
	uint32_t	sys;	/* enum sysflag */
	uint64_t	kw;	/* bit i: keyword i of the folder's kwtab */
};

static inline bool
flags_eq(struct flags a, struct flags b)
{
	return a.sys == b.sys && a.kw == b.kw;
}

/* a without b. */
static inline struct flags
flags_minus(struct flags a, struct flags b)
{
	return (struct flags){ a.sys & ~b.sys, a.kw & ~b.kw };
}

static inline bool
flags_none(struct flags f)
{
	return f.sys == 0 && f.kw == 0;
}

enum { KW_MAX = 64, KW_NAME_MAX = 128 };

/* Keywords of one folder: bit number to name, in the order first seen. */
struct kwtab {
	char	*name[KW_MAX];
	size_t	 n;
};

void	kwtab_clear(struct kwtab *t);
/* The bit number of ${name} (ASCII case-insensitive), added when new; -1 when
 * the table is full or the name is not an IMAP atom: such a keyword is left
 * alone on both sides. */
int	kwtab_bit(struct kwtab *t, struct str name);
/* The bit number, or -1; never adds. */
int	kwtab_find(const struct kwtab *t, struct str name);

/* Keyword bits of one folder as those of another, whose table learns the names. */
uint64_t kwtab_translate(uint64_t kw, const struct kwtab *from, struct kwtab *to);

/* Set in ${f} the flag that a server calls ${name} ("\Seen", "$Forwarded",
 * "work"); unknown backslash flags (\Recent, \*) are ignored. */
void	flags_from_imap(struct flags *f, struct kwtab *t, struct str name);
/* "\Seen \Flagged $Forwarded work" into ${out}; returns the length that was
 * needed, like snprintf. */
size_t	flags_to_imap(struct flags f, const struct kwtab *t, char *out, size_t cap);
/* System flags from and to Maildir letters: sorted, unique; letters that are
 * not ours are skipped.  ${out} takes 7 bytes. */
uint32_t sysflags_from_letters(struct str letters);
void	sysflags_to_letters(uint32_t sys, char out[7]);

#endif
