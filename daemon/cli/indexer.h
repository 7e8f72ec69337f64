/* indexer.h — programs for a hook that tell an index of mail only what changed,
 * as `syncd generate` prints them. */
#ifndef DAEMON_CLI_INDEXER_H
#define DAEMON_CLI_INDEXER_H

/* Their argument is the directory that holds the mail. */
extern const char indexer_notmuch[], indexer_mu[];

#endif
