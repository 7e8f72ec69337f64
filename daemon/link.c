/* link.c — a worker's end of the line to its parent. */
#include "link.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wait.h"
#include "codes.h"
#include "cred.h"
#include "js.h"

/* Somebody waits for each word, so a parent that is slow, or stopped for a while, is
 * waited for; only being told to stop ends that. */
static int
say(enum ipc_type type, struct str text, int ride, struct err *err)
{
	int r;

	/* That the network changed is told in every wait. */
	do
		r = ipc_send(IPC_FD, type, text, ride, USEC_NEVER, err);
	while (r < 0 && err->class == ERR_RETRY);
	return r;
}

void
link_send(enum ipc_type type, json_t *v)
{
	char *text = js_dump(v);
	struct err err;

	if (say(type, str_z(text), -1, &err) < 0)
		log_debug("parent: %s", err.text);
	free(text);
	json_decref(v);
}

/* "CODE: words", as the parent says why there is no secret. */
static void
take_refusal(struct link *l, enum err_class class, struct str said)
{
	struct str name = str_head(said, str_find(said, ':'));
	char *word = str_dup(name);
	const struct code *code = codes_find(word);

	free(word);
	if (code != NULL && name.n + 2 <= said.n)
		said = str_from(said, name.n + 2);
	err_set(&l->trouble, class, code != NULL ? code->name :
	    "secret.command-failed", "%.*s", STR_ARG(said));
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
	take_refusal(l, payload.n > 0 && payload.p[0] == '7' ? ERR_RETRY :
	    ERR_AUTH, str_from(payload, 1));
}

static void
take_job(struct link *l, struct str payload)
{
	struct err err;
	json_t *v = js_parse(payload, &err);
	struct job job;

	if (v == NULL) {
		log_error("job: %s", err.text);
		return;
	}
	job = (struct job){
		.id = js_int(v, "job", 0),
		.folder = xstrdup(js_get(v, "folder")),
		.dry_run = js_bool(v, "dry_run"),
		.full = js_bool(v, "full"),
		.verdict = js_bool(v, "approve") ? VERDICT_APPROVE :
		    js_bool(v, "reject") ? VERDICT_REJECT : VERDICT_NONE,
		.script = json_is_object(json_object_get(v, "script")) ?
		    json_incref(json_object_get(v, "script")) : NULL,
		.verify = js_bool(v, "verify"),
		.online = js_bool(v, "online"),
		.deep = js_bool(v, "deep"),
		.percent = (unsigned)js_int(v, "percent", 100),
	};
	if (job.script != NULL) {
		l->wish = array_room(l->wish, l->n_wishes, &l->cap_wishes,
		    sizeof(*l->wish));
		l->wish[l->n_wishes++] = job;
	} else {
		l->job = array_room(l->job, l->n_jobs, &l->cap_jobs,
		    sizeof(*l->job));
		l->job[l->n_jobs++] = job;
	}
	json_decref(v);
}

static int
fd_of_text(const char *text)
{
	int fd = text != NULL && *text != '\0' ?
	    memfd_create("syncd", MFD_CLOEXEC) : -1;

	if (fd >= 0)
		(void)!pwrite(fd, text, strlen(text), 0);
	return fd;
}

static void
take_exit(struct link *l, struct str payload, int *ride)
{
	struct err err;
	json_t *v = js_parse(payload, &err);
	struct hook_exit *x;

	if (v == NULL)
		return;
	l->exit = array_room(l->exit, l->n_exits, &l->cap_exits,
	    sizeof(*l->exit));
	x = &l->exit[l->n_exits++];
	*x = (struct hook_exit){
		.call = (uint32_t)js_int(v, "call", 0),
		.code = (int)js_int(v, "code", -1),
		.out = *ride,
		.err = fd_of_text(js_get(v, "err")),
		.cut = js_bool(v, "cut"),
	};
	/* Static text: it outlives the message. */
	if (x->code == -1)
		x->text = str_eq(str_z(js_get(v, "text")), STR("timeout")) ?
		    STR("it took too long") : STR("not granted, or not installed");
	*ride = -1;
	json_decref(v);
}

static void
take_script(struct link *l, struct str payload, int *ride)
{
	struct err err;
	json_t *v = js_parse(payload, &err);

	if (*ride < 0)
		err_set(&l->trouble, ERR_CONFIG, "plugin.no-host", "%s",
		    js_get(v, "error") != NULL ? js_get(v, "error") : "no answer");
	else if (l->script_fd >= 0)
		close(l->script_fd);
	l->script_fd = *ride;
	l->have_script = true;
	*ride = -1;
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
		case IPC_EXIT:
			take_exit(l, payload, &ride);
			break;
		case IPC_SCRIPT:
			take_script(l, payload, &ride);
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
	usec deadline = clock_in(cred_longest(conf) + USEC_S(10));

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
	if (say(IPC_TUNNEL_ASK, STR(""), -1, err) < 0)
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

/* ---- programs and processes of scripts -------------------------------- */

static json_t *
texts_json(const struct str *v, size_t n)
{
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, js_text(v[i]));
	return out;
}

