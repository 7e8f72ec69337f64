/* suggest.h — "did you mean": the nearest word of a list. */
#ifndef DAEMON_SUGGEST_H
#define DAEMON_SUGGEST_H

#include <stddef.h>

/* Edits between two words (insert, delete, change, swap neighbours), or more
 * than any word has when one is longer than 64 bytes. */
size_t		 suggest_distance(const char *a, const char *b);
/* Remember ${word} in *best when it is nearer to ${wrong} than what is there
 * (NULL: nothing) and near enough: 2 edits, and a third of its length. */
void		 suggest_offer(const char *wrong, const char *word,
		    const char **best);

#endif
