/* test_sasl.c — the choice of a mechanism, and what is said in it. */
#include "net/sasl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/attr.h"
#include "net/scram.h"

static const struct stream_info clear = { 0 };
static const struct stream_info tls13 = { .tls_version = "TLSv1.3",
    .cb_type = "tls-exporter", .cb = "0123456789abcdef0123456789abcdef",
    .n_cb = 32 };
static const struct stream_info tls12 = { .tls_version = "TLSv1.2",
    .cb_type = "tls-server-end-point", .cb = "x", .n_cb = 32 };

static char *const only_plain[] = { "PLAIN" };
static char *const cram_then_scram[] = { "cram-md5", "SCRAM-SHA-1" };
static char *const only_login[] = { "LOGIN" };
static char *const only_scram[] = { "SCRAM-SHA-256" };

#define ALL	"AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5 AUTH=GSSAPI AUTH=EXTERNAL " \
	"AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-256 " \
	"AUTH=SCRAM-SHA-1-PLUS AUTH=SCRAM-SHA-256-PLUS"

static const struct sasl_command login = { "LOGIN", "LOGIN command", false };

/* "AUTH=PLAIN LOGINDISABLED". */
static void
offer_of(const char *caps, struct sasl_names *names, struct sasl_offer *offer)
{
	struct str list = str_z(caps);

	offer->n_commands = 1;
	while (list.p != NULL) {
		struct str word = str_split(&list, ' ');

		if (str_starts(word, STR("AUTH=")))
			sasl_names_add(names, str_from(word, 5));
		else if (str_eq(word, STR("LOGINDISABLED")))
			offer->n_commands = 0;
	}
}

