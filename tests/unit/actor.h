/*
 * actor.h — a server that knows its part by heart, in a child process at
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
 *	E		the client goes, and nothing more has come from it
 */
#ifndef TESTS_ACTOR_H
#define TESTS_ACTOR_H

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

#define MOMENT	USEC_MS(60)

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
actor_gone(const struct actor *a)
{
	struct waiter w = { .fd = a->fd, .want = WAIT_READ };
	struct err err;
	char got[256] = "";

	if (wait_any(&w, 1, clock_in(USEC_S(5)), &err) != 1)
		actor_fail(a, "it stays", "");
	if (read(a->fd, got, sizeof(got) - 1) != 0)
		actor_fail(a, "more came:", got);
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
		case 'E':
			actor_gone(&a);
			break;
		default:
			actor_fail(&a, "what is that?", a.line);
		}
	}
	wait_any(&end, 1, clock_in(USEC_S(5)), &err);
	_exit(0);
}

/* ${script} begins, at the other end of *fd: the process that plays it. */
static inline pid_t
actor_start(const char *const *script, int *fd)
{
	int end[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    end), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(end[0]);
		actor_play(end[1], script);
	}
	close(end[1]);
	*fd = end[0];
	return pid;
}

/* It must have played to the end. */
static inline void
actor_end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
