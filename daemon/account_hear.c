/* account_hear.c — what a worker says and asks for, and the answers. */
#include "account_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "js.h"
#include "role.h"

static const usec once_linger = USEC_S(10);	/* to log out after its job */

/* ---- secrets and tunnels ------------------------------------------------ */

static void
answer_secret(struct account *a)
{
	char bytes[1 + SECRET_MAX];
	struct str secret;
	struct err err;
	int rc = cred_step(&a->cred, a->conf, &err), n;

	if (rc == 0)
		return;
	if (rc < 0) {
		n = snprintf(bytes, sizeof(bytes), "%c%s: %s",
		    err.class == ERR_RETRY ? '7' : '1', err.code, err.text);
		account_tell(a, IPC_SECRET, (struct str){ bytes, (size_t)n }, -1);
		return;
	}
	secret = secret_peek(&a->cred.secret);
	bytes[0] = '0';
	if (secret.n > 0)
		memcpy(bytes + 1, secret.p, secret.n);
	account_tell(a, IPC_SECRET, (struct str){ bytes, 1 + secret.n }, -1);
	explicit_bzero(bytes, sizeof(bytes));
}

/* A tunnel ends by itself when the worker closes its connection; one that does
 * not is in the way of the next but ${ACCOUNT_TUNNELS}. */
static pid_t *
tunnel_slot(struct account *a)
{
	for (size_t i = 0; i < ACCOUNT_TUNNELS; i++)
		if (a->tunnel[i] == 0)
			return &a->tunnel[i];
	account_drop_tunnel(a, 0);
	memmove(&a->tunnel[0], &a->tunnel[1],
	    (ACCOUNT_TUNNELS - 1) * sizeof(a->tunnel[0]));
	a->tunnel[ACCOUNT_TUNNELS - 1] = 0;
	return &a->tunnel[ACCOUNT_TUNNELS - 1];
}

static void
answer_tunnel(struct account *a)
{
	pid_t *pid = tunnel_slot(a);
	struct err err;
	int fd;

	if (a->conf->tunnel_command.n == 0) {
		account_tell(a, IPC_TUNNEL, STR("no tunnel_command is configured"), -1);
		return;
	}
	if (role_spawn_tunnel(&a->conf->tunnel_command, pid, &fd, &err) < 0) {
		*pid = 0;
		account_tell(a, IPC_TUNNEL, str_z(err.text), -1);
		return;
	}
	account_tell(a, IPC_TUNNEL, STR_NONE, fd);
	close(fd);
}

/* ---- scripts ---------------------------------------------------------- */

/* It did not even start; of what is no program, people are told why. */
static void
answer_refused(struct account *a, const json_t *ask, const char *why)
{
	bool told = js_get(ask, "secret") != NULL || js_bool(ask, "across");
	json_t *exit = json_pack("{s:I, s:i, s:s, s:s, s:b}", "call",
	    js_int(ask, "call", 0), "code", told ? EX_UNAVAILABLE : -1, "text", why,
	    "err", told ? why : "", "cut", 0);
	char *text = js_dump(exit);

	account_tell(a, IPC_EXIT, str_z(text), -1);
	free(text);
	json_decref(exit);
}

/* ${in} is taken. */
static void
ask_broker(struct account *a, const json_t *ask, int in)
{
	const char *why;

	if (js_bool(ask, "across"))
		why = broker_across(&a->broker, ask, in, a->env->conf);
	else if (js_get(ask, "connect") != NULL)
		why = broker_connect(&a->broker, ask, in);
	else
		why = broker_exec(&a->broker, ask, in);
	if (why != NULL)
		answer_refused(a, ask, why);
}

static void
answer_script(struct account *a, const json_t *ask)
{
	json_int_t slot = js_int(ask, "slot", 0);
	struct err err;
	int fd = broker_script(&a->broker, slot, &err);
	json_t *answer = json_pack("{s:I, s:s}", "slot", slot, "error",
	    fd < 0 ? err.text : "");
	char *text = js_dump(answer);

	account_tell(a, IPC_SCRIPT, str_z(text), fd);
	free(text);
	json_decref(answer);
	if (fd >= 0)
		close(fd);
}

static void
step_broker(struct account *a)
{
	json_t *exit;
	char *text;
	int out;

	broker_step(&a->broker);
	while (broker_ended(&a->broker, &exit, &out)) {
		text = js_dump(exit);
		account_tell(a, IPC_EXIT, str_z(text), out);
		free(text);
		json_decref(exit);
		if (out >= 0)
			close(out);
		broker_step(&a->broker);
	}
}

/* ---- its status ------------------------------------------------------- */

/* Most rounds are nobody's job: of those, too, the parent knows when the last one
 * was, and how it ended. */
