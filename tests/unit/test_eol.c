/* test_eol.c — line endings between the wire and the disk. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/eol.h"

#define BYTES(z)	z, sizeof(z) - 1

/* Local files: their class, the size and the bytes of the wire form. */
static const struct {
	const char	*disk;
	size_t		 n;
	enum eol	 eol;
	const char	*wire;
	size_t		 n_wire;
	bool		 nul;
} local[] = {
	{ BYTES(""), EOL_LF, BYTES(""), false },
	{ BYTES("a\nb\n"), EOL_LF, BYTES("a\r\nb\r\n"), false },
	{ BYTES("a\nb"), EOL_LF, BYTES("a\r\nb"), false },
	{ BYTES("no line end"), EOL_LF, BYTES("no line end"), false },
	{ BYTES("\n"), EOL_LF, BYTES("\r\n"), false },
	{ BYTES("a\0b\n"), EOL_LF, BYTES("a\0b\r\n"), true },
	{ BYTES("a\r\nb\r\n"), EOL_VERBATIM, BYTES("a\r\nb\r\n"), false },
	{ BYTES("a\rb"), EOL_VERBATIM, BYTES("a\rb"), false },
	{ BYTES("a\r"), EOL_VERBATIM, BYTES("a\r"), false },
	{ BYTES("a\r\nb\n"), EOL_MIXED, BYTES("a\r\nb\r\n"), false },
	{ BYTES("a\rb\n"), EOL_MIXED, BYTES("a\rb\r\n"), false },
	{ BYTES("a\n\r"), EOL_MIXED, BYTES("a\r\n\r"), false },
	{ BYTES("\r\r\n\n"), EOL_MIXED, BYTES("\r\r\n\r\n"), false },
};

static void
a_local_file_is_classed_whatever_the_portions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(local); i++)
		for (size_t part = 1; part < 6; part++) {
			struct eol_scan s = { 0 };
			uint64_t size;

			for (size_t at = 0; at < local[i].n; at += part)
				eol_scan(&s, local[i].disk + at,
				    local[i].n - at < part ?
				    local[i].n - at : part);
			assert_int_equal(s.nul, local[i].nul);
			assert_int_equal(eol_scan_end(&s, &size), local[i].eol);
			assert_int_equal(size, local[i].n_wire);
		}
}

static void
a_local_file_goes_out_as_its_class_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(local); i++)
		for (size_t part = 1; part < 6; part++) {
			char out[64], prev = '\0';
			size_t n = 0;

			for (size_t at = 0; at < local[i].n; at += part)
				n += eol_to_wire(local[i].eol,
				    local[i].disk + at, local[i].n - at < part ?
				    local[i].n - at : part, &prev, out + n);
			assert_int_equal(n, local[i].n_wire);
			assert_memory_equal(out, local[i].wire, n);
		}
}

static void
only_canonical_bytes_lose_their_cr(void **state)
{
	static const struct {
		const char *wire;
		size_t n;
		const char *disk;	/* NULL: verbatim */
	} t[] = {
		{ BYTES(""), "" },
		{ BYTES("a\r\nb\r\n"), "a\nb\n" },
		{ BYTES("a"), "a" },
		{ BYTES("\r\n\r\n"), "\n\n" },
		{ BYTES("a\n"), NULL },
		{ BYTES("a\rb"), NULL },
		{ BYTES("a\r\r\n"), NULL },
		{ BYTES("\r\n\n"), NULL },
		{ BYTES("a\r"), NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		for (size_t part = 1; part < 6; part++) {
			char out[64], prev = '\0';
			bool verbatim = false;
			size_t n = 0;

			for (size_t at = 0; at < t[i].n; at += part)
				n += eol_to_disk(t[i].wire + at,
				    t[i].n - at < part ? t[i].n - at : part,
				    &prev, &verbatim, out + n);
			/* A CR that is held back at the end was a bare one. */
			verbatim = verbatim || prev == '\r';
			assert_int_equal(verbatim, t[i].disk == NULL);
			if (t[i].disk == NULL)
				continue;
			assert_int_equal(n, strlen(t[i].disk));
			assert_memory_equal(out, t[i].disk, n);
		}
}

static void
any_local_file_is_sent_with_the_size_announced(void **state)
{
	static const char few[] = "\r\nx";

	(void)state;
	srandom(3);
	for (int round = 0; round < 20000; round++) {
		struct eol_scan s = { 0 };
		char disk[20], wire[40], prev = '\0';
		size_t n = (size_t)random() % sizeof(disk), got;
		uint64_t size;
		enum eol class;

		for (size_t i = 0; i < n; i++)
			disk[i] = few[random() % 3];
		eol_scan(&s, disk, n);
		class = eol_scan_end(&s, &size);
		got = eol_to_wire(class, disk, n, &prev, wire);
		assert_int_equal(got, size);
		/* On the wire no LF stands without its CR. */
		for (size_t i = 0; i < got; i++)
			if (wire[i] == '\n')
				assert_true(i > 0 && wire[i - 1] == '\r');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_local_file_is_classed_whatever_the_portions),
		cmocka_unit_test(a_local_file_goes_out_as_its_class_says),
		cmocka_unit_test(only_canonical_bytes_lose_their_cr),
		cmocka_unit_test(any_local_file_is_sent_with_the_size_announced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
