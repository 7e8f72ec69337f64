/* test_tls.c — TLS against a server of our own, with an authority made here. */
#include "net/stream.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cmocka.h>

#include "base/clock.h"

static const char HOST[] = "imap.example.org";

/* --- Certificates. --- */

struct ident {
	EVP_PKEY	*key;
	X509		*cert;
};

struct spec {
	const char	*cn, *san;
	int		 from, to;	/* days from now */
};

static const struct spec good = { "leaf", "DNS:imap.example.org", -1, 30 };

static struct ident root, stranger;
static char dir[] = "/tmp/test_tls.XXXXXX";
static char root_file[64], leaf_file[64], empty_file[64];

static void
add_ext(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext;

	ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* Signed by ${by}, or by itself. */
static struct ident
ident_new(const struct spec *spec, const struct ident *by)
{
	static long serial = 1;
	struct ident id = { EVP_EC_gen("P-256"), X509_new() };
	X509_NAME *name = X509_get_subject_name(id.cert);

	X509_set_version(id.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(id.cert), serial++);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)spec->cn, -1, -1, 0);
	X509_set_issuer_name(id.cert,
	    by != NULL ? X509_get_subject_name(by->cert) : name);
	X509_gmtime_adj(X509_getm_notBefore(id.cert), spec->from * 86400L);
	X509_gmtime_adj(X509_getm_notAfter(id.cert), spec->to * 86400L);
	X509_set_pubkey(id.cert, id.key);
	add_ext(id.cert, NID_basic_constraints,
	    by != NULL ? "critical,CA:FALSE" : "critical,CA:TRUE");
	if (spec->san != NULL)
		add_ext(id.cert, NID_subject_alt_name, spec->san);
	assert_true(X509_sign(id.cert, by != NULL ? by->key : id.key,
	    EVP_sha256()) > 0);
	return id;
}

static void
ident_clear(struct ident *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->cert);
}

static void
save_cert(const char *path, X509 *cert)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	if (cert != NULL)
		assert_int_equal(PEM_write_X509(f, cert), 1);
	fclose(f);
}

static void
pin_of(EVP_PKEY *key, char out[64])
{
	unsigned char *der = NULL, digest[32];
	int n = i2d_PUBKEY(key, &der);

	assert_true(n > 0);
	EVP_Digest(der, (size_t)n, digest, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	strcpy(out, "sha256/");
	EVP_EncodeBlock((unsigned char *)out + 7, digest, 32);
}

/* --- The server. --- */

enum deed {
	GREET,		/* "* OK hello\r\n", then echo until the end */
	BYE,		/* greet, close_notify, keep the socket open a while */
	VANISH,		/* greet, close without close_notify */
	FLOOD		/* 600,000 bytes, then wait for the client to go */
};

enum { FLOOD_BYTES = 600000 };

struct server {
	int		 fd, max_version;
	struct ident	 id;
	enum deed	 deed;
	pthread_t	 thread;
	/* What it saw, after server_join(). */
	bool		 shook;
	char		 sni[64], alpn[16];
	unsigned char	 exported[32];
};

static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *n_out,
    const unsigned char *in, unsigned n_in, void *arg)
{
	struct server *sv = arg;

	(void)ssl;
	(void)n_in;
	snprintf(sv->alpn, sizeof(sv->alpn), "%.*s", in[0], in + 1);
	*out = in + 1;
	*n_out = in[0];
	return SSL_TLSEXT_ERR_OK;
}

static void
flood(SSL *ssl)
{
	static unsigned char bytes[FLOOD_BYTES];
	char c;

	for (size_t i = 0; i < FLOOD_BYTES; i++)
		bytes[i] = (unsigned char)(i % 251);
	SSL_write(ssl, bytes, FLOOD_BYTES);
	SSL_read(ssl, &c, 1);
}

static void
echo(SSL *ssl)
{
	char bytes[16384];
	int n;

	while ((n = SSL_read(ssl, bytes, sizeof(bytes))) > 0)
		if (SSL_write(ssl, bytes, n) != n)
			return;
}

