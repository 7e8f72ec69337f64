/*
 * tls.c — TLS as a client: the only openssl/ssl.h.  Called by stream.c.
 *
 * The handshake waits until its deadline, nothing else does.  OpenSSL reads and
 * writes through a BIO of ours over struct wire: so the bytes are counted, a dead
 * peer is no SIGPIPE, and the true cause of a failure is kept.
 *
 * A peer is accepted when the chain leads to a trusted root and the host is among
 * the subject alternative names (the common name is not looked at, RFC 9525), and
 * when its key is one of the pins, if there are pins.
 */
#include "net/tls.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/wait.h"
#include "net/tls_cert.h"

enum {
	READ_AHEAD	= 65536,	/* one recv for several records */
	EXPORTER_BYTES	= 32		/* RFC 9266 section 4.1 */
};

struct tls {
	struct wire	*wire;
	BIO_METHOD	*method;
	SSL_CTX		*ctx;
	SSL		*ssl;
	struct err	 verdict;	/* why the certificate was refused */
	unsigned	 recv_wants, send_wants;	/* enum wait_for */
	bool		 up;		/* may say goodbye */
};

/* --- The BIO. --- */

static int
bio_recv(BIO *bio, char *p, int n)
{
	ssize_t got = wire_recv(BIO_get_data(bio), p, (size_t)n);

	BIO_clear_retry_flags(bio);
	if (got == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	return (int)got;
}

static int
bio_send(BIO *bio, const char *p, int n)
{
	ssize_t put = wire_send(BIO_get_data(bio), p, (size_t)n);

	BIO_clear_retry_flags(bio);
	if (put == 0) {
		BIO_set_retry_write(bio);
		return -1;
	}
	return (int)put;
}

static long
bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	/* Nothing is held back here, so there is nothing to flush. */
	return cmd == BIO_CTRL_FLUSH;
}

static BIO *
new_bio(struct tls *tls)
{
	BIO *bio;

	tls->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wire");
	must(tls->method != NULL);
	must(BIO_meth_set_read(tls->method, bio_recv) == 1);
	must(BIO_meth_set_write(tls->method, bio_send) == 1);
	must(BIO_meth_set_ctrl(tls->method, bio_ctrl) == 1);
	bio = BIO_new(tls->method);
	must(bio != NULL);
	BIO_set_data(bio, tls->wire);
	BIO_set_init(bio, 1);
	return bio;
}

/* --- What is wrong with a certificate. --- */

/* Who runs the server can tell by its key whether it is the server. */
static void
add_pin(struct tls *tls, X509 *cert)
{
	struct err why = tls->verdict;
	char pin[TLS_PIN_MAX];

	if (cert == NULL)
		return;
	tls_cert_pin(cert, pin);
	err_set(&tls->verdict, why.class, why.code, "%s; its key is %s", why.text,
	    pin);
}

/* OpenSSL forgets a refused certificate, so it is explained while it is here. */
static int
on_verify(int ok, X509_STORE_CTX *store)
{
	struct tls *tls;
	SSL *ssl;

	if (ok)
		return 1;
	ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	tls = SSL_get_app_data(ssl);
	tls_cert_explain(X509_STORE_CTX_get_current_cert(store),
	    X509_STORE_CTX_get_error(store), &tls->verdict);
	add_pin(tls, X509_STORE_CTX_get0_cert(store));
	return 0;
}

/* --- Setting up. --- */

/* Without it OpenSSL would ask for the passphrase of a key on the terminal. */
static int
no_passphrase(char *out, int cap, int writing, void *arg)
{
	(void)out;
	(void)cap;
	(void)writing;
	(void)arg;
	return -1;
}

/* OpenSSL has no words for what the system refuses. */
static const char *
why_not(void)
{
	unsigned long e = ERR_peek_error();
	const char *text = ERR_SYSTEM_ERROR(e) ? strerror(ERR_GET_REASON(e)) :
	    ERR_reason_error_string(e);

	return text != NULL ? text : "OpenSSL does not say why";
}

static int
load_client_cert(SSL_CTX *ctx, const struct tls_conf *conf, struct err *err)
{
	const char *key = conf->client_key;

	if (conf->client_cert == NULL)
		return 0;
	if (key == NULL)
		key = conf->client_cert;
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ctx, conf->client_cert) != 1)
		return err_set(err, ERR_CONFIG, "tls.client-cert",
		    "cannot load the client certificate %s: %s",
		    conf->client_cert, why_not());
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return err_set(err, ERR_CONFIG, "tls.client-cert",
		    "cannot use the client key %s: %s", key, why_not());
	return 0;
}

/* The hashed directory is read certificate by certificate, as needed; parsing
 * the bundle would cost each connection some 15 ms and a megabyte. */
