/*
 * sandbox.c — Landlock, seccomp (filter.c) and limits, one table row per role.
 *
 * The kernel's headers of a distribution are older than the kernels that it runs
 * on, so the newer Landlock structures are spelled out here (Linux
 * Documentation/userspace-api/landlock.rst).  Nothing is allocated: it is entered in
 * full or, where the kernel cannot, with a word.
 */
#include "base/sandbox.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/filter.h"

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
	if (filter_enter(r->network) < 0)
		missing |= SANDBOX_CALLS;
	return missing;
}

unsigned
sandbox_missing(void)
{
	int abi = landlock_abi();
	unsigned missing = 0;

	if (abi < ABI_FILES)
		missing |= SANDBOX_FILES;
	if (abi < ABI_PORTS)
		missing |= SANDBOX_PORTS;
	if (!filter_is_there())
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
