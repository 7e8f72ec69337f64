/*
 * dial.c — a TCP connection to a named host.
 *
 * getaddrinfo() waits as long as it likes, so it runs in a thread that shares one
 * struct lookup with us.  Whoever lets go of it last frees it: a caller whose
 * deadline has passed walks away, and the thread tidies up when it is done.
 *
 * Addresses are tried in the resolver's order, the families alternating, a new
 * one every 250 ms or as soon as one fails; the first that connects wins.
 */
#include "net/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/wait.h"

enum {
	ATTEMPTS_MAX	= 16,		/* a name may have any number */
	STAGGER_MS	= 250,		/* RFC 8305 section 5 */
	KEEPALIVE_IDLE_S = 60,
	KEEPALIVE_EACH_S = 10,
	KEEPALIVE_COUNT	= 3,
	USER_TIMEOUT_MS	= 30000
};

/* --- The name. --- */

struct lookup {
	atomic_int	 holders;
	int		 done_fd;	/* readable when the rest is filled in */
	atomic_bool	 done;		/* so it is: poll() orders no memory */
	char		*host;
	char		 port[8];
	struct addrinfo	*found;
	int		 status;	/* EAI_*, 0 when found */
	int		 errnum;	/* with EAI_SYSTEM */
};

static struct lookup *
lookup_new(const char *host, uint16_t port)
{
	struct lookup *lu = xcalloc(1, sizeof(*lu));

	atomic_init(&lu->holders, 1);
	atomic_init(&lu->done, false);
	lu->done_fd = -1;
	lu->host = xstrdup(host);
	snprintf(lu->port, sizeof(lu->port), "%u", (unsigned)port);
	return lu;
}

static void
lookup_release(struct lookup *lu)
{
	if (atomic_fetch_sub(&lu->holders, 1) > 1)
		return;
	if (lu->done_fd >= 0)
		close(lu->done_fd);
	if (lu->found != NULL)
		freeaddrinfo(lu->found);
	free(lu->host);
	free(lu);
}

static void
release(struct lookup **lu)
{
	lookup_release(*lu);
}

static void
resolve(struct lookup *lu, int flags)
{
	struct addrinfo hints = {
		.ai_flags = flags | AI_NUMERICSERV,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM
	};

	lu->status = getaddrinfo(lu->host, lu->port, &hints, &lu->found);
	lu->errnum = errno;
}

static void *
resolver_main(void *arg)
{
	struct lookup *lu = arg;

	resolve(lu, AI_ADDRCONFIG);
	atomic_store(&lu->done, true);
	/* Cannot fail: the counter is far from full. */
	(void)eventfd_write(lu->done_fd, 1);
	lookup_release(lu);
	return NULL;
}

/* Signals stay with the main thread, which expects them. */
static int
start_resolver(struct lookup *lu)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int status;

	must(pthread_attr_init(&attr) == 0);
	must(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	atomic_fetch_add(&lu->holders, 1);
	status = pthread_create(&thread, &attr, resolver_main, lu);
	if (status != 0)
		atomic_fetch_sub(&lu->holders, 1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	errno = status;
	return status == 0 ? 0 : -1;
}

static int
wait_for_name(struct lookup *lu, usec deadline, struct err *err)
{
	struct waiter w = { .want = WAIT_READ };
	int ready;

	lu->done_fd = eventfd(0, EFD_CLOEXEC);
	if (lu->done_fd < 0 || start_resolver(lu) < 0)
		return err_sys(err, ERR_RETRY, "net.dns",
		    "%s:%s: cannot start looking up the name", lu->host,
		    lu->port);
	w.fd = lu->done_fd;
	ready = wait_any(&w, 1, deadline, err);
	if (ready < 0)
		return -1;
	if (ready == 0)
		return err_set(err, ERR_RETRY, "net.timeout",
		    "%s:%s: looking up the name takes too long", lu->host,
		    lu->port);
	must(atomic_load(&lu->done));
	return 0;
}

/* Fill in lu->found. */
static int
find(struct lookup *lu, usec deadline, struct err *err)
{
	resolve(lu, AI_NUMERICHOST);
	if (lu->status == EAI_NONAME && wait_for_name(lu, deadline, err) < 0)
		return -1;
	switch (lu->status) {
	case 0:
		return 0;
	case EAI_SYSTEM:
		errno = lu->errnum;
		return err_sys(err, ERR_RETRY, "net.dns",
		    "%s:%s: looking up the name", lu->host, lu->port);
	default:
		return err_set(err, ERR_RETRY, "net.dns",
		    "%s:%s: looking up the name: %s", lu->host, lu->port,
		    gai_strerror(lu->status));
	}
}

/* The order in which to try: the families alternate, the resolver's first choice
 * begins. */
static size_t
alternate(const struct addrinfo *found, const struct addrinfo *out[ATTEMPTS_MAX])
{
	const struct addrinfo *next[2] = { found, found };
	int first = found->ai_family;
	size_t n = 0;

	for (size_t turn = 0; n < ATTEMPTS_MAX; turn ^= 1) {
		while (next[turn] != NULL &&
		    (next[turn]->ai_family == first) != (turn == 0))
			next[turn] = next[turn]->ai_next;
		if (next[turn] != NULL) {
			out[n++] = next[turn];
			next[turn] = next[turn]->ai_next;
		} else if (next[turn ^ 1] == NULL) {
			break;
		}
	}
	return n;
}

/* --- The race. --- */

struct race {
	const struct lookup	*lu;
	const struct addrinfo	*addr[ATTEMPTS_MAX];
	struct waiter		 try[ATTEMPTS_MAX];	/* fd -1: failed */
	size_t			 n, started, running;
	usec			 next_at;
	int			 errnum;	/* the most telling so far */
};

static bool
is_offline(int errnum)
{
	return errnum == ENETUNREACH || errnum == EHOSTUNREACH ||
	    errnum == ENETDOWN || errnum == EHOSTDOWN ||
	    errnum == EADDRNOTAVAIL || errnum == EAFNOSUPPORT;
}

/* "No route", which a family that is not set up here always answers, hides
 * nothing that another address told. */
static void
note_failure(struct race *race, int errnum)
{
	if (race->errnum == 0 || is_offline(race->errnum) || !is_offline(errnum))
		race->errnum = errnum;
}

static void
set_option(int fd, int level, int name, int value)
{
	/* They make a dead peer noticed sooner; a socket without still works. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static int
start_connect(const struct addrinfo *ai)
{
	int errnum, fd = socket(ai->ai_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return -1;
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EACH_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* EINTR, too, leaves the attempt going on. */
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 ||
	    errno == EINPROGRESS || errno == EINTR)
		return fd;
	errnum = errno;
	close(fd);
	errno = errnum;
	return -1;
}

