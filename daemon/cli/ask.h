/* ask.h — questions to the person at the terminal.  Whoever asks must have a flag
 * that answers; without a terminal nothing is asked. */
#ifndef DAEMON_CLI_ASK_H
#define DAEMON_CLI_ASK_H

#include <stdbool.h>

#include "base/secret.h"
#include "cli/cli.h"

/* Whether there is somebody to ask: a terminal, and neither --no-input nor
 * --json. */
bool	 ask_possible(const struct cli *cli);
/* "${question} [y/N] ": true for yes, and at once with --yes. */
bool	 ask_confirm(const struct cli *cli, const char *question);
/* "${question} [${dflt}]> ": a line, to free(); ${dflt} for an empty one, and
 * when nobody can be asked.  NULL at the end of input. */
char	*ask_line(const struct cli *cli, const char *question, const char *dflt);
/* The same without an echo.  -1: nobody answers, or Ctrl-C. */
int	 ask_secret(const struct cli *cli, const char *question,
	    struct secret *out);

#endif
