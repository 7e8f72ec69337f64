/*
 * test_sandbox.c — each role tries what it may not do.
 *
 * A child enters the role and makes one attempt; its exit code says how that
 * went.  Where the kernel lacks a layer, its attempts are skipped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/sandbox.h"
#include "want.h"

enum { SERVER_PORT = 993 };

static char home[] = "/tmp/test_sandbox.XXXXXX";
static char mail[128], state[128], readable[128], outside[128];
static bool in_want;	/* of memory, from before the role is entered */

/* ---- attempts: 0 or an errno ------------------------------------------ */

static int
result(long r)
{
	return r < 0 ? errno : 0;
}

static int
try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	return result(fd);
}

static int
write_mail(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/tmp.new", mail);
	return try_open(path, O_CREAT | O_WRONLY);
}

/* As a delivery does, and an undo. */
static int
move_mail(void)
{
	char from[256], to[256], undo[256];

	snprintf(from, sizeof(from), "%s/a/x", mail);
	snprintf(to, sizeof(to), "%s/b/x", mail);
	snprintf(undo, sizeof(undo), "%s/undo", state);
	if (rename(from, to) < 0 || link(to, undo) < 0)
		return errno;
	/* For who tries it next. */
	return result(unlink(undo) < 0 ? -1 : rename(to, from));
}

static int
read_system(void)
{
	return try_open("/etc/nsswitch.conf", O_RDONLY);
}

static int
read_outside(void)
{
	return try_open(outside, O_RDONLY);
}

static int
write_outside(void)
{
	return try_open(outside, O_WRONLY);
}

static int
create_outside(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/new", home);
	return try_open(path, O_CREAT | O_WRONLY);
}

static int
climb_outside(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/../outside", mail);
	return try_open(path, O_RDONLY);
}

static int
follow_outside(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/link", mail);
	return try_open(path, O_RDONLY);
}

static int
list_root(void)
{
	return try_open("/", O_RDONLY | O_DIRECTORY);
}

static int
write_readable(void)
{
	return try_open(readable, O_WRONLY);
}

static int
read_readable(void)
{
	return try_open(readable, O_RDONLY);
}

static int
connect_to(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return errno;
	return result(connect(fd, (struct sockaddr *)&a, sizeof(a)));
}

/* Nobody listens, but the attempt is made. */
static int
connect_server(void)
{
	int errnum = connect_to(SERVER_PORT);

	return errnum == ECONNREFUSED ? 0 : errnum;
}

static int
connect_elsewhere(void)
{
	return connect_to(25);
}

static int
bind_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	a.sin_port = htons(2525);
	return result(bind(fd, (struct sockaddr *)&a, sizeof(a)));
}

/* The kernel picks a port. */
static int
listen_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? errno : result(listen(fd, 1));
}

