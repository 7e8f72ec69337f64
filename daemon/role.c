/*
 * role.c — fork and exec, in one place; what becomes of a command that was started
 * is role_command.c's.
 *
 * Workers are started by exec of ourselves, not by fork alone: a new address
 * space shares no secret and no allocator state with its parent.  Nothing of the
 * parent's memory is copied for it (posix_spawn), which would cost more than the exec.
 */
#include "role.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ipc.h"
#include "progress.h"

/* What systemd tells us, and no child of ours. */
static const char *const ours_alone[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC",
    "WATCHDOG_PID" };

/* ---- in the child ----------------------------------------------------- */

static void NORETURN
child_die(const char *what)
{
	dprintf(STDERR_FILENO, "syncd: %s: %s\n", what, strerror(errno));
	_exit(127);
}

/* ${last}: what it gets when the parent dies. */
static void
child_defaults(pid_t parent, int last)
{
	sigset_t none;

	for (int sig = 1; sig < SIGRTMIN; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, last) < 0)
		child_die("prctl");
	/* It may have died before the prctl(). */
	if (getppid() != parent)
		_exit(0);
}

/* Put ${fd} at ${at}, to be inherited. */
static void
child_fd(int fd, int at)
{
	if (fd == at) {
		if (fcntl(fd, F_SETFD, 0) < 0)
			child_die("fcntl");
	} else if (dup2(fd, at) < 0) {
		child_die("dup2");
	}
}

static void NORETURN
child_exec(const struct strlist *command)
{
	char **argv;

	for (size_t i = 0; i < ARRAY_LEN(ours_alone); i++)
		unsetenv(ours_alone[i]);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (command->n == 1) {
		execl("/bin/sh", "sh", "-c", command->v[0], (char *)NULL);
		child_die("/bin/sh");
	}
	argv = xcalloc(command->n + 1, sizeof(*argv));
	for (size_t i = 0; i < command->n; i++)
		argv[i] = command->v[i];
	execvp(argv[0], argv);
	child_die(argv[0]);
}

static void NORETURN
child_tunnel(pid_t parent, int fd, const struct strlist *command)
{
	child_defaults(parent, SIGTERM);
	setpgid(0, 0);
	child_fd(fd, STDIN_FILENO);
	child_fd(fd, STDOUT_FILENO);
	child_exec(command);
}

static void
child_setenv(const struct role_env *env)
{
	if (env->account != NULL)
		setenv("SYNCD_ACCOUNT", env->account, 1);
	if (env->user != NULL)
		setenv("SYNCD_USER", env->user, 1);
	if (env->reason != NULL)
		setenv("SYNCD_REASON", env->reason, 1);
	for (size_t i = 0; env->more != NULL && i < env->more->n; i++)
		putenv(env->more->v[i]);
}

static char **
null_ended(const struct strlist *l)
{
	char **v = xcalloc(l->n + 1, sizeof(*v));

	for (size_t i = 0; i < l->n; i++)
		v[i] = l->v[i];
	return v;
}

static void NORETURN
child_program(const struct strlist *argv, const struct strlist *env)
{
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(argv->v[0], null_ended(argv), null_ended(env));
	child_die(argv->v[0]);
}

static void NORETURN
child_script(pid_t parent, int fd, const char *path)
{
	/* It may be in the middle of a C function that never ends. */
	child_defaults(parent, SIGKILL);
	setpgid(0, 0);
	child_fd(fd, IPC_FD);
	close_range(IPC_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	execl(path, "syncd-script", (char *)NULL);
	child_die(path);
}

static void NORETURN
child_command(pid_t parent, const int fd[3], const struct strlist *command,
    const struct role_env *env)
{
	child_defaults(parent, SIGTERM);
	if (env->program)
		setsid();
	else
		setpgid(0, 0);
	for (int i = 0; i < 3; i++)
		child_fd(fd[i], i);
	if (env->program)
		child_program(command, env->more);
	child_setenv(env);
	child_exec(command);
}

/* ---- in the parent ---------------------------------------------------- */

static int
pair(int type, int sv[2], struct err *err)
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sv) < 0)
		return err_sys(err, ERR_RETRY, "internal.role", "socketpair");
	return 0;
}

