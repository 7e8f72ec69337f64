/* notify.c — what systemd wants to know. */
#include "notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/num.h"

static void
send_state(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = path != NULL ? strlen(path) : 0;
	socklen_t len;
	int fd;

	if (n < 2 || n >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, n);
	/* An abstract address is written with @ and begins with NUL. */
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	/* Losing one is harmless, and there is nobody to tell. */
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (const struct sockaddr *)&to, len);
	close(fd);
}

void
notify_ready(void)
{
	send_state("READY=1");
}

void
notify_reloading(void)
{
	struct timespec ts;
	char text[64];

	/* Type=notify-reload waits for ever without the time. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	send_state(text);
}

void
notify_stopping(void)
{
	send_state("STOPPING=1");
}

void
notify_status(const char *text)
{
	static char last[256];
	char line[sizeof(last) + 8];

	if (strcmp(text, last) == 0)
		return;
	snprintf(last, sizeof(last), "%s", text);
	snprintf(line, sizeof(line), "STATUS=%s", last);
	for (char *p = line; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	send_state(line);
}

usec
notify_watchdog(void)
{
	static usec next;
	const char *every = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t us, n;

	if (every == NULL || !num_u64(str_z(every), 1, UINT64_C(1) << 50, &us))
		return USEC_NEVER;
	if (pid != NULL && (!num_u64(str_z(pid), 1, INT64_MAX, &n) ||
	    (pid_t)n != getpid()))
		return USEC_NEVER;
	if (clock_now() >= next) {
		send_state("WATCHDOG=1");
		next = clock_in((usec)us / 2);
	}
	return next;
}
