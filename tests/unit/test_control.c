/*
 * test_control.c — the parent, its workers and its control socket, together.
 *
 * The parent runs in a child process; its workers are forks of it that speak
 * ipc.h and behave as their account's name says.  The tests are its clients.
 */
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

static char dir[] = "/tmp/test-control-XXXXXX";
static char conf_path[128], socket_path[128];

/* ---- a worker --------------------------------------------------------- */

static void
say(enum ipc_type type, const char *fmt, ...)
{
	char text[1024];
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (ipc_send(IPC_FD, type, str_z(text), -1, &err) < 0)
		_exit(99);
}

/* The next message's payload, to free(). */
static char *
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
	if (ride >= 0)
		close(ride);
	return str_dup(payload);
}

/* "new=3 path=..." of the job, after one line. */
static void
do_job(const char *account, const char *text, bool once)
{
	struct err err;
	json_t *job = js_parse(str_z(text), &err);
	const char *folder = js_get(job, "folder");
	int n = (int)js_int(job, "job", 0);

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
	json_decref(job);
	if (once)
		_exit(0);
}

static void NORETURN
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
	say(IPC_READY, "%s", "");
	say(IPC_STATUS, "{\"state\": \"live\", \"connections\": 1, \"extra\": 7, "
	    "\"pid\": %d, \"problems\": [%s]}", (int)getpid(),
	    strncmp(account, "held", 4) != 0 ? "" :
	    "{\"code\": \"guard.max-delete\", \"message\": \"many are gone\"}");
	if (strncmp(account, "ask", 3) == 0)
		say(IPC_SECRET_ASK, "{\"reason\": \"connect\"}");
	for (;;) {
		text = hear(&type);
		if (type == IPC_JOB)
			do_job(account, text, once);
		else if (type == IPC_SECRET)
			say(IPC_STATUS, "{\"state\": \"live\", \"secret\": \"%s\"}",
			    text);
		free(text);
	}
}

static int
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

static void
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
static int
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

static void
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

static pid_t
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
static int
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

static struct line_to
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

static struct line_to
start(const char *accounts)
{
	put_conf(accounts);
	parent = fork_parent((struct parent_opts){ 0 });
	return dial();
}

static void
stop(struct line_to *to)
{
	client_close(to);
	kill(parent, SIGTERM);
	assert_int_equal(end_of(parent, USEC_S(5)), 0);
	assert_int_not_equal(access(socket_path, F_OK), 0);
}

/* A request's answer: {"result"} or {"error"}. */
static json_t *
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

static const json_t *
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
static json_t *
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

static json_int_t
pid_when(struct line_to *to, const char *name, const char *state)
{
	json_t *a = until_state(to, name, state);
	json_int_t pid = js_int(a, "pid", 0);

	json_decref(a);
	return pid;
}

static const char *
error_code(const json_t *answer)
{
	return js_get(json_object_get(answer, "error"), "code");
}

/* ---- tests ------------------------------------------------------------ */

static void
status_tells_what_workers_said_and_passes_the_rest_on(void **state)
{
	struct line_to to = start("good held");
	json_t *a = until_state(&to, "held", "live");

	(void)state;
	assert_int_equal(js_int(a, "extra", 0), 7);
	assert_int_equal(json_array_size(json_object_get(a, "problems")), 1);
	json_decref(a);
	a = ask(&to, "status", "{\"account\": \"go*\"}");
	assert_int_equal(json_array_size(json_object_get(
	    json_object_get(a, "result"), "accounts")), 1);
	json_decref(a);
	stop(&to);
}

static const struct {
	const char	*method, *params, *code, *remedy;
} mistakes[] = {
	{ "statsu", NULL, "method.unknown", "did you mean `status`?" },
	{ "xyzzy", NULL, "method.unknown", "`describe` lists the methods" },
	{ "status", "{\"account\": \"goood\"}", "target.unknown",
	    "did you mean `good`?" },
	{ "sync", "{\"target\": \"gud/INBOX\"}", "target.unknown", NULL },
	{ "sync", "{\"targets\": [7]}", "control.bad-request", NULL },
	{ "job.wait", "{\"job\": \"j99\"}", "job.unknown", NULL },
	{ "pause", "{\"account\": \"nobody\"}", "target.unknown", NULL },
	{ "subscribe", "{\"events\": 3}", "control.bad-request", NULL }
};

