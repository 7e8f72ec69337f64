/* tls_cert.c — a server's certificate in words, and as a pin.  Called by tls.c. */
#include "net/tls_cert.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

/* "CN=..., O=..." with everything unprintable escaped. */
static void
name_text(const X509_NAME *name, char *out, size_t cap)
{
	BIO *mem = BIO_new(BIO_s_mem());
	int n;

	must(mem != NULL);
	X509_NAME_print_ex(mem, name, 0, XN_FLAG_RFC2253);
	n = BIO_read(mem, out, (int)cap - 1);
	out[n > 0 ? n : 0] = '\0';
	BIO_free(mem);
}

static void
date_text(const ASN1_TIME *t, char *out, size_t cap)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1 ||
	    strftime(out, cap, "%Y-%m-%d", &tm) == 0)
		snprintf(out, cap, "an unreadable date");
}

/* One alternative name; false when it is of a kind that names no host. */
static bool
san_text(const GENERAL_NAME *name, char *out, size_t cap)
{
	const unsigned char *p;
	int kind, n, family;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);

	if (kind != GEN_DNS && kind != GEN_IPADD)
		return false;
	p = ASN1_STRING_get0_data(value);
	n = ASN1_STRING_length(value);
	if (kind == GEN_IPADD) {
		family = n == 16 ? AF_INET6 : AF_INET;
		return (n == 4 || n == 16) &&
		    inet_ntop(family, p, out, (socklen_t)cap) != NULL;
	}
	snprintf(out, cap, "%.*s", n, (const char *)p);
	for (; *out != '\0'; out++)
		if (*out <= ' ' || *out > '~')
			*out = '?';
	return true;
}

/* "mail.example.org, imap.example.org"; as many as there is room for. */
static void
sans_text(X509 *cert, char *out, size_t cap)
{
	GENERAL_NAMES *names;
	char one[128];
	size_t n = 0;

	snprintf(out, cap, "no host at all");
	names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		if (!san_text(sk_GENERAL_NAME_value(names, i), one, sizeof(one)))
			continue;
		if (n + strlen(one) + sizeof(", ...") >= cap) {
			snprintf(out + n, cap - n, ", ...");
			break;
		}
		n += (size_t)snprintf(out + n, cap - n, "%s%s",
		    n > 0 ? ", " : "", one);
	}
	GENERAL_NAMES_free(names);
}

void
tls_cert_explain(X509 *cert, int why, struct err *err)
{
	char subject[128] = "?", issuer[128] = "?", date[32], names[192];

	if (cert == NULL) {
		err_set(err, ERR_CONFIG, "tls.untrusted", "%s",
		    X509_verify_cert_error_string(why));
		return;
	}
	name_text(X509_get_subject_name(cert), subject, sizeof(subject));
	name_text(X509_get_issuer_name(cert), issuer, sizeof(issuer));
	switch (why) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		sans_text(cert, names, sizeof(names));
		err_set(err, ERR_CONFIG, "tls.name-mismatch",
		    "the certificate is for %s, not for this host", names);
		return;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		date_text(X509_get0_notAfter(cert), date, sizeof(date));
		err_set(err, ERR_CONFIG, "tls.expired",
		    "the certificate of %s expired on %s", subject, date);
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		date_text(X509_get0_notBefore(cert), date, sizeof(date));
		err_set(err, ERR_CONFIG, "tls.expired",
		    "the certificate of %s is not valid before %s; is the "
		    "clock right?", subject, date);
		return;
	default:
		err_set(err, ERR_CONFIG, "tls.untrusted",
		    "the certificate of %s, issued by %s, is not trusted: %s",
		    subject, issuer, X509_verify_cert_error_string(why));
	}
}

void
tls_cert_pin(X509 *cert, char out[TLS_PIN_MAX])
{
	unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
	unsigned n;
	int n_der = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	must(n_der > 0);
	must(EVP_Digest(der, (size_t)n_der, digest, &n, EVP_sha256(), NULL) == 1);
	OPENSSL_free(der);
	memcpy(out, "sha256/", 7);
	EVP_EncodeBlock((unsigned char *)out + 7, digest, (int)n);
}