static void
start_next(struct race *race)
{
	struct waiter *w = &race->try[race->started];

	w->want = WAIT_WRITE;
	w->fd = start_connect(race->addr[race->started++]);
	if (w->fd < 0)
		note_failure(race, errno);
	else
		race->running++;
	race->next_at = clock_in(USEC_MS(STAGGER_MS));
}

/* A socket that is ready: connected, or failed and closed. */
static bool
is_connected(struct race *race, struct waiter *w)
{
	socklen_t size = sizeof(int);
	int errnum = 0;

	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &errnum, &size) < 0)
		errnum = errno;
	if (errnum == 0)
		return true;
	note_failure(race, errnum);
	close(w->fd);
	w->fd = -1;
	race->running--;
	/* Whoever is next need not wait for its turn (RFC 8305 section 5). */
	race->next_at = 0;
	return false;
}

static int
lose(const struct race *race, struct err *err)
{
	const char *host = race->lu->host, *port = race->lu->port;

	errno = race->errnum;
	if (is_offline(errno))
		return err_sys(err, ERR_RETRY, "net.offline", "%s:%s: connect",
		    host, port);
	if (errno == ETIMEDOUT)
		return err_sys(err, ERR_RETRY, "net.timeout", "%s:%s: connect",
		    host, port);
	return err_sys(err, ERR_RETRY, "net.refused", "%s:%s: connect", host,
	    port);
}

/* The winner's descriptor, which leaves the race; -1. */
static int
run(struct race *race, usec deadline, struct err *err)
{
	for (;;) {
		usec until = deadline;

		while (race->started < race->n &&
		    (race->running == 0 || clock_now() >= race->next_at))
			start_next(race);
		if (race->running == 0)
			return lose(race, err);
		if (race->started < race->n && race->next_at < until)
			until = race->next_at;
		if (wait_any(race->try, race->started, until, err) < 0)
			return -1;
		for (size_t i = 0; i < race->started; i++) {
			struct waiter *w = &race->try[i];

			if (w->got != 0 && is_connected(race, w)) {
				int fd = w->fd;

				w->fd = -1;
				return fd;
			}
		}
		if (clock_now() >= deadline)
			return err_set(err, ERR_RETRY, "net.timeout",
			    "%s:%s: connecting takes too long", race->lu->host,
			    race->lu->port);
	}
}

int
dial(const char *host, uint16_t port, usec deadline, struct err *err)
{
	CLEANUP(release) struct lookup *lu = lookup_new(host, port);
	struct race race = { .lu = lu };
	int fd;

	if (find(lu, deadline, err) < 0)
		return -1;
	race.n = alternate(lu->found, race.addr);
	fd = run(&race, deadline, err);
	for (size_t i = 0; i < race.started; i++)
		if (race.try[i].fd >= 0)
			close(race.try[i].fd);
	return fd;
}