static void
serve(struct server *sv, SSL *ssl)
{
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	char c;

	if (sni != NULL)
		snprintf(sv->sni, sizeof(sv->sni), "%s", sni);
	SSL_export_keying_material(ssl, sv->exported, 32,
	    "EXPORTER-Channel-Binding", 24, (const unsigned char *)"", 0, 1);
	if (sv->deed == FLOOD) {
		flood(ssl);
		return;
	}
	SSL_write(ssl, "* OK hello\r\n", 12);
	if (sv->deed == GREET)
		echo(ssl);
	if (sv->deed == BYE) {
		SSL_shutdown(ssl);
		(void)!read(sv->fd, &c, 1);
	}
}

static void *
server_main(void *arg)
{
	struct server *sv = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	sigset_t pipe_only;
	SSL *ssl;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
	/* TLS 1.1 and its SHA-1 are below the default security level. */
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, sv->max_version);
	SSL_CTX_use_certificate(ctx, sv->id.cert);
	SSL_CTX_use_PrivateKey(ctx, sv->id.key);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, sv);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, sv->fd);
	sv->shook = SSL_accept(ssl) == 1;
	if (sv->shook)
		serve(sv, ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(sv->fd);
	ERR_clear_error();
	return NULL;
}

static struct stream *
server_start(struct server *sv)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	sv->fd = fd[1];
	assert_int_equal(pthread_create(&sv->thread, NULL, server_main, sv), 0);
	return stream_new(fd[0]);
}

static void
server_join(struct server *sv)
{
	assert_int_equal(pthread_join(sv->thread, NULL), 0);
	ident_clear(&sv->id);
}

static usec
soon(void)
{
	return clock_in(USEC_S(30));
}

static struct tls_conf
trusting_root(void)
{
	return (struct tls_conf){ .ca_file = root_file, .min_version = 12 };
}

/* Pull until ${n} bytes are there. */
static void
await(struct stream *st, size_t n)
{
	struct err err = { 0 };

	while (stream_peek(st).n < n) {
		struct waiter w = stream_waiter(st);

		if (stream_pull(st, &err) < 0)
			fail_msg("%s", err.text);
		if (stream_peek(st).n < n)
			assert_int_equal(wait_any(&w, 1, soon(), &err), 1);
	}
}

/* --- Who is let in. --- */

enum pin { NO_PIN, RIGHT_PIN, WRONG_PIN, BOTH_PINS };