static void
mistakes_are_named_with_a_remedy(void **state)
{
	struct line_to to = start("good");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		json_t *answer = ask(&to, mistakes[i].method, mistakes[i].params);
		const char *remedy = js_get(json_object_get(answer, "error"),
		    "remedy");

		assert_non_null(error_code(answer));
		assert_string_equal(error_code(answer), mistakes[i].code);
		if (mistakes[i].remedy != NULL)
			assert_string_equal(remedy, mistakes[i].remedy);
		json_decref(answer);
	}
	stop(&to);
}

static void
job_answers_when_every_part_is_done(void **state)
{
	struct line_to to = start("good net");
	json_t *answer, *line, *parts;
	char params[64];
	struct err err;
	int lines = 0;

	(void)state;
	json_decref(until_state(&to, "net", "live"));
	answer = ask(&to, "sync", "{\"dry_run\": true}");
	snprintf(params, sizeof(params), "%s",
	    js_get(json_object_get(answer, "result"), "job"));
	json_decref(answer);
	assert_true(client_send(&to, "job.wait", json_pack("{s:s}", "job",
	    params), clock_in(USEC_S(5)), &err) > 0);
	while ((line = client_next(&to, clock_in(USEC_S(10)), &err)) != NULL &&
	    json_object_get(line, "result") == NULL) {
		assert_string_equal(js_get(line, "event"), "job.line");
		assert_non_null(strstr(js_get(line, "text"), "plan all (dry)"));
		json_decref(line);
		lines++;
	}
	assert_int_equal(lines, 2);
	answer = json_object_get(line, "result");
	assert_int_equal(js_int(answer, "exit", -1), 69);
	parts = json_object_get(answer, "parts");
	assert_int_equal(json_array_size(parts), 2);
	assert_int_equal(js_int(json_object_get(json_array_get(parts, 0),
	    "summary"), "new", 0), 3);
	assert_string_equal(error_code(json_array_get(parts, 1)), "net.refused");
	json_decref(line);
	stop(&to);
}

static void
job_of_a_worker_that_dies_fails_and_the_worker_comes_back(void **state)
{
	struct line_to to = start("die good");
	json_int_t pid = pid_when(&to, "die", "live");
	json_t *answer = ask(&to, "sync", "{\"target\": \"die\"}");
	json_t *wait;

	(void)state;
	json_decref(answer);
	wait = ask(&to, "job.wait", "{\"job\": \"j1\"}");
	assert_int_equal(js_int(json_object_get(wait, "result"), "exit", -1),
	    EX_SOFTWARE);
	json_decref(wait);
	answer = until_state(&to, "die", "error");
	assert_non_null(js_get(answer, "next_attempt"));
	json_decref(answer);
	assert_int_not_equal(pid_when(&to, "die", "live"), pid);
	stop(&to);
}

static void
refused_credentials_stay_down_until_asked(void **state)
{
	struct line_to to = start("auth good");
	json_t *a = until_state(&to, "auth", "auth-required");
	json_t *problem = json_array_get(json_object_get(a, "problems"), 0);

	(void)state;
	assert_string_equal(js_get(problem, "code"), "auth.refused");
	assert_true(js_bool(problem, "needs_user"));
	assert_int_equal(js_int(problem, "count", 0), 1);
	json_decref(a);
	usleep(1300000);
	a = until_state(&to, "auth", "auth-required");
	problem = json_array_get(json_object_get(a, "problems"), 0);
	assert_int_equal(js_int(problem, "count", 0), 1);
	json_decref(a);
	a = ask(&to, "sync", "{\"target\": \"auth\"}");
	json_decref(a);
	a = ask(&to, "job.wait", "{\"job\": \"j1\"}");
	assert_int_equal(js_int(json_object_get(a, "result"), "exit", -1),
	    EX_NOPERM);
	json_decref(a);
	stop(&to);
}

