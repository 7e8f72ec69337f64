/*
 * fuzz_maildir.c — any bytes as what clients leave in a Maildir: file names, and
 * "dovecot-keywords".  The first byte chooses.
 *
 * A name that is taken apart and put together says the same; a file of keywords
 * that is written reads the same, and no letter loses or changes its name.
 */
#include "fuzz.h"

#include "base/flags.h"
#include "maildir/keywords.h"
#include "maildir/name.h"

static void
check_printed(const struct mname *m, bool in_new)
{
	char out[MNAME_MAX], again[MNAME_MAX];
	struct mname b;

	if (mname_print(out, m->base, m->letters, m->rest, in_new) != 0)
		return;
	must(mname_parse(str_z(out), &b));
	must(str_eq(b.unique, m->unique) && str_eq(b.base, m->base));
	must(str_eq(b.rest, m->rest));
	must(sysflags_from_letters(b.letters) ==
	    sysflags_from_letters(m->letters));
	/* Sorted and unique, so that it stays. */
	for (size_t i = 1; i < b.letters.n; i++)
		must((uint8_t)b.letters.p[i - 1] < (uint8_t)b.letters.p[i]);
	must(mname_print(again, b.base, b.letters, b.rest, in_new) == 0);
	must(strcmp(out, again) == 0);
}

static void
file_name(struct str in)
{
	struct mname m;

	if (memchr(in.p, '\0', in.n) != NULL || memchr(in.p, '/', in.n) != NULL)
		return;	/* readdir(3) gives no such name */
	if (!mname_parse(in, &m))
		return;
	must(m.unique.n > 0 && m.unique.n <= m.base.n && m.base.n <= in.n);
	must(str_starts(in, m.base) && str_starts(m.base, m.unique));
	check_printed(&m, false);
	check_printed(&m, true);
}

static void
check_same(const struct kwfile *a, const struct kwfile *b)
{
	for (int i = 0; i < 26; i++) {
		must((a->name[i] == NULL) == (b->name[i] == NULL));
		must(a->name[i] == NULL || strcmp(a->name[i], b->name[i]) == 0);
	}
}

/* The keywords of the file, and as many of our own as there is room for. */
static void
keywords(struct str in)
{
	static int dir = -1;
	struct kwtab t = { 0 };
	struct kwfile k, again;
	struct err err;
	char letters[27];
	uint64_t bits, left;

	if (dir < 0) {
		dir = open(fuzz_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must(dir >= 0 && mkdirat(dir, "tmp", 0700) == 0);
	}
	fuzz_file(dir, "dovecot-keywords", in);
	if (kwfile_read(dir, &k, &err) != 0)
		return;
	kwfile_note(&k, str_head(in, 30));
	bits = kwfile_to_bits(&k, STR("abcdefghijklmnopqrstuvwxyz"), &t);
	must(t.n <= 26 && (kwfile_shown(&k, bits, &t) & ~bits) == 0);
	left = kwfile_to_letters(&k, bits, &t, letters);
	must(left == 0 && !k.dirty);
	must(kwfile_to_bits(&k, str_z(letters), &t) == bits);
	kwtab_bit(&t, STR("one"));
	kwtab_bit(&t, STR("more"));
	bits = t.n < 64 ? (UINT64_C(1) << t.n) - 1 : UINT64_MAX;
	left = kwfile_to_letters(&k, bits, &t, letters);
	must((kwfile_to_bits(&k, str_z(letters), &t) & (bits & ~left)) ==
	    (bits & ~left));
	if (kwfile_write(dir, &k, &err) == 0) {
		must(kwfile_read(dir, &again, &err) == 0);
		check_same(&k, &again);
		kwfile_clear(&again);
	}
	kwfile_clear(&k);
	kwtab_clear(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = { (const char *)p, n };
	unsigned what = fuzz_byte(&in);

	if (n < 2)
		return 0;
	if (what & 1)
		file_name(in);
	else
		keywords(in);
	return 0;
}
