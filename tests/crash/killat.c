/*
 * killat.c — misbehave at the n-th effect of a program and all its children.
 *
 *	killat [-n N] [-m MODE] [-c CLASS] [-a] [-o REPORT] [--] COMMAND...
 *
 * An effect is a system call that changes what outlives the process: a write,
 * a send, a rename, a link, an unlink, a created file, an fsync...  They are
 * counted over the whole process tree, in the order in which they happen.
 *
 * MODE	count	only count (N is 0)
 *	before	kill the whole tree instead of the effect
 *	after	kill the whole tree once it has happened
 *	eio	let it fail with EIO; enospc: with ENOSPC; eacces: with EACCES
 *	short	write half of what was asked for
 *	sync	all that happened on that file system until then goes to the disk first,
 *		as when somebody else calls sync()
 * CLASS all, or file: only effects on files (what a disk may refuse), or name: only
 *	those by a name (after which others see something else), or rename: of those,
 *	only the new names of what is there.
 * -a	not only the n-th, all from there on (eio, enospc: a disk that stays full).
 *
 * The report has a line "N CLASS SYSCALL COMM PATH" for each effect counted, and
 * one "hit N" for each at which it acted.  Exits as the command did; 137 when
 * it killed.  A sweep raises N until there is no "hit".
 *
 * It waits for the command without limit; whoever runs it sets one, or sends it a
 * SIGTERM: then it kills, and is done when all are gone.  Linux on x86-64 only:
 * elsewhere it exits 69.
 */
#include <stdio.h>
#include <stdlib.h>

#if !defined(__x86_64__) || !defined(__linux__)
int
main(void)
{
	fputs("killat: needs Linux on x86-64\n", stderr);
	return 69;
}
#else
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
/* After sys/ptrace.h, whose names it shares. */
#include <linux/ptrace.h>

enum kind {
	BY_FD,			/* the first argument is what it acts on */
	BY_FD_DATA,		/* and the third a length that may come back less */
	BY_PATH,
	BY_PATH_AT,		/* the second argument is a path */
	BY_OPEN,		/* BY_PATH, if it creates or truncates */
	BY_OPENAT,		/* BY_PATH_AT, likewise */
};

static const struct call {
	long		nr;
	const char	*name;
	enum kind	kind;
} calls[] = {
#define CALL(name, kind) { SYS_##name, #name, kind }
	CALL(write, BY_FD_DATA), CALL(pwrite64, BY_FD_DATA),
	CALL(writev, BY_FD), CALL(pwritev, BY_FD), CALL(pwritev2, BY_FD),
	CALL(sendto, BY_FD), CALL(sendmsg, BY_FD), CALL(sendmmsg, BY_FD),
	CALL(sendfile, BY_FD), CALL(copy_file_range, BY_FD), CALL(splice, BY_FD),
	CALL(ftruncate, BY_FD), CALL(fallocate, BY_FD),
	CALL(fsync, BY_FD), CALL(fdatasync, BY_FD), CALL(sync_file_range, BY_FD),
	CALL(syncfs, BY_FD), CALL(fchmod, BY_FD), CALL(fchown, BY_FD),
	CALL(fsetxattr, BY_FD),
	CALL(rename, BY_PATH), CALL(renameat, BY_PATH_AT), CALL(renameat2, BY_PATH_AT),
	CALL(link, BY_PATH), CALL(linkat, BY_PATH_AT),
	CALL(symlink, BY_PATH), CALL(symlinkat, BY_PATH),
	CALL(unlink, BY_PATH), CALL(unlinkat, BY_PATH_AT),
	CALL(mkdir, BY_PATH), CALL(mkdirat, BY_PATH_AT), CALL(rmdir, BY_PATH),
	CALL(mknod, BY_PATH), CALL(mknodat, BY_PATH_AT), CALL(truncate, BY_PATH),
	CALL(utimensat, BY_PATH_AT), CALL(chmod, BY_PATH), CALL(fchmodat, BY_PATH_AT),
	CALL(setxattr, BY_PATH),
	CALL(creat, BY_PATH), CALL(open, BY_OPEN), CALL(openat, BY_OPENAT),
	CALL(openat2, BY_PATH_AT),
#undef CALL
};

