/*
 * test_host.c — the worker's side of scripts with the real syncd-script: who is
 * blamed, what is asked again, what is told.  SYNCD_HOST_BENCH=N prints what 20 rules
 * cost for N messages.
 */
#include "cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "no_engine.h"
#include "plugins/host.h"

enum { PLUGINS = 3 };

struct bench {
	char			 dir[64];
	struct plugin_conf	 plugin[PLUGINS];
	struct account_conf	 conf;
	struct hook_world	 world;
	struct hook_broker	 broker;
	struct hook_host	*host;
	pid_t			 pid[PLUGINS + 1];
	unsigned		 spawned;
	uint64_t		 next;
	struct hook_plan	 plan;
};

/* ---- a daemon, a world -------------------------------------------------------- */

static void
kill_slot(void *daemon, unsigned slot)
{
	struct bench *b = daemon;

	if (b->pid[slot] > 0) {
		kill(b->pid[slot], SIGKILL);
		waitpid(b->pid[slot], NULL, 0);
	}
	b->pid[slot] = 0;
}

static int
spawn(void *daemon, unsigned slot, usec deadline, struct err *err)
{
	struct bench *b = daemon;
	const char *build = getenv("BUILD");
	int fd[2];
	char *path = xasprintf("%s/syncd-script", build != NULL ? build : "build");

	(void)deadline;
	(void)err;
	kill_slot(daemon, slot);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
	b->pid[slot] = fork();
	if (b->pid[slot] == 0) {
		dup2(fd[1], 3);
		execl(path, "syncd-script", (char *)NULL);
		_exit(127);
	}
	free(path);
	close(fd[1]);
	b->spawned++;
	return fd[0];
}

static int
done(void *daemon, uint32_t call, struct hook_exit *ex)
{
	(void)daemon;
	*ex = (struct hook_exit){ .call = call, .code = -1, .out = -1, .err = -1,
	    .text = STR("not granted") };
	return 1;
}

static void
cancel(void *daemon, uint32_t call)
{
	(void)daemon;
	(void)call;
}

static bool
mailbox(void *engine, size_t i, struct hook_mailbox *m)
{
	(void)engine;
	*m = (struct hook_mailbox){ .name = STR("INBOX"), .role = "inbox" };
	return i == 0;
}

static void
script(struct bench *b, size_t i, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/p%zu.lua", b->dir, i);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	b->plugin[i] = (struct plugin_conf){ .name = xasprintf("p%zu", i),
	    .script = xstrdup(path), .config = xstrdup("") };
	b->conf.n_plugins = i + 1;
}

static void
start(struct bench *b)
{
	b->conf.name = xstrdup("work");
	b->conf.email = xstrdup("me@example.org");
	b->conf.user = xstrdup("me");
	b->conf.plugin = b->plugin;
	b->world = (struct hook_world){ .engine = b, .kv_next = no_kv,
	    .message = no_message, .mailbox = mailbox };
	b->broker = (struct hook_broker){ .daemon = b, .exec = no_exec,
	    .done = done, .cancel = cancel, .spawn = spawn, .kill = kill_slot };
	b->host = host_new(&b->conf, "lua", &b->world, &b->broker);
}

static void
init(struct bench *b)
{
	*b = (struct bench){ .dir = "/tmp/syncd-host-XXXXXX" };
	assert_non_null(mkdtemp(b->dir));
	log_to(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LV_ERROR);
}

static void
clear(struct bench *b)
{
	b->host->ops->free(b->host);
	for (size_t i = 0; i < b->conf.n_plugins; i++) {
		unlink(b->plugin[i].script);
		free(b->plugin[i].name);
		free(b->plugin[i].script);
		free(b->plugin[i].config);
	}
	free(b->conf.name);
	free(b->conf.email);
	free(b->conf.user);
	rmdir(b->dir);
}

static int
mail(const char *subject)
{
	int fd = memfd_create("mail", MFD_CLOEXEC);

	assert_true(dprintf(fd, "From: a@example.net\nTo: me@example.org\n"
	    "Subject: %s\nList-Id: <l20.example.org>\n\nbody\n", subject) > 0);
	return fd;
}

