/*
 * fuzz_link.c — any bytes as what a worker hears from its parent.  Those are our
 * own words, but nothing may fall over them, and no descriptor may stay open.
 */
#include "fuzz.h"

#include <jansson.h>

#include "base/log.h"
#include "conf_json.h"
#include "js.h"
#include "link.h"
#include "messages.h"

static int worker_end = -1;	/* of the pair whose other end is IPC_FD */

/* Before anything else takes that number. */
__attribute__((constructor)) static void
take_ipc_fd(void)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv) != 0 ||
	    (worker_end = fcntl(sv[0], F_DUPFD_CLOEXEC, 10)) < 0 ||
	    (sv[1] != IPC_FD && dup2(sv[1], IPC_FD) < 0))
		abort();
	if (sv[0] != IPC_FD)
		close(sv[0]);
	if (sv[1] != IPC_FD)
		close(sv[1]);
}

static void
clear_link(struct link *l)
{
	link_clear(l);
	if (l->tunnel_fd >= 0)
		close(l->tunnel_fd);
	if (l->script_fd >= 0)
		close(l->script_fd);
}

static void
parent(struct str in)
{
	struct link l = { .tunnel_fd = -1, .script_fd = -1 };
	struct account_conf *conf;
	struct str payload;
	struct err err;
	uint8_t type;

	while (next_message(&in, &type, &payload)) {
		send_raw(worker_end, type, payload);
		if (link_hear(&l, &err) < 0)
			must(err.class == ERR_PROTO);
		json_t *v = js_parse(payload, &err);

		conf = v != NULL ? account_conf_from_json(v, &err) : NULL;
		if (conf != NULL)
			account_conf_free(conf);
		json_decref(v);
	}
	clear_link(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	log_to(-1, LOG_LV_ERROR);
	parent((struct str){ (const char *)p, n });
	return 0;
}
