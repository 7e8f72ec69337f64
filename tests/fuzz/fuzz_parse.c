/*
 * fuzz_parse.c — any bytes as an IMAP server.  The first byte chooses the
 * portions and whether we are signed in; the items must be the same as without
 * portions.  `make fuzz` runs it.
 */
#include "fuzz.h"

#include "imap/caps.h"
#include "show_resp.h"

static void
check_reader(struct str in, bool authenticated, unsigned seed)
{
	char *whole = show_all(in, authenticated, 1 << 16, 0);
	char *cut = show_all(in, authenticated, 1 << 16, seed);

	if (strcmp(whole, cut) != 0) {
		fprintf(stderr, "whole:\n%s\nin portions:\n%s\n", whole, cut);
		abort();
	}
	free(whole);
	free(cut);
}

static void
check_date(struct str in)
{
	int64_t t, again;
	char z[32];

	if (!imap_date_parse(in, &t))
		return;
	imap_date_print(t, z);
	must(imap_date_parse(str_z(z), &again));
	must(t == again || t < -62135596800 || t > 253402300799);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct imap_caps caps;
	struct str in;

	if (n == 0)
		return 0;
	in = (struct str){ (const char *)p + 1, n - 1 };
	check_reader(in, p[0] & 1, 1 + (p[0] >> 1));
	check_date(in);
	caps_parse(&caps, in);
	return 0;
}