static const struct peer_case {
	const char	*name;
	struct spec	 spec;
	bool		 stranger;	/* signed by nobody we know */
	const char	*host;
	int		 min_version, max_version;	/* ours, the server's */
	enum tls_verify	 verify;
	enum pin	 pin;
	const char	*code;		/* NULL: let in */
	const char	*text;		/* the error names it */
} peers[] = {
	{ .name = "TLS 1.3", .code = NULL },
	{ .name = "TLS 1.2", .max_version = TLS1_2_VERSION },
	{ .name = "TLS 1.1", .max_version = TLS1_1_VERSION,
	  .code = "tls.too-old", .text = "no TLS version" },
	{ .name = "1.2 where 1.3 is asked for", .min_version = 13,
	  .max_version = TLS1_2_VERSION, .code = "tls.too-old" },
	{ .name = "unknown authority", .stranger = true,
	  .code = "tls.untrusted", .text = "issued by CN=stranger" },
	{ .name = "other name", .spec = { "imap.example.org",
	  "DNS:mail.example.net,IP:192.0.2.1", -1, 30 },
	  .code = "tls.name-mismatch", .text = "mail.example.net, 192.0.2.1" },
	{ .name = "common name only", .spec = { "imap.example.org", NULL, -1, 30 },
	  .code = "tls.name-mismatch", .text = "no host at all" },
	{ .name = "wildcard", .spec = { "leaf", "DNS:*.example.org", -1, 30 } },
	{ .name = "wildcard over two labels", .host = "a.imap.example.org",
	  .spec = { "leaf", "DNS:*.example.org", -1, 30 },
	  .code = "tls.name-mismatch", .text = "*.example.org" },
	{ .name = "partial wildcard",
	  .spec = { "leaf", "DNS:im*.example.org", -1, 30 },
	  .code = "tls.name-mismatch" },
	{ .name = "control bytes in a name",
	  .spec = { "leaf", "DNS:a\033[2Jb", -1, 30 },
	  .code = "tls.name-mismatch", .text = "a?[2Jb" },
	{ .name = "address", .host = "127.0.0.1",
	  .spec = { "leaf", "IP:127.0.0.1", -1, 30 } },
	{ .name = "IPv6 address", .host = "::1",
	  .spec = { "leaf", "IP:0:0:0:0:0:0:0:1", -1, 30 } },
	{ .name = "address as a name", .host = "127.0.0.1",
	  .spec = { "127.0.0.1", "DNS:127.0.0.1", -1, 30 },
	  .code = "tls.name-mismatch" },
	{ .name = "expired", .spec = { "leaf", "DNS:imap.example.org", -30, -1 },
	  .code = "tls.expired", .text = "expired on 20" },
	{ .name = "not yet valid",
	  .spec = { "leaf", "DNS:imap.example.org", 1, 30 },
	  .code = "tls.expired", .text = "not valid before 20" },
	{ .name = "right pin", .pin = RIGHT_PIN },
	{ .name = "one of two pins", .pin = BOTH_PINS },
	{ .name = "wrong pin", .pin = WRONG_PIN,
	  .code = "tls.pin-mismatch", .text = "sha256/" },
	{ .name = "a pin does not replace trust", .stranger = true,
	  .pin = RIGHT_PIN, .code = "tls.untrusted" },
	{ .name = "pin only", .stranger = true, .pin = RIGHT_PIN,
	  .verify = TLS_VERIFY_PIN_ONLY,
	  .spec = { "leaf", "DNS:elsewhere", -30, -1 } },
	{ .name = "pin only, wrong", .pin = WRONG_PIN,
	  .verify = TLS_VERIFY_PIN_ONLY, .code = "tls.pin-mismatch" },
	{ .name = "pin only, none", .verify = TLS_VERIFY_PIN_ONLY,
	  .code = "tls.pin-mismatch" },
	{ .name = "no verification", .stranger = true, .verify = TLS_VERIFY_OFF },
	{ .name = "no verification, wrong pin", .verify = TLS_VERIFY_OFF,
	  .pin = WRONG_PIN, .code = "tls.pin-mismatch" }
};

static void
check_peer(const struct peer_case *c)
{
	struct server sv = {
		.max_version = c->max_version ? c->max_version : TLS1_3_VERSION,
		.id = ident_new(c->spec.cn != NULL ? &c->spec : &good,
		    c->stranger ? &stranger : &root)
	};
	struct tls_conf conf = trusting_root();
	struct stream *st = server_start(&sv);
	char right[64], wrong[64], *pins[] = { wrong, right };
	const char *host = c->host != NULL ? c->host : HOST;
	struct err err = { 0 };
	int r;

	pin_of(sv.id.key, right);
	pin_of(root.key, wrong);
	conf.min_version = c->min_version ? c->min_version : 12;
	conf.verify = c->verify;
	conf.pins = c->pin == RIGHT_PIN ? pins + 1 : pins;
	conf.n_pins = c->pin == NO_PIN ? 0 : c->pin == BOTH_PINS ? 2 : 1;
	r = stream_tls(st, &conf, host, "imap", soon(), &err);
	if (r == 0)
		await(st, 12);
	stream_free(st);
	server_join(&sv);
	if (c->code == NULL) {
		if (r != 0)
			fail_msg("%s: %s", c->name, err.text);
		assert_string_equal(sv.alpn, "imap");
		assert_string_equal(sv.sni, c->host == NULL ? HOST : "");
		return;
	}
	if (r == 0)
		fail_msg("%s: was let in", c->name);
	if (strcmp(err.code, c->code) != 0 || err.class != ERR_CONFIG ||
	    strncmp(err.text, host, strlen(host)) == 0 ||
	    (c->text != NULL && strstr(err.text, c->text) == NULL))
		fail_msg("%s: %s: %s", c->name, err.code, err.text);
}

