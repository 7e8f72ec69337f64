/* api_part.h — parts as arguments of other functions. */
#ifndef PLUGINS_API_PART_H
#define PLUGINS_API_PART_H

#include "api.h"

bool		 api_part_test(lua_State *L, int i);
/* Its decoded content, in the arena. */
struct str	 api_part_content(lua_State *L, int i);
struct msg	*api_part_msg(lua_State *L, int i);

#endif
