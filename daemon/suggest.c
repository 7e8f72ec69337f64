/* suggest.c — the distance of Damerau and Levenshtein, for short words. */
#include "suggest.h"

#include <stdint.h>
#include <string.h>

enum { WORD_MAX = 64 };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
suggest_distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	size_t d[WORD_MAX + 1][WORD_MAX + 1];

	if (na > WORD_MAX || nb > WORD_MAX)
		return SIZE_MAX;
	for (size_t i = 0; i <= na; i++)
		d[i][0] = i;
	for (size_t k = 0; k <= nb; k++)
		d[0][k] = k;
	for (size_t i = 1; i <= na; i++)
		for (size_t k = 1; k <= nb; k++) {
			size_t change = a[i - 1] != b[k - 1];

			d[i][k] = least(d[i - 1][k - 1] + change,
			    least(d[i - 1][k], d[i][k - 1]) + 1);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1])
				d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1);
		}
	return d[na][nb];
}

void
suggest_offer(const char *wrong, const char *word, const char **best)
{
	size_t n = suggest_distance(wrong, word);

	if (n > 2 || n > (strlen(word) + 2) / 3)
		return;
	if (*best == NULL || n < suggest_distance(wrong, *best))
		*best = word;
}