static void
the_right_peer_is_let_in_and_no_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
		check_peer(&peers[i]);
}

static void
the_servers_own_certificate_can_be_trusted(void **state)
{
	struct server sv = { .max_version = TLS1_3_VERSION,
	    .id = ident_new(&good, &stranger) };
	struct tls_conf conf = { .ca_file = leaf_file, .min_version = 12 };
	struct stream *st;
	struct err err;

	(void)state;
	save_cert(leaf_file, sv.id.cert);
	st = server_start(&sv);
	assert_int_equal(stream_tls(st, &conf, HOST, "imap", soon(), &err), 0);
	stream_free(st);
	server_join(&sv);
}

/* Without ca_file: the hashed directory, which OpenSSL lets us name. */
static void
the_systems_store_is_the_default(void **state)
{
	char hashed[96];

	(void)state;
	snprintf(hashed, sizeof(hashed), "%s/%08lx.0", dir,
	    X509_subject_name_hash(root.cert));
	save_cert(hashed, root.cert);
	setenv("SSL_CERT_DIR", dir, 1);
	for (int known = 1; known >= 0; known--) {
		struct server sv = { .max_version = TLS1_3_VERSION,
		    .id = ident_new(&good, &root) };
		struct tls_conf conf = { .min_version = 12 };
		struct stream *st = server_start(&sv);
		struct err err = { 0 };
		int r = stream_tls(st, &conf, HOST, "imap", soon(), &err);

		stream_free(st);
		server_join(&sv);
		assert_int_equal(r, known ? 0 : -1);
		if (!known)
			assert_string_equal(err.code, "tls.untrusted");
		unlink(hashed);
	}
	unsetenv("SSL_CERT_DIR");
}

