/* secret.c — passwords in locked memory. */
#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"

static const size_t page_bytes = SECRET_MAX + 4096;

int
secret_set(struct secret *secret, struct str s)
{
	secret_clear(secret);
	if (s.n > SECRET_MAX)
		return -1;
	secret->page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(secret->page != MAP_FAILED);
	/* Both are best effort: a small RLIMIT_MEMLOCK must not stop mail. */
	(void)mlock(secret->page, page_bytes);
	(void)madvise(secret->page, page_bytes, MADV_DONTDUMP);
	(void)madvise(secret->page, page_bytes, MADV_WIPEONFORK);
	if (s.n > 0)
		memcpy(secret->page, s.p, s.n);
	secret->n = s.n;
	return 0;
}

void
secret_clear(struct secret *secret)
{
	if (secret->page != NULL) {
		explicit_bzero(secret->page, page_bytes);
		munmap(secret->page, page_bytes);
	}
	*secret = (struct secret){ 0 };
}

struct str
secret_peek(const struct secret *secret)
{
	return (struct str){ secret->page, secret->n };
}

/* As it is, or quoted: with backslashes. */
static bool
in_plain(struct str s, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		size_t k = 0;

		for (size_t j = i; k < s.n && j < text.n; j++)
			if (text.p[j] == s.p[k])
				k++;
			else if (text.p[j] != '\\')
				break;
		if (k == s.n)
			return true;
	}
	return false;
}

/* The base64 digit for six bits of ${s} from bit ${at} on. */
static char
digit(struct str s, size_t at)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned two = (unsigned)(unsigned char)s.p[at / 8] << 8;

	if (at / 8 + 1 < s.n)
		two |= (unsigned char)s.p[at / 8 + 1];
	return digits[two >> (10 - at % 8) & 63];
}

/* The digits of ${s} that nothing around it has a part in, when ${shift} bytes
 * (modulo three) stand before it. */
static bool
in_base64(struct str s, struct str text, size_t shift)
{
	size_t skip = (6 - shift * 8 % 6) % 6;
	size_t n = (8 * s.n - skip) / 6;

	for (size_t i = 0; i + n <= text.n; i++) {
		size_t k = 0;

		while (k < n && text.p[i + k] == digit(s, skip + 6 * k))
			k++;
		if (k == n)
			return true;
	}
	return false;
}

bool
secret_in(const struct secret *secret, struct str text)
{
	/* Who shows text may have cut it. */
	struct str s = str_head(secret_peek(secret), 64);

	if (s.n < 4 || text.n < s.n)
		return false;
	return in_plain(s, text) || in_base64(s, text, 0) ||
	    in_base64(s, text, 1) || in_base64(s, text, 2);
}
