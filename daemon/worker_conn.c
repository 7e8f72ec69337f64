/* worker_conn.c — connections of an account: made, lost, told of. */
#include "worker_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "connect.h"
#include "engine/remote.h"
#include "engine/watcher.h"
#include "ipc.h"
#include "retry.h"

enum { EAGER_S = 30 };

/* There is always a newer one to come: it is not waited for. */
static int
send_status(struct str text, struct err *err)
{
	usec deadline = clock_in(USEC_S(1));

	return text.n <= IPC_MAX ?
	    ipc_send(IPC_FD, IPC_STATUS, text, -1, deadline, err) :
	    ipc_send_file(IPC_FD, IPC_STATUS, text, deadline, err);
}

void
worker_report(struct worker *w, const char *state)
{
	char *text = worker_status_json(&w->status, w->acc, w->conf, state,
	    w->acc->work == NULL && w->retry_at > clock_now() ?
	    clock_wall() + w->retry_at - clock_now() : 0);
	struct err err;

	if (text != NULL && send_status(str_z(text), &err) < 0) {
		log_debug("parent: %s", err.text);
		/* It has not been told, so the next time is not the same again. */
		worker_status_clear(&w->status);
	}
	free(text);
}

/* ${acc}: NULL, or whose work begins on it. */
static struct lane *
open_lane(struct worker *w, const char *name, struct account *acc,
    struct err *err)
{
	struct lane *ln;
	int tunnel;

	if (link_ask_secret(&w->link, w->conf, "connect", err) < 0 ||
	    link_ask_tunnel(&w->link, w->conf, &tunnel, err) < 0)
		return NULL;
	ln = connect_lane(w->conf, name, tunnel, &w->link.secret, w->tap, acc,
	    err);
	/* A token may have been revoked before its time: one fresh one.  Through a tunnel
	 * goes none, and nothing goes past it. */
	if (ln == NULL && err->class == ERR_AUTH && w->conf->auth.token_command.n > 0 &&
	    w->conf->tunnel_command.n == 0 &&
	    link_ask_secret(&w->link, w->conf, "rejected", err) == 0)
		ln = connect_lane(w->conf, name, -1, &w->link.secret, w->tap,
		    acc, err);
	secret_clear(&w->link.secret);
	return ln;
}

int
worker_connect(struct worker *w, struct err *err)
{
	struct lane *ln;

	progress_phase(w->acc->progress, PHASE_CONNECT, NULL, 0);
	ln = open_lane(w, "work", w->acc, err);
	if (ln == NULL)
		return -1;
	remote_attach(w->acc, ln);
	worker_status_connected(&w->status, ln);
	worker_script_online(w->acc, &w->outage);
	for (size_t i = 0; i < w->acc->n_folders; i++)
		w->acc->folder[i]->checked = false;
	return 0;
}

/* Somebody who pushes: connections of their own, because what we write on the
 * other one must not be mistaken for news. */
void
worker_listen(struct worker *w)
{
	struct lane *ln;
	struct err err;

	while (watcher_lacks(w->acc)) {
		ln = open_lane(w, "watch", NULL, &err);
		if (ln == NULL) {
			log_warn("no watch connection: %s", err.text);
			watcher_failed(w->acc);
			return;
		}
		watcher_start(w->acc, ln);
	}
}

/* ---- failing ---------------------------------------------------------- */

void
worker_recovered(struct worker *w)
{
	if (w->trouble != NULL)
		problem_close(w->acc, w->trouble, NULL);
	w->trouble = NULL;
	w->failures = 0;
}

void
worker_failed(struct worker *w, const struct err *err)
{
	bool user = err->class == ERR_CONFIG || err->class == ERR_LOCAL;
	usec wait;

	if (strcmp(err->code, "net.changed") == 0) {
		w->failures = 0;
		w->eager_until = clock_in(USEC_S(EAGER_S));
	}
	remote_detach(w->acc);
	progress_phase(w->acc->progress, PHASE_IDLE, NULL, 0);
	worker_script_offline(w->acc, &w->outage, err->text);
	wait = user ? USEC_S(60) : retry_after(err->code, w->failures,
	    clock_now() < w->eager_until);
	if (strcmp(err->code, "server.over-rate") == 0 &&
	    retry_asked(err->text) > wait)
		wait = retry_asked(err->text);
	w->retry_at = clock_in(wait);
	w->failures++;
	if (w->trouble != NULL && strcmp(w->trouble, err->code) != 0)
		problem_close(w->acc, w->trouble, NULL);
	w->trouble = err->code;
	problem_open(w->acc, user ? PROBLEM_ERROR : PROBLEM_WARNING, err->code,
	    NULL, "", "%s", err->text);
	worker_report(w, user ? "error" : "offline");
}
