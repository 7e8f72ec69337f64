/* ask.c — questions on the terminal. */
#include "cli/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"

bool
ask_possible(const struct cli *cli)
{
	return !cli->no_input && !cli->json && isatty(STDIN_FILENO);
}

/* A line of stdin, without its end; NULL at the end of input. */
static char *
read_line(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	fflush(stdout);
	n = getline(&line, &cap, stdin);
	if (n < 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

bool
ask_confirm(const struct cli *cli, const char *question)
{
	char *line;
	bool yes;

	if (cli->yes || !ask_possible(cli))
		return cli->yes;
	fprintf(stderr, "%s [y/N] ", question);
	line = read_line();
	yes = line != NULL && (line[0] == 'y' || line[0] == 'Y');
	free(line);
	return yes;
}

char *
ask_line(const struct cli *cli, const char *question, const char *dflt)
{
	char *line;

	if (cli->yes || !ask_possible(cli))
		return xstrdup(dflt);
	fprintf(stderr, "%s [%s]> ", question, dflt != NULL ? dflt : "");
	line = read_line();
	if (line != NULL && line[0] == '\0' && dflt != NULL) {
		free(line);
		return xstrdup(dflt);
	}
	return line;
}

/* Bytes until the end of a line; -1 for Ctrl-C, Ctrl-D, or one that is too long.
 * The terminal sends no signals now, so that it cannot be left without echo. */
static ssize_t
read_hidden(char *out, size_t cap)
{
	enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DEL = 127 };
	size_t n = 0;
	char c;

	for (;;) {
		ssize_t got = read(STDIN_FILENO, &c, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || c == CTRL_C || c == CTRL_D)
			return -1;
		if (c == '\n' || c == '\r')
			return (ssize_t)n;
		if (c == BACKSPACE || c == DEL)
			n -= n > 0;
		else if (c == CTRL_U)
			n = 0;
		else if (n == cap)
			return -1;
		else
			out[n++] = c;
	}
}

int
ask_secret(const struct cli *cli, const char *question, struct secret *out)
{
	struct termios was, quiet;
	char text[1024];
	ssize_t n;

	if (!ask_possible(cli) || tcgetattr(STDIN_FILENO, &was) < 0)
		return -1;
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
	/* Before the prompt: what is typed after it must not be thrown away. */
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fprintf(stderr, "%s (hidden): ", question);
	n = read_hidden(text, sizeof(text));
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	fputc('\n', stderr);
	if (n > 0 && secret_set(out, (struct str){ text, (size_t)n }) < 0)
		n = -1;
	explicit_bzero(text, sizeof(text));
	return n > 0 ? 0 : -1;
}
