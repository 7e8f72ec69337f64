/* test_script_mail.c — header fields, words, addresses, dates, patterns, pages. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "plugins/fill.h"
#include "plugins/glob.h"
#include "plugins/html.h"
#include "plugins/mail.h"
#include "plugins/mdate.h"
#include "plugins/mime.h"
#include "plugins/script.h"
#include "plugins/words.h"

static struct arena arena;

static int
tear_down(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

static void
assert_str(struct str got, const char *want)
{
	char text[2000];

	snprintf(text, sizeof(text), "%.*s", STR_ARG(got));
	assert_string_equal(text, want);
}

static struct mail
mail_of(const char *header)
{
	static struct str me_v[] = { { "me@example.org", 14 },
	    { "*@mine.example", 14 } };
	static const struct strs me = { me_v, 2 };
	struct mail m;

	mail_init(&m, &arena, &me, -1);
	mail_bytes(&m, str_z(header));
	return m;
}

static void
fields_are_found(void **state)
{
	static const struct {
		const char	*header, *name;
		size_t		 i;
		const char	*want;		/* NULL: absent */
	} rows[] = {
		{ "Subject: a\n\nSubject: b\n", "subject", 0, "a" },
		{ "Subject: a\r\nX: y\r\n\r\n", "X", 0, "y" },
		{ "Subject: a\n b\n\tc\n\n", "Subject", 0, "a b\tc" },
		{ "A: 1\nB: 2\nA: 3\n\n", "A", 1, "3" },
		{ "A: 1\nB: 2\nA: 3\n\n", "A", 2, NULL },
		{ "From ann Mon\nSubject: a\n\n", "Subject", 0, "a" },
		{ "Subject : a\n\n", "Subject", 0, "a" },
		{ ": a\nnoise\n more\nSubject: b\n\n", "Subject", 0, "b" },
		{ "Subject: no end", "Subject", 0, "no end" },
		{ "Subject:\n\n", "Subject", 0, "" },
		{ "\nSubject: body\n", "Subject", 0, NULL },
		{ "", "Subject", 0, NULL },
		{ "X: a\n \n b\n\n", "X", 0, "a  b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mail m = mail_of(rows[i].header);
		struct str got = mail_header(&m, str_z(rows[i].name), rows[i].i);

		if (rows[i].want == NULL)
			assert_null(got.p);
		else
			assert_str(got, rows[i].want);
	}
}

