/*
 * proxy.c — proxy PORT TARGET RTT_MS STATS: a relay on 127.0.0.1 that adds half of
 * the round trip each way, and counts.
 *
 * On loopback connect() returns at once, so what a client says first is held for
 * the round trip that a real handshake would have taken.  A flight is counted when
 * a client sends something after it was handed something: an upper bound of the
 * round trips that it waited for.  SIGTERM: write the totals to STATS as one line
 * of JSON, and end.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNS = 1000, PART = 128 * 1024, WINDOW = 16 << 20 };

/* Bytes on their way, to be handed on at ${due}. */
struct part {
	struct part	*next;
	int64_t		 due;
	size_t		 n, at;
	char		 bytes[];
};

/* One direction of a connection. */
struct way {
	struct part	*first, *last;
	size_t		 queued;
	bool		 ended, shut, full;
};

struct conn {
	int		client, server;		/* server -1: not dialled yet */
	int64_t		since;
	bool		handed;			/* something, since it last sent */
	bool		broken;
	struct way	up, down;
};

static struct conn conn[CONNS];
static size_t n_conn;
static int64_t rtt;
static unsigned long long n_dialled, flights, up, down;
static volatile sig_atomic_t stop;

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static struct sockaddr_in
local(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_port = htons((uint16_t)atoi(port));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static void
no_delay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void
queue(struct way *w, const char *bytes, size_t n, int64_t due)
{
	struct part *p = malloc(sizeof(*p) + n);

	if (p == NULL)
		abort();
	*p = (struct part){ .due = due, .n = n };
	memcpy(p->bytes, bytes, n);
	if (w->last != NULL)
		w->last->next = p;
	else
		w->first = p;
	w->last = p;
	w->queued += n;
}

static void
read_from(struct conn *c, bool client)
{
	static char bytes[PART];
	struct way *w = client ? &c->up : &c->down;
	ssize_t n = recv(client ? c->client : c->server, bytes, sizeof(bytes),
	    MSG_DONTWAIT);
	int64_t at = now();

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		w->ended = true;
		return;
	}
	if (client) {
		up += (unsigned long long)n;
		flights += c->handed;
		c->handed = false;
		if (at < c->since + rtt)
			at = c->since + rtt;
	} else {
		down += (unsigned long long)n;
	}
	queue(w, bytes, (size_t)n, at + rtt / 2);
}

static void
hand_on(struct conn *c, bool to_client)
{
	struct way *w = to_client ? &c->down : &c->up;
	int fd = to_client ? c->client : c->server;

	w->full = false;
	while (w->first != NULL && w->first->due <= now()) {
		struct part *p = w->first;
		ssize_t n = send(fd, p->bytes + p->at, p->n - p->at,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0) {
			w->full = errno == EAGAIN;
			c->broken = !w->full;
			return;
		}
		c->handed = c->handed || to_client;
		p->at += (size_t)n;
		w->queued -= (size_t)n;
		if (p->at < p->n)
			continue;
		w->first = p->next;
		if (w->first == NULL)
			w->last = NULL;
		free(p);
	}
	if (w->first == NULL && w->ended && !w->shut) {
		shutdown(fd, SHUT_WR);
		w->shut = true;
	}
}

static void
dial(struct conn *c, const struct sockaddr_in *to)
{
	c->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c->server, (const struct sockaddr *)to, sizeof(*to)) < 0)
		c->broken = true;
	no_delay(c->server);
}

static void
hang_up(struct conn *c)
{
	struct way *way[] = { &c->up, &c->down };

	close(c->client);
	if (c->server >= 0)
		close(c->server);
	for (size_t i = 0; i < 2; i++)
		while (way[i]->first != NULL) {
			struct part *p = way[i]->first;

			way[i]->first = p->next;
			free(p);
		}
	*c = conn[--n_conn];
}

static void
take_in(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return;
	if (n_conn == CONNS) {
		close(fd);
		return;
	}
	no_delay(fd);
	conn[n_conn++] = (struct conn){ .client = fd, .server = -1,
	    .since = now(), .handed = true };
	n_dialled++;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is due is handed on; when the next is. */
static int64_t
step(const struct sockaddr_in *to)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < n_conn;) {
		struct conn *c = &conn[i];
		int64_t dial_at = c->since + rtt;

		if (c->server < 0 && now() >= dial_at)
			dial(c, to);
		if (c->server >= 0 && !c->broken)
			hand_on(c, false);
		hand_on(c, true);
		if (c->broken || (c->up.shut && c->down.shut)) {
			hang_up(c);
			continue;
		}
		if (c->server < 0)
			next = earlier(next, dial_at);
		else if (c->up.first != NULL && !c->up.full)
			next = earlier(next, c->up.first->due);
		if (c->down.first != NULL && !c->down.full)
			next = earlier(next, c->down.first->due);
		i++;
	}
	return next;
}

static short
interest(const struct way *in, const struct way *out)
{
	return (short)((!in->ended && in->queued < WINDOW ? POLLIN : 0) |
	    (out->full ? POLLOUT : 0));
}

static void
wait_and_read(int listener, int64_t until)
{
	static struct pollfd p[1 + 2 * CONNS];
	size_t n = n_conn;
	struct timespec left, *timeout = NULL;
	int64_t ns = until - now();

	p[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (size_t i = 0; i < n; i++) {
		struct conn *c = &conn[i];

		p[1 + 2 * i] = (struct pollfd){ .fd = c->client,
		    .events = interest(&c->up, &c->down) };
		p[2 + 2 * i] = (struct pollfd){ .fd = c->server,
		    .events = interest(&c->down, &c->up) };
	}
	if (until != INT64_MAX) {
		ns = ns > 0 ? ns : 0;
		left = (struct timespec){ ns / 1000000000, ns % 1000000000 };
		timeout = &left;
	}
	if (ppoll(p, 1 + 2 * n, timeout, NULL) <= 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (p[1 + 2 * i].revents & POLLIN)
			read_from(&conn[i], true);
		else if (p[1 + 2 * i].revents & (POLLERR | POLLHUP))
			conn[i].broken = true;
		if (p[2 + 2 * i].revents & (POLLIN | POLLERR | POLLHUP))
			read_from(&conn[i], false);
	}
	if (p[0].revents & POLLIN)
		take_in(listener);
}

int
main(int argc, char *argv[])
{
	int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sigaction term = { .sa_handler = on_term };
	struct sockaddr_in here, there;
	FILE *stats;

	if (argc != 5) {
		fprintf(stderr, "usage: proxy PORT TARGET RTT_MS STATS\n");
		return 2;
	}
	here = local(argv[1]);
	there = local(argv[2]);
	rtt = (int64_t)(atof(argv[3]) * 1e6);
	sigaction(SIGTERM, &term, NULL);
	signal(SIGPIPE, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    listen(listener, 512) < 0) {
		perror("proxy");
		return 1;
	}
	while (!stop)
		wait_and_read(listener, step(&there));
	stats = fopen(argv[4], "w");
	if (stats == NULL)
		return 1;
	fprintf(stats, "{\"connections\": %llu, \"flights\": %llu, "
	    "\"up\": %llu, \"down\": %llu}\n", n_dialled, flights, up, down);
	return fclose(stats) == 0 ? 0 : 1;
}