static int
packet_socket(void)
{
	return result(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int
run_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int
make_process(void)
{
	return result(fork());
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
make_thread(void)
{
	pthread_t t;
	int r = pthread_create(&t, NULL, nothing, NULL);

	return r != 0 ? r : pthread_join(t, NULL);
}

static int
trace_parent(void)
{
	return result(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int
mount_something(void)
{
	return result(mount("none", mail, "tmpfs", 0, NULL));
}

static int
use_bpf(void)
{
	return result(syscall(SYS_bpf, 0, NULL, 0));
}

static int
use_io_uring(void)
{
	return result(syscall(SYS_io_uring_setup, 1, NULL));
}

/* Also in the half of the argument that the kernel passes over. */
static int
type_for_others(void)
{
	for (unsigned long high = 0; high < 2; high++) {
		errno = 0;
		(void)syscall(SYS_ioctl, -1, high << 32 | TIOCSTI, "x");
		if (errno != EPERM)
			return 0;
	}
	return EPERM;
}

static int
use_namespace(void)
{
	return result(syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */));
}

static int
dump_core(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_CORE, &rl) < 0 || rl.rlim_cur != 0 ||
	    rl.rlim_max != 0)
		return 0;
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? EPERM : 0;
}

/* ---- the table -------------------------------------------------------- */

/* The deliverer puts mail into another account (daemon/across.c), the relay asks a
 * service for a script (daemon/relay.c). */
enum who { WORKER, SCRIPT, DELIVERER, RELAY, N_WHO };

static const struct {
	const char	*name;
	int		(*attempt)(void);
	unsigned	 layer;		/* enum sandbox_layer, 0: always there */
	bool		 may[N_WHO];
} table[] = {
	{ "writes mail", write_mail, SANDBOX_FILES,
	  { [WORKER] = true, [DELIVERER] = true } },
	{ "moves mail and keeps it for undo", move_mail, SANDBOX_FILES,
	  { [WORKER] = true, [DELIVERER] = true } },
	{ "reads the resolver's files", read_system, SANDBOX_FILES,
	  { [WORKER] = true, [DELIVERER] = true, [RELAY] = true } },
	{ "reads what it was given", read_readable, SANDBOX_FILES,
	  { [WORKER] = true, [SCRIPT] = true } },
	{ "writes what it was given to read", write_readable, SANDBOX_FILES, { 0 } },
	{ "reads outside", read_outside, SANDBOX_FILES, { 0 } },
	{ "writes outside", write_outside, SANDBOX_FILES, { 0 } },
	{ "creates outside", create_outside, SANDBOX_FILES, { 0 } },
	{ "climbs outside", climb_outside, SANDBOX_FILES, { 0 } },
	{ "follows a link outside", follow_outside, SANDBOX_FILES, { 0 } },
	{ "lists the root", list_root, SANDBOX_FILES, { 0 } },
	{ "connects to the server", connect_server, SANDBOX_PORTS,
	  { [WORKER] = true, [RELAY] = true } },
	{ "connects to another port", connect_elsewhere, SANDBOX_PORTS, { 0 } },
	{ "takes a port", bind_port, SANDBOX_PORTS, { 0 } },
	{ "listens", listen_socket, SANDBOX_CALLS, { 0 } },
	{ "reads the network raw", packet_socket, SANDBOX_CALLS, { 0 } },
	{ "runs a program", run_program, SANDBOX_CALLS, { 0 } },
	{ "makes a process", make_process, SANDBOX_CALLS, { 0 } },
	{ "makes a thread", make_thread, 0,
	  { [WORKER] = true, [SCRIPT] = true, [DELIVERER] = true, [RELAY] = true } },
	{ "traces its parent", trace_parent, SANDBOX_CALLS, { 0 } },
	{ "mounts", mount_something, SANDBOX_CALLS, { 0 } },
	{ "uses bpf", use_bpf, SANDBOX_CALLS, { 0 } },
	{ "uses io_uring", use_io_uring, SANDBOX_CALLS, { 0 } },
	{ "types for others", type_for_others, SANDBOX_CALLS, { 0 } },
	{ "makes a namespace", use_namespace, SANDBOX_CALLS, { 0 } },
	{ "leaves a core dump", dump_core, 0, { 0 } },
};

static void
enter(enum who who)
{
	struct sandbox_path path[] = {
		{ mail, true }, { state, true }, { readable, false },
		{ "/nonexistent", true },
	};

	switch (who) {
	case WORKER:
		sandbox_enter(SANDBOX_WORKER, path, ARRAY_LEN(path), SERVER_PORT);
		break;
	case SCRIPT:
		sandbox_enter(SANDBOX_SCRIPT, &path[2], 1, 0);
		break;
	case DELIVERER:
		sandbox_enter(SANDBOX_WORKER, path, 2, 0);
		break;
	default:
		sandbox_enter(SANDBOX_WORKER, NULL, 0, SERVER_PORT);
	}
}

static int
in_child(enum who who, int (*attempt)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (in_want)
			want_memory();
		enter(who);
		_exit(attempt());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void
attempts_of(enum who who, const char *name)
{
	unsigned missing = sandbox_missing();

	/* Of this build, that is: see sandbox.h. */
	if (sandbox_is_off())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		bool may = table[i].may[who];
		int got;

		/* A thread wants memory itself. */
		if (in_want && table[i].layer == 0)
			continue;
		if (table[i].layer & missing) {
			print_message("no layer %u: a %s that %s\n",
			    table[i].layer, name, table[i].name);
			continue;
		}
		got = in_child(who, table[i].attempt);
		if (may ? got != 0 : got == 0)
			fail_msg("a %s %s: %s", name, table[i].name,
			    strerror(got));
	}
}

static void
a_worker_keeps_to_its_mail_and_its_server(void **arg)
{
	(void)arg;
	attempts_of(WORKER, "worker");
}

static void
a_script_has_neither_files_nor_network(void **arg)
{
	(void)arg;
	attempts_of(SCRIPT, "script");
}

static void
a_deliverer_has_mail_and_no_network(void **arg)
{
	(void)arg;
	attempts_of(DELIVERER, "deliverer");
}

static void
a_relay_has_a_service_and_no_mail(void **arg)
{
	(void)arg;
	attempts_of(RELAY, "relay");
}

/* Memory is short, and what a process was denied it is denied all the same. */
static void
it_is_entered_without_memory(void **arg)
{
	(void)arg;
	in_want = true;
	attempts_of(WORKER, "worker in want");
	in_want = false;
}

/* The control: without a sandbox these attempts do succeed. */
static void
outside_the_sandbox_all_is_open(void **arg)
{
	(void)arg;
	assert_int_equal(read_outside(), 0);
	assert_int_equal(create_outside(), 0);
	assert_int_equal(climb_outside(), 0);
	assert_int_equal(follow_outside(), 0);
	assert_int_equal(list_root(), 0);
	assert_int_equal(listen_socket(), 0);
}

static void
what_is_missing_is_said(void **arg)
{
	(void)arg;
	for (unsigned layer = SANDBOX_FILES; layer <= SANDBOX_CALLS; layer <<= 1)
		assert_true(strlen(sandbox_says((enum sandbox_layer)layer)) > 10);
}

static void
make_file(const char *path)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs("x", f) >= 0);
	fclose(f);
}

