/* link.c — a worker's end of the line to its parent. */
#include "link.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wait.h"
#include "js.h"

void
link_send(enum ipc_type type, json_t *v)
{
	char *text = js_dump(v);
	struct err err;

	if (ipc_send(IPC_FD, type, str_z(text), -1, &err) < 0)
		log_debug("parent: %s", err.text);
	free(text);
	json_decref(v);
}

static void
take_secret(struct link *l, struct str payload)
{
	if (payload.n > 0 && payload.p[0] == '0') {
		if (secret_set(&l->secret, str_from(payload, 1)) < 0)
			err_set(&l->trouble, ERR_CONFIG, "secret.empty",
			    "the secret is too long");
		else
			l->have_secret = true;
		return;
	}
	err_set(&l->trouble, payload.n > 0 && payload.p[0] == '7' ?
	    ERR_RETRY : ERR_AUTH, "secret.command-failed", "%.*s",
	    STR_ARG(str_from(payload, 1)));
}

static void
take_job(struct link *l, struct str payload)
{
	struct err err;
	json_t *v = js_parse(payload, &err);
	const char *folder;

	if (v == NULL) {
		log_error("job: %s", err.text);
		return;
	}
	folder = js_get(v, "folder");
	l->job = array_room(l->job, l->n_jobs, &l->cap_jobs, sizeof(*l->job));
	l->job[l->n_jobs++] = (struct job){
		.id = js_int(v, "job", 0),
		.folder = xstrdup(folder),
		.dry_run = js_bool(v, "dry_run"),
		.full = js_bool(v, "full"),
		.verdict = js_bool(v, "approve") ? VERDICT_APPROVE :
		    js_bool(v, "reject") ? VERDICT_REJECT : VERDICT_NONE,
	};
	json_decref(v);
}

/* Everything that the parent has said by now. */
int
link_hear(struct link *l, struct err *err)
{
	enum ipc_type type;
	struct str payload;
	int ride, got;

	while ((got = ipc_recv(IPC_FD, &type, &payload, &ride, err)) > 0) {
		switch (type) {
		case IPC_SECRET:
			take_secret(l, payload);
			break;
		case IPC_TUNNEL:
			if (ride < 0) {
				err_set(&l->trouble, ERR_RETRY, "net.refused",
				    "tunnel_command: %.*s", STR_ARG(payload));
				break;
			}
			l->tunnel_fd = ride;
			l->have_tunnel = true;
			ride = -1;
			break;
		case IPC_JOB:
			take_job(l, payload);
			break;
		case IPC_WAKE:
			l->woken = true;
			break;
		default:
			break;
		}
		if (ride >= 0)
			close(ride);
	}
	return got;
}

int
link_wait(struct link *l, usec deadline, struct err *err)
{
	struct waiter waiter = { .fd = IPC_FD, .want = WAIT_READ };
	int ready = wait_any(&waiter, 1, deadline, err);

	if (ready <= 0)
		return ready < 0 ? -1 : err_set(err, ERR_RETRY, "internal.ipc",
		    "the parent does not answer");
	return link_hear(l, err);
}

int
link_ask_secret(struct link *l, const struct account_conf *conf, const char *reason,
    struct err *err)
{
	usec deadline = clock_in(conf->auth.command_timeout + USEC_S(10));

	if (conf->auth.external || conf->tunnel_command.n > 0)
		return 0;
	l->have_secret = false;
	l->trouble.class = ERR_NONE;
	link_send(IPC_SECRET_ASK, json_pack("{s:s}", "reason", reason));
	while (!l->have_secret) {
		if (l->trouble.class != ERR_NONE) {
			*err = l->trouble;
			return -1;
		}
		if (link_wait(l, deadline, err) < 0)
			return -1;
	}
	return 0;
}

int
link_ask_tunnel(struct link *l, const struct account_conf *conf, int *fd,
    struct err *err)
{
	*fd = -1;
	if (conf->tunnel_command.n == 0)
		return 0;
	l->have_tunnel = false;
	l->trouble.class = ERR_NONE;
	if (ipc_send(IPC_FD, IPC_TUNNEL_ASK, STR(""), -1, err) < 0)
		return -1;
	while (!l->have_tunnel) {
		if (l->trouble.class != ERR_NONE) {
			*err = l->trouble;
			return -1;
		}
		if (link_wait(l, clock_in(USEC_S(30)), err) < 0)
			return -1;
	}
	*fd = l->tunnel_fd;
	return 0;
}
