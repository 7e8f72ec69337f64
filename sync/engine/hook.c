/* hook.c — the names of events and of what plans may ask for. */
#include "engine/hook.h"

#include "base/mem.h"

const char *
hook_kind_name(enum hook_kind kind)
{
	static const char *const names[HOOK_KINDS] = {
		"incoming", "delivered", "created", "uploaded", "flags",
		"moved", "removing", "removed", "folder", "sync_start",
		"sync_done", "settled", "online", "offline", "auth_failed",
		"timer", "command", "offered", "start", "stop", "save",
		"restore",
	};

	must(kind < HOOK_KINDS);
	return names[kind];
}

const char *
hook_op_name(enum hook_op_kind kind)
{
	static const char *const names[OPK_KINDS] = {
		"move", "archive", "trash", "copy", "delete", "flag", "unflag",
		"tag", "untag", "keep_on_server", "hold", "run", "send", "save",
		"append", "mailbox", "stop", "skip", "across",
	};

	must(kind < OPK_KINDS);
	return names[kind];
}