static void
unusable_files_are_named(void **state)
{
	const struct {
		struct tls_conf	 conf;
		const char	*code, *file;
	} cases[] = {
		{ { .ca_file = "/nonexistent.pem" }, "tls.ca-file",
		  "/nonexistent.pem" },
		{ { .ca_file = empty_file }, "tls.ca-file", empty_file },
		{ { .ca_file = root_file, .client_cert = empty_file },
		  "tls.client-cert", empty_file },
		{ { .ca_file = root_file, .client_cert = root_file,
		  .client_key = empty_file }, "tls.client-cert", empty_file }
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct err err = { 0 };
		struct stream *st;
		int fd[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		st = stream_new(fd[0]);
		assert_int_equal(stream_tls(st, &cases[i].conf, HOST, NULL,
		    soon(), &err), -1);
		assert_int_equal(err.class, ERR_CONFIG);
		assert_string_equal(err.code, cases[i].code);
		assert_non_null(strstr(err.text, cases[i].file));
		stream_free(st);
		close(fd[1]);
	}
}

/* --- Channel binding. --- */

static void
the_channel_is_bound_to_the_same_on_both_ends(void **state)
{
	(void)state;
	for (int version = 12; version <= 13; version++) {
		struct server sv = { .id = ident_new(&good, &root),
		    .max_version = version == 12 ?
		    TLS1_2_VERSION : TLS1_3_VERSION };
		struct tls_conf conf = trusting_root();
		const struct stream_info *info;
		unsigned char digest[EVP_MAX_MD_SIZE];
		struct stream *st = server_start(&sv);
		struct stream_info seen;
		struct err err;
		unsigned n = 32;

		assert_int_equal(stream_tls(st, &conf, HOST, "imap", soon(),
		    &err), 0);
		await(st, 12);
		info = stream_info(st);
		seen = *info;
		X509_digest(sv.id.cert, EVP_sha256(), digest, &n);
		assert_string_equal(info->tls_version,
		    version == 12 ? "TLSv1.2" : "TLSv1.3");
		assert_string_equal(info->cb_type, version == 12 ?
		    "tls-server-end-point" : "tls-exporter");
		assert_non_null(info->cipher);
		stream_free(st);
		server_join(&sv);
		assert_int_equal(seen.n_cb, 32);
		assert_memory_equal(seen.cb,
		    version == 12 ? digest : sv.exported, 32);
	}
}

/* --- Handshakes that come to nothing. --- */

static void
other_handshakes_fail_for_what_they_are(void **state)
{
	static const struct {
		const char	*sent;		/* before the handshake */
		bool		 pulled, close;
		enum err_class	 class;
		const char	*code;
	} cases[] = {
		{ "* OK injected\r\n", true, false, ERR_PROTO, "tls.injected" },
		{ "* OK ready\r\n", false, false, ERR_RETRY, "tls.handshake" },
		{ "", false, true, ERR_RETRY, "net.closed" },
		/* A record header, and the end within the record. */
		{ "\x16\x03\x03\x01", false, true, ERR_RETRY, "net.closed" },
		{ "", false, false, ERR_RETRY, "net.timeout" }
	};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct tls_conf conf = trusting_root();
		struct err err = { 0 };
		struct stream *st;
		int fd[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		st = stream_new(fd[0]);
		assert_true(write(fd[1], cases[i].sent, strlen(cases[i].sent)) >= 0);
		if (cases[i].pulled)
			assert_int_equal(stream_pull(st, &err), 1);
		/* Our ClientHello has somewhere to go, the answer never comes. */
		if (cases[i].close)
			assert_int_equal(shutdown(fd[1], SHUT_WR), 0);
		assert_int_equal(stream_tls(st, &conf, HOST, "imap",
		    clock_in(USEC_MS(100)), &err), -1);
		if (strcmp(err.code, cases[i].code) != 0)
			fail_msg("%zu: %s: %s", i, err.code, err.text);
		assert_int_equal(err.class, cases[i].class);
		assert_null(strstr(err.text, HOST));
		stream_free(st);
		close(fd[1]);
	}
}

static void
what_was_put_in_clear_must_be_sent_first(void **state)
{
	struct tls_conf conf = trusting_root();
	struct err err = { 0 };
	struct stream *st;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	st = stream_new(fd[0]);
	stream_put(st, "a STARTTLS\r\n", 12);
	assert_int_equal(stream_tls(st, &conf, HOST, "imap", soon(), &err), -1);
	assert_int_equal(err.class, ERR_PROTO);
	assert_string_equal(err.code, "tls.injected");
	stream_free(st);
	close(fd[1]);
}

/* --- Bytes. --- */

static void
an_end_with_and_without_close_notify_is_the_same(void **state)
{
	static const enum deed deeds[] = { BYE, VANISH };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct server sv = { .max_version = TLS1_3_VERSION,
		    .deed = deeds[i], .id = ident_new(&good, &root) };
		struct tls_conf conf = trusting_root();
		struct stream *st = server_start(&sv);
		struct err err = { 0 };
		int r;

		assert_int_equal(stream_tls(st, &conf, HOST, "imap", soon(),
		    &err), 0);
		await(st, 12);
		assert_memory_equal(stream_peek(st).p, "* OK hello\r\n", 12);
		while ((r = stream_pull(st, &err)) == 0) {
			struct waiter w = stream_waiter(st);

			assert_int_equal(wait_any(&w, 1, soon(), &err), 1);
		}
		assert_int_equal(r, -1);
		assert_int_equal(err.class, ERR_RETRY);
		assert_string_equal(err.code, "net.closed");
		stream_free(st);
		server_join(&sv);
	}
}

/* All of the flood is inside OpenSSL or the socket when the buffer is full, and
 * then the server is silent: no byte on the socket announces the rest. */