static void
the_strongest_that_fits_is_chosen(void **state)
{
	static const struct {
		const char		*caps;
		const struct stream_info *tls;
		struct peer_conf	 conf;
		const char		*want;	/* NULL: nothing fits */
	} table[] = {
		{ ALL, &tls13, { 0 }, "SCRAM-SHA-256-PLUS" },
		{ ALL, &tls12, { 0 }, "SCRAM-SHA-256" },
		{ ALL, &clear, { 0 }, "SCRAM-SHA-256" },
		{ "AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-1-PLUS AUTH=PLAIN", &tls13,
		    { 0 }, "SCRAM-SHA-1-PLUS" },
		{ "AUTH=CRAM-MD5 AUTH=PLAIN AUTH=LOGIN", &tls13, { 0 }, "PLAIN" },
		{ "AUTH=LOGIN", &tls13, { 0 }, "LOGIN" },
		{ "IMAP4rev1", &tls13, { 0 }, "LOGIN command" },
		{ "AUTH=CRAM-MD5 LOGINDISABLED", &tls13, { 0 }, NULL },
		{ "LOGINDISABLED AUTH=XOAUTH2", &tls13, { 0 }, NULL },
		{ ALL, &tls13, { .token = true }, "OAUTHBEARER" },
		{ "AUTH=XOAUTH2 AUTH=PLAIN LOGINDISABLED", &tls13,
		    { .token = true }, "XOAUTH2" },
		{ "AUTH=PLAIN", &tls13, { .token = true }, NULL },
		{ ALL, &tls13, { .external = true }, "EXTERNAL" },
		{ "AUTH=PLAIN", &tls13, { .external = true }, NULL },
		{ ALL, &tls13, { .mechanisms = only_plain, .n_mechanisms = 1 },
		    "PLAIN" },
		{ "AUTH=SCRAM-SHA-1", &tls13, { .mechanisms = only_plain,
		    .n_mechanisms = 1 }, NULL },
		{ ALL, &tls13, { .mechanisms = cram_then_scram,
		    .n_mechanisms = 2 }, "CRAM-MD5" },
		{ "AUTH=SCRAM-SHA-1", &tls13, { .mechanisms = cram_then_scram,
		    .n_mechanisms = 2 }, "SCRAM-SHA-1" },
		{ "IMAP4rev1", &tls13, { .mechanisms = only_login,
		    .n_mechanisms = 1 }, "LOGIN command" },
		{ "LOGINDISABLED", &tls13, { .mechanisms = only_login,
		    .n_mechanisms = 1 }, NULL },
		/* The list was cut down on the way: no step down to PLAIN. */
		{ "AUTH=PLAIN", &tls13, { .mechanisms = only_scram,
		    .n_mechanisms = 1 }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct sasl_names names = { 0 };
		struct sasl_offer offer = { .names = &names,
		    .command = &login };
		struct err err = { 0 };
		const char *got;

		offer_of(table[i].caps, &names, &offer);
		got = sasl_choose(&table[i].conf, &offer, table[i].tls, &err);
		if (table[i].want != NULL) {
			assert_non_null(got);
			assert_string_equal(got, table[i].want);
		} else {
			assert_null(got);
			assert_string_equal(err.code, "auth.mechanism-missing");
		}
	}
}

static struct sasl *
begin(const char *mechanism, const char *user, const struct stream_info *tls)
{
	struct err err;
	struct sasl *a = sasl_new(&(struct sasl_conf){
		.mechanism = mechanism, .service = "imap", .user = user, .host = "h.example",
		.port = 993, .secret = STR("secret"), .tls = tls }, &err);

	assert_non_null(a);
	return a;
}

static int
step(struct sasl *a, const char *challenge, char *out, struct err *err)
{
	CLEANUP(buf_clear) struct buf b;
	unsigned char b64[512] = "";
	int n;

	buf_init(&b, SASL_RESPONSE_MAX);
	n = EVP_EncodeBlock(b64, (const unsigned char *)challenge,
	    (int)strlen(challenge));
	if (sasl_step(a, (struct str){ (char *)b64, (size_t)n }, &b, err) < 0)
		return -1;
	n = b.n > 0 ? EVP_DecodeBlock((unsigned char *)out, b.p, (int)b.n) : 0;
	assert_true(n >= 0);
	for (size_t i = b.n; i > 0 && b.p[i - 1] == '='; i--)
		n--;
	out[n] = '\0';
	return n;
}

static void
simple_mechanisms_say_the_right_bytes(void **state)
{
	static const struct {
		const char	*mechanism, *user;
		const char	*challenge[2];
		const char	*say[2];
		int		 n_say;		/* of the first */
	} table[] = {
		{ "PLAIN", "ann", { "" }, { "\0ann\0secret" }, 11 },
		{ "LOGIN", "ann", { "Username:", "Password:" },
		    { "ann", "secret" }, 3 },
		{ "XOAUTH2", "ann@h", { "", "{\"status\":\"401\"}" },
		    { "user=ann@h\1auth=Bearer secret\1\1", "" }, 31 },
		{ "OAUTHBEARER", "a,n=n", { "", "{\"status\":\"x\"}" },
		    { "n,a=a=2Cn=3Dn,\1host=h.example\1port=993\1"
		    "auth=Bearer secret\1\1", "\1" }, 59 },
		{ "EXTERNAL", "ann", { "" }, { "" }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct sasl *a = begin(table[i].mechanism, table[i].user, &tls13);
		struct err err;
		char out[512];

		assert_int_equal(sasl_client_first(a),
		    strcmp(table[i].mechanism, "LOGIN") != 0);
		assert_int_equal(step(a, table[i].challenge[0], out, &err),
		    table[i].n_say);
		assert_memory_equal(out, table[i].say[0],
		    (size_t)table[i].n_say);
		assert_int_equal(sasl_end(a, &err), 0);
		if (table[i].challenge[1] != NULL) {
			assert_true(step(a, table[i].challenge[1], out, &err) >= 0);
			assert_string_equal(out, table[i].say[1]);
			if (strstr(table[i].mechanism, "OAUTH") != NULL)
				assert_string_equal(sasl_failure(a),
				    table[i].challenge[1]);
			assert_int_equal(step(a, "more?", out, &err), -1);
		}
		sasl_free(a);
	}
}

static void
scram_holds_the_iteration_count_and_wants_a_proof(void **state)
{
	static const struct {
		const char	*iterations;
		bool		 fine;
	} table[] = {
		{ "4096", true }, { "4095", false }, { "1", false },
		{ "1000001", false }, { "4294967296", false }, { "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct sasl *a = begin("SCRAM-SHA-256", "ann", &tls13);
		char out[512], challenge[512];
		struct err err = { 0 };
		const char *nonce;

		assert_true(step(a, "", out, &err) > 0);
		assert_memory_equal(out, "n,,n=ann,r=", 11);
		nonce = out + 11;
		snprintf(challenge, sizeof(challenge),
		    "r=%.99sserver,s=c2FsdHNhbHQ=,i=%s", nonce,
		    table[i].iterations);
		assert_int_equal(step(a, challenge, out, &err) > 0,
		    table[i].fine);
		/* An OK now would come from one who never knew the password. */
		assert_int_equal(sasl_end(a, &err), -1);
		assert_int_equal(err.class, ERR_AUTH);
		if (table[i].fine)
			assert_int_equal(step(a, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			    "AAAAAAAAAAAAAAA=", out, &err), -1);
		sasl_free(a);
	}
}

/* The messages of RFC 5802 section 5 and RFC 7677 section 3; what they do not
 * tell is by another PBKDF2.  Preparing: RFC 4013 section 3. */
static void
salted_password_is_that_of_the_standards(void **state)
{
	static const struct {
		const char	*mechanism, *message, *password, *want;
	} table[] = {
		{ "SCRAM-SHA-1", "r=x,s=QSXCR+Q6sek8bf92,i=4096", "pencil",
		    "1d96ee3a529b5a5f9e47c01f229a2cb8a6e15f7d" },
		{ "SCRAM-SHA-256", "r=x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "pencil",
		    "c4a49510323ab4f952cac1fa99441939"
		    "e78ea74d6be81ddf7096e87513dc615d" },
		{ "SCRAM-SHA-256-PLUS", "r=x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		    "I\xc2\xadX", "7f9242ed6af1e27160e5480687043cda"
		    "ec8373483810d3d43b95b01987cd4fdd" },
		{ "SCRAM-SHA-256", "r=x,s=W22ZaJ0SNY7soEsUEjb6gQ==", "pencil", "" },
		{ "SCRAM-SHA-256", "r=x,i=4096", "pencil", "" },
		{ "SCRAM-SHA-256", "r=x,s=%%%,i=4096", "pencil", "" },
		{ "SCRAM-SHA-256", "", "pencil", "" },
		{ "SCRAM-SHA-256", "r=x,s=QUJD,i=4096", "a\x07" "b", NULL },
		{ "SCRAM-SHA-256", "r=x,s=QUJD,i=12", "pencil", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char hex[SCRAM_HEX_MAX];
		struct err err = { 0 };

		assert_int_equal(scram_salted(table[i].mechanism,
		    str_z(table[i].message), table[i].password, hex, &err),
		    table[i].want != NULL ? 0 : -1);
		assert_string_equal(hex, table[i].want != NULL ? table[i].want : "");
		if (table[i].want == NULL)
			assert_string_equal(err.code, "auth.refused");
	}
}

static void
plus_binds_to_the_channel(void **state)
{
	(void)state;
	struct sasl *a = begin("SCRAM-SHA-256-PLUS", "ann", &tls13);
	char out[512];
	struct err err;

	assert_true(step(a, "", out, &err) > 0);
	assert_memory_equal(out, "p=tls-exporter,,n=ann,r=", 24);
	sasl_free(a);
}

static void
foreign_nonce_is_refused(void **state)
{
	(void)state;
	struct sasl *a = begin("SCRAM-SHA-1", "ann", &tls13);
	char out[512];
	struct err err;

	assert_true(step(a, "", out, &err) > 0);
	assert_int_equal(step(a, "r=other,s=c2FsdA==,i=4096", out, &err), -1);
	sasl_free(a);
}

/* What an earlier call leaves behind where the next one has its locals. */
__attribute__((noinline)) static void
litter(void)
{
	volatile char old[16384];

	for (size_t i = 0; i < sizeof(old); i++)
		old[i] = 0x41;
}

static void
challenge_that_is_no_base64_is_refused(void **state)
{
	static const char *const mechanisms[] = { "PLAIN", "XOAUTH2",
	    "SCRAM-SHA-256" };
	static const char *const challenges[] = { "!!", "=", "abc", "YQ==YQ==!" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
		for (size_t k = 0; k < ARRAY_LEN(challenges); k++) {
			struct sasl *a = begin(mechanisms[i], "ann", &tls13);
			CLEANUP(buf_clear) struct buf out;
			struct err err = { 0 };

			buf_init(&out, SASL_RESPONSE_MAX);
			litter();
			assert_int_equal(sasl_step(a, str_z(challenges[k]), &out,
			    &err), -1);
			assert_int_equal(err.class, ERR_PROTO);
			assert_int_equal(out.n, 0);
			sasl_free(a);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_strongest_that_fits_is_chosen),
		cmocka_unit_test(simple_mechanisms_say_the_right_bytes),
		cmocka_unit_test(scram_holds_the_iteration_count_and_wants_a_proof),
		cmocka_unit_test(salted_password_is_that_of_the_standards),
		cmocka_unit_test(plus_binds_to_the_channel),
		cmocka_unit_test(foreign_nonce_is_refused),
		cmocka_unit_test(challenge_that_is_no_base64_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
