/*
 * fuzz_sasl.c — any bytes as the challenges of a server that signs us in.  The
 * first byte chooses the mechanism, the second whether the lines are challenges as
 * they stand or are put into base64 first.
 *
 * What we say is base64 on one line; the secret is in it only where the mechanism
 * says it; and nobody who does not know the password passes for the server.
 */
#include "fuzz.h"

#include <openssl/evp.h>

#include "net/sasl.h"

static const char secret[] = "hunter2-hunter2";

static bool
says_the_secret(const char *mechanism)
{
	return strcmp(mechanism, "PLAIN") == 0 || strcmp(mechanism, "LOGIN") == 0 ||
	    strcmp(mechanism, "XOAUTH2") == 0 ||
	    strcmp(mechanism, "OAUTHBEARER") == 0;
}

static void
check_said(const struct buf *out, const char *mechanism)
{
	uint8_t *plain = xmalloc(out->n + 4);
	int n;

	must(out->n % 4 == 0);
	for (size_t i = 0; i < out->n; i++)
		must(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		    "0123456789+/=", out->p[i]) != NULL && out->p[i] != '\0');
	n = EVP_DecodeBlock(plain, out->p, (int)out->n);
	must(n >= 0);
	must(says_the_secret(mechanism) ||
	    memmem(plain, (size_t)n, secret, sizeof(secret) - 1) == NULL);
	free(plain);
}

static void
talk(const char *mechanism, struct str in, bool encode)
{
	static const struct stream_info tls = { .tls_version = "TLSv1.3",
	    .cb_type = "tls-exporter", .cb = "0123456789abcdef0123456789abcdef",
	    .n_cb = 32 };
	struct sasl_conf conf = { .mechanism = mechanism, .service = "imap",
	    .user = "ann", .host = "h.example", .port = 993,
	    .secret = { secret, sizeof(secret) - 1 }, .tls = &tls };
	struct err err;
	struct sasl *a = sasl_new(&conf, &err);
	bool failed = a == NULL;

	for (int i = 0; i < 4 && in.p != NULL && !failed; i++) {
		struct str line = str_split(&in, '\n');
		CLEANUP(buf_clear) struct buf out;
		uint8_t b64[8192];

		buf_init(&out, SASL_RESPONSE_MAX);
		if (encode && line.n < 6000)
			line = (struct str){ (char *)b64, (size_t)
			    EVP_EncodeBlock(b64, (const uint8_t *)line.p,
			    (int)line.n) };
		failed = sasl_step(a, line, &out, &err) < 0;
		if (!failed)
			check_said(&out, mechanism);
		(void)sasl_said_all(a);
		(void)sasl_last_word(a);
	}
	if (!failed && strncmp(mechanism, "SCRAM", 5) == 0)
		must(sasl_end(a, &err) < 0);
	if (a != NULL)
		must(strlen(sasl_failure(a)) < 1 << 16);
	sasl_free(a);
}

static void
choose(struct str in)
{
	struct sasl_names names = { 0 };
	struct sasl_offer offer = { .names = &names };
	struct peer_conf conf = { 0 };
	struct stream_info tls = { 0 };
	enum err_class class = ERR_AUTH;
	const char *code = "auth.refused", *name;
	struct err err;

	peer_complaint(in, &class, &code);
	while (in.p != NULL)
		sasl_names_add(&names, str_split(&in, '\n'));
	must(names.n <= SASL_MECHS_MAX);
	name = sasl_choose(&conf, &offer, &tls, &err);
	must(name == NULL || sasl_names_have(&names, name));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const mechanism[] = { "PLAIN", "LOGIN", "CRAM-MD5",
	    "XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-1", "SCRAM-SHA-256",
	    "SCRAM-SHA-256-PLUS", "EXTERNAL" };
	struct str in = { (const char *)p, n };
	unsigned which = fuzz_byte(&in), encode = fuzz_byte(&in);

	if (n < 2)
		return 0;
	if (encode & 2)
		choose(in);
	else
		talk(mechanism[which % ARRAY_LEN(mechanism)], in, encode & 1);
	return 0;
}
