/*
 * match.h — match tables and queries, compiled once and tested without Lua.
 *
 * A handler whose table does not match costs no entry into the script.  What the
 * database can answer of a query goes to the worker (struct hook_query); the rest
 * is tested here.
 */
#ifndef PLUGINS_MATCH_H
#define PLUGINS_MATCH_H

#include <stdbool.h>

#include <lua.h>

#include "arena.h"
#include "frame.h"
#include "registry.h"

struct match;
struct msg;

enum match_use { MATCH_EVENT, MATCH_SEARCH };

/* The table at ${i}, which must stay alive as long as the match (it holds the
 * regular expressions); raises an error with the nearest key. */
struct match	*match_compile(lua_State *L, int i, enum match_use use,
		    struct arena *a);
bool		 match_test(const struct match *mt, struct msg *m);
/* What has to be known of a message to test it. */
enum reg_cost	 match_cost(const struct match *mt);
/* Does it say something about the origin, so that first syncs may be meant? */
bool		 match_wants_initial(const struct match *mt);
/* on.offline's .after; 0: none. */
int64_t		 match_after(const struct match *mt);
/* The fields of CALL_SEARCH that follow `after`. */
void		 match_put_query(const struct match *mt, struct frame *f);
/* `server`: is the server to be asked? */
bool		 match_asks_server(const struct match *mt);
/* The fields of CALL_SERVER: what the server can be asked, which finds no less than
 * what matches (query.c). */
void		 match_put_terms(const struct match *mt, struct frame *f);
/* The first key that does not match; NULL: all do. */
const char	*match_first_failing(const struct match *mt, struct msg *m);

#endif
