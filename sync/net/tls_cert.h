/* tls_cert.h — what people are told of a server's certificate.  Private to tls.c. */
#ifndef NET_TLS_CERT_H
#define NET_TLS_CERT_H

#include <openssl/types.h>

#include "base/err.h"

enum { TLS_PIN_MAX = 64 };

/* Why ${cert} was refused, for ${why} of X509_V_ERR_*: ERR_CONFIG tls.untrusted,
 * tls.name-mismatch or tls.expired.  ${cert}: borrowed; NULL: there was none. */
void	tls_cert_explain(X509 *cert, int why, struct err *err);
/* "sha256/BASE64" of the certificate's public key (RFC 7469 section 2.4). */
void	tls_cert_pin(X509 *cert, char out[TLS_PIN_MAX]);

#endif
