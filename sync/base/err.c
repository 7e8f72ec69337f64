/* err.c — errors as values. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static void
fill(struct err *err, enum err_class class, const char *code, int errnum,
    const char *fmt, va_list ap)
{
	int n;

	err->class = class;
	err->code = code;
	err->errnum = errnum;
	err->resp[0] = '\0';
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	/* Servers and files speak here, too. */
	str_plain(err->text);
	if (errnum == 0 || n < 0 || (size_t)n >= sizeof(err->text))
		return;
	snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s",
	    strerror(errnum));
}

int
err_set(struct err *err, enum err_class class, const char *code,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(err, class, code, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_sys(struct err *err, enum err_class class, const char *code,
    const char *fmt, ...)
{
	int errnum = errno;
	va_list ap;

	va_start(ap, fmt);
	fill(err, class, code, errnum, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_wrap(struct err *err, const char *fmt, ...)
{
	char inner[sizeof(err->text)];
	va_list ap;
	int n;

	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	str_plain(err->text);
	if (n >= 0 && (size_t)n < sizeof(err->text)) {
		size_t left = sizeof(err->text) - (size_t)n;

		snprintf(err->text + n, left, ": %.*s", (int)left, inner);
	}
	return -1;
}
