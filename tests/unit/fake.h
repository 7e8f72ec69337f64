/*
 * fake.h — a parent with fake workers, for tests.
 *
 * The parent runs in a child process; its workers are forks of it that speak
 * ipc.h and behave as their account's name says.  The tests are its clients.
 * Everything is inline: no test needs all of it.
 */
#ifndef TESTS_FAKE_H
#define TESTS_FAKE_H

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wait.h"
#include "client.h"
#include "config.h"
#include "control.h"
#include "events.h"
#include "ipc.h"
#include "job.h"
#include "js.h"
#include "parent.h"
#include "scratch.h"

static char dir[] = "/tmp/test-control-XXXXXX";
static char conf_path[128], socket_path[128];

/* ---- a worker --------------------------------------------------------- */

enum { WIDE = 5 << 20 };	/* bytes of a status, more than a client's queue */
enum { FLOOD = 19000 };		/* lines of a long plan, more than a client's queue */

static inline void
say(enum ipc_type type, const char *fmt, ...)
{
	char text[1024];
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (ipc_send(IPC_FD, type, str_z(text), -1, USEC_NEVER, &err) < 0)
		_exit(99);
}

/* A status of ${WIDE} bytes. */
static inline void
say_much(void)
{
	char *text = xmalloc(WIDE + 64);
	size_t n = (size_t)sprintf(text, "{\"state\": \"live\", \"extra\": \"");
	struct err err;

	memset(text + n, 'x', WIDE);
	strcpy(text + n + WIDE, "\"}");
	if (ipc_send_file(IPC_FD, IPC_STATUS, str_z(text), USEC_NEVER, &err) < 0)
		_exit(94);
	free(text);
}

/* The next message's payload, to free(). */
static inline char *
hear(enum ipc_type *type)
{
	struct waiter w = { .fd = IPC_FD, .want = WAIT_READ };
	struct str payload;
	struct err err;
	int ride, rc;

	while ((rc = ipc_recv(IPC_FD, type, &payload, &ride, &err)) == 0)
		if (wait_any(&w, 1, USEC_NEVER, &err) < 0)
			_exit(98);
	if (rc < 0)
		_exit(97);
	if (*type == IPC_CONF) {
		struct buf text;

		if (ipc_read_file(ride, &text, &err) < 0)
			_exit(95);
		close(ride);
		return buf_steal(&text);
	}
	if (ride >= 0)
		close(ride);
	return str_dup(payload);
}

/* It is in the middle of something, until the test has made that file. */
static inline void
wait_for_leave(void)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/state/leave", dir);
	while (access(path, F_OK) != 0)
		usleep(5000);
}

/* "new=3 path=..." of the job, after one line; false: not a word. */
static inline bool
do_job(const char *account, const char *text, bool once)
{
	struct err err;
	json_t *job = js_parse(str_z(text), &err);
	const char *folder = js_get(job, "folder");
	int n = (int)js_int(job, "job", 0);

	if (strncmp(account, "mute", 4) == 0) {
		json_decref(job);
		return false;
	}
	if (strncmp(account, "busy", 4) == 0)
		wait_for_leave();
	/* What a round of its own says: it begins, and all is well by then. */
	if (strncmp(account, "pulse", 5) == 0)
		say(IPC_STATUS, "{\"state\": \"syncing\", "
		    "\"last_success\": \"2026-11-29T12:00:0%d.000Z\"}", n);
	for (int i = 0; strncmp(account, "flood", 5) == 0 && i < FLOOD; i++)
		say(IPC_JOB_LINE, "{\"job\": %d, \"text\": \"%0250d\"}", n, i);
	say(IPC_JOB_LINE, "{\"job\": %d, \"text\": \"%s: plan %s%s\"}", n, account,
	    folder != NULL ? folder : "all",
	    js_bool(job, "dry_run") ? " (dry)" : "");
	if (strncmp(account, "net", 3) == 0)
		say(IPC_JOB_DONE, "{\"job\": %d, \"exit\": 69, \"summary\": null, "
		    "\"error\": {\"code\": \"net.refused\", "
		    "\"message\": \"connection refused\"}}", n);
	else if (strncmp(account, "die", 3) == 0)
		abort();
	else
		say(IPC_JOB_DONE, "{\"job\": %d, \"exit\": 0, "
		    "\"summary\": {\"new\": 3}, \"error\": null}", n);
	if (strncmp(account, "flood", 5) == 0)
		say(IPC_STATUS, "{\"state\": \"flooded\"}");
	json_decref(job);
	if (once && strncmp(account, "slow", 4) == 0) {
		signal(SIGTERM, SIG_IGN);
		say(IPC_BYE, "{\"exit\": 0, \"code\": \"\", \"message\": \"\"}");
		pause();
	}
	return true;
}