enum mode {
	COUNT, BEFORE, AFTER, FAIL_EIO, FAIL_ENOSPC, FAIL_EACCES, SHORT, SYNC_FIRST
};
static const char *const mode_names[] = {
	"count", "before", "after", "eio", "enospc", "eacces", "short",
	"sync",
};

#define MAX_TASKS	256

/* A thread or process that we trace. */
struct task {
	pid_t	pid;
	bool	failing;	/* its call was taken away: make it fail at the exit */
	bool	killing;	/* kill at the exit of its call */
};

static struct {
	enum mode	mode;
	long		at;
	bool		files_only, names_only, renames_only;
	bool		and_after;
	FILE		*report;
	long		n;
	struct task	tasks[MAX_TASKS];
	size_t		n_tasks;
} k;

static struct task *
task_of(pid_t pid)
{
	for (size_t i = 0; i < k.n_tasks; i++)
		if (k.tasks[i].pid == pid)
			return &k.tasks[i];
	if (k.n_tasks == MAX_TASKS) {
		fputs("killat: too many tasks\n", stderr);
		exit(70);
	}
	k.tasks[k.n_tasks] = (struct task){ .pid = pid };
	return &k.tasks[k.n_tasks++];
}

static void
forget(pid_t pid)
{
	for (size_t i = 0; i < k.n_tasks; i++)
		if (k.tasks[i].pid == pid)
			k.tasks[i] = k.tasks[--k.n_tasks];
}

/* What descriptor ${fd} of ${pid} is: a path, or "socket:[1]", or "?". */
static void
describe_fd(pid_t pid, unsigned long fd, char *out, size_t cap)
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/%d/fd/%lu", (int)pid, fd & 0xffffffff);
	ssize_t n = readlink(link, out, cap - 1);
	if (n < 0) {
		/* Not dumpable, and we are not root. */
		snprintf(out, cap, "?");
		return;
	}
	out[n] = '\0';
}

static void
describe_path(pid_t pid, unsigned long address, char *out, size_t cap)
{
	size_t n = 0;
	while (n + sizeof(long) < cap) {
		errno = 0;
		long word = ptrace(PTRACE_PEEKDATA, pid, address + n, NULL);
		if (errno != 0)
			break;
		memcpy(out + n, &word, sizeof(word));
		if (memchr(&word, '\0', sizeof(word)) != NULL)
			return;
		n += sizeof(word);
	}
	out[n] = '\0';
}

static void
comm_of(pid_t pid, char *out, size_t cap)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	FILE *f = fopen(path, "r");
	snprintf(out, cap, "?");
	if (f == NULL)
		return;
	if (fgets(out, (int)cap, f) != NULL)
		out[strcspn(out, "\n ")] = '\0';
	fclose(f);
}

static const struct call *
call_of(const struct ptrace_syscall_info *i)
{
	for (size_t c = 0; c < sizeof(calls) / sizeof(*calls); c++) {
		if (calls[c].nr != (long)i->entry.nr)
			continue;
		unsigned long flags = 0;
		if (calls[c].kind == BY_OPEN)
			flags = i->entry.args[1];
		else if (calls[c].kind == BY_OPENAT)
			flags = i->entry.args[2];
		else
			return &calls[c];
		return flags & (O_CREAT | O_TRUNC) ? &calls[c] : NULL;
	}
	return NULL;
}

static bool
is_rename(const struct call *c)
{
	return strncmp(c->name, "rename", 6) == 0 || strncmp(c->name, "link", 4) == 0;
}

/*
 * Is this an effect that counts?  Says so in the report.  What goes to
 * standard output and error is none.
 */