/* Close the child's end, keep ours, or give up both. */
static int
keep_or_drop(pid_t pid, int sv[2], int *fd, struct err *err)
{
	int errnum = errno;

	close(sv[1]);
	if (pid < 0) {
		close(sv[0]);
		errno = errnum;
		return err_sys(err, ERR_RETRY, "internal.role", "fork");
	}
	*fd = sv[0];
	return 0;
}

/* Our environment without what is ours alone; to free(), but not what it points to. */
static char **
worker_environ(void)
{
	size_t n = 0, kept = 0;
	char **v;

	while (environ[n] != NULL)
		n++;
	v = xcalloc(n + 1, sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		bool keep = true;

		for (size_t k = 0; k < ARRAY_LEN(ours_alone) && keep; k++) {
			size_t len = strlen(ours_alone[k]);

			keep = strncmp(environ[i], ours_alone[k], len) != 0 ||
			    environ[i][len] != '=';
		}
		if (keep)
			v[kept++] = environ[i];
	}
	return v;
}

/* The same as child_defaults(), but for the parent's death, which a worker sees to
 * itself; Ctrl-C is for the parent, which ends its workers in order. */
static int
worker_attributes(posix_spawnattr_t *attr)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setpgroup(attr, 0);
	return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF |
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
}

/* ${sock} and ${page} are above the numbers that they get.  Returns an errno. */
static int
spawn_self(const char *account, int sock, int page, pid_t *pid)
{
	char *argv[] = { (char[]){ "syncd" }, (char[]){ "worker" },
	    xstrdup(account), NULL };
	char **env = worker_environ();
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int r;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	r = posix_spawn_file_actions_adddup2(&files, sock, IPC_FD);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&files, page, PROGRESS_FD);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(&files,
		    PROGRESS_FD + 1);
	if (r == 0)
		r = worker_attributes(&attr);
	if (r == 0)
		r = posix_spawn(pid, "/proc/self/exe", &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	free(env);
	free(argv[2]);
	return r;
}

int
role_spawn_worker(const char *account, int page, pid_t *pid, int *fd,
    struct err *err)
{
	int sv[2], sock, at, r;

	if (pair(SOCK_SEQPACKET, sv, err) < 0)
		return -1;
	sock = fcntl(sv[1], F_DUPFD_CLOEXEC, PROGRESS_FD + 1);
	at = fcntl(page, F_DUPFD_CLOEXEC, PROGRESS_FD + 1);
	r = sock < 0 || at < 0 ? errno : spawn_self(account, sock, at, pid);
	if (sock >= 0)
		close(sock);
	if (at >= 0)
		close(at);
	if (r != 0)
		*pid = -1;
	errno = r;
	return keep_or_drop(*pid, sv, fd, err);
}

int
role_spawn_tunnel(const struct strlist *command, pid_t *pid, int *fd,
    struct err *err)
{
	pid_t self = getpid();
	int sv[2];

	must(command->n > 0);
	if (pair(SOCK_STREAM, sv, err) < 0)
		return -1;
	*pid = fork();
	if (*pid == 0)
		child_tunnel(self, sv[1], command);
	return keep_or_drop(*pid, sv, fd, err);
}

/* Where syncd-script is: beside us, or where it is installed; NULL: nowhere.  To
 * free(). */
