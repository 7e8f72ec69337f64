/* help.h — what options mean. */
#ifndef DAEMON_CLI_HELP_H
#define DAEMON_CLI_HELP_H

/* What the option ${name} of a verb does, for people; "" when it is not listed. */
const char	*help_of_flag(const char *name);

#endif
