/* registry_fn.h — every function that registry.def names, declared. */
#ifndef PLUGINS_REGISTRY_FN_H
#define PLUGINS_REGISTRY_FN_H

#include <lua.h>

#define CLASS(name, doc)
#define FIELD(class, name, type, cost, doc) \
	int api_##class##_get_##name(lua_State *L);
#define DATA(class, name, type, doc)
#define METHOD(class, name, sig, doc)	int api_##class##_##name(lua_State *L);
#define FUNCTION(name, sig, doc)	int api_fn_##name(lua_State *L);
#define EVENT(kind, name, args, doc)
#define KEY(name, type, doc)
#define OPTION(name, doc)
#define PERMISSION(name, type, doc)
#include "registry.def"
#undef CLASS
#undef FIELD
#undef DATA
#undef METHOD
#undef FUNCTION
#undef EVENT
#undef KEY
#undef OPTION
#undef PERMISSION

#endif
