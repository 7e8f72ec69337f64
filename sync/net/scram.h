/*
 * scram.h — the server's first message of SCRAM (RFC 5802 section 5.1) and the
 * salted password that follows from it.  Computed by libcrypto, which takes a
 * fifth of the time that libgsasl's own portable SHA-256 does: milliseconds of
 * each sign-in.
 */
#ifndef NET_SCRAM_H
#define NET_SCRAM_H

#include "base/err.h"
#include "base/str.h"

/* Hexadecimal digits of the longest digest, SHA-256's, and NUL. */
enum { SCRAM_HEX_MAX = 65 };

/* The salted password of ${mechanism} ("SCRAM-SHA-256-PLUS"…) after ${message}
 * ("r=…,s=…,i=4096"), in hexadecimal; "" where the message lacks a part, which
 * is for libgsasl to refuse.  -1 with ERR_AUTH auth.refused when the iteration
 * count is out of bounds or the password is nothing that can be prepared (RFC
 * 4013).  The caller wipes ${hex}. */
int	scram_salted(const char *mechanism, struct str message,
	    const char *password, char hex[SCRAM_HEX_MAX], struct err *err);

#endif