static void
secret_goes_to_the_worker_that_asks(void **state)
{
	struct line_to to = start("ask");
	usec end = clock_in(USEC_S(10));
	const char *secret = NULL;
	json_t *a;

	(void)state;
	do {
		a = until_state(&to, "ask", "live");
		secret = js_get(a, "secret");
		if (secret != NULL)
			assert_string_equal(secret, "0s3cret");
		json_decref(a);
		usleep(5000);
	} while (secret == NULL && clock_now() < end);
	assert_non_null(secret);
	stop(&to);
}

static void
pause_outlives_the_daemon(void **state)
{
	struct line_to to = start("good other");

	(void)state;
	json_decref(until_state(&to, "good", "live"));
	json_decref(ask(&to, "pause", "{\"account\": \"good\"}"));
	json_decref(until_state(&to, "good", "paused"));
	stop(&to);
	to = start("good other");
	json_decref(until_state(&to, "other", "live"));
	json_decref(until_state(&to, "good", "paused"));
	json_t *answer = ask(&to, "sync", "{\"target\": \"good\"}");
	assert_string_equal(error_code(answer), "account.paused");
	json_decref(answer);
	json_decref(ask(&to, "resume", NULL));
	json_decref(until_state(&to, "good", "live"));
	stop(&to);
}

static void
reload_restarts_only_what_changed(void **state)
{
	struct line_to to = start("good other gone");
	json_int_t good = pid_when(&to, "good", "live"), other;
	json_t *answer;
	FILE *f;

	(void)state;
	other = pid_when(&to, "other", "live");
	put_conf("good other fresh");
	f = fopen(conf_path, "ae");
	fputs("defaults: {limits: {connections: 3}}\n", f);
	fclose(f);
	answer = ask(&to, "reload", NULL);
	assert_non_null(json_object_get(answer, "result"));
	json_decref(answer);
	json_decref(until_state(&to, "fresh", "live"));
	assert_int_equal(pid_when(&to, "good", "live"), good);
	answer = ask(&to, "status", "{\"account\": \"gone\"}");
	assert_string_equal(error_code(answer), "target.unknown");
	json_decref(answer);

	put_conf("good other fresh");
	f = fopen(conf_path, "ae");
	fputs("defaults: {limits: {connections: 2}}\n", f);
	fclose(f);
	kill(parent, SIGHUP);
	while (pid_when(&to, "other", "live") == other)
		usleep(5000);
	stop(&to);
}

static void
bad_configuration_is_refused_and_the_old_one_stays(void **state)
{
	struct line_to to = start("good");
	json_int_t pid = pid_when(&to, "good", "live");
	json_t *answer;
	FILE *f;

	(void)state;
	f = fopen(conf_path, "ae");
	fputs("accountz: {}\n", f);
	fclose(f);
	answer = ask(&to, "reload", NULL);
	assert_string_equal(error_code(answer), "config.rejected");
	assert_int_equal(json_array_size(json_object_get(
	    json_object_get(answer, "error"), "mistakes")), 1);
	json_decref(answer);
	answer = ask(&to, "status", NULL);
	assert_true(json_is_object(json_object_get(json_object_get(
	    json_object_get(answer, "result"), "config"), "error")));
	json_decref(answer);
	assert_int_equal(pid_when(&to, "good", "live"), pid);
	stop(&to);
}

static void
deaf_worker_is_killed_before_five_seconds(void **state)
{
	struct line_to to = start("deaf good");
	usec begin;

	(void)state;
	json_decref(until_state(&to, "deaf", "live"));
	begin = clock_now();
	stop(&to);
	assert_true(clock_now() - begin >= USEC_MS(3900));
}

/* Events up to and with ${name}; returns its sequence number. */
static json_int_t
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