/* In its first life, and whatever it is told. */
static inline void
hang_once(void)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/state/hung", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return;
	close(fd);
	signal(SIGTERM, SIG_IGN);
	for (;;)
		pause();
}

static inline void NORETURN
live(const char *account)
{
	enum ipc_type type;
	char *text = hear(&type);
	bool once = strstr(text, "\"once\":true") != NULL;

	if (type != IPC_CONF)
		_exit(96);
	free(text);
	if (strncmp(account, "auth", 4) == 0) {
		say(IPC_BYE, "{\"exit\": 77, \"code\": \"auth.refused\", "
		    "\"message\": \"the server refused the password\"}");
		_exit(EX_NOPERM);
	}
	if (strncmp(account, "deaf", 4) == 0)
		signal(SIGTERM, SIG_IGN);
	if (strncmp(account, "hang", 4) == 0)
		hang_once();
	say(IPC_READY, "%s", "");
	say(IPC_STATUS, "{\"state\": \"live\", \"connections\": 1, \"extra\": 7, "
	    "\"pid\": %d, \"problems\": [%s]}", (int)getpid(),
	    strncmp(account, "held", 4) != 0 ? "" :
	    "{\"code\": \"guard.max-delete\", \"message\": \"many are gone\"}");
	if (strncmp(account, "wide", 4) == 0)
		say_much();
	if (strncmp(account, "ask", 3) == 0)
		say(IPC_SECRET_ASK, "{\"reason\": \"connect\"}");
	for (bool done = false; !once || !done;) {
		text = hear(&type);
		if (type == IPC_JOB)
			done = do_job(account, text, once);
		else if (type == IPC_SECRET)
			say(IPC_STATUS, "{\"state\": \"live\", \"secret\": \"%s\"}",
			    text);
		free(text);
	}
	_exit(0);
}

static inline int
spawn_fake(const char *account, int page, pid_t *pid, int *fd, struct err *err)
{
	sigset_t none;
	int sv[2];

	(void)err;
	(void)page;
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == 0);
	*pid = fork();
	if (*pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGTERM, SIG_DFL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		dup2(sv[1], IPC_FD);
		for (int i = IPC_FD + 1; i < 64; i++)
			close(i);
		live(account);
	}
	close(sv[1]);
	*fd = sv[0];
	return 0;
}

/* ---- a parent --------------------------------------------------------- */

static pid_t parent;

static inline void
put_conf(const char *accounts)
{
	FILE *f = fopen(conf_path, "we");
	char *copy = xstrdup(accounts), *at = copy;

	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	fprintf(f, "state_dir: %s/state\nlog: {level: error}\naccounts:\n", dir);
	for (char *name; (name = strsep(&at, " ")) != NULL; )
		fprintf(f, "  %s: {host: 127.0.0.1, user: u, path: %s/mail-%s, "
		    "password_command: echo s3cret}\n", name, dir, name);
	fclose(f);
	free(copy);
}

/* Run the parent in this process; returns its exit code. */
static inline int
run_parent(const struct parent_opts *opts)
{
	struct diags ds;
	struct conf *conf;

	diags_init(&ds);
	conf = config_load(conf_path, &ds);
	diags_print(&ds, stderr, false);
	diags_clear(&ds);
	must(conf != NULL);
	log_to(STDERR_FILENO, LOG_LV_ERROR);
	return parent_run(conf, opts);
}

static inline void
to_file(int fd, const char *name)
{
	char path[160];
	int to;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	must(to >= 0);
	dup2(to, fd);
	close(to);
}

static inline pid_t
fork_parent(struct parent_opts opts)
{
	pid_t pid;

	opts.config_file = conf_path;
	opts.spawn = spawn_fake;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		to_file(STDERR_FILENO, "stderr");
		if (opts.once)
			to_file(STDOUT_FILENO, "stdout");
		pid = run_parent(&opts);
		fflush(NULL);
		_exit((int)pid);
	}
	return pid;
}