/* Step until an answer is there. */
static void
await(struct bench *b)
{
	usec end = clock_in(USEC_S(30));

	while (clock_now() < end) {
		struct waiter w[4];
		struct err err;
		size_t n;

		if (b->host->ops->step(b->host, &b->plan) > 0)
			return;
		n = b->host->ops->waiters(b->host, w, 4);
		if (n > 0)
			wait_any(w, n, clock_in(USEC_MS(20)), &err);
		else
			usleep(1000);
	}
	fail_msg("no answer");
}

/* Ask about messages of these subjects and wait for the plan. */
static void
ask(struct bench *b, const char *const *subject, size_t n, usec within)
{
	struct hook_msg msg[HOOK_BATCH];
	struct hook_event ev = { .id = ++b->next, .kind = HOOK_INCOMING,
	    .deadline = clock_in(within), .msg = msg, .n_msgs = n };

	for (size_t i = 0; i < n; i++)
		msg[i] = (struct hook_msg){ .id = (int64_t)i + 1,
		    .mailbox = STR("INBOX"), .origin = STR("server"),
		    .fd = mail(subject[i]) };
	b->host->ops->ask(b->host, &ev);
	for (size_t i = 0; i < n; i++)
		close(msg[i].fd);
	await(b);
	assert_int_equal(b->plan.event, ev.id);
}

/* "1 move Junk; 2 tag x; p0 failed 1; " */
static char *
said(const struct bench *b)
{
	static char text[2000];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < b->plan.n_ops; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%d %.*s %.*s; ",
		    (int)b->plan.op[i].msg, STR_ARG(b->plan.op[i].verb),
		    STR_ARG(b->plan.op[i].n_args > 0 ? b->plan.op[i].arg[0] :
		    STR("-")));
	for (size_t i = 0; i < b->plan.n_faults; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s failed %d; ",
		    STR_ARG(b->plan.fault[i].plugin),
		    (int)b->plan.fault[i].msg);
	return text;
}

#define HEAD "plugin { api = 1 } on.incoming(function(msg) "

static const char *const three[] = { "one", "bad", "three" };

static void
plans_come_back(void **state)
{
	struct bench b;

	(void)state;
	init(&b);
	script(&b, 0, HEAD "msg:move('Junk') end)");
	script(&b, 1, HEAD "if msg.subject == 'bad' then error('x') end "
	    "msg:tag(msg.mailbox) end)");
	start(&b);
	ask(&b, three, 3, USEC_S(20));
	assert_string_equal(said(&b), "1 move Junk; 1 tag Junk; 2 move Junk; "
	    "3 move Junk; 3 tag Junk; p1 failed 2; ");
	assert_int_equal(b.host->ops->kinds(b.host), 1u << HOOK_INCOMING);
	clear(&b);
}

/* It hangs in C, where no hook is: killed after 2 s, the other messages and the
 * other plugin have their say, it is blamed for that message alone. */
static void
one_that_hangs_costs_its_own_message(void **state)
{
	struct bench b;
	struct hook_info info;

	(void)state;
	init(&b);
	script(&b, 0, HEAD "if msg.subject == 'bad' then "
	    "('a'):rep(40):find(('a-'):rep(20) .. 'b') end msg:tag('a') end)");
	script(&b, 1, HEAD "msg:tag('b') end)");
	start(&b);
	ask(&b, three, 3, USEC_S(25));
	assert_string_equal(said(&b), "1 tag a; 1 tag b; 2 tag b; 3 tag a; 3 tag b; "
	    "p0 failed 2; ");
	assert_int_equal(b.spawned, 2);
	/* The next process has loaded it again, and it is still known why. */
	ask(&b, three, 1, USEC_S(20));
	assert_true(b.host->ops->info(b.host, 0, &info));
	assert_non_null(info.error);
	assert_non_null(strstr(info.error, "did not come back for 2 s in incoming"));
	clear(&b);
}