static void
refuse(struct link *l, uint32_t call, struct str why)
{
	l->exit = array_room(l->exit, l->n_exits, &l->cap_exits,
	    sizeof(*l->exit));
	l->exit[l->n_exits++] = (struct hook_exit){ .call = call, .code = -1,
	    .text = why, .out = -1, .err = -1 };
}

static uint32_t
ask_exec(void *daemon, const struct hook_exec *x)
{
	struct link *l = daemon;
	uint32_t call = ++l->last_call;
	json_t *v = json_pack("{s:I, s:o, s:o, s:o, s:I, s:o, s:b}", "call",
	    (json_int_t)call, "plugin", js_text(x->plugin), "argv",
	    texts_json(x->arg, x->n_args), "env", texts_json(x->env, x->n_env),
	    "timeout", (json_int_t)x->timeout, "event", js_text(x->event_id),
	    "send", (int)x->send);
	char *text;
	struct err err;

	if (x->connect.n > 0) {
		json_object_set_new(v, "connect", js_text(x->connect));
		json_object_set_new(v, "half", json_boolean(x->half));
	}
	if (x->across)
		json_object_set_new(v, "across", json_true());
	if (x->secret.n > 0)
		json_object_set_new(v, "secret", js_text(x->secret));
	text = js_dump(v);

	/* A message that is too long, or a parent that is gone. */
	if (say(IPC_EXEC, str_z(text), x->in, &err) < 0)
		refuse(l, call, STR("it could not be asked for"));
	free(text);
	json_decref(v);
	return call;
}

static int
take_done(void *daemon, uint32_t call, struct hook_exit *x)
{
	struct link *l = daemon;
	struct err err;

	/* A parent that is gone is noticed by whoever listens next. */
	(void)link_hear(l, &err);
	for (size_t i = 0; i < l->n_exits; i++)
		if (l->exit[i].call == call) {
			*x = l->exit[i];
			l->exit[i] = l->exit[--l->n_exits];
			return 1;
		}
	return 0;
}

static void
cancel(void *daemon, uint32_t call)
{
	struct hook_exit x;

	if (take_done(daemon, call, &x)) {
		if (x.out >= 0)
			close(x.out);
		if (x.err >= 0)
			close(x.err);
		return;
	}
	link_send(IPC_EXEC_CANCEL, json_pack("{s:I}", "call", (json_int_t)call));
}

static struct waiter
exits(void *daemon)
{
	(void)daemon;
	return (struct waiter){ .fd = IPC_FD, .want = WAIT_READ };
}

static int
spawn(void *daemon, unsigned slot, usec deadline, struct err *err)
{
	struct link *l = daemon;
	int fd;

	l->have_script = false;
	l->trouble.class = ERR_NONE;
	link_send(IPC_SCRIPT_ASK, json_pack("{s:i}", "slot", (int)slot));
	while (!l->have_script)
		if (link_wait(l, deadline, err) < 0)
			return -1;
	fd = l->script_fd;
	l->script_fd = -1;
	if (fd < 0)
		*err = l->trouble;
	return fd;
}

static void
kill_script(void *daemon, unsigned slot)
{
	(void)daemon;
	link_send(IPC_SCRIPT_KILL, json_pack("{s:i}", "slot", (int)slot));
}

struct hook_broker
link_broker(struct link *l)
{
	return (struct hook_broker){
		.daemon = l,
		.exec = ask_exec,
		.done = take_done,
		.cancel = cancel,
		.waiter = exits,
		.spawn = spawn,
		.kill = kill_script,
	};
}

void
link_clear(struct link *l)
{
	for (size_t i = 0; i < l->n_exits; i++) {
		if (l->exit[i].out >= 0)
			close(l->exit[i].out);
		if (l->exit[i].err >= 0)
			close(l->exit[i].err);
	}
	free(l->exit);
	for (size_t i = 0; i < l->n_wishes; i++) {
		free(l->wish[i].folder);
		json_decref(l->wish[i].script);
	}
	free(l->wish);
	for (size_t i = 0; i < l->n_jobs; i++)
		free(l->job[i].folder);
	free(l->job);
	if (l->script_fd >= 0)
		close(l->script_fd);
	secret_clear(&l->secret);
}
