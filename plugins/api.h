/*
 * api.h — what scripts see, as parts that register themselves in a state.
 *
 * Rules for what is called from Lua: arguments are checked before anything is
 * acquired, because a check may leave the function for good; what has to be freed
 * lives in the run's arena or in a userdata made before; functions that ask the
 * worker end in `return api_ask(...)`.
 */
#ifndef PLUGINS_API_H
#define PLUGINS_API_H

#include <lauxlib.h>
#include <lua.h>

#include "run.h"
#include "vm.h"

/* ---- userdata ------------------------------------------------------- */

void	 api_push_msg(lua_State *L, const struct msg *m);
/* The message at ${i}, or an error that says why not. */
struct msg *api_check_msg(lua_State *L, int i);
/* The same, NULL when it is none, or its event is over. */
struct msg *api_test_msg(lua_State *L, int i);
void	 api_push_addr(lua_State *L, const struct addr *ad);
void	 api_push_addrs(lua_State *L, const struct addrs *list);
/* A set of messages: ${n} of them. */
void	 api_push_msgs(lua_State *L, struct msg *const *msg, size_t n);
/* Let #set be ${n} of the set at the top: the others did not fit the event. */
void	 api_msgs_say(lua_State *L, uint32_t n);
/* A set of words, from a list. */
void	 api_push_words(lua_State *L, const struct strs *list);

/* ---- values --------------------------------------------------------- */

void	 api_push(lua_State *L, struct str s);
/* "" stays "", NULL is nil. */
void	 api_push_opt(lua_State *L, struct str s);
/* Let the field ${name} of the table at the top be ${s}. */
void	 api_set(lua_State *L, const char *name, struct str s);
/* A list of strings. */
void	 api_push_list(lua_State *L, const struct strs *list);
/* Let ${fn} be asked for what is not in the table at the top. */
void	 api_index(lua_State *L, lua_CFunction fn);
/* The string at ${i}, borrowed as long as it is on the stack. */
struct str api_check(lua_State *L, int i);
/* A copy of it in the arena of the run. */
struct str api_copy(lua_State *L, int i);
/* Words at ${from}..top: strings, lists of them, sets; flattened, in the arena. */
struct strs api_words(lua_State *L, int from);
/* The value at ${i} in a form that outlives the state (tables, strings, numbers,
 * booleans); an error when it is anything else, or too large. */
struct str api_pack(lua_State *L, int i, struct arena *a);
void	 api_unpack(lua_State *L, struct str packed);

/* ---- the run -------------------------------------------------------- */

/* The run whose code this is; an error outside of any (while loading). */
struct run *api_run(lua_State *L, const char *what);
/* Begin a call to the worker in ${f}: what it asks is to be put there. */
void	 api_call(lua_State *L, struct frame *f, enum frame_call kind);
/* Send it, and come back in ${k} with run->reply filled in; used as
 * `return api_ask(...)`. */
int	 api_ask(lua_State *L, struct frame *f, lua_KContext ctx, lua_KFunction k);
/* What came, in ${k}; ${what} is in the error, if it failed. */
struct reply *api_reply(lua_State *L, const char *what);
/* Go on in ${fn} (its argument 1 is the message) as soon as its bytes are here. */
int	 api_need_header(lua_State *L, struct msg *m, lua_CFunction fn);
int	 api_need_body(lua_State *L, struct msg *m, lua_CFunction fn);
/* Is it offered only?  Then there is no more of it than its header. */
bool	 api_header_only(const struct msg *m);
/* The same as soon as its state is known (mailbox, flags, date). */
int	 api_need_state(lua_State *L, struct msg *m, lua_CFunction fn);
/* Record an op about ${m} (may be NULL), to be completed and applied. */
struct op *api_op(lua_State *L, struct msg *m, enum hook_op_kind kind,
	    const char *verb);
/* It is complete. */
void	 api_op_done(lua_State *L, struct op *op);
/* Is the value at ${i} a mailbox of another account? */
bool	 api_is_place(lua_State *L, int i);
/* The bit of a flag's name, or an error. */
uint32_t api_flag(lua_State *L, struct str word);
/* The ${i}-th flag; false past the last. */
bool	 api_flag_at(size_t i, const char **name, uint32_t *bit);
/* Record that ${bytes} (none: the message) be saved by the pattern at 2. */
struct fill_part;
void	 api_save(lua_State *L, struct msg *m, const struct fill_part *part,
	    struct str bytes);
/* An error unless plugin{} declared the permission (and argument, if any). */
void	 api_need(lua_State *L, const char *permission, struct str arg);
/* The same for a path, which must be below one of the permission's directories; the
 * worker looks again, and opens below it. */
void	 api_need_directory(lua_State *L, const char *permission,
	    struct str path);

/* Raise "no WHAT `word`; did you mean `x`?" of ${n} candidates. */
int	 api_unknown(lua_State *L, const char *what, struct str word,
	    const char *(*candidate)(size_t i));

/* ---- parts: each leaves its functions in the global table ----------- */

void	api_open_libs(lua_State *L, bool trusted);
void	api_open_registry(lua_State *L);	/* classes and functions, then: */
void	api_open_msg(lua_State *L);
void	api_open_sets(lua_State *L);
void	api_open_msgs(lua_State *L);
void	api_open_store(lua_State *L);
void	api_open_misc(lua_State *L);
void	api_open_plugin(lua_State *L);
void	api_open_account(lua_State *L);

#endif
