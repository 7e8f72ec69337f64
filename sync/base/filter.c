/*
 * filter.c — the program that the kernel runs before each system call of ours.
 *
 * It is put together on the stack, in a buffer that is large enough, and so is there
 * in full or not at all.  libseccomp builds it on the heap: where that was exhausted
 * it turned in circles, freed twice, or loaded a program with holes and said so to
 * nobody.
 */
#include "base/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/mem.h"

#if defined(__x86_64__)
#define OUR_ARCH	AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH	AUDIT_ARCH_AARCH64
#elif defined(__i386__)
#define OUR_ARCH	AUDIT_ARCH_I386
#elif defined(__arm__)
#define OUR_ARCH	AUDIT_ARCH_ARM
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OUR_ARCH	AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define OUR_ARCH	AUDIT_ARCH_S390X
#elif defined(__riscv) && __riscv_xlen == 64
#define OUR_ARCH	AUDIT_ARCH_RISCV64
#elif defined(__mips64) && _MIPS_SIM == _ABI64 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OUR_ARCH	AUDIT_ARCH_MIPSEL64
#else
#error "which AUDIT_ARCH_... of linux/audit.h is this machine?"
#endif

/* Which of the arguments of clone() are its flags. */
#ifdef __s390__
enum { CLONE_FLAGS = 1 };
#else
enum { CLONE_FLAGS = 0 };
#endif

static const int never[] = {
	SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv,
	SYS_process_vm_writev, SYS_pidfd_getfd, SYS_kcmp, SYS_bpf,
	SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup,
	SYS_io_uring_enter, SYS_io_uring_register, SYS_keyctl, SYS_add_key,
	SYS_request_key, SYS_mount, SYS_umount2, SYS_move_mount, SYS_open_tree,
	SYS_fsopen, SYS_fsmount, SYS_mount_setattr, SYS_pivot_root, SYS_chroot,
	SYS_unshare, SYS_setns, SYS_init_module, SYS_finit_module,
	SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff,
	SYS_acct, SYS_quotactl, SYS_open_by_handle_at, SYS_personality,
	SYS_sethostname, SYS_setdomainname, SYS_settimeofday, SYS_clock_settime,
	SYS_adjtimex, SYS_listen, SYS_accept4,
	/* Not every machine has these. */
#ifdef SYS_fork
	SYS_fork, SYS_vfork,
#endif
#ifdef SYS_accept
	SYS_accept,
#endif
#ifdef SYS_clock_settime64
	SYS_clock_settime64,
#endif
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef SYS_memfd_secret
	SYS_memfd_secret,
#endif
};

static const int sockets[] = {
	SYS_socket, SYS_connect, SYS_bind, SYS_socketpair,
	/* All of them in one, whose arguments cannot be looked at. */
#ifdef SYS_socketcall
	SYS_socketcall,
#endif
};

/* Those that a client of a mail server has. */
static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

enum { PROGRAM_MAX = 192 };

struct program {
	struct sock_filter	v[PROGRAM_MAX];
	unsigned short		n;
};

static void
put(struct program *p, struct sock_filter s)
{
	must(p->n < PROGRAM_MAX);
	p->v[p->n++] = s;
}

static void
load(struct program *p, size_t at)
{
	put(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	    (uint32_t)at));
}

/* The half of an argument that an int is in: the kernel does not look at the other
 * one either. */
static void
load_argument(struct program *p, size_t i)
{
	bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	load(p, offsetof(struct seccomp_data, args) + i * sizeof(uint64_t) +
	    (big ? sizeof(uint32_t) : 0));
}

static void
end(struct program *p, uint32_t action)
{
	put(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static uint32_t
refuse_with(int errnum)
{
	return SECCOMP_RET_ERRNO | ((uint32_t)errnum & SECCOMP_RET_DATA);
}

/* The next ${n} are for where what is loaded is ${value}; others pass over them. */
static void
only_for(struct program *p, uint32_t value, unsigned char n)
{
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, n));
}

/* ---- the rules: what is loaded is the number of the call --------------- */

/* Of another kind of machine, whose numbers mean something else. */
static void
refuse_foreign(struct program *p)
{
	load(p, offsetof(struct seccomp_data, arch));
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH,
	    1, 0));
	end(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
	/* A tracer took it over. */
	only_for(p, UINT32_MAX, 1);
	end(p, SECCOMP_RET_ALLOW);
#ifdef __X32_SYSCALL_BIT
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
	    __X32_SYSCALL_BIT, 0, 1));
	end(p, SECCOMP_RET_KILL_PROCESS);
#endif
}

static void
refuse_all(struct program *p, const int *call, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		only_for(p, (uint32_t)call[i], 1);
		end(p, refuse_with(EPERM));
	}
}

/* Threads are made, processes are not.  What clone3() is to do cannot be looked at;
 * libc falls back to clone() when there is none. */
static void
refuse_processes(struct program *p)
{
	only_for(p, SYS_clone3, 1);
	end(p, refuse_with(ENOSYS));
	only_for(p, SYS_clone, 4);
	load_argument(p, CLONE_FLAGS);
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
	    CLONE_THREAD, 1, 0));
	end(p, refuse_with(EPERM));
	end(p, SECCOMP_RET_ALLOW);
}

/* Nobody types into our terminal. */
static void
refuse_typing(struct program *p)
{
	only_for(p, SYS_ioctl, 4);
	load_argument(p, 1);
	only_for(p, TIOCSTI, 1);
	end(p, refuse_with(EPERM));
	end(p, SECCOMP_RET_ALLOW);
}

static void
refuse_families(struct program *p)
{
	only_for(p, SYS_socket, 2 + 2 * ARRAY_LEN(families));
	load_argument(p, 0);
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		only_for(p, (uint32_t)families[i], 1);
		end(p, SECCOMP_RET_ALLOW);
	}
	end(p, refuse_with(EAFNOSUPPORT));
}

int
filter_enter(bool network)
{
	struct program p = { .n = 0 };
	struct sock_fprog all = { .filter = p.v };

	refuse_foreign(&p);
	refuse_all(&p, never, ARRAY_LEN(never));
	refuse_processes(&p);
	refuse_typing(&p);
	if (network)
		refuse_families(&p);
	else
		refuse_all(&p, sockets, ARRAY_LEN(sockets));
	end(&p, SECCOMP_RET_ALLOW);
	all.len = p.n;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0u, &all) == 0 ? 0 : -1;
}

bool
filter_is_there(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0u, &action) == 0;
}