static void
words_are_decoded(void **state)
{
	static const struct {
		const char	*in, *want;
	} rows[] = {
		{ "plain", "plain" },
		{ "=?utf-8?q?caf=C3=A9?=", "café" },
		{ "=?UTF-8?B?Y2Fmw6k=?= tail", "café tail" },
		{ "=?iso-8859-1?Q?caf=E9?=", "café" },
		{ "=?utf-8?q?a?= =?utf-8?q?b?=", "ab" },
		{ "=?utf-8?q?a?=  b =?utf-8?q?c?=", "a  b c" },
		/* A character cut between two words. */
		{ "=?utf-8?b?w6?=\n =?utf-8?b?p8Op?=", "çé" },
		{ "=?utf-8?q?a_b?=", "a b" },
		{ "=?utf-8*en?q?x?=", "x" },
		{ "=?nonsense?q?x=41?=", "xA" },
		/* No name at all, also by what is no part of one. */
		{ "=?/ /?q?caf=C3=A9?=", "café" }, { "=?//?q?caf=E9?=", "café" },
		{ "=?utf-8?x?no?=", "=?utf-8?x?no?=" },
		{ "=?utf-8?q?open", "=?utf-8?q?open" },
		{ "=?utf-8?q?=FF?=", "\xef\xbf\xbd" },
		{ "caf\xe9", "café" },
		{ "=?gb2312?B?xOO6ww==?=", "你好" },
		/* What is no base64 in it is nothing. */
		{ "=?utf-8?B?Y2!Fm w6\tk=?=", "café" },
		{ "=?utf-8?q?1?= =?utf-8?q?2?= =?utf-8?q?3?= =?utf-8?q?4?= =?utf-8?q?5?= "
		  "=?utf-8?q?6?= =?utf-8?q?7?= =?utf-8?q?8?= =?utf-8?q?9?=", "123456789" },
		{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本" },
		{ "=?utf-8?q?" "?=", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_str(words_decode(str_z(rows[i].in), &arena), rows[i].want);
}

static void
what_is_encoded_decodes_to_the_same(void **state)
{
	static const char *const rows[] = {
		"", "plain", "café", "日本語の件名がとても長いとき、二つ以上の語に分かれる",
		"tab\there", "=?utf-8?q?no?=", "\xf0\x9f\x93\xab mail",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str e = words_encode(str_z(rows[i]), &arena);

		if (strncmp(rows[i], "=?", 2) != 0)
			assert_str(words_decode(e, &arena), rows[i]);
		for (size_t k = 0; k < e.n; k++)
			assert_true(e.p[k] >= ' ' && e.p[k] < 127);
	}
}

static void
addresses_are_split(void **state)
{
	static const struct {
		const char	*in, *want;	/* name|addr;... */
	} rows[] = {
		{ "ann@example.org", "|ann@example.org;" },
		{ "Ann <Ann@Example.ORG>", "Ann|Ann@example.org;" },
		{ "\"Last, First\" <a@b.c>, d@e.f", "Last, First|a@b.c;|d@e.f;" },
		{ "a@b.c (Ann (the first))", "Ann (the first)|a@b.c;" },
		{ "Friends: a@b.c, D <d@e.f>;, g@h.i", "|a@b.c;D|d@e.f;|g@h.i;" },
		{ "undisclosed-recipients:;", "" },
		{ "=?utf-8?q?J=C3=BCrgen?= <j@b.c>", "Jürgen|j@b.c;" },
		{ "<@relay,@other:a@b.c>", "|a@b.c;" },
		{ "\"quoted \\\" mark\" <a@b.c>", "quoted \" mark|a@b.c;" },
		{ "Nobody at all", "Nobody at all|;" },
		{ "a@b.c  Thu Aug 22 14:23:39 2002", "|a@b.c;" },
		{ "root", "|root;" },
		{ "A <a@b.c", "A|a@b.c;" },
		{ "A <\"a \\\"b\"@c.d>", "A|a \"b@c.d;" },
		{ "a@b.c (a \\) b)", "a ) b|a@b.c;" },
		{ "<(no (one)) a@b.c>", "|a@b.c;" },
		{ ",,", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addrs list = { 0 };
		char text[500] = "";
		size_t n = 0;

		addr_parse(&list, str_z(rows[i].in), &arena);
		for (size_t k = 0; k < list.n; k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%.*s|%.*s;", STR_ARG(list.v[k].name),
			    STR_ARG(list.v[k].addr));
		assert_string_equal(text, rows[i].want);
	}
}

static void
an_address_has_parts(void **state)
{
	struct addr a = addr_split(STR("ann+x+y@Mail.Example.org"), &arena);

	(void)state;
	assert_str(a.user, "ann");
	assert_str(a.detail, "x+y");
	assert_str(a.domain, "mail.example.org");
	assert_str(a.addr, "ann+x+y@mail.example.org");
}

static void
what_mail_is(void **state)
{
	static const struct {
		const char	*header;
		unsigned	 want;
	} rows[] = {
		{ "Subject: x\n\n", 0 },
		{ "List-Id: <a.b>\n\n", MAIL_IS_BULK },
		{ "Precedence: Bulk\n\n", MAIL_IS_BULK },
		{ "Auto-Submitted: auto-replied; x\n\n", MAIL_IS_AUTO },
		{ "Auto-Submitted: no\n\n", 0 },
		{ "Content-Type: multipart/report; x=y\n\n", MAIL_IS_AUTO },
		{ "From: MAILER-DAEMON@x.y\n\n", MAIL_IS_AUTO },
		{ "Return-Path: <>\n\n", MAIL_IS_AUTO },
		{ "To: Me <ME@example.org>\n\n", MAIL_TO_ME },
		{ "To: me+tag@example.org\n\n", MAIL_TO_ME },
		{ "Cc: any@mine.example\n\n", MAIL_TO_ME },
		{ "To: some@example.org\n\n", 0 },
		{ "From: me@example.org\n\n", MAIL_FROM_ME },
		{ "X-Spam-Flag: YES\n\n", MAIL_SPAM },
		{ "X-Spam-Status: No, score=1\n\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mail m = mail_of(rows[i].header);

		assert_int_equal(mail_bits(&m), rows[i].want);
	}
}

static void
ids_and_threads(void **state)
{
	struct mail m = mail_of("List-Id: \"The <odd> list\" <a.b.c>\n"
	    "Message-ID: <one@x> (comment)\nIn-Reply-To: <two@x>\n"
	    "References: <root@x>\n <two@x>\nList-Post: <mailto:l@b.c?x=y>\n\n");
	struct mail n = mail_of("Message-ID: bare@x\n\n");

	(void)state;
	assert_str(mail_text(&m, MAIL_LIST_ID), "a.b.c");
	assert_str(mail_text(&m, MAIL_MESSAGE_ID), "one@x");
	assert_str(mail_text(&m, MAIL_THREAD_ROOT), "root@x");
	assert_str(mail_text(&m, MAIL_LIST_POST), "l@b.c");
	assert_int_equal(mail_references(&m)->n, 2);
	assert_str(mail_text(&n, MAIL_THREAD_ROOT), "bare@x");
	assert_null(mail_text(&n, MAIL_LIST_ID).p);
}

static void
dates_of_headers(void **state)
{
	static const struct {
		const char	*in;
		int64_t		 want;		/* -1: none */
	} rows[] = {
		{ "Thu, 1 Jan 1970 00:00:00 +0000", 0 },
		{ "Mon, 2 Mar 2026 08:00:00 +0100 (CET)", 1772434800 },
		{ "2 Mar 2026 08:00 GMT", 1772438400 },
		{ "2 Mar 26 07:00:00 EST", 1772452800 },
		{ "2 Mar 126 08:00 GMT", 1772438400 },
		{ "1 Jan 49 00:00 GMT", 2493072000 }, { "1 Jan 71 00:00 GMT", 31536000 },
		{ "Mon Mar  2 08:00:00 2026", 1772438400 },
		{ "Mon, 32 Mar 2026 08:00:00 +0100", -1 },
		{ "yesterday", -1 }, { "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t t = -1;
		bool ok = mdate_parse(str_z(rows[i].in), &t);

		assert_int_equal(ok, rows[i].want != -1);
		assert_int_equal(t, rows[i].want);
	}
}

static void
what_people_write(void **state)
{
	static char many[100 * 11 + 2];
	static const struct {
		const char	*in;
		int64_t		 seconds, bytes;	/* -1: none */
	} rows[] = {
		{ "30d", 2592000, -1 }, { "1h30m", 5400, -1 }, { "90", 90, 90 },
		{ "2M", -1, 2 << 20 }, { "100k", -1, 102400 },
		{ "1.5G", -1, 1610612736 }, { "2MiB", -1, 2 << 20 },
		{ "2 MB", -1, 2 << 20 }, { "d", -1, -1 }, { "", -1, -1 },
		{ "3x", -1, -1 }, { "1m1", -1, -1 }, { "-1d", -1, -1 },
		/* More than there is room for. */
		{ "4294967295T", -1, -1 }, { "8388608T", -1, -1 },
		{ "8388607T", -1, 9223370937343148032 },
		{ many, -1, -1 },
	};

	(void)state;
	for (size_t i = 0; i + 12 < sizeof(many); i += 11)
		memcpy(many + i, "4294967295y", 12);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t n;

		if (!mdate_duration(str_z(rows[i].in), &n))
			n = -1;
		assert_int_equal(n, rows[i].seconds);
		if (!mdate_size(str_z(rows[i].in), &n))
			n = -1;
		assert_int_equal(n, rows[i].bytes);
	}
}

/* Monday, 2 March 2026, 08:00:00 UTC, where the clock shows the same. */
static void
moments_are_those_of_the_local_clock(void **state)
{
	static const int64_t now = 1772438400, midnight = 1772409600;
	static const struct {
		const char	*in;
		int64_t		 want;		/* seconds from midnight; -1: none */
	} rows[] = {
		{ "now", 8 * 3600 }, { "2h", 10 * 3600 }, { " NOW ", 8 * 3600 },
		{ "today", 0 }, { "tomorrow", 32 * 3600 },
		{ "tue", 32 * 3600 }, { "Tuesday", 32 * 3600 },
		{ "sun", (6 * 24 + 8) * 3600 }, { "mon", (7 * 24 + 8) * 3600 },
		{ "08:01", 8 * 3600 + 60 }, { "8:00", 32 * 3600 },
		{ "07:59:30", (24 + 7) * 3600 + 59 * 60 + 30 },
		{ "2026-03-03", 24 * 3600 }, { "2026-03-03 09:30", 33 * 3600 + 1800 },
		{ "2026-03-03T09:30", 33 * 3600 + 1800 },
		{ "yesterday", -1 }, { "25:00", -1 }, { "08:60", -1 },
		{ "2026-13-01", -1 }, { "2026-03-03 x", -1 }, { "26-03-03", -1 },
		{ "", -1 }
	};

	(void)state;
	assert_int_equal(setenv("TZ", "UTC0", 1), 0);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t t = -1;
		bool ok = mdate_moment(str_z(rows[i].in), now, &t);

		if (ok != (rows[i].want != -1) ||
		    (ok && t != midnight + rows[i].want))
			fail_msg("\"%s\": %lld", rows[i].in,
			    (long long)(ok ? t - midnight : -1));
	}
}

static void
globs_match(void **state)
{
	static const struct {
		const char	*pattern, *text;
		bool		 want;
	} rows[] = {
		{ "*", "", true }, { "", "", true }, { "", "a", false },
		{ "a*c", "abbc", true }, { "a*c", "abcd", false },
		{ "*@Example.org", "ANN@example.ORG", true },
		{ "a?c", "aéc", true }, { "a?c", "ac", false },
		{ "*a*b*", "xxaxxbxx", true }, { "**", "x", true },
		{ "*.security-announce.*", "debian.security-announce.x", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(glob_match(str_z(rows[i].pattern),
		    str_z(rows[i].text)), rows[i].want);
}

static void
pages_become_text(void **state)
{
	static const struct {
		const char	*in, *want;
	} rows[] = {
		{ "<p>one</p><p>two</p>", "one\ntwo\n" },
		{ "a<br>b", "a\nb" }, { "a  b\n c", "a b c" },
		{ "<style>x{}</style>y<script>z</script>", "y" },
		{ "a &amp; b &lt;c&gt; &#233; &#xe9; &nope; &", "a & b <c> é é &nope; &" },
		{ "<!-- <b>no</b> -->yes", "yes" }, { "<unclosed", "" },
		{ "<td>1</td><td>2</td>", "1 2" },
		{ "&#8364;&#x20AC;&#128236;&#x1F4EC;&#x10ffff;&#x110000;",
		  "€€📬📬\xf4\x8f\xbf\xbf&#x110000;" },
		{ "a<script>b</scr", "a" }, { "a<script>b", "a" },
		{ "<a href=\"x\">link</a>", "link" }, { "&#0;&#xd800;", "&#0;&#xd800;" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_str(html_to_text(str_z(rows[i].in), &arena), rows[i].want);
}

static void
names_become_components(void **state)
{
	static const struct {
		const char	*in, *want;
	} rows[] = {
		{ "a b", "a b" }, { "../x", "___x" }, { "", "none" }, { "..", "none" },
		{ "a/b\\c", "a_b_c" }, { "a\001b", "ab" }, { ".x", "_x" },
	};
	char many[300];
	struct str got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_str(fill_clean(str_z(rows[i].in), &arena), rows[i].want);
	memset(many, 'x', sizeof(many));
	memcpy(many + 119, "é", 2);
	got = fill_clean((struct str){ many, sizeof(many) }, &arena);
	assert_int_equal(got.n, 119);
}

/* iconv takes more for Unicode than there is. */
static void
what_is_converted_is_utf8(void **state)
{
	static const struct {
		char		 in[12];
		size_t		 n;
		const char	*charset;
		char		 first;
	} rows[] = {
		{ "a\364\221\202\203b", 6, "utf-8", 'a' },
		{ "a\355\240\200b", 5, "utf-8", 'a' },
		{ "b\0\0\0\0\330\0\0", 8, "wchar_t", 'b' },
		{ "\0\0\0c\0\022\0\0", 8, "ucs-4", 'c' },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str got = words_convert((struct str){ rows[i].in,
		    rows[i].n }, str_z(rows[i].charset), &arena);

		assert_true(words_is_utf8(got));
		assert_non_null(memmem(got.p, got.n, "\357\277\275", 3));
		assert_int_equal(got.p[0], rows[i].first);
	}
}

/* What a sender writes as UTF-8 need not be that. */
static void
broken_parameters_of_parts_become_utf8(void **state)
{
	static const char text[] = "Content-Type: text/x\377; charset=\"a\344\";"
	    " x*=utf-8''p%A4q\nContent-Disposition: attachment;"
	    " filename*=utf-8''a%A4b\n\nbody\n";
	struct msg m = { .fd = memfd_create("mail", MFD_CLOEXEC) };
	struct str name, value;
	struct mime *mime;

	(void)state;
	assert_true(m.fd >= 0);
	assert_int_equal(write(m.fd, text, sizeof(text) - 1), sizeof(text) - 1);
	mime_start();
	mime = mime_of(&m);
	assert_int_equal(mime_parts(mime), 1);
	assert_str(mime_filename(mime, 0, &arena), "a\357\277\275b");
	assert_true(words_is_utf8(mime_type(mime, 0, &arena)));
	assert_true(words_is_utf8(mime_charset(mime, 0, &arena)));
	for (size_t i = 0; mime_param(mime, 0, i, &name, &value, &arena); i++) {
		assert_true(words_is_utf8(name));
		assert_true(words_is_utf8(value));
		if (str_eq(name, STR("x")))
			assert_str(value, "p\357\277\275q");
	}
	mime_free(mime);
	close(m.fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found),
		cmocka_unit_test(words_are_decoded),
		cmocka_unit_test(what_is_encoded_decodes_to_the_same),
		cmocka_unit_test(addresses_are_split),
		cmocka_unit_test(an_address_has_parts),
		cmocka_unit_test(what_mail_is),
		cmocka_unit_test(ids_and_threads),
		cmocka_unit_test(dates_of_headers),
		cmocka_unit_test(what_people_write),
		cmocka_unit_test(moments_are_those_of_the_local_clock),
		cmocka_unit_test(globs_match),
		cmocka_unit_test(pages_become_text),
		cmocka_unit_test(names_become_components),
		cmocka_unit_test(what_is_converted_is_utf8),
		cmocka_unit_test(broken_parameters_of_parts_become_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
