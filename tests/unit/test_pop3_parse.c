/* test_pop3_parse.c — the POP3 reader.  Every input is fed whole, byte by byte
 * and in random portions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "show_pop3.h"

struct row {
	const char	*plan, *in, *want;
};

static void
check(struct str in, const char *plan, uint64_t max, const char *want)
{
	for (unsigned seed = 0; seed < 6; seed++) {
		char *got = show_pop3(in, plan, max, seed);

		if (strcmp(got, want) != 0)
			print_message("in portions of kind %u: %.300s\n", seed,
			    in.p);
		assert_string_equal(got, want);
		free(got);
	}
}

static void
check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(str_z(rows[i].in), rows[i].plan, 1000, rows[i].want);
}

static void
status_lines(void **state)
{
	static const struct row rows[] = {
		{ "", "+OK\r\n", "OK [] \n" },
		{ "", "+OK done\n", "OK [] done\n" },
		{ "", "+ok  2 messages \r\n", "OK [] 2 messages\n" },
		{ "", "-ERR\r\n", "ERR [] \n" },
		{ "", "-ERR [IN-USE] Do you have another?\r\n",
		  "ERR [IN-USE] Do you have another?\n" },
		{ "", "-ERR [SYS/TEMP]\r\n", "ERR [SYS/TEMP] \n" },
		{ "", "-ERR [open\r\n", "ERR [] [open\n" },
		{ "", "+ \r\n+\r\n+ Zm9v\r\n", "+ [] \n+ [] \n+ [] Zm9v\n" },
		{ "", "* OK IMAP4rev1\r\n", "proto.unexpected\n" },
		{ "", "+foo\r\n", "proto.unexpected\n" },
		{ "", "\r\n", "proto.unexpected\n" },
		{ "S", "+OK one\r\n-ERR two\r\n", "OK [] one\nERR [] two\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
lists(void **state)
{
	static const struct row rows[] = {
		{ "L", "+OK\r\n.\r\n", "OK [] \n.\n" },
		{ "L", "+OK\r\n1 100\r\n2 x y\n.\r\n+OK\r\n",
		  "OK [] \n- 1 100\n- 2 x y\n.\nOK [] \n" },
		{ "L", "+OK\r\n..\r\n. \r\n.\r\n", "OK [] \n- .\n-  \n.\n" },
		{ "L", "+OK\r\n1 \xff\r\n", "OK [] \n- 1 \\xff\n" },
		{ "L", "-ERR no\r\n+OK\r\n", "ERR [] no\nOK [] \n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
messages(void **state)
{
	static const struct row rows[] = {
		{ "M", "+OK\r\n.\r\n", "OK [] \n.\n" },
		{ "M", "+OK\r\na\r\n.\r\n", "OK [] \n\"a\\r\\n\"\n.\n" },
		{ "MM", "+OK\r\na\r\n.\r\n+OK\r\n\r\n.\r\n",
		  "OK [] \n\"a\\r\\n\"\n.\nOK [] \n\"\\r\\n\"\n.\n" },
		/* Dots. */
		{ "M", "+OK\r\n..\r\n...\r\n..a\r\na.\r\n.\r\n",
		  "OK [] \n\".\\r\\n..\\r\\n.a\\r\\na.\\r\\n\"\n.\n" },
		/* Stuffed by nobody: what is not the end is text. */
		{ "M", "+OK\r\n.a\r\n.\r\n", "OK [] \n\"a\\r\\n\"\n.\n" },
		{ "M", "+OK\r\n.\ra\r\n.\r\n", "OK [] \n\"\\ra\\r\\n\"\n.\n" },
		{ "M", "+OK\r\n.\r\r\n.\r\n", "OK [] \n\"\\r\\r\\n\"\n.\n" },
		{ "M", "+OK\r\na\r\n.\n+OK\r\n", "OK [] \n\"a\\r\\n\"\n.\nOK [] \n" },
		/* A bare LF ends no line. */
		{ "M", "+OK\r\na\n.b\r\n.\r\n", "OK [] \n\"a\\n.b\\r\\n\"\n.\n" },
		{ "M", "+OK\r\na\n.\r\n+OK\r\n.\r\n",
		  "OK [] \n\"a\\n.\\r\\n+OK\\r\\n\"\n.\n" },
		{ "M", "+OK\r\n\n.\r\nx\r\n.\r\n",
		  "OK [] \n\"\\n.\\r\\nx\\r\\n\"\n.\n" },
		{ "M", "+OK\r\na\r.\r\n.\r\n", "OK [] \n\"a\\r.\\r\\n\"\n.\n" },
		{ "M", "+OK\r\na\r\r\n.\r\n", "OK [] \n\"a\\r\\r\\n\"\n.\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

/* A server that ends its own line, and the first one of the message, with LF alone
 * does so with all. */
static void
lines_that_end_with_lf(void **state)
{
	static const struct row rows[] = {
		{ "M", "+OK\n.\n+OK\n", "OK [] \n.\nOK [] \n" },
		{ "MM", "+OK\na\n\nb\n.\n+OK\nc\n.\n+OK\n",
		  "OK [] \n\"a\\r\\n\\r\\nb\\r\\n\"\n.\n"
		  "OK [] \n\"c\\r\\n\"\n.\nOK [] \n" },
		{ "M", "+OK\na\n..\n..b\n.\n",
		  "OK [] \n\"a\\r\\n.\\r\\n.b\\r\\n\"\n.\n" },
		{ "M", "+OK\n\na\rb\r\n.\r\n",
		  "OK [] \n\"\\r\\na\\rb\\r\\n\"\n.\n" },
		/* Only its own line. */
		{ "M", "+OK\na\r\nb\n.\r\nc\r\n.\r\n",
		  "OK [] \n\"a\\r\\nb\\n.\\r\\nc\\r\\n\"\n.\n" },
		{ "MM", "+OK\na\n.\n+OK\r\na\n.\r\nb\r\n.\r\n",
		  "OK [] \n\"a\\r\\n\"\n.\n"
		  "OK [] \n\"a\\n.\\r\\nb\\r\\n\"\n.\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

/* ... but if nothing follows, it may have been meant as one. */
static void
a_bare_end_is_a_doubt(void **state)
{
	static const struct row rows[] = {
		{ "M", "+OK\r\na\n.\r\n", "OK [] \n\"a\\n?" },
		{ "M", "+OK\r\n\n.\r\n", "OK [] \n\"\\n?" },
		{ "M", "+OK\r\na\n.\r", "OK [] \n\"a\\n" },
		{ "M", "+OK\r\na\r\n.", "OK [] \n\"a\\r\\n" },
		{ "L", "+OK\r\na\n.\r\n", "OK [] \n- a\n.\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
any_byte_is_text(void **state)
{
	static const char in[] = "+OK\r\n\0\1\xff\0\r\n.\r\n";

	(void)state;
	check((struct str){ in, sizeof(in) - 1 }, "M", 1000,
	    "OK [] \n\"\\x00\\x01\\xff\\x00\\r\\n\"\n.\n");
}

static char *
repeat(const char *head, char c, size_t n, const char *tail)
{
	size_t h = strlen(head), t = strlen(tail);
	char *z = xmalloc(h + n + t + 1);

	memcpy(z, head, h);
	memset(z + h, c, n);
	memcpy(z + h + n, tail, t + 1);
	return z;
}

static void
what_has_no_end_is_cut(void **state)
{
	static const struct {
		const char	*plan, *head;
		size_t		 n;
		uint64_t	 max;
		const char	*code;
	} table[] = {
		{ "", "+OK ", POP3_LINE_MAX + 10, 1000, "proto.line-too-long\n" },
		{ "L", "+OK\r\n1 ", POP3_LINE_MAX + 10, 1000,
		  "proto.line-too-long\n" },
		{ "M", "+OK\r\n", 1001, 1000, "proto.literal-too-big\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char *in = repeat(table[i].head, 'x', table[i].n, "");

		for (unsigned seed = 0; seed < 3; seed++) {
			char *got = show_pop3(str_z(in), table[i].plan,
			    table[i].max, seed);
			struct str end = str_z(table[i].code);

			assert_true(str_ends(str_z(got), end));
			free(got);
		}
		free(in);
	}
}

static void
a_long_line_of_a_message_is_no_line(void **state)
{
	char *in = repeat("+OK\r\n", 'x', 1 << 20, "\r\n.\r\n");
	char *want = repeat("OK [] \n\"", 'x', 1 << 20, "\\r\\n\"\n.\n");
	char *got = show_pop3(str_z(in), "M", 2 << 20, 0);

	(void)state;
	assert_string_equal(got, want);
	free(in);
	free(want);
	free(got);
}

static void
lines_of_lists(void **state)
{
	static const struct {
		const char	*line;
		uint32_t	 number;	/* 0: no line of a list */
		const char	*rest;
	} table[] = {
		{ "1 120", 1, "120" },
		{ "4294967295 x", UINT32_MAX, "x" },
		{ "2    three  words ", 2, "three  words" },
		{ "+OK 3 id", 3, "id" },
		{ "4", 4, "" },
		{ "5 ", 5, "" },
		{ "0 x", 0, NULL },
		{ "4294967296 x", 0, NULL },
		{ "x 1", 0, NULL },
		{ "", 0, NULL },
		{ "+OK", 0, NULL },
		{ "-1 x", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct str rest;
		uint32_t n;
		bool ok = pop3_listed(str_z(table[i].line), &n, &rest);

		assert_int_equal(ok, table[i].number != 0);
		if (!ok)
			continue;
		assert_int_equal(n, table[i].number);
		assert_true(str_eq(rest, str_z(table[i].rest)));
	}
}

static void
what_stat_says(void **state)
{
	static const struct {
		const char	*text;
		bool		 ok;
		uint32_t	 n;
		uint64_t	 bytes;
	} table[] = {
		{ " 2 320", true, 2, 320 },
		{ "0 0 octets", true, 0, 0 },
		{ "4294967295 18446744073709551615", true, UINT32_MAX, UINT64_MAX },
		{ "1   5", true, 1, 5 },
		{ "4294967296 1", false, 0, 0 },
		{ "2", false, 0, 0 },
		{ "two 320", false, 0, 0 },
		{ "-1 5", false, 0, 0 },
		{ "", false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint64_t bytes;
		uint32_t n;

		assert_int_equal(pop3_maildrop(str_z(table[i].text), &n, &bytes),
		    table[i].ok);
		if (!table[i].ok)
			continue;
		assert_int_equal(n, table[i].n);
		assert_int_equal(bytes, table[i].bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_lines),
		cmocka_unit_test(lists),
		cmocka_unit_test(messages),
		cmocka_unit_test(lines_that_end_with_lf),
		cmocka_unit_test(a_bare_end_is_a_doubt),
		cmocka_unit_test(any_byte_is_text),
		cmocka_unit_test(what_has_no_end_is_cut),
		cmocka_unit_test(a_long_line_of_a_message_is_no_line),
		cmocka_unit_test(lines_of_lists),
		cmocka_unit_test(what_stat_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
