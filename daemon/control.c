/*
 * control.c — the control socket.
 *
 * SO_PEERCRED is checked although the file is 0600: root's clients of another
 * user's daemon, and a socket directory with the wrong mode, are both refused.
 */
#include "control.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dirs.h"
#include "js.h"

/* ---- listening -------------------------------------------------------- */

static int
address(const char *path, struct sockaddr_un *a, struct err *err)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(a->sun_path))
		return err_set(err, ERR_CONFIG, "config.bad-value",
		    "control.socket: %s is longer than %zu bytes", path,
		    sizeof(a->sun_path) - 1);
	memcpy(a->sun_path, path, strlen(path) + 1);
	return 0;
}

/* Is somebody listening there? */
static bool
is_live(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool live;

	if (fd < 0)
		return false;
	live = connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 ||
	    errno == EAGAIN;
	close(fd);
	return live;
}

static int
bind_private(int fd, const struct sockaddr_un *a)
{
	mode_t mask = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)a, sizeof(*a));

	umask(mask);
	return rc;
}

static int
bind_or_replace(int fd, const struct sockaddr_un *a, struct err *err)
{
	struct stat st;

	if (bind_private(fd, a) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return err_sys(err, ERR_LOCAL, "state.io", "listen at %s",
		    a->sun_path);
	if (is_live(a))
		return err_set(err, ERR_RETRY, "state.locked",
		    "another syncd is running (%s)", a->sun_path);
	if (lstat(a->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return err_set(err, ERR_LOCAL, "state.io",
		    "%s is in the way and is no socket", a->sun_path);
	unlink(a->sun_path);
	if (bind_private(fd, a) < 0)
		return err_sys(err, ERR_LOCAL, "state.io", "listen at %s",
		    a->sun_path);
	return 0;
}

int
control_open(struct control *c, const char *path, struct err *err)
{
	struct sockaddr_un a;

	*c = (struct control){ .fd = -1 };
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		c->client[i].fd = -1;
	if (address(path, &a, err) < 0)
		return -1;
	dirs_make(path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return err_sys(err, ERR_LOCAL, "state.io", "socket");
	if (bind_or_replace(c->fd, &a, err) < 0) {
		close(c->fd);
		c->fd = -1;
		return -1;
	}
	c->path = xstrdup(path);
	if (listen(c->fd, CONTROL_CLIENTS) < 0)
		return err_sys(err, ERR_LOCAL, "state.io", "listen at %s", path);
	return 0;
}

static void
client_close(struct client *cl)
{
	if (cl->fd >= 0)
		close(cl->fd);
	buf_clear(&cl->in);
	buf_clear(&cl->out);
	json_decref(cl->patterns);
	for (size_t i = 0; i < CONTROL_WAITS; i++)
		json_decref(cl->wait[i].id);
	*cl = (struct client){ .fd = -1 };
}

void
control_close(struct control *c)
{
	if (c->path == NULL)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		client_close(&c->client[i]);
	if (c->fd >= 0)
		close(c->fd);
	unlink(c->path);
	free(c->path);
	c->path = NULL;
	c->fd = -1;
}

/* ---- clients ---------------------------------------------------------- */

/* ${text} is taken. */
static void
put_text(struct client *cl, char *text)
{
	/* What is put there unasked waits for room (methods_wait.c, publish_to()). */
	if (cl->fd >= 0 && !cl->closing &&
	    (buf_add(&cl->out, text, strlen(text)) < 0 ||
	    buf_add(&cl->out, "\n", 1) < 0)) {
		log_info("a control client does not read, closing it");
		client_close(cl);
	}
	free(text);
}

void
control_take_line(struct client *cl, json_t *line)
{
	put_text(cl, js_dump(line));
	json_decref(line);
}

/* It has room for one more answer. */
static bool
takes_answers(const struct client *cl)
{
	return cl->fd >= 0 && !cl->closing && cl->out.n < CONTROL_QUEUE;
}

static json_t *
answer_to(const json_t *id)
{
	json_t *line = json_object();

	if (id != NULL)
		json_object_set_new(line, "id", json_deep_copy(id));
	return line;
}

void
control_take_result(struct client *cl, const json_t *id, json_t *result)
{
	json_t *line = answer_to(id);
	char *text;

	json_object_set_new(line, "result", result);
	text = js_dump(line);
	json_decref(line);
	if (strlen(text) < CONTROL_ANSWER) {
		put_text(cl, text);
		return;
	}
	free(text);
	control_take_error(cl, id, js_error("control.too-long",
	    "the answer is longer than 32 MiB", NULL));
}

void
control_take_error(struct client *cl, const json_t *id, json_t *error)
{
	json_t *line = answer_to(id);

	json_object_set_new(line, "error", error);
	control_take_line(cl, line);
}

static void
greet(struct client *cl, uint64_t seq)
{
	control_take_line(cl, json_pack("{s:s, s:i, s:s, s:i, s:I}",
	    "hello", "syncd", "protocol", CONTROL_PROTOCOL,
	    "version", SYNCD_VERSION, "pid", (int)getpid(),
	    "seq", (json_int_t)seq));
}

static bool
is_waiting(const struct client *cl)
{
	for (size_t i = 0; i < CONTROL_WAITS; i++)
		if (cl->wait[i].id != NULL)
			return true;
	return false;
}

/* A free place.  Without one, that of the client that has been idle longest:
 * programs that forget to hang up must not keep `syncd status` out.  Those that
 * listen, or wait for a job, are not idle. */
static struct client *
free_client(struct control *c)
{
	struct client *idle = NULL;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *cl = &c->client[i];

		if (cl->fd < 0)
			return cl;
		if (!cl->closing && (cl->patterns != NULL || is_waiting(cl)))
			continue;
		if (idle == NULL || cl->active < idle->active)
			idle = cl;
	}
	if (idle != NULL)
		client_close(idle);
	return idle;
}

static void
accept_one(struct control *c, int fd, uint64_t seq)
{
	struct ucred who;
	socklen_t n = sizeof(who);
	struct client *cl;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0 ||
	    who.uid != geteuid() || (cl = free_client(c)) == NULL) {
		close(fd);
		return;
	}
	cl->fd = fd;
	cl->active = clock_now();
	cl->turn = CONTROL_TURN;
	buf_init(&cl->in, CONTROL_LINE);
	buf_init(&cl->out, CONTROL_QUEUE + CONTROL_ANSWER);
	greet(cl, seq);
}

static void
accept_all(struct control *c, uint64_t seq)
{
	int fd;

	while ((fd = accept4(c->fd, NULL, NULL,
	    SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		accept_one(c, fd, seq);
}

static void
too_long(struct client *cl)
{
	control_take_error(cl, NULL, js_error("control.too-long",
	    "a request is longer than 1 MiB", NULL));
	cl->closing = true;
}

/* Read until it would block, but no more than one line's worth: control_next()
 * takes the requests out before there is room for more. */
static void
client_read(struct client *cl)
{
	while (!cl->closing && !cl->eof) {
		size_t room = cl->in.max - cl->in.n;
		uint8_t *p;
		ssize_t n;

		if (room > 4096)
			room = 4096;
		if (room == 0)
			return;
		p = buf_room(&cl->in, room);
		n = recv(cl->fd, p, room, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			client_close(cl);
			return;
		}
		/* `echo REQUEST | socat` ends its side before it reads. */
		cl->eof = n == 0;
		cl->in.n += (size_t)n;
	}
}

/* Nothing more will come from it, and nothing more is owed to it. */
static bool
is_served(const struct client *cl)
{
	return cl->eof && cl->in.n == cl->n_seen && cl->patterns == NULL &&
	    !is_waiting(cl);
}

static void
client_write(struct client *cl)
{
	while (cl->out.n > 0) {
		ssize_t n = send(cl->fd, cl->out.p, cl->out.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			client_close(cl);
			return;
		}
		buf_drop(&cl->out, (size_t)n);
	}
	if (cl->closing || is_served(cl))
		client_close(cl);
}

void
control_waiters(const struct control *c, struct waiter w[CONTROL_WAITERS])
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		const struct client *cl = &c->client[i];

		w[i] = (struct waiter){ .fd = c->fd >= 0 ? cl->fd : -1 };
		/* What we would not read must not wake us. */
		if (!cl->eof && !cl->closing && cl->in.n < cl->in.max)
			w[i].want |= WAIT_READ;
		if (cl->fd >= 0 && cl->out.n > 0)
			w[i].want |= WAIT_WRITE;
	}
	w[CONTROL_CLIENTS] = (struct waiter){ .fd = c->fd, .want = WAIT_READ };
}

void
control_flush(struct control *c)
{
	for (size_t i = 0; i < CONTROL_CLIENTS && c->fd >= 0; i++)
		if (c->client[i].fd >= 0)
			client_write(&c->client[i]);
}

void
control_step(struct control *c, uint64_t seq)
{
	if (c->fd < 0)
		return;
	accept_all(c, seq);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		c->client[i].turn = CONTROL_TURN;
		if (c->client[i].fd >= 0)
			client_read(&c->client[i]);
		if (c->client[i].fd >= 0)
			client_write(&c->client[i]);
	}
}

/* ---- requests --------------------------------------------------------- */

/* Take one line off; false when there is none yet. */
static bool
next_line(struct client *cl, json_t **line, struct err *err)
{
	const uint8_t *end;
	size_t n;

	end = cl->in.n > cl->n_seen ?
	    memchr(cl->in.p + cl->n_seen, '\n', cl->in.n - cl->n_seen) : NULL;
	if (end == NULL) {
		cl->n_seen = cl->in.n;
		if (cl->in.n == cl->in.max)
			too_long(cl);
		return false;
	}
	n = (size_t)(end - cl->in.p);
	*line = js_parse((struct str){ (const char *)cl->in.p, n }, err);
	buf_drop(&cl->in, n + 1);
	cl->n_seen = 0;
	return true;
}

bool
control_pending(const struct control *c)
{
	for (size_t i = 0; i < CONTROL_CLIENTS && c->fd >= 0; i++) {
		const struct client *cl = &c->client[i];

		if (takes_answers(cl) && cl->in.n > cl->n_seen &&
		    memchr(cl->in.p + cl->n_seen, '\n',
		    cl->in.n - cl->n_seen) != NULL)
			return true;
	}
	return false;
}

static bool
next_request(struct client *cl, struct request *rq)
{
	struct err err;

	while (takes_answers(cl) && cl->turn > 0 &&
	    next_line(cl, &rq->line, &err)) {
		cl->turn--;
		cl->active = clock_now();
		if (rq->line == NULL) {
			control_take_error(cl, NULL,
			    js_error(err.code, err.text, NULL));
			cl->closing = true;
			return false;
		}
		rq->client = cl;
		rq->id = json_object_get(rq->line, "id");
		rq->method = js_get(rq->line, "method");
		rq->params = json_object_get(rq->line, "params");
		if (rq->method != NULL)
			return true;
		control_take_error(cl, rq->id, js_error("control.bad-request",
		    "`method` is missing", NULL));
		json_decref(rq->line);
	}
	return false;
}

bool
control_next(struct control *c, struct request *rq)
{
	for (size_t i = 0; i < CONTROL_CLIENTS && c->fd >= 0; i++)
		if (next_request(&c->client[i], rq))
			return true;
	return false;
}

static bool
is_subscribed(const struct client *cl, const char *name)
{
	const json_t *p;
	size_t i;

	json_array_foreach(cl->patterns, i, p)
		if (json_is_string(p) &&
		    fnmatch(json_string_value(p), name, 0) == 0)
			return true;
	return false;
}

/* The ring goes round faster than it reads. */
static void
fall_behind(struct client *cl)
{
	control_take_line(cl, json_pack("{s:s, s:I}", "event", "overflow", "seq",
	    (json_int_t)cl->seq));
	cl->closing = true;
}

/* No more at a time than it takes: what waits for it is in the ring. */
static void
publish_to(struct client *cl, const struct events *e)
{
	const struct event_kept *ev;

	if (!events_complete(e, cl->seq)) {
		fall_behind(cl);
		return;
	}
	do {
		while (cl->fd >= 0 && cl->out.n < CONTROL_AHEAD &&
		    (ev = events_after(e, cl->seq)) != NULL) {
			cl->seq = ev->seq;
			if (is_subscribed(cl, ev->name))
				control_take_line(cl,
				    json_loads(ev->line, 0, NULL));
		}
		if (cl->fd >= 0)
			client_write(cl);
	} while (cl->fd >= 0 && cl->out.n == 0 &&
	    events_after(e, cl->seq) != NULL);
}

void
control_publish(struct control *c, const struct events *e)
{
	for (size_t i = 0; i < CONTROL_CLIENTS && c->fd >= 0; i++) {
		struct client *cl = &c->client[i];

		if (cl->fd >= 0 && cl->patterns != NULL && !cl->closing &&
		    cl->seq != e->seq)
			publish_to(cl, e);
	}
}