static int
load_roots(SSL_CTX *ctx, const struct tls_conf *conf, struct err *err)
{
	if (conf->verify != TLS_VERIFY)
		return 0;
	if (conf->ca_file == NULL) {
		must(SSL_CTX_set_default_verify_dir(ctx) == 1);
		return 0;
	}
	if (SSL_CTX_load_verify_file(ctx, conf->ca_file) != 1)
		return err_set(err, ERR_CONFIG, "tls.ca-file",
		    "cannot load the trusted certificates %s: %s",
		    conf->ca_file, why_not());
	/* What the user names is trusted as it is, be it the server's own
	 * certificate and no authority's. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx),
	    X509_V_FLAG_PARTIAL_CHAIN);
	return 0;
}

static int
set_up_ctx(struct tls *tls, const struct tls_conf *conf, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		return err_set(err, ERR_LOCAL, "tls.library",
		    "OpenSSL does not start: %s",
		    ERR_reason_error_string(ERR_peek_error()));
	tls->ctx = ctx;
	must(SSL_CTX_set_min_proto_version(ctx, conf->min_version == 13 ?
	    TLS1_3_VERSION : TLS1_2_VERSION) == 1);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD);
	SSL_CTX_set_verify(ctx, conf->verify == TLS_VERIFY ?
	    SSL_VERIFY_PEER : SSL_VERIFY_NONE,
	    conf->verify == TLS_VERIFY ? on_verify : NULL);
	if (load_roots(ctx, conf, err) < 0)
		return -1;
	return load_client_cert(ctx, conf, err);
}

static bool
is_address(const char *host)
{
	struct in6_addr a;

	return inet_pton(AF_INET, host, &a) == 1 ||
	    inet_pton(AF_INET6, host, &a) == 1;
}

/* Who we expect, for SNI (which is for names only, RFC 6066 section 3) and for
 * the check of the certificate. */
static int
set_host(SSL *ssl, const char *host, struct err *err)
{
	bool ok;

	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (is_address(host))
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
	else
		ok = SSL_set1_host(ssl, host) &&
		    SSL_set_tlsext_host_name(ssl, host);
	if (!ok || host[0] == '\0')
		return err_set(err, ERR_CONFIG, "tls.name-mismatch",
		    "\"%s\" is not a host name", host);
	return 0;
}

static void
set_alpn(SSL *ssl, const char *alpn)
{
	unsigned char list[32];
	size_t n;

	if (alpn == NULL)
		return;
	n = strlen(alpn);
	must(n > 0 && n < sizeof(list));
	list[0] = (unsigned char)n;
	memcpy(list + 1, alpn, n);
	/* This one returns 0 for success. */
	must(SSL_set_alpn_protos(ssl, list, (unsigned)n + 1) == 0);
}

static int
set_up_ssl(struct tls *tls, const char *host, const char *alpn,
    struct err *err)
{
	BIO *bio;

	tls->ssl = SSL_new(tls->ctx);
	must(tls->ssl != NULL);
	SSL_set_app_data(tls->ssl, tls);
	bio = new_bio(tls);
	SSL_set_bio(tls->ssl, bio, bio);
	set_alpn(tls->ssl, alpn);
	return set_host(tls->ssl, host, err);
}

/* --- The handshake. --- */

/* A handshake that failed for another reason than the certificate. */
static int
protocol_err(struct err *err)
{
	unsigned long e = ERR_peek_error();
	const char *reason = ERR_reason_error_string(e);

	if (reason == NULL)
		reason = "unknown error";
	switch (ERR_GET_REASON(e)) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
	case SSL_R_VERSION_TOO_LOW:
		return err_set(err, ERR_CONFIG, "tls.too-old",
		    "the server offers no TLS version that is allowed");
	case SSL_R_WRONG_VERSION_NUMBER:
		return err_set(err, ERR_RETRY, "tls.handshake",
		    "the server does not speak TLS here");
	default:
		return err_set(err, ERR_RETRY, "tls.handshake",
		    "the handshake failed: %s", reason);
	}
}

static int
handshake_err(struct tls *tls, int ssl_error, struct err *err)
{
	if (tls->verdict.class != ERR_NONE) {
		*err = tls->verdict;
		return -1;
	}
	if (ssl_error == SSL_ERROR_SSL)
		return protocol_err(err);
	return wire_err(tls->wire, err);
}

static int
shake_hands(struct tls *tls, usec deadline, struct err *err)
{
	for (;;) {
		struct waiter w = { .fd = tls->wire->fd };
		int r, ready, ssl_error;

		ERR_clear_error();
		r = SSL_connect(tls->ssl);
		if (r == 1)
			return 0;
		ssl_error = SSL_get_error(tls->ssl, r);
		if (ssl_error == SSL_ERROR_WANT_READ)
			w.want = WAIT_READ;
		else if (ssl_error == SSL_ERROR_WANT_WRITE)
			w.want = WAIT_WRITE;
		else
			return handshake_err(tls, ssl_error, err);
		ready = wait_any(&w, 1, deadline, err);
		if (ready < 0)
			return -1;
		if (ready == 0)
			return err_set(err, ERR_RETRY, "net.timeout",
			    "the handshake takes too long");
	}
}