static void
a_process_that_is_killed_is_replaced(void **state)
{
	struct bench b;

	(void)state;
	init(&b);
	script(&b, 0, HEAD "msg:tag('a') end)");
	start(&b);
	ask(&b, three, 3, USEC_S(20));
	assert_true(b.pid[0] > 0);
	kill(b.pid[0], SIGKILL);
	ask(&b, three, 1, USEC_S(20));
	assert_string_equal(said(&b), "1 tag a; ");
	assert_int_equal(b.spawned, 2);
	clear(&b);
}

static void
who_fails_again_and_again_is_suspended(void **state)
{
	struct bench b;
	struct hook_info info;

	(void)state;
	init(&b);
	script(&b, 0, HEAD "local x = nil; x.y = 1 end)");
	script(&b, 1, HEAD "msg:tag('b') end)");
	start(&b);
	for (int i = 0; i < 5; i++)
		ask(&b, three, 1, USEC_S(20));
	assert_true(b.host->ops->info(b.host, 0, &info));
	assert_int_equal(info.state, HOOK_SUSPENDED);
	assert_non_null(strstr(info.error, "p0.lua:1: attempt to index a nil value"));
	ask(&b, three, 1, USEC_S(20));
	assert_string_equal(said(&b), "1 tag b; p0 failed 1; ");
	assert_true(b.plan.fault[0].owed);
	b.host->ops->resume(b.host, "p0");
	assert_true(b.host->ops->info(b.host, 0, &info));
	assert_int_equal(info.state, HOOK_OK);
	clear(&b);
}

/* It hangs before it has said what it wants: not tried again by itself. */
static void
one_that_hangs_while_it_loads_is_disabled(void **state)
{
	struct bench b;
	struct hook_info info;

	(void)state;
	init(&b);
	script(&b, 0, "('a'):rep(40):find(('a-'):rep(20) .. 'b')");
	script(&b, 1, HEAD "msg:tag('b') end)");
	start(&b);
	ask(&b, three, 1, USEC_S(25));
	assert_non_null(strstr(said(&b), "1 tag b; "));
	assert_true(b.host->ops->info(b.host, 0, &info));
	assert_int_equal(info.state, HOOK_DISABLED);
	assert_int_equal(b.spawned, 2);
	clear(&b);
}

static void
what_is_not_allowed_is_disabled(void **state)
{
	struct bench b;
	struct hook_info info;

	(void)state;
	init(&b);
	script(&b, 0, "plugin { api = 1, exec = { 'rm', 'mv' } }");
	script(&b, 1, "on.incomming(function() end)");
	start(&b);
	for (int i = 0; i < 500; i++) {
		(void)b.host->ops->step(b.host, &b.plan);
		assert_true(b.host->ops->info(b.host, 1, &info));
		if (info.state == HOOK_DISABLED)
			break;
		usleep(10000);
	}
	assert_non_null(strstr(info.error, "did you mean `incoming`?"));
	assert_true(b.host->ops->info(b.host, 0, &info));
	assert_int_equal(info.state, HOOK_DISABLED);
	assert_string_equal(info.grant, "exec: [rm, mv]");
	clear(&b);
}

static void
a_deadline_is_kept(void **state)
{
	struct bench b;

	(void)state;
	init(&b);
	script(&b, 0, "plugin { api = 1 } on.incoming(function(msg) "
	    "('a'):rep(40):find(('a-'):rep(20) .. 'b') end)");
	start(&b);
	ask(&b, three, 1, USEC_MS(300));
	assert_string_equal(said(&b), "p0 failed 1; ");
	clear(&b);
}

