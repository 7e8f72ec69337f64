/*
 * meter.h — progress for people: a bar on a terminal, lines elsewhere, JSON for
 * programs.  Pure of clocks: the caller says what time it is.
 *
 * Everything goes to stderr.  On a terminal the bar is one line that is drawn
 * over itself and never wider than the terminal; whoever prints anything else
 * clears it first.
 */
#ifndef DAEMON_METER_H
#define DAEMON_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/types.h"
#include "engine/progress.h"

enum meter_mode { METER_NONE, METER_BAR, METER_LINES, METER_JSON };

enum { METER_WINDOW = 30 };	/* seconds that the speed is an average of */

struct meter {
	enum meter_mode	 mode;
	FILE		*out;
	bool		 utf8;
	bool		 drawn;		/* a bar stands on the line */
	usec		 due;		/* when to draw next */
	/* The job that the speed is measured of, a sample a second. */
	char		 what[64 + PROGRESS_NAME];
	uint32_t	 phase;
	usec		 began;
	struct { usec at; uint64_t done, bytes; } sample[METER_WINDOW];
	size_t		 n, next;
};

struct meter_row {
	const char	*account;
	struct progress	 progress;
};

/* What --progress says, "auto" or NULL chosen by the terminal and by what else
 * is said; -1 when it is none of auto, bar, lines, json, none. */
int	meter_mode(const char *word, bool quiet, bool json, enum meter_mode *mode);
void	meter_init(struct meter *m, enum meter_mode mode, FILE *out, bool utf8,
	    usec now);
/* Draw if it is time: the row with the most to do, and how many others. */
void	meter_step(struct meter *m, const struct meter_row *row, size_t n,
	    usec now);
usec	meter_due(const struct meter *m);
/* Something that was finished: a line of its own, above the bar. */
void	meter_line(struct meter *m, const char *account, const char *text);
/* Wipe the bar, if there is one. */
void	meter_clear(struct meter *m);

#endif
