/*
 * measure.c — measure OUT CMD...: run CMD; write what it and all of its children
 * used to OUT as one line of JSON, and exit as it did.
 *
 * A program of its own, because the peak memory of a process counts what it was
 * before exec: a Python that forks is larger than what is measured.  The time is that
 * until CMD itself has ended, what is used that of all, also of those who end later.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t child;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void
pass_on(int sig)
{
	kill(child, sig);
}

int
main(int argc, char *argv[])
{
	struct rusage use;
	double started, wall;
	int status, rc;
	FILE *out;

	if (argc < 3) {
		fprintf(stderr, "usage: measure OUT CMD...\n");
		return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	started = now();
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (child < 0) {
		perror("fork");
		return 1;
	}
	signal(SIGTERM, pass_on);
	while (waitpid(child, &status, 0) < 0)
		;
	wall = now() - started;
	while (wait(NULL) > 0)
		;
	getrusage(RUSAGE_CHILDREN, &use);
	rc = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	out = fopen(argv[1], "w");
	if (out == NULL) {
		perror(argv[1]);
		return 1;
	}
	fprintf(out, "{\"wall\": %.6f, \"cpu\": %.6f, \"rss\": %ld}\n", wall,
	    seconds(use.ru_utime) + seconds(use.ru_stime), use.ru_maxrss);
	return fclose(out) == 0 ? rc : 1;
}
