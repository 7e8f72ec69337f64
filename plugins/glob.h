/*
 * glob.h — patterns of scripts: `*` is any text, `?` one character, all else
 * itself; ASCII case does not count.  In lists: "*.example.org" does not need
 * brackets or escapes, and no pattern takes longer than pattern times text.
 */
#ifndef PLUGINS_GLOB_H
#define PLUGINS_GLOB_H

#include <stdbool.h>

#include "base/str.h"

bool	glob_match(struct str pattern, struct str text);

#endif
