/* status.h — what several verbs make of a status. */
#ifndef DAEMON_CLI_STATUS_H
#define DAEMON_CLI_STATUS_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/cli.h"

enum light { LIGHT_GOOD, LIGHT_WAIT, LIGHT_BAD };

/* From the daemon, or from the stores; a new reference, or NULL after telling
 * why. */
json_t		*status_ask(const struct cli *cli, const struct conf *conf,
		    int *code);
/* Of one account of it. */
enum light	 status_light(const json_t *account);
const char	*status_light_text(enum light m);
bool		 status_any_problem(const json_t *status);
/* One line by --format or --waybar, to free(). */
char		*status_line(const struct cli *cli, const struct conf *conf,
		    const json_t *status);

#endif
