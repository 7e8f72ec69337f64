/* screen.c — frames on a terminal. */
#include "cli/screen.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

enum { FRAME_MAX = 1 << 20, LINE_BYTES = 2048, ROWS_LEAST = 2 };

/* ${text} into ${out}, cut to ${columns} of the terminal, without what steers it;
 * how many columns it takes. */
static unsigned
fit(const char *text, unsigned columns, char *out, size_t cap)
{
	mbstate_t state = { 0 };
	size_t at = 0, left = strlen(text);
	unsigned used = 0;

	while (left > 0) {
		wchar_t c;
		size_t n = mbrtowc(&c, text, left, &state);
		int width = n == (size_t)-1 || n == (size_t)-2 ? -1 : wcwidth(c);
		/* What the terminal cannot show, or would obey. */
		bool bad = width < 0 || (width == 0 && !iswprint((wint_t)c));

		if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
			state = (mbstate_t){ 0 };
			n = 1;
		}
		if (bad)
			width = 1;
		if (used + (unsigned)width > columns || at + n + 1 > cap)
			break;
		if (bad)
			out[at++] = '?';
		else {
			memcpy(out + at, text, n);
			at += n;
		}
		used += (unsigned)width;
		text += n;
		left -= n;
	}
	out[at] = '\0';
	return used;
}

static void
put(struct screen *s, const char *text)
{
	(void)!buf_add(&s->out, text, strlen(text));
}

static void
flush(struct screen *s)
{
	struct str rest = buf_str(&s->out);

	while (rest.n > 0) {
		ssize_t n = write(STDOUT_FILENO, rest.p, rest.n);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			break;
		if (n > 0)
			rest = str_from(rest, (size_t)n);
	}
	buf_reset(&s->out);
}

int
screen_open(struct screen *s, bool color, struct err *err)
{
	struct termios raw;
	sigset_t set;

	*s = (struct screen){ .color = color, .signals = -1 };
	if (tcgetattr(STDIN_FILENO, &s->was) < 0 || !isatty(STDOUT_FILENO))
		return err_set(err, ERR_CONFIG, "usage",
		    "standard input and output are no terminal");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	buf_init(&s->out, FRAME_MAX);
	raw = s->was;
	raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	/* The alternate screen, without a cursor. */
	put(s, "\033[?1049h\033[?25l\033[2J");
	flush(s);
	return 0;
}

void
screen_close(struct screen *s)
{
	put(s, "\033[0m\033[?25h\033[?1049l");
	flush(s);
	tcsetattr(STDIN_FILENO, TCSANOW, &s->was);
	if (s->signals >= 0)
		close(s->signals);
	buf_clear(&s->out);
}

void
screen_begin(struct screen *s)
{
	struct winsize ws;

	s->rows = 24;
	s->columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_row > 0 &&
	    ws.ws_col > 0) {
		s->rows = ws.ws_row;
		s->columns = ws.ws_col;
	}
	s->row = 0;
	put(s, "\033[H");
}

unsigned
screen_left(const struct screen *s)
{
	return s->rows > s->row ? s->rows - s->row : 0;
}

void
screen_line(struct screen *s, enum screen_style style, const char *fmt, ...)
{
	static const char *const codes[] = { "", "\033[1m", "\033[32m",
	    "\033[33m", "\033[31m" };
	char text[LINE_BYTES], fitted[LINE_BYTES];
	bool styled = s->color && style != SCREEN_PLAIN;
	va_list ap;

	if (screen_left(s) == 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fit(text, s->columns, fitted, sizeof(fitted));
	/* No newline: in the last row it would scroll. */
	(void)!buf_fmt(&s->out, "\033[%u;1H%s%s%s\033[K", s->row + 1,
	    styled ? codes[style] : "", fitted, styled ? "\033[0m" : "");
	s->row++;
}

void
screen_end(struct screen *s)
{
	if (screen_left(s) > 0)
		(void)!buf_fmt(&s->out, "\033[%u;1H\033[J", s->row + 1);
	flush(s);
}

int
screen_key(struct screen *s)
{
	struct signalfd_siginfo si;
	unsigned char c;
	ssize_t n;

	if (read(s->signals, &si, sizeof(si)) == (ssize_t)sizeof(si))
		return -1;
	n = read(STDIN_FILENO, &c, 1);
	return n == 1 ? c : 0;
}
