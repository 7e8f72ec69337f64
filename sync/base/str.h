/*
 * str.h — borrowed text: a pointer and a length.  The bytes belong to somebody
 * else and may hold NUL; nothing here allocates but str_dup().
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
	const char	*p;
	size_t		 n;
};

#define STR(literal)	((struct str){ (literal), sizeof(literal) - 1 })
#define STR_NONE	((struct str){ NULL, 0 })
/* For printf: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s)	(int)(s).n, ((s).p != NULL ? (s).p : "")

/* ${z} as a str; NULL gives the empty str. */
static inline struct str
str_z(const char *z)
{
	return (struct str){ z, z != NULL ? strlen(z) : 0 };
}

bool		 str_eq(struct str a, struct str b);
/* Equal without regard to ASCII case. */
bool		 str_ieq(struct str a, struct str b);
bool		 str_starts(struct str s, struct str prefix);
bool		 str_istarts(struct str s, struct str prefix);
bool		 str_ends(struct str s, struct str suffix);
/* Bytewise order; shorter first when one is a prefix. */
int		 str_cmp(struct str a, struct str b);
/* Index of byte ${c}, or s.n when absent. */
size_t		 str_find(struct str s, char c);
/* Index of ${part} without regard to ASCII case, or s.n when absent. */
size_t		 str_ifind(struct str s, struct str part);
/* The part of ${s} from ${at} on (empty when past the end). */
struct str	 str_from(struct str s, size_t at);
struct str	 str_head(struct str s, size_t n);
struct str	 str_trim(struct str s);
/* Cut ${s} at the first ${sep}: returns what stood before, ${s} becomes what
 * stands after; without ${sep} returns all, and ${s} becomes STR_NONE. */
struct str	 str_split(struct str *s, char sep);
/* In place: control characters become '?'.  For what a stranger wrote and a
 * terminal is going to show. */
void		 str_plain(char *z);
/* ${z} as one word for a shell, in quotes if it needs them; what does not fit is
 * cut: STR_SHELL_ROOM(strlen(z)) is enough. */
void		 str_shell(const char *z, char *out, size_t cap);
#define STR_SHELL_ROOM(n)	(4 * (n) + 16)
/* A NUL-terminated copy; free() it. */
char		*str_dup(struct str s);

#endif
