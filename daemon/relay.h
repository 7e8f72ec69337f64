/*
 * relay.h — `syncd relay ADDRESS`: stdin to a service, and what it answers to stdout,
 * until it has said all.  The parent starts one for each question that a script asks
 * of a service that it was granted: nobody who holds mail or a secret of an account
 * opens a connection for a script.
 */
#ifndef DAEMON_RELAY_H
#define DAEMON_RELAY_H

#include <stdbool.h>

#include "engine/conf.h"

/* The argv of the process.  ${half}: our side is closed behind the input, so that the
 * service knows that this was all. */
void	relay_argv(const char *address, bool half, struct strlist *argv);

/* The process.  EX_UNAVAILABLE, with why on stderr, when there is nobody. */
int	relay_main(int argc, char **argv);

#endif