static char *
script_path(void)
{
	static const char *const places[] = { "", "../libexec/syncd/",
	    "../lib/syncd/" };
	char exe[4096], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = '\0';
	slash = strrchr(exe, '/');
	if (slash != NULL)
		slash[1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char *path = xasprintf("%s%ssyncd-script", exe, places[i]);

		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

char *
role_find_program(const char *name)
{
	const char *dirs = getenv("PATH");
	struct str rest = str_z(dirs != NULL ? dirs : "/usr/bin:/bin");

	if (name[0] == '/')
		return access(name, X_OK) == 0 ? xstrdup(name) : NULL;
	if (strchr(name, '/') != NULL)
		return NULL;
	while (rest.p != NULL) {
		struct str dir = str_split(&rest, ':');
		char *path = xasprintf("%.*s/%s", STR_ARG(dir), name);

		if (path[0] == '/' && access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

int
role_exec_script(const struct strlist *argv, struct err *err)
{
	char *path = script_path();

	if (path == NULL)
		return err_set(err, ERR_CONFIG, "plugin.no-host",
		    "syncd-script is not installed");
	execv(path, null_ended(argv));
	err_sys(err, ERR_LOCAL, "plugin.no-host", "%s", path);
	free(path);
	return -1;
}

int
role_spawn_script(pid_t *pid, int *fd, struct err *err)
{
	char *path = script_path();
	pid_t self = getpid();
	int sv[2], r;

	if (path == NULL)
		return err_set(err, ERR_CONFIG, "plugin.no-host",
		    "syncd-script is not installed");
	r = pair(SOCK_SEQPACKET, sv, err);
	if (r == 0) {
		*pid = fork();
		if (*pid == 0)
			child_script(self, sv[1], path);
		r = keep_or_drop(*pid, sv, fd, err);
	}
	free(path);
	return r;
}

/* What a command reads: all of it is there before it begins, so that nobody has
 * to feed it. */
static int
open_input(const struct role_env *env, struct err *err)
{
	const struct buf *input = env->input;
	int fd = env->program && env->in >= 0 ?
	    fcntl(env->in, F_DUPFD_CLOEXEC, 3) :
	    input == NULL ? open("/dev/null", O_RDONLY | O_CLOEXEC) :
	    memfd_create("syncd-input", MFD_CLOEXEC);
	size_t n = input != NULL ? input->n : 0;

	if (fd >= 0 && (n == 0 || (write(fd, input->p, n) == (ssize_t)n &&
	    lseek(fd, 0, SEEK_SET) == 0)))
		return fd;
	err_sys(err, ERR_RETRY, "secret.command-failed", "its input");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The child's three descriptors in ${fd}; ours in ${c}. */
static int
open_streams(struct role_command *c, int fd[3], const struct role_env *env,
    struct err *err)
{
	int out[2], errs[2];

	fd[0] = open_input(env, err);
	if (fd[0] < 0)
		return -1;
	if (pipe2(out, O_CLOEXEC) < 0) {
		err_sys(err, ERR_RETRY, "secret.command-failed", "pipe");
		close(fd[0]);
		return -1;
	}
	if (pipe2(errs, O_CLOEXEC) < 0) {
		err_sys(err, ERR_RETRY, "secret.command-failed", "pipe");
		close(fd[0]);
		close(out[0]);
		close(out[1]);
		return -1;
	}
	*c = (struct role_command){ .out = out[0], .err = errs[0] };
	fd[1] = out[1];
	fd[2] = errs[1];
	return 0;
}

int
role_command_start(struct role_command *c, const struct strlist *command,
    const struct role_env *env, size_t max_out, usec timeout, struct err *err)
{
	pid_t self = getpid();
	int fd[3];

	must(command->n > 0);
	if (open_streams(c, fd, env, err) < 0)
		return -1;
	c->deadline = clock_in(timeout);
	c->pid = fork();
	if (c->pid == 0)
		child_command(self, fd, command, env);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	if (c->pid < 0) {
		err_sys(err, ERR_RETRY, "secret.command-failed", "fork");
		close(c->out);
		close(c->err);
		*c = (struct role_command){ .out = -1, .err = -1 };
		return -1;
	}
	/* Also here: the group must exist before we may have to kill it. */
	if (!env->program)
		setpgid(c->pid, c->pid);
	c->group = c->pid;
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	fcntl(c->err, F_SETFL, O_NONBLOCK);
	buf_init(&c->stdout_bytes, max_out);
	must(buf_room(&c->stdout_bytes, max_out) != NULL);
	return 0;
}

void
role_obituary(int status, char *out, size_t cap)
{
	const char *name;

	if (WIFEXITED(status)) {
		snprintf(out, cap, "exited %d", WEXITSTATUS(status));
		return;
	}
	name = sigabbrev_np(WTERMSIG(status));
	snprintf(out, cap, "was killed by SIG%s%s", name != NULL ? name : "?",
	    WCOREDUMP(status) ? " (core dumped)" : "");
}
