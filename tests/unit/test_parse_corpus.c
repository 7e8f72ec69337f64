/*
 * test_parse_corpus.c — the IMAP reader on answers that were recorded from real
 * servers, tests/corpus/imap: each is read to its end, whole, byte by byte and in
 * other portions, to the same items.  ($SYNCD_CORPUS is for `check replay`.)
 */
#include "cmocka_all.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "show_resp.h"

/* These end a connection, and should. */
static const struct {
	const char	*file, *code;
} refused[] = {
	{ "fetch-literal-overflow.imap", "proto.literal-too-big" },
};

static struct {
	size_t	files, events, refused;
} seen;

/* The file with CRLF, as it was on the wire. */
static char *
load(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb"), *out;
	int c, last = 0;
	char *text;

	assert_non_null(f);
	out = open_memstream(&text, n);
	assert_non_null(out);
	while ((c = fgetc(f)) != EOF) {
		if (c == '\n' && last != '\r')
			fputc('\r', out);
		fputc(c, out);
		last = c;
	}
	if (last != '\n')
		fputs("\r\n", out);
	fclose(f);
	fclose(out);
	return text;
}

static void
check_end(const char *name, const char *items)
{
	const char *broken = strstr(items, "proto.");

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (strcmp(name, refused[i].file) == 0) {
			assert_non_null(broken);
			assert_memory_equal(broken, refused[i].code,
			    strlen(refused[i].code));
			seen.refused++;
			return;
		}
	if (broken != NULL)
		fail_msg("%s: %s", name, broken);
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *name = path + ftw->base;
	char *text, *whole, *cut;
	size_t n;

	(void)st;
	if (type != FTW_F || (!str_ends(str_z(name), STR(".txt")) &&
	    !str_ends(str_z(name), STR(".imap"))))
		return 0;
	text = load(path, &n);
	whole = show_all((struct str){ text, n }, true, 1 << 24, 0);
	for (unsigned seed = 1; seed < 5; seed++) {
		cut = show_all((struct str){ text, n }, true, 1 << 24, seed);
		assert_string_equal(cut, whole);
		free(cut);
	}
	check_end(name, whole);
	seen.files++;
	for (const char *p = whole; (p = strchr(p, '\n')) != NULL; p++)
		seen.events++;
	free(whole);
	free(text);
	return 0;
}

static void
recorded_answers_are_read_to_the_end(void **state)
{
	(void)state;
	assert_int_equal(nftw("tests/corpus/imap", visit, 16, FTW_PHYS), 0);
	/* They were all there, and something was found in them. */
	assert_int_equal(seen.refused, ARRAY_LEN(refused));
	assert_true(seen.files > 300);
	assert_true(seen.events > 2 * seen.files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_answers_are_read_to_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