static bool
counts(pid_t pid, const struct call *c, const struct ptrace_syscall_info *i)
{
	char what[512], comm[32];
	bool by_fd = c->kind == BY_FD || c->kind == BY_FD_DATA;
	if (by_fd && (i->entry.args[0] == 1 || i->entry.args[0] == 2))
		return false;
	if (by_fd)
		describe_fd(pid, i->entry.args[0], what, sizeof(what));
	else
		describe_path(pid, i->entry.args[c->kind == BY_PATH_AT ||
		    c->kind == BY_OPENAT], what, sizeof(what));
	/* Of an unknown descriptor, only a file can be meant by these. */
	bool file = by_fd ? what[0] == '/' || (what[0] == '?' &&
	    strncmp(c->name, "send", 4) != 0 && strncmp(c->name, "write", 5) != 0) :
	    true;
	/* What `make cov` counts is no effect of the program. */
	if (strncmp(what, "/dev/null", 9) == 0 || strstr(what, ".gcda") != NULL ||
	    (k.files_only && !file) || (k.names_only && by_fd) ||
	    (k.renames_only && !is_rename(c)))
		return false;
	k.n++;
	comm_of(pid, comm, sizeof(comm));
	fprintf(k.report, "%ld %s %s %s %s\n", k.n, file ? "file" : "wire", c->name,
	    comm, what);
	return true;
}

static void
kill_all(void)
{
	/* Or the wait would end before the last of them has. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGALRM, SIG_IGN);
	for (size_t i = 0; i < k.n_tasks; i++)
		kill(k.tasks[i].pid, SIGKILL);
	/* A child may have come into being just now. */
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, __WALL)) > 0)
		if (WIFSTOPPED(status))
			kill(pid, SIGKILL);
	fclose(k.report);
	exit(137);
}

/* The call does not happen; its result is set at the exit. */
static void
take_away(struct task *t)
{
	struct user_regs_struct r;
	if (ptrace(PTRACE_GETREGS, t->pid, NULL, &r) != 0)
		return;
	r.orig_rax = (unsigned long)-1;
	ptrace(PTRACE_SETREGS, t->pid, NULL, &r);
	t->failing = true;
}

static void
halve(struct task *t)
{
	struct user_regs_struct r;
	if (ptrace(PTRACE_GETREGS, t->pid, NULL, &r) != 0 || r.rdx < 2)
		return;
	r.rdx /= 2;
	ptrace(PTRACE_SETREGS, t->pid, NULL, &r);
}

/* The file system that descriptor ${fd} of ${pid} is on. */
static void
sync_of(pid_t pid, unsigned long fd)
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/%d/fd/%lu", (int)pid, fd & 0xffffffff);
	int own = open(link, O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return;
	(void)syncfs(own);
	close(own);
}

static void
on_entry(struct task *t, const struct ptrace_syscall_info *i)
{
	const struct call *c = call_of(i);
	if (c == NULL || (k.mode == SHORT && c->kind != BY_FD_DATA) ||
	    !counts(t->pid, c, i))
		return;
	if (k.at == 0 || (k.and_after ? k.n < k.at : k.n != k.at))
		return;
	fprintf(k.report, "hit %ld\n", k.n);
	switch (k.mode) {
	case COUNT:
		return;
	case BEFORE:
		kill_all();
		return;
	case AFTER:
		t->killing = true;
		return;
	case FAIL_EIO:
	case FAIL_ENOSPC:
	case FAIL_EACCES:
		take_away(t);
		return;
	case SHORT:
		halve(t);
		return;
	case SYNC_FIRST:
		if (c->kind != BY_PATH && c->kind != BY_OPEN)
			sync_of(t->pid, i->entry.args[0]);
		return;
	}
}

static void
on_exit_of(struct task *t)
{
	if (t->killing)
		kill_all();
	if (!t->failing)
		return;
	t->failing = false;
	struct user_regs_struct r;
	if (ptrace(PTRACE_GETREGS, t->pid, NULL, &r) != 0)
		return;
	r.rax = (unsigned long)-(k.mode == FAIL_EIO ? EIO :
	    k.mode == FAIL_ENOSPC ? ENOSPC : EACCES);
	ptrace(PTRACE_SETREGS, t->pid, NULL, &r);
}

