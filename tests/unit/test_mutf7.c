/* test_mutf7.c — modified UTF-7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "imap/mutf7.h"

static void
canonical_names_go_both_ways(void **state)
{
	static const struct {
		const char	*wire, *utf8;
	} rows[] = {
		{ "", "" },
		{ "INBOX", "INBOX" },
		{ "R&-D", "R&D" },
		{ "&-&-", "&&" },
		{ "Entw&APw-rfe", "Entwürfe" },
		{ "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-", "Отправленные" },
		{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語" },
		{ "&2D3eAA-", "😀" },
		{ "a&2D3eANg93gE-b", "a😀😁b" },
		{ "&AAk-", "\t" },
		{ "&AH8-", "\x7f" },
		{ "&AOk-&-&AOk-", "é&é" },
		{ "&,,8-", "\uffff" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_clear) struct buf out;

		buf_init(&out, 200);
		assert_int_equal(mutf7_decode(str_z(rows[i].wire), &out), 0);
		assert_int_equal(out.n, strlen(rows[i].utf8));
		assert_true(str_eq(buf_str(&out), str_z(rows[i].utf8)));
		buf_reset(&out);
		assert_int_equal(mutf7_encode(str_z(rows[i].utf8), &out), 0);
		assert_true(str_eq(buf_str(&out), str_z(rows[i].wire)));
	}
}

static void
what_is_not_canonical_is_refused(void **state)
{
	static const char *const rows[] = {
		"a&b",			/* never ends */
		"a&",
		"&AGE-",		/* "a" needs no base64 */
		"&ACY-",		/* nor does "&" */
		"&APw",
		"&APx-",		/* bits left over */
		"&APwA-",
		"&AP-",			/* half a unit */
		"&A-",
		"&APw-&APw-",		/* one run would do */
		"&APw=-",
		"&AP w-",
		"&AP/8-",		/* "," is the digit, not "/" */
		"&2D0-",		/* half a pair */
		"&3gA-",
		"&2D3YPQ-",
		"&3gDYPQ-",
		"&AAA-",		/* NUL */
		"Entw\xc3\xbcrfe",	/* raw UTF-8 */
		"\x80",
		"a\tb",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_clear) struct buf out;

		buf_init(&out, 200);
		assert_int_equal(buf_add(&out, "x", 1), 0);
		if (mutf7_decode(str_z(rows[i]), &out) == 0)
			fail_msg("%s was taken", rows[i]);
		assert_int_equal(out.n, 1);
	}
}

static void
what_is_not_utf8_cannot_be_encoded(void **state)
{
	static const char *const rows[] = {
		"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf",
		"\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "ok\xfe",
		"\xf0\x9f\x98",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_clear) struct buf out;

		buf_init(&out, 200);
		assert_int_equal(buf_add(&out, "x", 1), 0);
		assert_int_equal(mutf7_encode(str_z(rows[i]), &out), -1);
		assert_int_equal(out.n, 1);
	}
	CLEANUP(buf_clear) struct buf out;

	buf_init(&out, 200);
	assert_int_equal(mutf7_encode(STR("a\0b"), &out), -1);
}

static void
every_character_goes_both_ways(void **state)
{
	(void)state;
	for (uint32_t c = 1; c <= 0x10ffff; c += c < 0x3000 ? 1 : 97) {
		CLEANUP(buf_clear) struct buf wire;
		CLEANUP(buf_clear) struct buf again;
		char u[4];
		size_t n;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		if (c < 0x80) {
			n = 1;
			u[0] = (char)c;
		} else {
			n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
			for (size_t i = n; i-- > 1;)
				u[i] = (char)(0x80 |
				    (c >> (6 * (n - 1 - i)) & 0x3f));
			u[0] = (char)((0xf00 >> n & 0xff) |
			    c >> (6 * (n - 1)));
		}
		buf_init(&wire, 20);
		buf_init(&again, 20);
		assert_int_equal(mutf7_encode((struct str){ u, n }, &wire), 0);
		assert_int_equal(mutf7_decode(buf_str(&wire), &again), 0);
		assert_true(str_eq(buf_str(&again), (struct str){ u, n }));
	}
}

static void
a_full_buffer_is_refused_and_left_as_it_was(void **state)
{
	CLEANUP(buf_clear) struct buf out;

	(void)state;
	buf_init(&out, 5);
	assert_int_equal(mutf7_encode(STR("äöü"), &out), -1);
	assert_int_equal(out.n, 0);
	assert_int_equal(mutf7_decode(STR("abcdef"), &out), -1);
	assert_int_equal(out.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_names_go_both_ways),
		cmocka_unit_test(what_is_not_canonical_is_refused),
		cmocka_unit_test(what_is_not_utf8_cannot_be_encoded),
		cmocka_unit_test(every_character_goes_both_ways),
		cmocka_unit_test(a_full_buffer_is_refused_and_left_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