/* Nobody served it for longer than it was given. */
static void
a_deadline_is_extended(void **state)
{
	for (int extended = 0; extended < 2; extended++) {
		struct hook_msg msg = { .id = 1, .mailbox = STR("INBOX"),
		    .origin = STR("server") };
		struct hook_event ev = { .kind = HOOK_INCOMING, .msg = &msg,
		    .n_msgs = 1 };
		struct bench b;

		(void)state;
		init(&b);
		script(&b, 0, "plugin { api = 1 } "
		    "on.incoming(function(msg) msg:move('Junk') end)");
		start(&b);
		ev.id = ++b.next;
		ev.deadline = clock_in(USEC_MS(20));
		msg.fd = mail(three[0]);
		b.host->ops->ask(b.host, &ev);
		close(msg.fd);
		if (extended)
			b.host->ops->extend(b.host, ev.id, USEC_S(30));
		usleep(25000);
		await(&b);
		assert_string_equal(said(&b), extended ? "1 move Junk; " :
		    "p0 failed 1; ");
		clear(&b);
	}
}

/* ---- what it costs --------------------------------------------------------------- */

static void
write_rules(struct bench *b)
{
	struct buf text;
	char *z;

	buf_init(&text, 1 << 16);
	assert_int_equal(buf_fmt(&text, "plugin { api = 1 }\n"), 0);
	for (int i = 1; i <= 10; i++)
		assert_int_equal(buf_fmt(&text, "on.incoming({ list = \"l%d.*\" }, "
		    "function(msg) msg:move(\"L/%d\"):stop() end)\n", i, i), 0);
	for (int i = 1; i <= 5; i++)
		assert_int_equal(buf_fmt(&text, "on.incoming({ from = \"*@h%d.org\" "
		    "}, function(msg) msg:move(\"F/%d\"):stop() end)\n", i, i), 0);
	for (int i = 1; i <= 5; i++)
		assert_int_equal(buf_fmt(&text, "on.incoming({ subject = \"*word%d*\" "
		    "}, function(msg) msg:tag(\"s%d\") end)\n", i, i), 0);
	z = buf_steal(&text);
	script(b, 0, z);
	free(z);
}

/* Microseconds that the process was on a CPU. */
static double
on_cpu(pid_t pid)
{
	char path[40];
	unsigned long long ns = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	f = fopen(path, "r");
	if (f != NULL && fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f != NULL)
		fclose(f);
	return (double)ns / 1000;
}

static void
twenty_rules(void **state)
{
	const char *count = getenv("SYNCD_HOST_BENCH");
	int n = (count != NULL ? atoi(count) : 640) / HOOK_BATCH * HOOK_BATCH;
	int moved = 0;
	const char *subject[HOOK_BATCH];
	struct bench b;
	double theirs, ours;
	usec from, took;

	(void)state;
	init(&b);
	write_rules(&b);
	start(&b);
	for (int i = 0; i < HOOK_BATCH; i++)
		subject[i] = i % 8 == 0 ? "a word3 b" : "nothing to see";
	ask(&b, subject, 1, USEC_S(20));
	from = clock_now();
	theirs = on_cpu(b.pid[0]);
	ours = on_cpu(getpid());
	for (int i = 0; i < n; i += HOOK_BATCH) {
		ask(&b, subject, HOOK_BATCH, USEC_S(20));
		moved += (int)b.plan.n_ops;
	}
	took = clock_now() - from;
	if (count != NULL)
		printf("%d messages, 20 rules: %.1f us a message; on the CPU: "
		    "script %.1f us, worker and making of mail %.1f us\n", n,
		    (double)took / n, (on_cpu(b.pid[0]) - theirs) / n,
		    (on_cpu(getpid()) - ours) / n);
	assert_int_equal(moved, n / 8);
	clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_come_back),
		cmocka_unit_test(one_that_hangs_costs_its_own_message),
		cmocka_unit_test(a_process_that_is_killed_is_replaced),
		cmocka_unit_test(who_fails_again_and_again_is_suspended),
		cmocka_unit_test(one_that_hangs_while_it_loads_is_disabled),
		cmocka_unit_test(what_is_not_allowed_is_disabled),
		cmocka_unit_test(a_deadline_is_kept),
		cmocka_unit_test(a_deadline_is_extended),
		cmocka_unit_test(twenty_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
