/*
 * auth.h — SASL: which mechanism, and its dialogue.  The only libgsasl; XOAUTH2
 * and OAUTHBEARER are two lines each on top.
 */
#ifndef IMAP_AUTH_H
#define IMAP_AUTH_H

#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "imap/lane.h"

/* The strongest mechanism that the server offers, the secret fits and policy
 * allows, into ${out} (24 bytes); "LOGIN-COMMAND" is the LOGIN command.  ${clear}:
 * nothing protects the line.  -1: ERR_AUTH auth.mechanism-missing. */
int	auth_choose(const struct imap_conf *conf, const struct imap_caps *caps,
	    const struct stream_info *info, bool clear, char out[24],
	    struct err *err);

struct auth;

struct auth	*auth_new(const char *mechanism, const struct imap_conf *conf,
		    const struct secret *secret, const struct stream_info *info,
		    struct err *err);
void		 auth_free(struct auth *a);
/* Does the client speak first? */
bool		 auth_first(const struct auth *a);
/* Answer one challenge (base64, as after "+ "; empty for the first of a client
 * that speaks first).  The answer, in base64, is borrowed until the next call and
 * is as secret as the password.  0, or -1: ERR_AUTH. */
int		 auth_step(struct auth *a, struct str challenge, struct str *answer,
		    struct err *err);
/* After the server's OK: -1 if the mechanism expected the server to prove itself
 * and it has not. */
int		 auth_end(const struct auth *a, struct err *err);

#endif
