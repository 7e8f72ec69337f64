/* test_imap_query.c — what people search for, as SEARCH commands. */
#include "imap_script.h"

#include "imap/query.h"

/* A constant, as STR() is not. */
#define T(lit)	{ lit, sizeof(lit) - 1 }
#define NO	{ NULL, 0 }

static const struct {
	const char	 *caps, *says;
	struct imap_term term[4];
	size_t		  n;
} asked[] = {
	{ "IDLE", "UID SEARCH ALL", { { 0 } }, 0 },
	{ "IDLE", "UID SEARCH FROM \"@example.org\" BODY \"two words\"",
	  { { IMAP_KEY_FROM, 0, NO, T("@example.org"), 0 },
	    { IMAP_KEY_BODY, 1, NO, T("two words"), 0 } }, 2 },
	{ "ESEARCH", "UID SEARCH RETURN (ALL COUNT) SUBJECT \"x\"",
	  { { IMAP_KEY_SUBJECT, 0, NO, T("x"), 0 } }, 1 },
	{ "IDLE", "UID SEARCH OR TO \"a\" OR CC \"a\" BCC \"a\" UNSEEN",
	  { { IMAP_KEY_TO, 1, NO, T("a"), 0 },
	    { IMAP_KEY_CC, 1, NO, T("a"), 0 },
	    { IMAP_KEY_BCC, 1, NO, T("a"), 0 },
	    { IMAP_KEY_UNSEEN, 2, NO, NO, 0 } }, 4 },
	{ "IDLE", "UID SEARCH HEADER \"X-Mailer\" \"\" KEYWORD $Junk",
	  { { IMAP_KEY_HEADER, 0, T("X-Mailer"), T(""), 0 },
	    { IMAP_KEY_KEYWORD, 1, NO, T("$Junk"), 0 } }, 2 },
	{ "IDLE", "UID SEARCH SINCE 01-May-2026 SENTBEFORE 02-May-2026 "
	  "LARGER 4096 SMALLER 8192",
	  { { IMAP_KEY_SINCE, 0, NO, NO, 1777593600 },
	    { IMAP_KEY_SENTBEFORE, 1, NO, NO, 1777680000 },
	    { IMAP_KEY_LARGER, 2, NO, NO, 4096 },
	    { IMAP_KEY_SMALLER, 3, NO, NO, 8192 } }, 4 },
	/* Whatever is in it stays in it. */
	{ "IDLE", "UID SEARCH BODY \"x\\\" OR ALL (\\\\\"",
	  { { IMAP_KEY_BODY, 0, NO, T("x\" OR ALL (\\"), 0 } }, 1 },
};

static void
terms_become_a_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct play p = { 0 };
		char greeting[200], line[200];

		snprintf(greeting, sizeof(greeting), "S * PREAUTH [CAPABILITY "
		    "IMAP4rev1 %s] hello", asked[i].caps);
		snprintf(line, sizeof(line), "C t1 %s", asked[i].says);
		play_open(&p, (const char *const[]){ greeting, line,
		    "S t1 OK found", NULL });
		play_done(&p, imap_search_terms(p.ln, asked[i].term,
		    asked[i].n), DONE_OK);
		play_end(&p);
	}
}

static void
what_is_not_ascii_is_a_literal(void **state)
{
	(void)state;
	const struct imap_term t = { .key = IMAP_KEY_BODY, .text = STR("gr\xc3\xbc\xc3\x9f") };
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH("LITERAL+ ESEARCH"),
	    "C t1 UID SEARCH RETURN (ALL COUNT) CHARSET UTF-8 BODY {6+}",
	    "C gr\xc3\xbc\xc3\x9f",
	    "S t1 NO [BADCHARSET (US-ASCII)] what is that",
	    NULL });
	assert_true(imap_term_ok(&t));
	assert_true(str_eq(play_done(&p, imap_search_terms(p.ln, &t, 1),
	    DONE_NO)->code, STR("BADCHARSET")));
	play_end(&p);
	/* Without LITERAL+ the server is asked first. */
	p = (struct play){ 0 };
	play_open(&p, (const char *const[]){ PREAUTH("IDLE"),
	    "C t1 UID SEARCH CHARSET UTF-8 BODY {6}",
	    "S + go on",
	    "C gr\xc3\xbc\xc3\x9f",
	    "S t1 OK nothing",
	    NULL });
	play_done(&p, imap_search_terms(p.ln, &t, 1), DONE_OK);
	play_end(&p);
}

static void
what_could_be_more_than_a_term_is_refused(void **state)
{
	static const struct imap_term bad[] = {
		{ .key = IMAP_KEYS },
		{ .key = IMAP_KEY_FROM },
		{ .key = IMAP_KEY_BODY, .text = T("a\r\nt9 DELETE INBOX") },
		{ .key = IMAP_KEY_BODY, .text = { "a\0b", 3 } },
		{ .key = IMAP_KEY_SUBJECT, .text = T("gr\xfc\xdf") },
		{ .key = IMAP_KEY_KEYWORD, .text = T("a b") },
		{ .key = IMAP_KEY_KEYWORD, .text = T("a\r\nb") },
		{ .key = IMAP_KEY_KEYWORD, .text = T("(a") },
		{ .key = IMAP_KEY_KEYWORD, .text = T("\\Seen") },
		{ .key = IMAP_KEY_KEYWORD, .text = T("gr\xc3\xbc\xc3\x9f") },
		{ .key = IMAP_KEY_KEYWORD, .text = T("") },
		{ .key = IMAP_KEY_HEADER, .text = T("x") },
		{ .key = IMAP_KEY_HEADER, .field = T("A B"), .text = T("x") },
		{ .key = IMAP_KEY_HEADER, .field = T("A\r\n"), .text = T("x") },
		{ .key = IMAP_KEY_HEADER, .field = T("A"), .text = T("\n") },
		{ .key = IMAP_KEY_LARGER, .n = -1 },
		{ .key = IMAP_KEY_SMALLER, .n = (int64_t)UINT32_MAX + 1 },
	};
	char longer[IMAP_TEXT_MAX + 1];
	struct imap_term t = { .key = IMAP_KEY_BODY,
	    .text = { longer, sizeof(longer) } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(imap_term_ok(&bad[i]));
	memset(longer, 'a', sizeof(longer));
	assert_false(imap_term_ok(&t));
	t.text.n--;
	assert_true(imap_term_ok(&t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terms_become_a_command),
		cmocka_unit_test(what_is_not_ascii_is_a_literal),
		cmocka_unit_test(what_could_be_more_than_a_term_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
