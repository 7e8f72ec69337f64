/* registry.h — registry.def as tables; see there. */
#ifndef PLUGINS_REGISTRY_H
#define PLUGINS_REGISTRY_H

#include <stddef.h>

#include <lua.h>

#include "engine/hook.h"

enum reg_cost { STATE, HEADER, BODY };

enum reg_kind {
	REG_CLASS, REG_FIELD, REG_DATA, REG_METHOD, REG_FUNCTION, REG_EVENT,
	REG_KEY, REG_OPTION, REG_PERMISSION
};

struct reg {
	enum reg_kind	 kind;
	const char	*class;		/* of fields and methods */
	const char	*name;
	const char	*type;		/* or signature, or arguments */
	enum reg_cost	 cost;
	lua_CFunction	 fn;		/* method, function; a field's getter */
	int		 event;		/* enum hook_kind */
	const char	*doc;
};

extern const struct reg registry[];
extern const size_t registry_n;

/* The entry called ${name} of that kind (and class, when not NULL), or NULL. */
const struct reg *registry_find(enum reg_kind kind, const char *class,
	    const char *name);
/* "incoming" */
const char *registry_event_name(enum hook_kind kind);
/* Raise "no WHAT `name`; did you mean `x`?" among those entries. */
int	registry_unknown(lua_State *L, const char *what, enum reg_kind kind,
	    const char *class, const char *name);
/* manual.c: write the manual page ("man") or the annotations for editors ("meta") to
 * stdout; -1: no such form. */
int	registry_print(const char *form);

#endif
