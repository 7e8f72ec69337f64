/*
 * counted.c — part of the programs of `make cov` only: what ends without exit()
 * leaves its counts, too.
 *
 * The linker sends the programs' kill() and _exit() here.  A process that is to be
 * killed is asked for its counts first, and dies by SIGKILL as it was to.
 */
#include <gcov.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COUNT	SIGRTMAX

enum { PATIENCE = 200 };	/* naps of NAP */

static const struct timespec nap = { 0, 5000000 };

int	__real_kill(pid_t pid, int sig);
void	__real__exit(int code) __attribute__((noreturn));
int	__wrap_kill(pid_t pid, int sig);
void	__wrap__exit(int code) __attribute__((noreturn));

/* Where it was interrupted may be in malloc(): then it waits, until it is killed. */
static void
count_and_die(int sig)
{
	(void)sig;
	__gcov_dump();
	(void)__real_kill(getpid(), SIGKILL);
}

__attribute__((constructor))
static void
expect_to_be_killed(void)
{
	struct sigaction sa = { .sa_handler = count_and_die };

	sigfillset(&sa.sa_mask);
	(void)sigaction(COUNT, &sa, NULL);
}

int
__wrap_kill(pid_t pid, int sig)
{
	siginfo_t ended = { 0 };

	/* Groups are programs of others. */
	if (sig == SIGKILL && pid > 0 && __real_kill(pid, COUNT) == 0)
		for (int i = 0; i < PATIENCE && ended.si_pid == 0; i++)
			if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG |
			    WNOWAIT) < 0 || nanosleep(&nap, NULL) < 0)
				break;
	return __real_kill(pid, sig);
}

void
__wrap__exit(int code)
{
	__gcov_dump();
	__real__exit(code);
}
