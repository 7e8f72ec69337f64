/*
 * words.h — text of a header as UTF-8: encoded words (RFC 2047), raw 8-bit text
 * (UTF-8, or else taken for Windows-1252), and character sets by iconv(3).
 * What cannot be converted becomes U+FFFD; nothing here fails.
 */
#ifndef PLUGINS_WORDS_H
#define PLUGINS_WORDS_H

#include <stdbool.h>

#include "arena.h"
#include "base/str.h"

/* ${s} with its encoded words decoded; the same bytes when there are none. */
struct str words_decode(struct str s, struct arena *a);
/* ${s} as a header may have it: encoded words when it is not printable ASCII. */
struct str words_encode(struct str s, struct arena *a);
/* ${s}, which is in ${charset}, as UTF-8. */
struct str words_convert(struct str s, struct str charset, struct arena *a);
/* Valid UTF-8 (RFC 3629: no surrogates, nothing overlong)? */
bool	   words_is_utf8(struct str s);

#endif
