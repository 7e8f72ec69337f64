/*
 * test_parse_wild.c — the IMAP reader on lines that real servers have sent.
 *
 * The lines are quoted from test data that others have collected and published:
 *	MailKit (jstedfast/MailKit), MIT, (c) .NET Foundation and contributors
 *	libetpan (dinhvh/libetpan), BSD-3-Clause
 *	net-imap (ruby/net-imap), BSD-2-Clause
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "show_resp.h"

struct row {
	const char	*in, *want;
};

static void
check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (unsigned seed = 0; seed < 4; seed++) {
			char *got = show_all(str_z(rows[i].in), true, 1 << 20,
			    seed);

			assert_string_equal(got, rows[i].want);
			free(got);
		}
}

static void
lines_collected_by_mailkit_are_read(void **state)
{
	static const struct row rows[] = {
		/* Exchange: a code without its "* OK", text in brackets. */
		{ "[COPYUID 55 31 6]\r\n* 1 EXPUNGE\r\n* 0 EXISTS\r\n"
		  "A1 OK MOVE completed.\r\n",
		  "*: OK [COPYUID 55 31 6] \"\" copied=55,31>6\nexpunge 1\n"
		  "exists 0\nA1: OK \"MOVE completed.\"\n" },
		{ "* OK The Microsoft Exchange IMAP4 service is ready. "
		  "[TQBXAEgAUABS]\r\n",
		  "*: OK \"The Microsoft Exchange IMAP4 service is ready. "
		  "[TQBXAEgAUABS]\"\n" },
		/* Gmail: labels with and without quotes, NIL. */
		{ "* 1 FETCH (X-GM-LABELS (\\Important \"Custom Label\" NIL)"
		  " UID 1)\r\n", "msg 1\n" },
		{ "* 8 FETCH (X-GM-THRID 1592225494819146108 X-GM-MSGID "
		  "1592225494819146108 X-GM-LABELS (\"Test Messages\" "
		  "\"\\\\Important\") UID 8 RFC822.SIZE 165976 MODSEQ (29378) "
		  "INTERNALDATE \"29-Nov-1991 12:13:33 +0000\" FLAGS ())\r\n",
		  "msg 8 flags=() date=691416813 modseq=29378 size=165976 "
		  "id=1592225494819146108\n" },
		/* Zoho: mod-sequences that are none. */
		{ "* 4 FETCH (MODSEQ (0) FLAGS (\\Seen) UID 34)\r\n",
		  "msg 34 flags=(\\Seen)\nskipped 1\n" },
		{ "* 45 FETCH (MODSEQ (-1) FLAGS (\\Recent \\Seen) UID 400)\r\n",
		  "msg 400 flags=(\\Recent \\Seen)\nskipped 1\n" },
		/* Domino: an item in parentheses of its own. */
		{ "* 21 FETCH (UID 14954 (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL"
		  " NIL NIL NIL)) BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL"
		  " \"7BIT\" 0 0 NIL))\r\n", "msg 14954\n" },
		{ "* LIST (\\Noinferiors \\HasNoChildren) \"\\\\\" Inbox\r\n",
		  "list \"Inbox\" attrs=400 delim=\\\n" },
		/* Yahoo: INBOX in mixed case; Yandex: "|". */
		{ "* LIST (\\HasNoChildren) \"/\" \"Inbox\"\r\n",
		  "list \"Inbox\" attrs=0 delim=/\n" },
		{ "* OK [MAILBOXID (27)] Ok\r\n",
		  "*: OK [MAILBOXID (27)] \"Ok\"\n" },
		{ "* OK [UNSEEN 8]\r\n", "*: OK [UNSEEN 8] \"\"\n" },
		{ "* XLIST (\\HasChildren \\Unmarked \\Drafts \\Drafts) \"|\""
		  " Drafts\r\n", "ignored\n" },
		{ "* OK [CAPABILITY XAPPLEPUSHSERVICE IMAP4 IMAP4rev1 SASL-IR"
		  " AUTH=ATOKEN AUTH=PLAIN] (2428B47-26126cfe23cd) p00\r\n",
		  "*: OK [CAPABILITY XAPPLEPUSHSERVICE IMAP4 IMAP4rev1 SASL-IR"
		  " AUTH=ATOKEN AUTH=PLAIN] \"(2428B47-26126cfe23cd) p00\"\n" },
		{ "* NAMESPACE ((\"\" \".\")) NIL NIL\r\n", "namespace . \"\"\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
lines_collected_by_libetpan_are_read(void **state)
{
	static const struct row rows[] = {
		{ "* OK [PERMANENTFLAGS (\\Answered (\\Seen nonjunk $label1 FLAGS)"
		  " \\Flagged \\Seen \\*)] Ready\r\n",
		  "*: OK [PERMANENTFLAGS (\\Answered (\\Seen nonjunk $label1 "
		  "FLAGS) \\Flagged \\Seen \\*)] \"Ready\" star\n" },
		{ "* 2 FETCH (FLAGS (\\Seen (\\Deleted junk FLAGS) $label1)"
		  " UID 10 RFC822.SIZE 12)\r\n",
		  "msg 10 size=12\nskipped 1\n" },
		{ "* 2 FETCH (UID 10 BODY[] {4294967296}\r\n)\r\n",
		  "proto.literal-too-big\n" },
		{ "* LIST (\\HasChildren \\) \".\" \"Archive\"\r\n",
		  "list \"Archive\" attrs=0 delim=.\n" },
		{ "* LIST (\\HasNoChildren) \"/\" \"Archive\" (OLDNAME (\"Old "
		  "Archive\"))\r\n",
		  "list \"Archive\" attrs=0 delim=/ old=\"Old Archive\"\n" },
		{ "* 7 FETCH (BINARY[1] ~{5}\r\nHello)\r\n", "ignored\n" },
		{ "* ESEARCH (TAG \"A006\") UID ALL 1:5 COUNT 5\r\n",
		  "uids 5: 1:5\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
lines_collected_by_net_imap_are_read(void **state)
{
	static const struct row rows[] = {
		{ "RUBY0001 OK [Error=\"Microsoft.Exchange.Data.Storage.Wrong"
		  "ServerException: x\" Service=Imap4] AUTHENTICATE "
		  "completed.\r\n",
		  "RUBY0001: OK \"[Error=\"Microsoft.Exchange.Data.Storage.Wrong"
		  "ServerException: x\" Service=Imap4] AUTHENTICATE "
		  "completed.\"\n" },
		{ "* 20367 FETCH (BODY[HEADER.FIELDS (Foo)] {012}\r\n"
		  "Foo: bar\r\n\r\n)\r\n", "ignored\n" },
		{ "* OK [COPYUID 1 1:10 101:110 extra junk] bad\r\n",
		  "*: OK [COPYUID 1 1:10 101:110 extra junk] \"bad\" copied=1,"
		  "1>101,2>102,3>103,4>104,5>105,6>106,7>107,8>108,9>109,"
		  "10>110\n" },
		{ "* OK [COPYUID] missing\r\n", "*: OK [COPYUID] \"missing\"\n" },
		{ "* OK [NOMODSEQ] Sorry, this mailbox format doesn't support "
		  "modsequences\r\n",
		  "*: OK [NOMODSEQ] \"Sorry, this mailbox format doesn't "
		  "support modsequences\"\n" },
		{ "* 1 FETCH (UID 92285 )\r\n", "msg 92285\n" },
		{ "* 123 FETCH (UNKNOWN 92285)\r\n", "ignored\n" },
		{ "* 123 FETCH (RFC822 {5}\r\nfoo\r\n)\r\n",
		  "body 5 of 0: foo\\r\\n\nmsg 0 body\n" },
		{ "* 1 FETCH (BODY (\"MIXED\"))\r\n", "ignored\n" },
		{ "* 2 FETCH (EMAILID (M00000002) THREADID NIL)\r\n",
		  "msg 0 id=M00000002\n" },
		{ "* 25997 UIDFETCH (FLAGS (\\Flagged \\Answered))\r\n",
		  "msg 25997 flags=(\\Flagged \\Answered)\n" },
		{ "* LIST (\\Noselect) \"/\" ~/Mail/foo\r\n",
		  "list \"~/Mail/foo\" attrs=1 delim=/\n" },
		{ "* ID (\"name\" \"GImap\" \"vendor\" \"Google, Inc.\" "
		  "\"support-url\" NIL)\r\n", "id \"GImap\" \"\"\n" },
		{ "* NAMESPACE ((\"\" \"/\")(\"#mh/\" \"/\" \"X-PARAM\" (\"FLAG1\""
		  " \"FLAG2\"))) NIL NIL\r\n", "namespace / \"\"\n" },
		{ "* STATUS mbox (num 1 seq 1234:5,*:789654 comp-empty () "
		  "comp-quoted (\"quoted string\") comp-astring (nil) comp-multi "
		  "(1 \"str\" 2:3,7:77 nil (nested (several (layers)))))\r\n",
		  "status \"mbox\"\n" },
		{ "* STATUS INBOX (UIDNEXT 1 UIDVALIDITY 1234) \r\n",
		  "status \"INBOX\" uidnext=1 validity=1234\n" },
		{ "* VANISHED (EARLIER) 41,43:116,118,120:211,214:540\r\n",
		  "gone earlier 41,43:116,118,120:211,214:540\n" },
		{ "* ESEARCH (TAG \"a\") ALL 5,3,2,1 MODSEQ 1236\r\n",
		  "uids 4: 1:3,5\n" },
		{ "* ESEARCH (TAG \"A01\") UID PARTIAL (-1:-100 200:250,252:300)"
		  "\r\n", "uids 0:\n" },
		{ "* SEARCH 1 2 3 \r\n", "uids 3: 1:3\n" },
		{ "* SEARCH 87216 87221 (MODSEQ 7667567)\r\n",
		  "uids 2: 87216,87221\n" },
		{ "* NOOP\r\n", "ignored\n" },
		{ "* 86 NOOP froopy snood\r\n", "ignored\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_collected_by_mailkit_are_read),
		cmocka_unit_test(lines_collected_by_libetpan_are_read),
		cmocka_unit_test(lines_collected_by_net_imap_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
