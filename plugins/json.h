/* json.h — JSON as Lua values, by jansson: options, and what programs answer. */
#ifndef PLUGINS_JSON_H
#define PLUGINS_JSON_H

#include <lua.h>

#include "base/str.h"

/* Push the value of ${text}; nil when it is no JSON (then false). */
bool	json_push(lua_State *L, struct str text);

#endif
