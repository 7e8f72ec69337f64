/*
 * imap_script.h — a server that knows its part by heart, in a child process at
 * the other end of a socket pair.  A script is an array of lines, NULL at the
 * end:
 *
 *	C t1 NOOP	the client must send that; t1 becomes its tag
 *	C (\Seen)	without a tag: a line goes on
 *	D bytes		the client must send exactly these bytes
 *	L OK		any one line, not longer than 8000; answered with OK
 *	S t1 OK done	send that line; t1+1 is the tag that would come next
 *	N		nothing comes from the client for a moment
 *	W		a moment goes by
 */
#ifndef TESTS_IMAP_SCRIPT_H
#define TESTS_IMAP_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/wait.h"
#include "imap/cmd.h"
#include "imap/lane.h"

#define MOMENT	USEC_MS(60)

/* --- The server. --- */

struct actor {
	int		fd;
	char		tag[10][32];
	const char	*line;		/* of the script */
};

static inline void
actor_fail(const struct actor *a, const char *what, const char *got)
{
	fprintf(stderr, "script: at \"%.100s\": %s \"%.200s\"\n", a->line, what,
	    got);
	_exit(1);
}

static inline char
actor_byte(const struct actor *a)
{
	struct waiter w = { .fd = a->fd, .want = WAIT_READ };
	struct err err;
	char c;

	if (wait_any(&w, 1, clock_in(USEC_S(5)), &err) != 1)
		actor_fail(a, "nothing came", "");
	if (read(a->fd, &c, 1) != 1)
		actor_fail(a, "the client is gone", "");
	return c;
}

static inline size_t
actor_line(const struct actor *a, char *out, size_t cap)
{
	size_t n = 0;

	do {
		out[n++] = actor_byte(a);
		out[n] = '\0';
	} while (out[n - 1] != '\n' && n < cap - 1);
	if (n < 2 || strcmp(out + n - 2, "\r\n") != 0)
		actor_fail(a, "not a line:", out);
	out[n - 2] = '\0';
	return n;
}

static inline bool
is_tag(const char *p)
{
	return p[0] == 't' && p[1] >= '0' && p[1] <= '9';
}

static inline void
actor_expect_line(struct actor *a, const char *want)
{
	char got[16384];
	char *text = got;

	actor_line(a, got, sizeof(got));
	if (is_tag(want)) {
		text = strchr(got, ' ');
		if (text == NULL)
			actor_fail(a, "no tag:", got);
		*text++ = '\0';
		snprintf(a->tag[want[1] - '0'], 32, "%.31s", got);
		want += 3;
	}
	if (strcmp(text, want) != 0)
		actor_fail(a, "got", text);
}

static inline void
actor_expect_bytes(const struct actor *a, const char *want)
{
	for (; *want != '\0'; want++)
		if (actor_byte(a) != *want)
			actor_fail(a, "other bytes at", want);
}

static inline void
actor_send(const struct actor *a, const char *text)
{
	char line[4096];

	if (!is_tag(text))
		snprintf(line, sizeof(line), "%s\r\n", text);
	else if (text[2] == '+')
		snprintf(line, sizeof(line), "%.5s%d%s\r\n",
		    a->tag[text[1] - '0'],
		    atoi(a->tag[text[1] - '0'] + 5) + 1, text + 4);
	else
		snprintf(line, sizeof(line), "%s%s\r\n", a->tag[text[1] - '0'],
		    text + 2);
	if (write(a->fd, line, strlen(line)) < 0)
		actor_fail(a, "cannot send", line);
}

static inline void
actor_any_line(const struct actor *a, const char *word)
{
	char line[16384], answer[256];

	if (actor_line(a, line, sizeof(line)) > 8000)
		actor_fail(a, "too long:", line);
	snprintf(answer, sizeof(answer), "%.*s %s", (int)strcspn(line, " "),
	    line, word);
	actor_send(a, answer);
}