/* Its exit code, within ${most}. */
static inline int
end_of(pid_t pid, usec most)
{
	usec end = clock_in(most);
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_now() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			fail_msg("the parent did not end");
		}
		usleep(5000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline struct line_to
dial(void)
{
	usec end = clock_in(USEC_S(10));
	struct line_to to;
	struct err err;

	while (client_open(&to, socket_path, clock_in(USEC_S(5)), &err) < 0) {
		if (clock_now() > end || waitpid(parent, NULL, WNOHANG) > 0)
			fail_msg("%s: see %s/stderr", err.text, dir);
		usleep(5000);
	}
	return to;
}

static inline struct line_to
start(const char *accounts)
{
	put_conf(accounts);
	parent = fork_parent((struct parent_opts){ 0 });
	return dial();
}

static inline void
stop(struct line_to *to)
{
	client_close(to);
	kill(parent, SIGTERM);
	assert_int_equal(end_of(parent, USEC_S(5)), 0);
	parent = 0;
	assert_int_not_equal(access(socket_path, F_OK), 0);
}

/* What a failed test left behind must not fail the next. */
static inline int
clean(void **state)
{
	char path[160];

	(void)state;
	if (parent > 0 && kill(parent, SIGKILL) == 0)
		waitpid(parent, NULL, 0);
	parent = 0;
	snprintf(path, sizeof(path), "%s/state", dir);
	(void)scratch_remove(path);
	return 0;
}

/* A request's answer: {"result"} or {"error"}. */
static inline json_t *
ask(struct line_to *to, const char *method, const char *params)
{
	json_t *p = params != NULL ? json_loads(params, 0, NULL) : NULL;
	struct err err;
	json_t *answer;

	assert_true(params == NULL || p != NULL);
	answer = client_call(to, method, p, clock_in(USEC_S(10)), &err);
	if (answer == NULL)
		fail_msg("%s: %s", method, err.text);
	return answer;
}

static inline const json_t *
account_of(const json_t *answer, const char *name)
{
	const json_t *list = json_object_get(json_object_get(answer, "result"),
	    "accounts"), *a;
	size_t i;

	json_array_foreach(list, i, a)
		if (strcmp(js_get(a, "account"), name) == 0)
			return a;
	return NULL;
}

/* The account's status once its state is ${state}; a new reference. */
static inline json_t *
until_state(struct line_to *to, const char *name, const char *state)
{
	usec end = clock_in(USEC_S(10));

	for (;;) {
		json_t *answer = ask(to, "status", NULL);
		const json_t *a = account_of(answer, name);
		json_t *copy = json_deep_copy(a);
		const char *is = a != NULL ? js_get(copy, "state") : "absent";

		json_decref(answer);
		if (strcmp(is, state) == 0)
			return copy;
		if (clock_now() > end)
			fail_msg("%s is %s, not %s", name, is, state);
		json_decref(copy);
		usleep(5000);
	}
}

static inline json_int_t
pid_when(struct line_to *to, const char *name, const char *state)
{
	json_t *a = until_state(to, name, state);
	json_int_t pid = js_int(a, "pid", 0);

	json_decref(a);
	return pid;
}

/* Events up to and with ${name}; returns its sequence number. */
static inline json_int_t
until_event(struct line_to *to, const char *name)
{
	json_int_t seq = 0;
	struct err err;

	while (seq == 0) {
		json_t *line = client_next(to, clock_in(USEC_S(10)), &err);

		if (line == NULL)
			fail_msg("no %s: %s", name, err.text);
		if (js_get(line, "event") != NULL &&
		    strcmp(js_get(line, "event"), name) == 0)
			seq = js_int(line, "seq", 0);
		json_decref(line);
	}
	return seq;
}

static inline const char *
error_code(const json_t *answer)
{
	return js_get(json_object_get(answer, "error"), "code");
}

static inline int
begin(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(conf_path, sizeof(conf_path), "%s/syncd.yaml", dir);
	snprintf(socket_path, sizeof(socket_path), "%s/state/control.sock", dir);
	return 0;
}

static inline int
end(void **state)
{
	(void)state;
	return scratch_remove(dir);
}

#define T(test) cmocka_unit_test_teardown(test, clean)

#endif
