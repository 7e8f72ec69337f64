/*
 * log.c — one line for one fact.  Each line is a single write(2), so that the
 * lines of several processes do not mix.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

static int target = STDERR_FILENO;
static enum log_level threshold = LOG_LV_NOTICE;
static char prefix[128];

static const char *const level_names[] = {
	"error", "warn", "notice", "info", "debug", "trace"
};

void
log_to(int fd, enum log_level most)
{
	target = fd;
	threshold = most;
}

void
log_context(const char *context)
{
	snprintf(prefix, sizeof(prefix), "%s%s", context,
	    context[0] != '\0' ? " " : "");
}

enum log_level
log_level(void)
{
	return threshold;
}

void
log_at(enum log_level level, const char *fmt, ...)
{
	char line[1024], stamp[32];
	ssize_t written;
	va_list ap;
	int head, n, errnum = errno;

	if (level > threshold)
		return;
	clock_iso(clock_wall(), stamp);
	head = snprintf(line, sizeof(line), "%s %s: %s", stamp,
	    level_names[level], prefix);
	va_start(ap, fmt);
	n = vsnprintf(line + head, sizeof(line) - (size_t)head - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	n += head;
	if ((size_t)n > sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n] = '\0';
	/* Or a server would write into the user's terminal. */
	str_plain(line);
	line[n++] = '\n';
	written = write(target, line, (size_t)n);
	(void)written;
	errno = errnum;
}
