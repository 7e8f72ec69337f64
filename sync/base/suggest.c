/* suggest.c — the nearest word. */
#include "base/suggest.h"

#include <ctype.h>
#include <stdio.h>

enum { WORD_MAX_LEN = 64 };

static int
fold(char c)
{
	return c == '-' ? '_' : tolower((unsigned char)c);
}

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits (insert, delete, replace, swap neighbours) between two words, without regard
 * to case and with "-" and "_" alike; words over 64 bytes are far.
 * Damerau-Levenshtein with three rows: two back, one back, this one. */
static size_t
distance(struct str a, struct str b)
{
	size_t row[3][WORD_MAX_LEN + 1];
	size_t *two = row[0], *one = row[1], *now = row[2];

	if (a.n > WORD_MAX_LEN || b.n > WORD_MAX_LEN)
		return WORD_MAX_LEN;
	for (size_t j = 0; j <= b.n; j++)
		one[j] = two[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *spare = two;

		now[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			int ca = fold(a.p[i - 1]), cb = fold(b.p[j - 1]);

			now[j] = least(one[j] + 1, now[j - 1] + 1,
			    one[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == fold(b.p[j - 2]) &&
			    cb == fold(a.p[i - 2]) && two[j - 2] + 1 < now[j])
				now[j] = two[j - 2] + 1;
		}
		two = one;
		one = now;
		now = spare;
	}
	return one[b.n];
}

void
suggest_init(struct suggest *s, struct str word)
{
	size_t limit = (word.n + 2) / 3;

	*s = (struct suggest){ .word = word, .limit = (limit < 2 ? limit : 2) + 1 };
}

void
suggest_offer(struct suggest *s, const char *candidate)
{
	size_t d = distance(s->word, str_z(candidate));

	if (d >= s->limit)
		return;
	s->limit = d;		/* from now on only a better one will do */
	snprintf(s->best, sizeof(s->best), "%s", candidate);
}
