/* worker_sandbox.c — what a worker may still reach once it works. */
#include "worker_sandbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"

struct open_paths {
	struct sandbox_path	*v;
	size_t			 n, cap;
};

static void
leave_open(struct open_paths *l, const char *path, bool write)
{
	l->v = array_room(l->v, l->n, &l->cap, sizeof(*l->v));
	l->v[l->n++] = (struct sandbox_path){ path, write };
}

/* What scripts may read and save to, which the worker does for them. */
static void
leave_open_for_scripts(struct open_paths *l, const struct account_conf *conf)
{
	for (size_t i = 0; i < conf->n_plugins; i++) {
		const struct strlist *from = &conf->plugin[i].allow.read;
		const struct strlist *to = &conf->plugin[i].allow.write;

		for (size_t k = 0; k < from->n; k++)
			leave_open(l, from->v[k], false);
		for (size_t k = 0; k < to->n; k++) {
			(void)mkdir(to->v[k], 0700);
			leave_open(l, to->v[k], true);
		}
	}
}

void
worker_sandbox(const struct account_conf *conf, const char *root,
    const char *state_dir)
{
	const char *ca = conf->tls.ca_file, *dirs = getenv("SSL_CERT_DIR");
	char *trusted = xstrdup(ca != NULL ? ca : dirs != NULL ? dirs : "/etc/ssl");
	char *rest = ca != NULL ? NULL : trusted, *dir;
	struct open_paths open = { 0 };
	unsigned missing;

	leave_open(&open, root, true);
	leave_open(&open, state_dir, true);
	if (ca != NULL)
		leave_open(&open, trusted, false);
	/* Read anew for each connection. */
	if (conf->tls.client_cert != NULL)
		leave_open(&open, conf->tls.client_cert, false);
	if (conf->tls.client_key != NULL)
		leave_open(&open, conf->tls.client_key, false);
	while ((dir = strsep(&rest, ":")) != NULL)
		leave_open(&open, dir, false);
	leave_open_for_scripts(&open, conf);
	missing = sandbox_enter(SANDBOX_WORKER, open.v, open.n,
	    (uint16_t)conf->port);
	free(open.v);
	free(trusted);
	for (unsigned layer = 1; layer <= missing; layer <<= 1)
		if (missing & layer)
			log_notice("sandbox: %s",
			    sandbox_says((enum sandbox_layer)layer));
}
