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