static int
check_pins(const struct tls_conf *conf, X509 *cert, struct err *err)
{
	char pin[TLS_PIN_MAX];

	if (conf->n_pins == 0 && conf->verify != TLS_VERIFY_PIN_ONLY)
		return 0;
	tls_cert_pin(cert, pin);
	for (size_t i = 0; i < conf->n_pins; i++)
		if (strcmp(conf->pins[i], pin) == 0)
			return 0;
	return err_set(err, ERR_CONFIG, "tls.pin-mismatch",
	    "the server's key is %s, which is not pinned", pin);
}

/* RFC 5929 section 4.1: the hash of the certificate's signature, except that MD5
 * and SHA-1 become SHA-256; a signature without a hash has no binding. */
static void
bind_end_point(X509 *cert, struct stream_info *info)
{
	const EVP_MD *md;
	unsigned n;
	int nid;

	if (X509_get_signature_info(cert, &nid, NULL, NULL, NULL) != 1 ||
	    nid == NID_undef)
		return;
	if (nid == NID_md5 || nid == NID_sha1)
		nid = NID_sha256;
	md = EVP_get_digestbynid(nid);
	if (md == NULL || X509_digest(cert, md, info->cb, &n) != 1)
		return;
	info->cb_type = "tls-server-end-point";
	info->n_cb = n;
}

static void
bind_channel(struct tls *tls, X509 *cert, struct stream_info *info)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (SSL_version(tls->ssl) < TLS1_3_VERSION) {
		bind_end_point(cert, info);
		return;
	}
	if (SSL_export_keying_material(tls->ssl, info->cb, EXPORTER_BYTES,
	    label, sizeof(label) - 1, NULL, 0, 0) != 1)
		return;
	info->cb_type = "tls-exporter";
	info->n_cb = EXPORTER_BYTES;
}

static int
accept_peer(struct tls *tls, const struct tls_conf *conf,
    struct stream_info *info, struct err *err)
{
	X509 *cert = SSL_get0_peer_certificate(tls->ssl);

	if (cert == NULL)
		return err_set(err, ERR_CONFIG, "tls.untrusted",
		    "the server has no certificate");
	if (check_pins(conf, cert, err) < 0)
		return -1;
	info->tls_version = SSL_get_version(tls->ssl);
	info->cipher = SSL_get_cipher_name(tls->ssl);
	bind_channel(tls, cert, info);
	return 0;
}

struct tls *
tls_connect(struct wire *w, const struct tls_conf *conf, const char *host,
    const char *alpn, usec deadline, struct stream_info *info,
    struct err *err)
{
	struct tls *tls = xcalloc(1, sizeof(*tls));

	ERR_clear_error();
	tls->wire = w;
	tls->recv_wants = WAIT_READ;
	tls->send_wants = WAIT_WRITE;
	if (set_up_ctx(tls, conf, err) < 0 ||
	    set_up_ssl(tls, host, alpn, err) < 0 ||
	    shake_hands(tls, deadline, err) < 0 ||
	    accept_peer(tls, conf, info, err) < 0) {
		tls_free(tls);
		return NULL;
	}
	tls->up = true;
	return tls;
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	if (tls->up && !wire_broken(tls->wire)) {
		ERR_clear_error();
		SSL_shutdown(tls->ssl);
	}
	SSL_free(tls->ssl);
	SSL_CTX_free(tls->ctx);
	BIO_meth_free(tls->method);
	ERR_clear_error();
	free(tls);
}

/* --- Bytes. --- */

/* Why nothing passed: 0 when it may later, *${wants} says after what. */
static int
stalled(struct tls *tls, int r, unsigned *wants, struct err *err)
{
	const char *reason;

	switch (SSL_get_error(tls->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		*wants = WAIT_READ;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		*wants = WAIT_WRITE;
		return 0;
	case SSL_ERROR_ZERO_RETURN:
	case SSL_ERROR_SYSCALL:
		/* A close without close_notify cuts nothing short that the
		 * protocol above would not notice. */
		return wire_err(tls->wire, err);
	default:
		tls->up = false;
		reason = ERR_reason_error_string(ERR_peek_error());
		return err_set(err, ERR_RETRY, "net.reset", "TLS: %s",
		    reason != NULL ? reason : "unknown error");
	}
}

ssize_t
tls_recv(struct tls *tls, void *p, size_t n, struct err *err)
{
	size_t got;
	int r;

	ERR_clear_error();
	r = SSL_read_ex(tls->ssl, p, n, &got);
	if (r != 1)
		return stalled(tls, r, &tls->recv_wants, err);
	tls->recv_wants = WAIT_READ;
	return (ssize_t)got;
}

ssize_t
tls_send(struct tls *tls, const void *p, size_t n, struct err *err)
{
	size_t put;
	int r;

	ERR_clear_error();
	r = SSL_write_ex(tls->ssl, p, n, &put);
	if (r != 1)
		return stalled(tls, r, &tls->send_wants, err);
	tls->send_wants = WAIT_WRITE;
	return (ssize_t)put;
}

unsigned
tls_wants(const struct tls *tls, bool receiving, bool sending)
{
	return (receiving ? tls->recv_wants : 0) |
	    (sending ? tls->send_wants : 0);
}
