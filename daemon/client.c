/* client.c — requests to the daemon. */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/wait.h"
#include "control.h"
#include "js.h"

enum { PIECE = 64 << 10 };

static int
connect_to(const char *path, struct err *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(a.sun_path))
		return err_set(err, ERR_CONFIG, "config.bad-value",
		    "%s is too long for a socket", path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, ERR_LOCAL, "state.io", "socket");
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
		err_set(err, ERR_RETRY, "daemon.not-running",
		    "syncd is not running (nobody listens at %s)", path);
	else
		err_sys(err, ERR_LOCAL, "state.io", "connect to %s", path);
	close(fd);
	return -1;
}

int
client_open(struct line_to *c, const char *path, usec deadline, struct err *err)
{
	json_t *hello;

	*c = (struct line_to){ .fd = connect_to(path, err) };
	if (c->fd < 0)
		return -1;
	buf_init(&c->in, CONTROL_ANSWER + 2 * PIECE);
	hello = client_next(c, deadline, err);
	if (hello != NULL && js_get(hello, "hello") == NULL) {
		json_decref(hello);
		hello = NULL;
		err_set(err, ERR_PROTO, "daemon.protocol",
		    "what listens at %s is not syncd", path);
	}
	if (hello == NULL) {
		client_close(c);
		return -1;
	}
	json_decref(hello);
	return 0;
}

void
client_close(struct line_to *c)
{
	if (c->fd >= 0)
		close(c->fd);
	buf_clear(&c->in);
	c->fd = -1;
}

static int
wait_for(const struct line_to *c, unsigned want, usec deadline, struct err *err)
{
	struct waiter w = { .fd = c->fd, .want = want };
	int rc = wait_any(&w, 1, deadline, err);

	if (rc == 0)
		return err_set(err, ERR_RETRY, "daemon.timeout",
		    "the daemon does not answer");
	return rc < 0 ? -1 : 0;
}

static int
gone(struct err *err)
{
	return err_set(err, ERR_RETRY, "daemon.gone",
	    "the daemon ended the connection");
}

static int
send_all(struct line_to *c, struct str s, usec deadline, struct err *err)
{
	while (s.n > 0) {
		ssize_t n = send(c->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			s = str_from(s, (size_t)n);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return gone(err);
		if (wait_for(c, WAIT_WRITE, deadline, err) < 0)
			return -1;
	}
	return 0;
}

json_int_t
client_send(struct line_to *c, const char *method, json_t *params,
    usec deadline, struct err *err)
{
	json_t *rq = json_pack("{s:I, s:s, s:o?}", "id", ++c->last_id,
	    "method", method, "params", params);
	char *text = js_dump(rq);
	struct buf line;
	int rc;

	buf_init(&line, CONTROL_LINE);
	rc = buf_fmt(&line, "%s\n", text);
	if (rc < 0)
		err_set(err, ERR_CONFIG, "control.too-long",
		    "the request is too long");
	else
		rc = send_all(c, buf_str(&line), deadline, err);
	buf_clear(&line);
	free(text);
	json_decref(rq);
	return rc < 0 ? -1 : c->last_id;
}

json_t *
client_next(struct line_to *c, usec deadline, struct err *err)
{
	for (;;) {
		struct str all = buf_str(&c->in);
		size_t at = str_find(all, '\n');
		uint8_t *room;
		ssize_t n;

		if (at < all.n) {
			json_t *line = js_parse(str_head(all, at), err);

			if (line == NULL)
				err_set(err, ERR_PROTO, "daemon.protocol",
				    "what listens there is no syncd: \"%.*s\"",
				    STR_ARG(str_head(all, at < 40 ? at : 40)));
			buf_drop(&c->in, at + 1);
			return line;
		}
		room = buf_room(&c->in, PIECE);
		if (room == NULL) {
			err_set(err, ERR_PROTO, "daemon.protocol",
			    "the daemon sent too long a line");
			return NULL;
		}
		if (wait_for(c, WAIT_READ, deadline, err) < 0)
			return NULL;
		n = recv(c->fd, room, PIECE, MSG_DONTWAIT);
		if (n > 0) {
			c->in.n += (size_t)n;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			gone(err);
			return NULL;
		}
	}
}

json_t *
client_call(struct line_to *c, const char *method, json_t *params,
    usec deadline, struct err *err)
{
	json_int_t id = client_send(c, method, params, deadline, err);
	json_t *line;

	if (id < 0)
		return NULL;
	while ((line = client_next(c, deadline, err)) != NULL) {
		if (js_int(line, "id", -1) == id)
			return line;
		json_decref(line);
	}
	return NULL;
}
