/*
 * fuzz_parse.c — any bytes as an IMAP server.  The first byte chooses the
 * portions and whether we are signed in; the items must be the same as without
 * portions, and byte by byte.  Dates and sets of UIDs that can be read, are printed as
 * what they are.  `make fuzz` runs it.
 */
#include "fuzz.h"

#include "imap/caps.h"
#include "show_resp.h"

static void
check_portions(const char *whole, struct str in, bool authenticated, unsigned seed)
{
	char *cut = show_all(in, authenticated, 1 << 16, seed);

	if (strcmp(whole, cut) != 0) {
		fprintf(stderr, "whole:\n%s\nin portions:\n%s\n", whole, cut);
		abort();
	}
	free(cut);
}

static void
check_reader(struct str in, bool authenticated, unsigned seed)
{
	char *whole = show_all(in, authenticated, 1 << 16, 0);

	check_portions(whole, in, authenticated, 1);
	if (seed != 1)
		check_portions(whole, in, authenticated, seed);
	free(whole);
}

/* In one piece, and in as many as a command line takes. */
static void
check_set(struct str in)
{
	CLEANUP(buf_clear) struct buf text;
	struct uidset set, again;
	size_t from = 0;

	buf_init(&text, 100);
	uidset_init(&set);
	uidset_init(&again);
	if (uidset_parse(&set, in, 1000) == 0) {
		while (from < set.n) {
			buf_reset(&text);
			must(uidset_print(&set, &from, 40, &text) == 0);
			must(text.n > 0 && text.n <= 40);
			must(uidset_parse(&again, buf_str(&text), 1000) == 0);
		}
		must(again.n == set.n && (set.n == 0 || memcmp(again.r, set.r,
		    set.n * sizeof(*set.r)) == 0));
	}
	uidset_clear(&set);
	uidset_clear(&again);
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
	check_set(in);
	caps_parse(&caps, in);
	return 0;
}
