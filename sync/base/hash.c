/*
 * hash.c — the identity of a message.  Folding keeps one byte back: a CR at the
 * end of a portion may belong to a CRLF.
 */
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/mem.h"

struct hasher {
	EVP_MD_CTX	*head, *all;
	EVP_MD_CTX	*wire;		/* NULL: nobody asks */
	bool		 in_body;	/* the empty line has passed */
	bool		 cr;		/* a CR is held back */
	bool		 line_start;	/* the last byte hashed was LF, or none */
	uint64_t	 wire_size;
	size_t		 n_folded;
	char		 folded[4096];	/* for .all: lines are short, and each
					 * update has its price */
};

static void *
crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return n > 0 ? xmalloc(n) : NULL;
}

static void
crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static void *
crypto_realloc(void *p, size_t n, const char *file, int line)
{
	if (n > 0)
		return xreallocarray(p, 1, n);
	crypto_free(p, file, line);
	return NULL;
}

void
hash_begin(void)
{
	/* Refused where another library had it work before main(): then it fails as
	 * it always did. */
	(void)CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc,
	    crypto_free);
}

/* Looked up once: EVP_sha256() would be at each use, under locks. */
static const EVP_MD *
sha256(void)
{
	static const EVP_MD *md;

	if (md == NULL) {
		/* OpenSSL 3.0 goes on without a context that it had no
		 * memory for, and follows its null pointers. */
		must(OSSL_LIB_CTX_get0_global_default() != NULL);
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	}
	must(md != NULL);
	return md;
}

static void
begin(struct hasher *h)
{
	must(EVP_DigestInit_ex(h->head, sha256(), NULL) == 1);
	must(EVP_DigestInit_ex(h->all, sha256(), NULL) == 1);
	if (h->wire != NULL)
		must(EVP_DigestInit_ex(h->wire, sha256(), NULL) == 1);
	h->n_folded = 0;
	h->in_body = h->cr = false;
	h->line_start = true;
	h->wire_size = 0;
}

struct hasher *
hasher_new(void)
{
	struct hasher *h = xcalloc(1, sizeof(*h));

	h->head = EVP_MD_CTX_new();
	h->all = EVP_MD_CTX_new();
	must(h->head != NULL && h->all != NULL);
	begin(h);
	return h;
}

void
hasher_free(struct hasher *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->head);
	EVP_MD_CTX_free(h->all);
	EVP_MD_CTX_free(h->wire);
	free(h);
}

void
hasher_want_wire(struct hasher *h)
{
	if (h->wire == NULL)
		h->wire = EVP_MD_CTX_new();
	must(h->wire != NULL);
	begin(h);
}

/* Folded bytes, unfolded. */
static void
digest_wire(struct hasher *h, const char *p, size_t n)
{
	const char *end = p + n, *lf;

	while ((lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		EVP_DigestUpdate(h->wire, p, (size_t)(lf - p));
		EVP_DigestUpdate(h->wire, "\r\n", 2);
		p = lf + 1;
	}
	EVP_DigestUpdate(h->wire, p, (size_t)(end - p));
}

static void
flush(struct hasher *h)
{
	EVP_DigestUpdate(h->all, h->folded, h->n_folded);
	h->n_folded = 0;
}

static void
digest_all(struct hasher *h, const char *p, size_t n)
{
	if (n > sizeof(h->folded) - h->n_folded)
		flush(h);
	if (n > sizeof(h->folded)) {
		EVP_DigestUpdate(h->all, p, n);
		return;
	}
	memcpy(h->folded + h->n_folded, p, n);
	h->n_folded += n;
}

/* As far as the header goes. */
static void
digest_head(struct hasher *h, const char *p, size_t n)
{
	const char *q = p, *end = p + n;

	while (q < end) {
		const char *lf;

		if (h->line_start && *q == '\n') {
			h->in_body = true;
			break;
		}
		lf = memchr(q, '\n', (size_t)(end - q));
		h->line_start = lf != NULL;
		q = lf != NULL ? lf + 1 : end;
	}
	EVP_DigestUpdate(h->head, p, (size_t)(q - p));
}

/* Folded bytes; ${p} has no CRLF that should have been folded. */
static void
digest(struct hasher *h, const char *p, size_t n)
{
	if (n == 0)
		return;
	digest_all(h, p, n);
	if (h->wire != NULL)
		digest_wire(h, p, n);
	if (!h->in_body)
		digest_head(h, p, n);
}

void
hasher_add(struct hasher *h, const void *bytes, size_t n)
{
	const char *p = bytes, *end = p + n;

	while (p < end) {
		const char *cr, *stop;

		if (h->cr) {
			h->cr = false;
			if (*p != '\n')
				digest(h, "\r", 1);
			else
				h->wire_size--;	/* LF counts two, CR one */
		}
		cr = memchr(p, '\r', (size_t)(end - p));
		stop = cr != NULL ? cr : end;
		h->wire_size += (size_t)(stop - p);
		for (const char *q = p;
		    (q = memchr(q, '\n', (size_t)(stop - q))) != NULL; q++)
			h->wire_size++;
		digest(h, p, (size_t)(stop - p));
		p = stop;
		if (cr != NULL) {
			h->cr = true;
			h->wire_size++;
			p++;
		}
	}
}

void
hasher_end(struct hasher *h, struct msgid_hash *out)
{
	if (h->cr)
		digest(h, "\r", 1);
	flush(h);
	must(EVP_DigestFinal_ex(h->head, out->head.b, NULL) == 1);
	must(EVP_DigestFinal_ex(h->all, out->all.b, NULL) == 1);
	out->wire = (struct hash){ 0 };
	if (h->wire != NULL)
		must(EVP_DigestFinal_ex(h->wire, out->wire.b, NULL) == 1);
	out->wire_size = h->wire_size;
	begin(h);
}

void
hash_md5_hex(struct str a, struct str b, char out[33])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char raw[16];

	must(md != NULL && EVP_DigestInit_ex(md, EVP_md5(), NULL) == 1);
	EVP_DigestUpdate(md, a.p, a.n);
	EVP_DigestUpdate(md, b.p, b.n);
	EVP_DigestFinal_ex(md, raw, NULL);
	EVP_MD_CTX_free(md);
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(out + 2 * i, 3, "%02x", raw[i]);
}

bool
hash_eq(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

void
hash_hex(const struct hash *h, char out[65])
{
	for (size_t i = 0; i < sizeof(h->b); i++)
		snprintf(out + 2 * i, 3, "%02x", h->b[i]);
}

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
hash_from_hex(struct str hex, struct hash *out)
{
	if (hex.n != 2 * sizeof(out->b))
		return false;
	for (size_t i = 0; i < sizeof(out->b); i++) {
		int hi = digit_of(hex.p[2 * i]), lo = digit_of(hex.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out->b[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}