static inline void
actor_nothing(const struct actor *a)
{
	struct waiter w = { .fd = a->fd, .want = WAIT_READ };
	struct err err;
	char got[256] = "";

	if (wait_any(&w, 1, clock_in(MOMENT), &err) == 0)
		return;
	if (read(a->fd, got, sizeof(got) - 1) >= 0)
		actor_fail(a, "too early:", got);
}

static inline void
actor_play(int fd, const char *const *script)
{
	struct actor a = { .fd = fd };
	struct waiter end = { .fd = fd, .want = WAIT_READ };
	struct err err;

	for (; *script != NULL; script++) {
		a.line = *script;
		switch (a.line[0]) {
		case 'C':
			actor_expect_line(&a, a.line + 2);
			break;
		case 'D':
			actor_expect_bytes(&a, a.line + 2);
			break;
		case 'L':
			actor_any_line(&a, a.line + 2);
			break;
		case 'S':
			actor_send(&a, a.line + 2);
			break;
		case 'N':
			actor_nothing(&a);
			break;
		case 'W':
			usleep((useconds_t)MOMENT);
			break;
		default:
			actor_fail(&a, "what is that?", a.line);
		}
	}
	wait_any(&end, 1, clock_in(USEC_S(5)), &err);
	_exit(0);
}

/* --- The client: our lane, and the events that it gives. --- */

struct play {
	pid_t		pid;
	struct imap_conf conf;
	struct secret	secret;
	struct lanes	lanes;
	struct lane	*ln;
	struct event	ev;
	struct err	err;
};

/* Play ${script} to imap_open(): p->ln is NULL and p->err filled in when that
 * fails.  p->conf may be set before. */
static inline void
play_start(struct play *p, const char *const *script)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	fflush(NULL);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		close(fd[0]);
		actor_play(fd[1], script);
	}
	close(fd[1]);
	if (p->conf.peer.host == NULL)
		p->conf.peer.host = "imap.example.org";
	if (p->conf.peer.user == NULL)
		p->conf.peer.user = "ann";
	if (p->conf.peer.response_timeout == 0)
		p->conf.peer.response_timeout = USEC_S(5);
	p->conf.max_literal = 1 << 20;
	assert_int_equal(secret_set(&p->secret, STR("secret")), 0);
	p->ln = imap_open(&p->conf, "test", fd[0], &p->secret,
	    clock_in(USEC_S(5)), &p->err);
	if (p->ln != NULL)
		lanes_add(&p->lanes, p->ln);
}

/* The same, with a connection that is signed in and has ${caps}. */
#define PREAUTH(caps)	"S * PREAUTH [CAPABILITY IMAP4rev1 " caps "] hello"

static inline void
play_open(struct play *p, const char *const *script)
{
	p->conf.peer.tls_mode = TLS_NONE;
	play_start(p, script);
	if (p->ln == NULL)
		fail_msg("%s: %s", p->err.code, p->err.text);
}

/* The next event, which must be a ${kind}. */
static inline struct event *
play_event(struct play *p, enum event_kind kind)
{
	assert_int_equal(lanes_reap(&p->lanes, &p->ev, NULL, 0,
	    clock_in(USEC_S(5)), &p->err), 1);
	if (p->ev.kind == EV_LOST && kind != EV_LOST)
		fail_msg("lost: %s: %s", p->ev.err.code, p->ev.err.text);
	assert_int_equal(p->ev.kind, kind);
	return &p->ev;
}

static inline struct ev_done *
play_done(struct play *p, uint32_t req, enum done_status status)
{
	struct event *ev = play_event(p, EV_DONE);

	assert_int_equal(ev->done.req, req);
	assert_int_equal(ev->done.status, status);
	return &ev->done;
}

static inline void
play_lost(struct play *p, const char *code)
{
	assert_string_equal(play_event(p, EV_LOST)->err.code, code);
}

/* The server must have played to the end. */
static inline void
play_end(struct play *p)
{
	int status;

	if (p->ln != NULL)
		lanes_close(&p->lanes, p->ln);
	secret_clear(&p->secret);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
