/*
 * sandbox.c — Landlock, seccomp and limits, one table row per role.
 *
 * The kernel's headers of a distribution are older than the kernels that it runs
 * on, so the newer Landlock structures are spelled out here (Linux
 * Documentation/userspace-api/landlock.rst).
 *
 * seccomp denies what a mail program never needs rather than listing what it
 * does: libc, the resolver and OpenSSL change what they use, and a worker that
 * falls over a new libc is of no use to anybody.  New processes and programs, the
 * way out of a broken parser, are denied.
 */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"

/* ---- the roles -------------------------------------------------------- */

/* To resolve names (nsswitch.conf may name any module), to verify certificates,
 * to tell the time.  /etc as a whole: resolv.conf is replaced, not written, when
 * a laptop changes networks. */
static const char *const network_paths[] = {
	"/etc", "/usr", "/lib", "/lib64", "/run/systemd/resolve",
	"/run/NetworkManager", "/run/resolvconf", "/run/nscd",
	"/var/lib/ca-certificates", "/dev/urandom", NULL
};

static const char *const plain_paths[] = {
	"/usr", "/lib", "/lib64", "/etc/localtime", "/etc/ld.so.cache",
	"/dev/urandom", NULL
};

enum { PORT_DNS = 53, PORT_KERBEROS = 88 };

static const struct role {
	const char *const	*read;		/* besides what the caller names */
	bool			 network;
	rlim_t			 data;		/* bytes of heap, 0: as it is */
} roles[] = {
	[SANDBOX_WORKER] = { network_paths, true, (rlim_t)1 << 30 },
	[SANDBOX_SCRIPT] = { plain_paths, false, 0 },
};

/* ---- Landlock --------------------------------------------------------- */

enum {
	FS_EXECUTE = 1 << 0, FS_WRITE_FILE = 1 << 1, FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3, FS_REMOVE_DIR = 1 << 4, FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7, FS_MAKE_REG = 1 << 8, FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13, FS_TRUNCATE = 1 << 14,

	FS_READ = FS_READ_FILE | FS_READ_DIR,
	FS_WRITE = FS_READ | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE |
	    FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SYM | FS_REFER | FS_TRUNCATE,
	/* What a rule about a file, not a directory, may say. */
	FS_OF_FILE = FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE
};

/* All rights that a version of the interface knows; version 1 could not allow a
 * rename to another directory, which is what a delivery is. */
enum { ABI_FILES = 2, ABI_TRUNCATE = 3, ABI_PORTS = 4, ABI_IOCTL = 5,
    ABI_SCOPES = 6 };

struct ruleset_attr {
	uint64_t	fs, net, scoped;
};

/* Packed, as the kernel has it. */
struct path_attr {
	uint64_t	allowed;
	int32_t		fd;
} __attribute__((packed));

struct port_attr {
	uint64_t	allowed, port;
};

enum { RULE_PATH = 1, RULE_PORT = 2, NET_BIND = 1, NET_CONNECT = 2,
    SCOPE_ABSTRACT = 1, SCOPE_SIGNAL = 2 };

static uint64_t
rights_of(int abi)
{
	if (abi >= ABI_IOCTL)
		return (1 << 16) - 1;
	if (abi >= ABI_TRUNCATE)
		return (1 << 15) - 1;
	return (1 << 14) - 1;
}

static int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1u);

	return abi > 0 ? (int)abi : 0;
}

static void
allow_path(int rules, const char *path, bool write, uint64_t handled)
{
	struct path_attr a = { .allowed = write ? FS_WRITE : FS_READ };
	struct stat st;

	a.fd = open(path, O_PATH | O_CLOEXEC);
	if (a.fd < 0)
		return;
	if (fstat(a.fd, &st) == 0 && !S_ISDIR(st.st_mode))
		a.allowed &= FS_OF_FILE;
	a.allowed &= handled;
	/* A refusal leaves it closed. */
	(void)syscall(SYS_landlock_add_rule, rules, RULE_PATH, &a, 0u);
	close(a.fd);
}

static void
allow_port(int rules, uint16_t port)
{
	struct port_attr a = { .allowed = NET_CONNECT, .port = port };

	if (port != 0)
		(void)syscall(SYS_landlock_add_rule, rules, RULE_PORT, &a, 0u);
}

static unsigned
enter_landlock(const struct role *role, const struct sandbox_path *path,
    size_t n, uint16_t port)
{
	int abi = landlock_abi(), rules;
	struct ruleset_attr attr = { .fs = rights_of(abi) };
	unsigned missing = abi < ABI_PORTS ? SANDBOX_PORTS : 0;
	bool in;

	if (abi < ABI_FILES)
		return SANDBOX_FILES | SANDBOX_PORTS;
	if (abi >= ABI_PORTS)
		attr.net = NET_BIND | NET_CONNECT;
	if (abi >= ABI_SCOPES)
		attr.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
	/* An older kernel takes a longer structure whose rest is zero. */
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0u);
	if (rules < 0)
		return SANDBOX_FILES | SANDBOX_PORTS;
	for (size_t i = 0; role->read[i] != NULL; i++)
		allow_path(rules, role->read[i], false, attr.fs);
	for (size_t i = 0; i < n; i++)
		allow_path(rules, path[i].path, path[i].write, attr.fs);
	allow_path(rules, "/dev/null", true, attr.fs);
	if (role->network && attr.net != 0) {
		allow_port(rules, PORT_DNS);
		allow_port(rules, PORT_KERBEROS);
		allow_port(rules, port);
	}
	in = syscall(SYS_landlock_restrict_self, rules, 0u) == 0;
	close(rules);
	return in ? missing : SANDBOX_FILES | SANDBOX_PORTS;
}

