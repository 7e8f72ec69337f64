/*
 * pack.h — Lua values as bytes that outlive the state: nil, booleans, numbers,
 * strings, and tables of them.  Little-endian, a letter for the type first.
 */
#ifndef PLUGINS_PACK_H
#define PLUGINS_PACK_H

#include <lua.h>

#include "base/buf.h"
#include "base/str.h"

enum { PACK_DEPTH = 16 };

/* Append the value at ${i}; -1 with a word for what is wrong in *why. */
int	pack_value(lua_State *L, int i, struct buf *out, const char **why);
/* Push the value; what is malformed is nil. */
void	pack_push(lua_State *L, struct str packed);

#endif
