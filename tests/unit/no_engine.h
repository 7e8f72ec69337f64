/* no_engine.h — an engine and a daemon, as a plugin host sees them, that have nothing
 * and do nothing. */
#ifndef NO_ENGINE_H
#define NO_ENGINE_H

#include "engine/hook.h"

static inline int
no_kv(void *engine, struct str plugin, struct str store, struct str after,
    struct buf *key, struct buf *value, struct err *err)
{
	(void)engine, (void)plugin, (void)store, (void)after;
	(void)key, (void)value, (void)err;
	return 0;
}

static inline int
no_message(void *engine, int64_t id, bool open, struct hook_msg *msg,
    struct err *err)
{
	(void)engine, (void)id, (void)open, (void)msg, (void)err;
	return 0;
}

static inline uint32_t
no_exec(void *daemon, const struct hook_exec *ex)
{
	(void)daemon, (void)ex;
	return 1;
}

#endif