static void
subscriber_gets_events_and_those_it_missed(void **state)
{
	struct line_to to = start("held"), late;
	json_int_t seq;
	json_t *answer;

	(void)state;
	json_decref(ask(&to, "subscribe", "{\"events\": [\"problem.*\"], "
	    "\"since\": 0}"));
	seq = until_event(&to, "problem.opened");
	json_decref(until_state(&to, "held", "live"));
	json_decref(ask(&to, "pause", NULL));
	assert_true(until_event(&to, "problem.closed") > seq);
	late = dial();
	answer = ask(&late, "subscribe", "{\"events\": [\"*\"], \"since\": 0}");
	assert_true(js_bool(json_object_get(answer, "result"), "complete"));
	json_decref(answer);
	assert_int_equal(until_event(&late, "problem.opened"), seq);
	client_close(&late);
	json_decref(ask(&to, "resume", NULL));
	stop(&to);
}

static void
stop_is_answered_and_then_done(void **state)
{
	struct line_to to = start("good");
	json_t *answer = ask(&to, "stop", NULL);

	(void)state;
	assert_non_null(json_object_get(answer, "result"));
	json_decref(answer);
	assert_int_equal(end_of(parent, USEC_S(5)), 0);
	client_close(&to);
}

static void
second_daemon_is_refused_and_a_stale_socket_replaced(void **state)
{
	struct line_to to = start("good");
	struct stat st;
	pid_t second = fork_parent((struct parent_opts){ 0 });

	(void)state;
	assert_int_equal(end_of(second, USEC_S(5)), EX_TEMPFAIL);
	assert_int_equal(stat(socket_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	client_close(&to);
	kill(parent, SIGKILL);
	end_of(parent, USEC_S(5));
	assert_int_equal(access(socket_path, F_OK), 0);
	to = start("good");
	json_decref(until_state(&to, "good", "live"));
	stop(&to);
}

/* A client that speaks raw bytes. */
static int
raw(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(strlen(socket_path) < sizeof(a.sun_path));
	memcpy(a.sun_path, socket_path, strlen(socket_path));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* All it sends until it closes. */
static char *
drain(int fd)
{
	struct buf all;
	ssize_t n;

	buf_init(&all, 32 << 20);
	do {
		uint8_t *room = buf_room(&all, 65536);

		assert_non_null(room);
		n = recv(fd, room, 65536, 0);
		if (n > 0)
			all.n += (size_t)n;
	} while (n > 0);
	close(fd);
	return buf_steal(&all);
}

static void
client_that_ends_its_side_is_still_answered(void **state)
{
	struct line_to to = start("good");
	const char two[] = "{\"id\":1,\"method\":\"ping\"}\n"
	    "{\"id\":\"b\",\"method\":\"ping\"}\n";
	int fd = raw();
	char *got;

	(void)state;
	assert_int_equal(send(fd, two, strlen(two), 0), (ssize_t)strlen(two));
	shutdown(fd, SHUT_WR);
	got = drain(fd);
	assert_non_null(strstr(got, "\"hello\":\"syncd\""));
	assert_non_null(strstr(got, "{\"id\":1,\"result\":{\"pong\":true}}\n"));
	assert_non_null(strstr(got, "{\"id\":\"b\",\"result\":{\"pong\":true}}\n"));
	free(got);
	stop(&to);
}

static const struct {
	const char	*bytes, *code;
} garbage[] = {
	{ "hello\n", "control.bad-json" },
	{ "[1]\n", "control.bad-json" },
	{ "{\"id\":1,\"id\":2,\"method\":\"ping\"}\n", "control.bad-json" },
	{ "\xff\xfe{}\n", "control.bad-json" },
	{ "{} trailing\n", "control.bad-json" }
};

static void
garbage_closes_the_client_only(void **state)
{
	struct line_to to = start("good");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
		int fd = raw();
		char *got;

		assert_true(send(fd, garbage[i].bytes, strlen(garbage[i].bytes),
		    0) > 0);
		got = drain(fd);
		assert_non_null(strstr(got, garbage[i].code));
		free(got);
	}
	json_decref(ask(&to, "ping", NULL));
	stop(&to);
}

static void
endless_line_is_refused(void **state)
{
	struct line_to to = start("good");
	char *bytes = xmalloc(CONTROL_LINE + 1), *got;
	int fd = raw();

	(void)state;
	memset(bytes, ' ', CONTROL_LINE + 1);
	assert_true(send(fd, bytes, CONTROL_LINE + 1, MSG_NOSIGNAL) > 0);
	got = drain(fd);
	assert_non_null(strstr(got, "control.too-long"));
	free(got);
	free(bytes);
	json_decref(ask(&to, "ping", NULL));
	stop(&to);
}

static void
reader_that_never_reads_is_closed(void **state)
{
	static const char rq[] = "{\"method\":\"describe\"}\n";
	struct line_to to = start("good");
	int fd = raw();
	ssize_t n;

	(void)state;
	do
		n = send(fd, rq, sizeof(rq) - 1, MSG_NOSIGNAL);
	while (n > 0);
	close(fd);
	json_decref(ask(&to, "ping", NULL));
	stop(&to);
}

static void
sixty_fifth_client_is_turned_away(void **state)
{
	struct line_to to = start("good");
	int fd[CONTROL_CLIENTS];
	char *got;

	(void)state;
	json_decref(ask(&to, "ping", NULL));
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		fd[i] = raw();
	got = drain(fd[ARRAY_LEN(fd) - 1]);
	assert_string_equal(got, "");
	free(got);
	for (size_t i = 0; i + 1 < ARRAY_LEN(fd); i++)
		close(fd[i]);
	json_decref(ask(&to, "ping", NULL));
	stop(&to);
}

/* ---- once ------------------------------------------------------------- */

static char *
file_text(const char *name)
{
	char path[160];
	int fd;
	struct buf b;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	buf_init(&b, 1 << 20);
	while ((n = read(fd, buf_room(&b, 4096), 4096)) > 0)
		b.n += (size_t)n;
	close(fd);
	return buf_steal(&b);
}

static const struct {
	const char	*accounts, *target[3];
	int		 code;
	const char	*out, *err;	/* a part of it, or NULL */
} once_rows[] = {
	{ "good other", { NULL }, 0, "good: done new=3\nother: done new=3\n",
	    NULL },
	{ "good other", { "good/IN*" }, 0, "good: plan IN*\ngood: done", NULL },
	{ "good", { "good/a", "good/b" }, 0, "good: plan a\ngood: plan b\n",
	    NULL },
	{ "good net", { NULL }, 69, "good: done",
	    "error[net.refused]: net: connection refused" },
	{ "good auth net", { NULL }, 77, "good: done",
	    "error[auth.refused]: auth: the server refused" },
	{ "die", { NULL }, 70, NULL, "error[internal.worker]: die" },
	{ "good", { "gone" }, 66, NULL, "error[target.unknown]" },
	{ "a1 a2 a3 a4 a5 a6 a7 a8 a9 b1 b2 b3", { NULL }, 0, "b3: done", NULL }
};

static void
once_prints_each_account_and_exits_with_the_worst(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(once_rows); i++) {
		struct parent_opts opts = { .once = true };
		char *out, *err, *target[3];
		int code;

		for (size_t k = 0; once_rows[i].target[k] != NULL; k++)
			target[opts.n_targets++] =
			    (char *)(uintptr_t)once_rows[i].target[k];
		opts.target = target;
		put_conf(once_rows[i].accounts);
		code = end_of(fork_parent(opts), USEC_S(10));
		out = file_text("stdout");
		err = file_text("stderr");
		if (code != once_rows[i].code || (once_rows[i].out != NULL &&
		    strstr(out, once_rows[i].out) == NULL) ||
		    (once_rows[i].err != NULL &&
		    strstr(err, once_rows[i].err) == NULL))
			fail_msg("row %zu: exit %d\n%s\n%s", i, code, out, err);
		free(out);
		free(err);
	}
}

/* ---- the parts -------------------------------------------------------- */

static void
ring_of_events_says_when_some_are_lost(void **state)
{
	struct events *e = xcalloc(1, sizeof(*e));

	(void)state;
	assert_null(events_after(e, 0));
	assert_true(events_complete(e, 0));
	for (int i = 0; i < EVENTS_KEPT; i++)
		events_take_add(e, "a.b", json_object());
	assert_true(events_complete(e, 0));
	assert_int_equal(events_after(e, 0)->seq, 1);
	events_take_add(e, "a.b", json_object());
	assert_false(events_complete(e, 0));
	assert_true(events_complete(e, 1));
	assert_int_equal(events_after(e, 0)->seq, 2);
	assert_null(events_after(e, EVENTS_KEPT + 1));
	assert_false(events_complete(e, EVENTS_KEPT + 2));
	events_clear(e);
	free(e);
}

static void
worst_exit_code_wins_in_any_order(void **state)
{
	static const int codes[] = { 0, 1, 10, 75, 69, 77, 78, 74, 70 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		for (size_t k = i; k < ARRAY_LEN(codes); k++) {
			assert_int_equal(job_worse(codes[i], codes[k]), codes[k]);
			assert_int_equal(job_worse(codes[k], codes[i]), codes[k]);
		}
	assert_int_equal(job_worse(0, 42), 42);
}

static void
text_that_is_not_utf8_becomes_base64(void **state)
{
	static const struct {
		const char	*text, *want;
	} rows[] = {
		{ "abc", "\"abc\"" }, { "", "\"\"" },
		{ "\xff", "{\"b64\":\"/w==\"}" },
		{ "a\xff", "{\"b64\":\"Yf8=\"}" },
		{ "ab\xff", "{\"b64\":\"YWL/\"}" }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *v = js_text(str_z(rows[i].text));
		char *got = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

		assert_string_equal(got, rows[i].want);
		free(got);
		json_decref(v);
	}
}

static int
begin(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(conf_path, sizeof(conf_path), "%s/syncd.yaml", dir);
	snprintf(socket_path, sizeof(socket_path), "%s/state/control.sock", dir);
	return 0;
}

static int
end(void **state)
{
	static const char *const names[] = { "syncd.yaml", "stderr", "stdout",
	    "state/good.paused", "state/held.paused", "state/control.sock", "state" };
	char path[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    status_tells_what_workers_said_and_passes_the_rest_on),
		cmocka_unit_test(mistakes_are_named_with_a_remedy),
		cmocka_unit_test(job_answers_when_every_part_is_done),
		cmocka_unit_test(
		    job_of_a_worker_that_dies_fails_and_the_worker_comes_back),
		cmocka_unit_test(refused_credentials_stay_down_until_asked),
		cmocka_unit_test(secret_goes_to_the_worker_that_asks),
		cmocka_unit_test(pause_outlives_the_daemon),
		cmocka_unit_test(reload_restarts_only_what_changed),
		cmocka_unit_test(
		    bad_configuration_is_refused_and_the_old_one_stays),
		cmocka_unit_test(deaf_worker_is_killed_before_five_seconds),
		cmocka_unit_test(subscriber_gets_events_and_those_it_missed),
		cmocka_unit_test(stop_is_answered_and_then_done),
		cmocka_unit_test(
		    second_daemon_is_refused_and_a_stale_socket_replaced),
		cmocka_unit_test(client_that_ends_its_side_is_still_answered),
		cmocka_unit_test(garbage_closes_the_client_only),
		cmocka_unit_test(endless_line_is_refused),
		cmocka_unit_test(reader_that_never_reads_is_closed),
		cmocka_unit_test(sixty_fifth_client_is_turned_away),
		cmocka_unit_test(
		    once_prints_each_account_and_exits_with_the_worst),
		cmocka_unit_test(ring_of_events_says_when_some_are_lost),
		cmocka_unit_test(worst_exit_code_wins_in_any_order),
		cmocka_unit_test(text_that_is_not_utf8_becomes_base64)
	};

	return cmocka_run_group_tests(tests, begin, end);
}
