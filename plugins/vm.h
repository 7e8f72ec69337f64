/*
 * vm.h — Lua states with limits, and how they are entered.
 *
 * Everything enters Lua through vm_resume() on a coroutine, or vm_protect().  What
 * a script may use of the standard library is decided here.  Limits:
 *
 * - memory, by the allocator;
 * - instructions, by a count hook that yields: an error could be caught, a yield
 *   cannot.  Where a yield is not possible (a comparator, a coroutine of the
 *   script's own) it raises, from then on at each instruction;
 * - no finaliser (no hook runs in it), no xpcall handler (hooks are off in it), no
 *   binary chunks (the verifier is gone since Lua 5.2).
 *
 * Time inside one C function, such as a pattern that backtracks for ever, is out of
 * reach: the worker watches from outside, and kills.
 */
#ifndef PLUGINS_VM_H
#define PLUGINS_VM_H

#include "run.h"

enum vm_end { VM_DONE, VM_WAITS, VM_PARKED, VM_FAILED };

/* A fresh state in p->L; -1: no memory. */
int	vm_open(struct plugin *p);
void	vm_close(struct plugin *p);
/* A coroutine for the run in its plugin's state, left in r->thread; false: no
 * memory. */
bool	vm_thread(struct run *r);
void	vm_close_thread(struct run *r);
/* Enter or go on.  FAILED: *error says why (in the arena), the thread is closed. */
enum vm_end vm_resume(struct run *r, struct str *error);

struct plugin *vm_plugin(struct lua_State *L);
/* "spam.lua:9" of the innermost Lua function, into ${out}; "" when there is none. */
void	vm_where(struct lua_State *L, char out[80]);

#endif