/* ---- seccomp ---------------------------------------------------------- */

static const int never[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp),
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(keyctl), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(mount), SCMP_SYS(umount2),
	SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen),
	SCMP_SYS(fsmount), SCMP_SYS(mount_setattr), SCMP_SYS(pivot_root),
	SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot),
	SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(acct),
	SCMP_SYS(quotactl), SCMP_SYS(open_by_handle_at), SCMP_SYS(personality),
	SCMP_SYS(sethostname), SCMP_SYS(setdomainname), SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime), SCMP_SYS(adjtimex), SCMP_SYS(listen),
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(memfd_secret),
};

static const int network[] = {
	SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind),
	SCMP_SYS(socketpair),
};

static int
deny_all(scmp_filter_ctx filter, const int *call, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call[i],
		    0);

		/* This machine has no such call. */
		if (r < 0 && r != -EDOM)
			return -1;
	}
	return 0;
}

/* Threads are made, processes are not.  What clone3() is to do cannot be looked
 * at; libc falls back to clone() when there is none. */
static int
deny_processes(scmp_filter_ctx filter)
{
	if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3),
	    0) < 0)
		return -1;
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone),
	    1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

/* Of the kinds of sockets those that a client of a mail server has; and nobody
 * types into our terminal. */
static int
deny_arguments(scmp_filter_ctx filter, bool networks)
{
	if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
	    SCMP_A1(SCMP_CMP_EQ, TIOCSTI)) < 0)
		return -1;
	if (!networks)
		return deny_all(filter, network, ARRAY_LEN(network));
	for (unsigned family = 0; family < AF_MAX; family++) {
		if (family == AF_UNIX || family == AF_INET ||
		    family == AF_INET6 || family == AF_NETLINK)
			continue;
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT),
		    SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, family)) < 0)
			return -1;
	}
	return 0;
}

enum { GET_ACTION_AVAIL = 2 };	/* of seccomp(2) */

static unsigned
enter_seccomp(const struct role *role)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool in = filter != NULL &&
	    deny_all(filter, never, ARRAY_LEN(never)) == 0 &&
	    deny_processes(filter) == 0 &&
	    deny_arguments(filter, role->network) == 0 &&
	    seccomp_load(filter) == 0;

	if (filter != NULL)
		seccomp_release(filter);
	return in ? 0 : SANDBOX_CALLS;
}

/* ---- all of it -------------------------------------------------------- */

/* A sanitizer reads /proc, starts a process for its leak check, and writes its
 * reports where it is told to; `make cov` has its counts written beside the objects. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    defined(SYNCD_COVERAGE)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

bool
sandbox_is_off(void)
{
	return sanitized;
}

void
sandbox_private(void)
{
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	if (!sanitized)
		(void)prctl(PR_SET_DUMPABLE, 0);
}

/* Whoever set a lower limit meant it. */
static void
limit_data(rlim_t most)
{
	struct rlimit rl;

	if (most == 0 || getrlimit(RLIMIT_DATA, &rl) < 0)
		return;
	if (rl.rlim_cur == RLIM_INFINITY || rl.rlim_cur > most)
		rl.rlim_cur = most;
	rl.rlim_max = rl.rlim_cur;
	(void)setrlimit(RLIMIT_DATA, &rl);
}

unsigned
sandbox_enter(enum sandbox_role role, const struct sandbox_path *path, size_t n,
    uint16_t port)
{
	const struct role *r = &roles[role];
	unsigned missing;

	sandbox_private();
	if (sanitized)
		return 0;
	limit_data(r->data);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return SANDBOX_FILES | SANDBOX_PORTS | SANDBOX_CALLS;
	missing = enter_landlock(r, path, n, port);
	return missing | enter_seccomp(r);
}

unsigned
sandbox_missing(void)
{
	int abi = landlock_abi();
	uint32_t action = SCMP_ACT_ERRNO(0);
	unsigned missing = 0;

	if (abi < ABI_FILES)
		missing |= SANDBOX_FILES;
	if (abi < ABI_PORTS)
		missing |= SANDBOX_PORTS;
	if (syscall(SYS_seccomp, GET_ACTION_AVAIL, 0u, &action) != 0)
		missing |= SANDBOX_CALLS;
	return missing;
}

const char *
sandbox_says(enum sandbox_layer layer)
{
	switch (layer) {
	case SANDBOX_FILES:
		return "the kernel has no Landlock (Linux 5.19): files are "
		    "protected by their owner and mode only";
	case SANDBOX_PORTS:
		return "the kernel cannot limit TCP ports (Linux 6.7)";
	case SANDBOX_CALLS:
		return "the kernel has no seccomp: system calls are not limited";
	}
	return "";
}