static void
bytes_held_back_by_openssl_are_not_forgotten(void **state)
{
	struct server sv = { .max_version = TLS1_3_VERSION, .deed = FLOOD,
	    .id = ident_new(&good, &root) };
	struct tls_conf conf = trusting_root();
	struct stream *st = server_start(&sv);
	struct err err = { 0 };
	size_t got = 0;

	(void)state;
	assert_int_equal(stream_tls(st, &conf, HOST, "imap", soon(), &err), 0);
	while (got < FLOOD_BYTES) {
		struct waiter w = stream_waiter(st);
		struct str s;

		assert_int_equal(wait_any(&w, 1, soon(), &err), 1);
		assert_true(stream_pull(st, &err) >= 0);
		s = stream_peek(st);
		assert_true(s.n <= 256 * 1024);
		/* Awkward portions, but the last byte is taken. */
		if (s.n > 1000 && got + s.n < FLOOD_BYTES)
			s.n -= 999;
		for (size_t i = 0; i < s.n; i++, got++)
			if ((unsigned char)s.p[i] != got % 251)
				fail_msg("byte %zu is wrong", got);
		stream_eat(st, s.n);
	}
	stream_free(st);
	server_join(&sv);
}

static void
both_directions_at_once(void **state)
{
	enum { TOTAL = 3000000 };
	struct server sv = { .max_version = TLS1_3_VERSION,
	    .id = ident_new(&good, &root) };
	struct tls_conf conf = trusting_root();
	struct stream *st = server_start(&sv);
	size_t put = 0, got = 0;
	char chunk[5003];
	struct err err = { 0 };

	(void)state;
	assert_int_equal(stream_tls(st, &conf, HOST, "imap", soon(), &err), 0);
	await(st, 12);
	stream_eat(st, 12);
	while (got < TOTAL) {
		struct waiter w;
		struct str s;

		while (put < TOTAL && stream_pending(st) < 200000) {
			size_t n = TOTAL - put < 5003 ? TOTAL - put : 5003;

			for (size_t i = 0; i < n; i++)
				chunk[i] = (char)((put + i) % 127);
			stream_put(st, chunk, n);
			put += n;
		}
		assert_true(stream_push(st, &err) >= 0);
		assert_true(stream_pull(st, &err) >= 0);
		s = stream_peek(st);
		for (size_t i = 0; i < s.n; i++, got++)
			if (s.p[i] != (char)(got % 127))
				fail_msg("byte %zu is wrong", got);
		stream_eat(st, s.n);
		w = stream_waiter(st);
		if (got < put)
			assert_int_equal(wait_any(&w, 1, soon(), &err), 1);
	}
	assert_int_equal(got, TOTAL);
	assert_true(stream_stats(st).up > TOTAL);
	assert_true(stream_stats(st).down > TOTAL);
	stream_free(st);
	server_join(&sv);
}

static int
set_up(void **state)
{
	static const struct spec root_spec = { "root", NULL, -1, 100 };
	static const struct spec stranger_spec = { "stranger", NULL, -1, 100 };

	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(root_file, sizeof(root_file), "%s/root.pem", dir);
	snprintf(leaf_file, sizeof(leaf_file), "%s/leaf.pem", dir);
	snprintf(empty_file, sizeof(empty_file), "%s/empty.pem", dir);
	root = ident_new(&root_spec, NULL);
	stranger = ident_new(&stranger_spec, NULL);
	save_cert(root_file, root.cert);
	save_cert(empty_file, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ident_clear(&root);
	ident_clear(&stranger);
	unlink(root_file);
	unlink(leaf_file);
	unlink(empty_file);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_peer_is_let_in_and_no_other),
		cmocka_unit_test(the_servers_own_certificate_can_be_trusted),
		cmocka_unit_test(the_systems_store_is_the_default),
		cmocka_unit_test(unusable_files_are_named),
		cmocka_unit_test(the_channel_is_bound_to_the_same_on_both_ends),
		cmocka_unit_test(other_handshakes_fail_for_what_they_are),
		cmocka_unit_test(what_was_put_in_clear_must_be_sent_first),
		cmocka_unit_test(an_end_with_and_without_close_notify_is_the_same),
		cmocka_unit_test(bytes_held_back_by_openssl_are_not_forgotten),
		cmocka_unit_test(both_directions_at_once)
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
