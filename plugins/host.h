/*
 * host.h — the worker's side of scripts: a hook_host (engine/hook.h) whose plugins
 * run in processes syncd-script.
 *
 * Nothing that such a process says is trusted: numbers are checked against what was
 * asked, and sizes against caps.  It may die, hang or be killed at any moment; what it
 * was asked is asked again of the next one, without the plugin that was on the CPU
 * for the message that it was on.
 */
#ifndef PLUGINS_HOST_H
#define PLUGINS_HOST_H

#include "engine/conf.h"
#include "engine/hook.h"

/* ${conf}, ${world} and ${broker} outlive the host; ${lua_dir} is where syncd/
 * NAME.lua is.  Nothing is started before the first step(). */
struct hook_host *host_new(const struct account_conf *conf, const char *lua_dir,
	    const struct hook_world *world, const struct hook_broker *broker);

#endif
