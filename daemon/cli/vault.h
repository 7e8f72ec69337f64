/*
 * vault.h — where `syncd init` puts a password: through the user's own tool, or
 * into a private file.  Nothing of it is ever in argv or the environment.
 */
#ifndef DAEMON_CLI_VAULT_H
#define DAEMON_CLI_VAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"

enum vault_kind {
	VAULT_KEYRING, VAULT_PASS, VAULT_GOPASS, VAULT_CREDS, VAULT_FILE,
	VAULT_COMMAND, VAULT_TOKEN, VAULT_N
};

struct vault {
	enum vault_kind	 kind;
	char		*entry;		/* its name there, a path, or a command */
};

extern const char *const vault_names[VAULT_N];	/* as --secret has them */
extern const char *const vault_abouts[VAULT_N];

/* "pass", "pass:ENTRY", "command:TEXT"...; ${entry} and ${file} are what it is
 * called when the text does not say.  -1: usage. */
int	vault_parse(struct vault *v, const char *text, const char *entry,
	    const char *file, struct err *err);
void	vault_clear(struct vault *v);
/* Whether its tool is installed, and can work here. */
bool	vault_usable(enum vault_kind kind);
/* Whether a password is put there, and not just asked for. */
bool	vault_stores(enum vault_kind kind);
/* The secret; -1 with secret.*: there is none, or the tool failed. */
int	vault_get(const struct vault *v, const char *user, struct secret *out,
	    struct err *err);
/* Store it, read it back, compare. */
int	vault_put(const struct vault *v, const char *user,
	    const struct secret *secret, struct err *err);
/* Take back what was just put; only a file can be. */
void	vault_forget(const struct vault *v);
/* The line of the configuration that reads it, to free(). */
char	*vault_yaml(const struct vault *v);

#endif