static void
note_round(struct account *a, const json_t *status)
{
	const char *state = js_get(status, "state");
	const char *was = js_get(a->status, "last_success");
	const char *is = js_get(status, "last_success");

	if (state != NULL && (strcmp(state, "connecting") == 0 ||
	    strcmp(state, "syncing") == 0))
		a->last_try = clock_wall();
	if (is == NULL || (was != NULL && strcmp(is, was) == 0))
		return;
	account_succeeded(a);
}

/* ---- all of it -------------------------------------------------------- */

/* Take one message; 1 when it is a word for others. */
static int
take(struct account *a, enum ipc_type type, json_t *body, int *ride,
    struct word *word)
{
	switch (type) {
	case IPC_EXEC:
		ask_broker(a, body, *ride);
		*ride = -1;
		return 0;
	case IPC_EXEC_CANCEL:
		broker_cancel(&a->broker, js_int(body, "call", 0));
		return 0;
	case IPC_SCRIPT_ASK:
		answer_script(a, body);
		return 0;
	case IPC_SCRIPT_KILL:
		broker_script_kill(&a->broker, js_int(body, "slot", 0));
		return 0;
	case IPC_READY:
		a->ready = true;
		if (!a->stopping)
			a->kill_at = USEC_NEVER;
		word->kind = WORD_READY;
		return 1;
	case IPC_SECRET_ASK:
		cred_ask(&a->cred, body != NULL &&
		    str_eq(str_z(js_get(body, "reason")), STR("rejected")));
		return 0;
	case IPC_TUNNEL_ASK:
		answer_tunnel(a);
		return 0;
	case IPC_STATUS:
		note_round(a, body);
		json_decref(a->status);
		a->status = json_incref(body);
		word->kind = WORD_STATUS;
		return 1;
	case IPC_MAIL:
		word->kind = WORD_MAIL;
		word->body = json_incref(body);
		return 1;
	case IPC_JOB_LINE:
	case IPC_JOB_DONE:
		word->kind = type == IPC_JOB_LINE ? WORD_LINE : WORD_JOB_DONE;
		word->body = json_incref(body);
		if (type == IPC_JOB_LINE)
			return 1;
		a->n_done++;
		if (account_one_job(a))
			a->kill_at = clock_in(once_linger);
		return 1;
	case IPC_BYE:
		json_decref(a->bye);
		a->bye = json_incref(body);
		/* All is done and closed, and the kernel's taking it apart is not
		 * worth the wait: closing a watch alone is some 15 ms. */
		if (a->env->once && a->n_done > 0) {
			a->reaped = true;
			a->wait_status = 0;
		}
		return 0;
	default:
		return 0;
	}
}

static bool
has_body(enum ipc_type type)
{
	return type == IPC_STATUS || type == IPC_JOB_LINE ||
	    type == IPC_JOB_DONE || type == IPC_MAIL || type == IPC_BYE ||
	    type == IPC_SECRET_ASK || type == IPC_EXEC ||
	    type == IPC_EXEC_CANCEL || type == IPC_SCRIPT_ASK ||
	    type == IPC_SCRIPT_KILL;
}

/* Of a status that is long, the file that rides along. */
static json_t *
read_body(enum ipc_type type, struct str payload, int ride, struct err *err)
{
	struct buf file;
	json_t *body;

	if (type != IPC_STATUS || ride < 0)
		return js_parse(payload, err);
	body = ipc_read_file(ride, &file, err) == 0 ?
	    js_parse(buf_str(&file), err) : NULL;
	buf_clear(&file);
	return body;
}

static int
take_bytes(struct account *a, enum ipc_type type, struct str payload,
    int *ride, struct word *word)
{
	json_t *body = NULL;
	struct err err;
	int rc;

	if (has_body(type)) {
		body = read_body(type, payload, *ride, &err);
		if (body == NULL) {
			log_warn("%s: worker: %s", a->name, err.text);
			return 0;
		}
	}
	rc = take(a, type, body, ride, word);
	json_decref(body);
	return rc;
}

/* 1 with a word for others; 0: nothing more now. */
static int
listen_to(struct account *a, struct word *word)
{
	enum ipc_type type;
	struct str payload;
	struct err err;
	int ride, rc;

	while (a->fd >= 0) {
		rc = ipc_recv(a->fd, &type, &payload, &ride, &err);
		if (rc == 0)
			return 0;
		if (rc < 0) {
			/* SIGCHLD says the rest; a worker that talks nonsense
			 * is not to be trusted with mail either. */
			if (err.class == ERR_PROTO)
				account_kill(a);
			close(a->fd);
			a->fd = -1;
			a->ready = false;
			return 0;
		}
		rc = take_bytes(a, type, payload, &ride, word);
		if (ride >= 0)
			close(ride);
		if (rc == 1)
			return 1;
		answer_secret(a);
	}
	return 0;
}

int
account_hear(struct account *a, struct word *word)
{
	int r;

	answer_secret(a);
	step_broker(a);
	r = listen_to(a, word);
	if (r == 0)
		step_broker(a);
	return r;
}
