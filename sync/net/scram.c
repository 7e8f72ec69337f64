/* scram.c — RFC 5802 section 3: SaltedPassword := Hi(Normalize(password), salt, i). */
#include "net/scram.h"

#include <gsasl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/num.h"

enum { ITERATIONS_MIN = 4096, ITERATIONS_MAX = 1000000 };

/* What of the message matters here. */
struct first {
	struct str	salt;		/* base64 */
	uint32_t	iterations;	/* 0: it does not say */
};

/* A huge count would keep us busy for hours, a tiny one would give the password
 * away to whoever listens. */
static int
read_first(struct str message, struct first *f, struct err *err)
{
	while (message.p != NULL) {
		struct str part = str_split(&message, ',');

		if (str_starts(part, STR("s=")))
			f->salt = str_from(part, 2);
		if (str_starts(part, STR("i=")) &&
		    !num_u32(str_from(part, 2), ITERATIONS_MIN, ITERATIONS_MAX,
		    &f->iterations))
			return err_set(err, ERR_AUTH, "auth.refused",
			    "the server wants \"%.*s\" iterations, not "
			    "%d to %d", (int)str_head(part, 20).n, part.p,
			    ITERATIONS_MIN, ITERATIONS_MAX);
	}
	return 0;
}

/* ${prepared} is the normalized password. */
static void
salt(const char *mechanism, const struct first *f, const char *prepared,
    char hex[SCRAM_HEX_MAX])
{
	const EVP_MD *md = str_starts(str_z(mechanism), STR("SCRAM-SHA-256")) ?
	    EVP_sha256() : EVP_sha1();
	unsigned char key[EVP_MAX_MD_SIZE];
	size_t n_key = (size_t)EVP_MD_get_size(md), n = 0;
	char *raw = NULL;

	if (gsasl_base64_from(f->salt.p, f->salt.n, &raw, &n) != GSASL_OK)
		return;
	if (PKCS5_PBKDF2_HMAC(prepared, (int)strlen(prepared),
	    (unsigned char *)raw, (int)n, (int)f->iterations, md, (int)n_key,
	    key) == 1)
		for (size_t i = 0; i < n_key; i++)
			snprintf(hex + 2 * i, 3, "%02x", key[i]);
	OPENSSL_cleanse(key, sizeof(key));
	gsasl_free(raw);
}

int
scram_salted(const char *mechanism, struct str message, const char *password,
    char hex[SCRAM_HEX_MAX], struct err *err)
{
	struct first f = { .salt = { NULL, 0 } };
	char *prepared = NULL;
	int r;

	hex[0] = '\0';
	if (read_first(message, &f, err) < 0)
		return -1;
	if (f.salt.n == 0 || f.iterations == 0)
		return 0;
	r = gsasl_saslprep(password, GSASL_ALLOW_UNASSIGNED, &prepared, NULL);
	if (r == GSASL_MALLOC_ERROR)
		no_memory();
	if (r != GSASL_OK)
		return err_set(err, ERR_AUTH, "auth.refused", "the password: %s",
		    gsasl_strerror(r));
	salt(mechanism, &f, prepared, hex);
	OPENSSL_cleanse(prepared, strlen(prepared));
	gsasl_free(prepared);
	return 0;
}