/* The signal to go on with. */
static int
on_stop(struct task *t, int status)
{
	int sig = WSTOPSIG(status);
	if (sig == (SIGTRAP | 0x80)) {
		struct ptrace_syscall_info i;
		memset(&i, 0, sizeof(i));
		if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(i), &i) <= 0)
			return 0;
		if (i.op == PTRACE_SYSCALL_INFO_ENTRY)
			on_entry(t, &i);
		else if (i.op == PTRACE_SYSCALL_INFO_EXIT)
			on_exit_of(t);
		return 0;
	}
	/* Events, and the stop with which each traced task begins. */
	if (status >> 16 != 0 || sig == SIGSTOP || sig == SIGTRAP)
		return 0;
	return sig;
}

static volatile sig_atomic_t over;

static void
on_term(int sig)
{
	(void)sig;
	over = 1;
	/* Again, should it have come just before the wait. */
	alarm(1);
}

static int
trace(pid_t root)
{
	int status, rc = 0;
	pid_t pid;
	while (!over && (pid = waitpid(-1, &status, __WALL)) > 0) {
		struct task *t = task_of(pid);
		if (WIFSTOPPED(status)) {
			int sig = on_stop(t, status);
			ptrace(PTRACE_SYSCALL, pid, NULL, (long)sig);
			continue;
		}
		if (pid == root)
			rc = WIFEXITED(status) ? WEXITSTATUS(status) :
			    128 + WTERMSIG(status);
		forget(pid);
	}
	if (over)
		kill_all();
	fclose(k.report);
	return rc;
}

static pid_t
start(char **argv)
{
	const char *asan = getenv("ASAN_OPTIONS");
	char options[4096];
	pid_t pid = fork();
	if (pid == 0) {
		/* It cannot look for leaks in what is traced. */
		if (asan != NULL) {
			snprintf(options, sizeof(options), "%s:detect_leaks=0", asan);
			setenv("ASAN_OPTIONS", options, 1);
		}
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	int status;
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, (long)(PTRACE_O_TRACESYSGOOD |
	    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
	    PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)) != 0) {
		perror("killat: ptrace");
		exit(69);
	}
	task_of(pid);
	ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	return pid;
}

static void
usage(void)
{
	fputs("usage: killat [-n N] [-m count|before|after|eio|enospc|eacces|short|sync] "
	    "[-c all|file|name|rename] [-a] [-o REPORT] [--] COMMAND...\n", stderr);
	exit(64);
}

static enum mode
mode_of(const char *name)
{
	for (size_t m = 0; m < sizeof(mode_names) / sizeof(*mode_names); m++)
		if (strcmp(name, mode_names[m]) == 0)
			return (enum mode)m;
	usage();
	return COUNT;
}

int
main(int argc, char **argv)
{
	const char *report = "/dev/stderr";
	int o;
	while ((o = getopt(argc, argv, "+n:m:c:ao:")) > 0)
		switch (o) {
		case 'n':	k.at = strtol(optarg, NULL, 10); break;
		case 'm':	k.mode = mode_of(optarg); break;
		case 'c':
			k.files_only = strcmp(optarg, "file") == 0;
			k.names_only = strcmp(optarg, "name") == 0;
			k.renames_only = strcmp(optarg, "rename") == 0;
			break;
		case 'a':	k.and_after = true; break;
		case 'o':	report = optarg; break;
		default:	usage();
		}
	if (optind == argc || k.at < 0)
		usage();
	k.report = fopen(report, "we");
	if (k.report != NULL)
		setvbuf(k.report, NULL, _IOLBF, 0);
	if (k.report == NULL) {
		perror(report);
		return 74;
	}
	pid_t root = start(argv + optind);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_term }, NULL);
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_term }, NULL);
	return trace(root);
}
#endif
