/*
 * screen.h — a screen of lines on a terminal: plain ANSI, no library.
 *
 * A frame is drawn over the last one, line by line, each cut to the width of the
 * terminal, so nothing wraps, scrolls or flickers, and a resize is mended by the
 * next frame.
 */
#ifndef DAEMON_CLI_SCREEN_H
#define DAEMON_CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

struct screen {
	struct termios	was;
	int		signals;	/* a signalfd: we are to end */
	bool		color;
	unsigned	rows, columns;
	unsigned	row;		/* of the frame that is drawn */
	struct buf	out;
};

enum screen_style { SCREEN_PLAIN, SCREEN_HEAD, SCREEN_GOOD, SCREEN_WAIT,
	SCREEN_BAD };

/* Take the terminal over; stdin and stdout must be one. */
int	screen_open(struct screen *s, bool color, struct err *err);
void	screen_close(struct screen *s);
void	screen_begin(struct screen *s);
/* The next line; those below the last row are dropped. */
void	screen_line(struct screen *s, enum screen_style style, const char *fmt,
	    ...) PRINTF(3, 4);
/* How many lines are left. */
unsigned screen_left(const struct screen *s);
void	screen_end(struct screen *s);
/* A key that was pressed, 0: none, -1: the end. */
int	screen_key(struct screen *s);

#endif