static int
setup(void **arg)
{
	char path[256];

	(void)arg;
	if (mkdtemp(home) == NULL)
		return -1;
	snprintf(mail, sizeof(mail), "%s/mail", home);
	snprintf(state, sizeof(state), "%s/state", home);
	snprintf(readable, sizeof(readable), "%s/ca.pem", home);
	snprintf(outside, sizeof(outside), "%s/outside", home);
	mkdir(mail, 0700);
	mkdir(state, 0700);
	for (const char *const *sub = (const char *const[]){ "a", "b", NULL };
	    *sub != NULL; sub++) {
		snprintf(path, sizeof(path), "%s/%s", mail, *sub);
		mkdir(path, 0700);
	}
	snprintf(path, sizeof(path), "%s/a/x", mail);
	make_file(path);
	make_file(readable);
	make_file(outside);
	snprintf(path, sizeof(path), "%s/link", mail);
	return symlink(outside, path);
}

static int
teardown(void **arg)
{
	char command[64];

	(void)arg;
	snprintf(command, sizeof(command), "rm -rf %s", home);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_keeps_to_its_mail_and_its_server),
		cmocka_unit_test(a_script_has_neither_files_nor_network),
		cmocka_unit_test(a_deliverer_has_mail_and_no_network),
		cmocka_unit_test(a_relay_has_a_service_and_no_mail),
		cmocka_unit_test(it_is_entered_without_memory),
		cmocka_unit_test(outside_the_sandbox_all_is_open),
		cmocka_unit_test(what_is_missing_is_said),
	};

	return cmocka_run_group_tests_name("sandbox", tests, setup, teardown);
}
