/* test_parse.c — the IMAP reader: responses as RFCs have them, and hostile ones.
 * Every input is fed whole, byte by byte and in random portions. */
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
check(struct str in, bool authenticated, uint64_t max_literal, const char *want)
{
	for (unsigned seed = 0; seed < 6; seed++) {
		char *got = show_all(in, authenticated, max_literal, seed);

		if (strcmp(got, want) != 0)
			print_message("in portions of kind %u: %.300s\n", seed,
			    in.p);
		assert_string_equal(got, want);
		free(got);
	}
}

static void
check_rows(const struct row *rows, size_t n, bool authenticated)
{
	for (size_t i = 0; i < n; i++)
		check(str_z(rows[i].in), authenticated, 1000, rows[i].want);
}

static void
status_responses_give_code_arguments_and_text(void **state)
{
	static const struct row rows[] = {
		{ "a1 OK done\r\n", "a1: OK \"done\"\n" },
		{ "a1 no [overquota] Full\r\n",
		  "a1: NO [OVERQUOTA] \"Full\"\n" },
		{ "a1 BAD\r\n", "a1: BAD \"\"\n" },
		{ "* OK ready\n", "*: OK \"ready\"\n" },
		{ "* BYE so long\r\n", "*: BYE \"so long\"\n" },
		{ "* PREAUTH hi\r\n", "*: PREAUTH \"hi\"\n" },
		{ "* OK [UIDVALIDITY 3857529045] x\r\n",
		  "*: OK [UIDVALIDITY 3857529045] \"x\" number=3857529045\n" },
		{ "* OK [UIDNEXT 4392]\r\n",
		  "*: OK [UIDNEXT 4392] \"\" number=4392\n" },
		{ "a OK [HIGHESTMODSEQ 9223372036854775807]\r\n",
		  "a: OK [HIGHESTMODSEQ 9223372036854775807] \"\""
		  " modseq=9223372036854775807\n" },
		{ "* OK [HIGHESTMODSEQ 0] x\r\n",
		  "*: OK [HIGHESTMODSEQ 0] \"x\"\n" },
		{ "* OK [HIGHESTMODSEQ 9223372036854775808] x\r\n",
		  "*: OK [HIGHESTMODSEQ 9223372036854775808] \"x\"\n" },
		{ "* OK [PERMANENTFLAGS (\\Seen \\*)] x\r\n",
		  "*: OK [PERMANENTFLAGS (\\Seen \\*)] \"x\" star\n" },
		{ "* OK [PERMANENTFLAGS (\\Seen foo] bar)] x\r\n",
		  "*: OK [PERMANENTFLAGS (\\Seen foo] bar)] \"x\"\n" },
		{ "a OK [MODIFIED 7,9:12] x\r\n",
		  "a: OK [MODIFIED 7,9:12] \"x\" modified= 7,9:12\n" },
		{ "a OK [CAPABILITY IMAP4rev1 IDLE] x\r\n",
		  "a: OK [CAPABILITY IMAP4rev1 IDLE] \"x\"\n" },
		{ "a OK [READ-WRITE]\r\n", "a: OK [READ-WRITE] \"\"\n" },
		{ "a OK[READ-ONLY]x\r\n", "a: OK [READ-ONLY] \"x\"\n" },
		{ "a OK [] x\r\n", "a: OK \"[] x\"\n" },
		{ "a OK [UNFINISHED business\r\n",
		  "a: OK \"[UNFINISHED business\"\n" },
		{ "a OK [X \"a]b\" c] d]\r\n", "a: OK [X \"a]b\" c] \"d]\"\n" },
		{ "a OK [X (a] b\r\n", "a: OK [X (a] \"b\"\n" },
		{ "a NO [BADCHARSET ({5}\r\nKOI]8)] x\r\n",
		  "a: NO [BADCHARSET (KOI]8)] \"x\"\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
}

static void
copied_uids_are_paired_in_the_servers_order(void **state)
{
	static const struct row rows[] = {
		{ "a OK [APPENDUID 38505 3955] x\r\n",
		  "a: OK [APPENDUID 38505 3955] \"x\" copied=38505,0>3955\n" },
		{ "a OK [APPENDUID 2 4,6:7,9] x\r\n",
		  "a: OK [APPENDUID 2 4,6:7,9] \"x\""
		  " copied=2,0>4,0>6,0>7,0>9\n" },
		{ "a OK [COPYUID 38505 304,319:320 3956:3958] x\r\n",
		  "a: OK [COPYUID 38505 304,319:320 3956:3958] \"x\""
		  " copied=38505,304>3956,319>3957,320>3958\n" },
		{ "a OK [COPYUID 1 9,3 12:11] x\r\n",
		  "a: OK [COPYUID 1 9,3 12:11] \"x\" copied=1,9>11,3>12\n" },
		/* Not the same number, no set, no validity, "*", too many. */
		{ "a OK [COPYUID 1 1:3 4:5] x\r\n",
		  "a: OK [COPYUID 1 1:3 4:5] \"x\"\n" },
		{ "a OK [COPYUID 701  ] x\r\n", "a: OK [COPYUID 701] \"x\"\n" },
		{ "a OK [COPYUID 1 0:1 5:6] x\r\n",
		  "a: OK [COPYUID 1 0:1 5:6] \"x\"\n" },
		{ "a OK [MESSAGELIMIT 1000 23221] x\r\n",
		  "a: OK [MESSAGELIMIT 1000 23221] \"x\" number=23221\n" },
		{ "a NO [MESSAGELIMIT 1000] x\r\n",
		  "a: NO [MESSAGELIMIT 1000] \"x\"\n" },
		{ "* [COPYUID 55 31 6] x\r\n",
		  "*: OK [COPYUID 55 31 6] \"x\" copied=55,31>6\n" },
		{ "a OK [COPYUID 0 1 2] x\r\n",
		  "a: OK [COPYUID 0 1 2] \"x\"\n" },
		{ "a OK [APPENDUID 1 *] x\r\n",
		  "a: OK [APPENDUID 1 *] \"x\"\n" },
		{ "a OK [COPYUID 1 1:4294967295 1:4294967295] x\r\n",
		  "a: OK [COPYUID 1 1:4294967295 1:4294967295] \"x\"\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
}

static void
alert_and_overflow_are_events_but_never_the_greeting_or_bye(void **state)
{
	static const struct row rows[] = {
		{ "* OK [ALERT] hello\r\n", "*: OK [ALERT] \"hello\"\n" },
		{ "* OK hi\r\n* NO [ALERT] disk\r\n",
		  "*: OK \"hi\"\nalert \"disk\"\n" },
		{ "* OK hi\r\n* OK [NOTIFICATIONOVERFLOW] x\r\n",
		  "*: OK \"hi\"\noverflow\n" },
		{ "* OK hi\r\n* BYE [ALERT] x\r\n",
		  "*: OK \"hi\"\n*: BYE [ALERT] \"x\"\n" },
		{ "* OK hi\r\na NO [ALERT] x\r\n",
		  "*: OK \"hi\"\na: NO [ALERT] \"x\"\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
}

static void
fetch_items_come_in_any_order_and_unknown_ones_are_passed(void **state)
{
	static const struct row rows[] = {
		{ "* 1 FETCH (UID 4 FLAGS (\\Seen $x) MODSEQ (12)"
		  " RFC822.SIZE 99 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\""
		  " EMAILID (M1))\r\n",
		  "msg 4 flags=(\\Seen $x) date=837596665 modseq=12 size=99"
		  " id=M1\n" },
		{ "* 1 FETCH (FLAGS () UID 4)\r\n", "msg 4 flags=()\n" },
		{ "* 1 FETCH (FLAGS (\\Seen))\r\n", "msg 0 flags=(\\Seen)\n" },
		{ "* 1 fetch (uid 4 X-GM-MSGID 1278455344230334865)\r\n",
		  "msg 4 id=1278455344230334865\n" },
		{ "* 1 FETCH (X-GUID abc UID 4 EMAILID (M1))\r\n",
		  "msg 4 id=M1\n" },
		{ "* 1 FETCH (OBJECTID (EMAILID M1 THREADID T1) UID 4)\r\n",
		  "msg 4 id=M1\n" },
		{ "* 1 FETCH (ENVELOPE (\"a (\" NIL ((NIL NIL \"x\" \"y\")))"
		  " FOO {3}\r\n)(\" BAR x UID 4)\r\n",
		  "msg 4\n" },
		{ "* 1 FETCH (BODY[HEADER.FIELDS (DATE)]<0> \"x\" UID 4)\r\n",
		  "msg 4\n" },
		{ "* 1 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID)] {6}\r\nA: b\r\n "
		  "UID 4)\r\n", "msg 4 fields=\"A: b\\r\\n\"\n" },
		{ "* 1 FETCH (BODY[HEADER.FIELDS (Message-Id)] NIL UID 4)\r\n",
		  "msg 4 fields=\"\"\n" },
		{ "* 1 FETCH (BODY[HEADER] {6}\r\nA: b\r\n UID 4)\r\n",
		  "msg 4 header=\"A: b\\r\\n\"\n" },
		{ "* 1 FETCH (UID 4 BODY[HEADER] \"a\\\"b\\\\c\")\r\n",
		  "msg 4 header=\"a\"b\\c\"\n" },
		{ "* 1 FETCH (UID 4 BODY[HEADER] NIL)\r\n", "msg 4\n" },
		{ "* 7 UIDFETCH (FLAGS (\\Seen))\r\n",
		  "msg 7 flags=(\\Seen)\n" },
		{ "* 1 FETCH ()\r\n", "ignored\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
}

static void
fetch_items_that_make_no_sense_are_skipped_and_counted(void **state)
{
	static const struct row rows[] = {
		{ "* 1 FETCH (UID 12MODSEQ (5))\r\n", "msg 12 modseq=5\n" },
		{ "* 1 FETCH (UID 0 FLAGS ())\r\n",
		  "msg 0 flags=()\nskipped 1\n" },
		{ "* 1 FETCH (UID 4294967296 FLAGS ())\r\n",
		  "msg 0 flags=()\nskipped 1\n" },
		{ "* 1 FETCH (UID 9.3e+06 FLAGS ())\r\n",
		  "msg 0 flags=()\nskipped 1\n" },
		{ "* 1 FETCH (UID 4 UID 5)\r\n", "msg 4\nskipped 1\n" },
		{ "* 1 FETCH (MODSEQ (-1) UID 4)\r\n", "msg 4\nskipped 1\n" },
		{ "* 1 FETCH (UID 4 RFC822.SIZE -1)\r\n",
		  "msg 4\nskipped 1\n" },
		{ "* 1 FETCH (UID 4 INTERNALDATE \"00-Jan-0000 00:00:00"
		  " +0000\")\r\n", "msg 4\nskipped 1\n" },
		/* Half a list of flags would remove the other half. */
		{ "* 1 FETCH (UID 4 FLAGS (a (b) c))\r\n",
		  "msg 4\nskipped 1\n" },
		{ "* 1 FETCH (UID 4 FLAGS (a b\r\n", "msg 4\nskipped 2\n" },
		{ "* 1 FETCH (UID 4 FLAGS (a) FLAGS (b))\r\n",
		  "msg 4 flags=(a)\nskipped 1\n" },
		{ "* 1 FETCH (UID 4\r\n", "msg 4\nskipped 1\n" },
		{ "* 1 FETCH (UID 4 X \"open)\r\n", "msg 4\nskipped 1\n" },
		{ "* 1 FETCH\r\n", "ignored\nskipped 1\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
}

static void
a_body_streams_and_its_message_follows(void **state)
{
	static const struct row rows[] = {
		{ "* 1 FETCH (UID 4 BODY[] {5}\r\nhello FLAGS (x))\r\n",
		  "body 5 of 4: hello\nmsg 4 flags=(x) body\n" },
		{ "* 1 FETCH (BODY[]<0> ~{5+}\nhello UID 4)\n",
		  "body 5 of 0: hello\nmsg 4 body\n" },
		{ "* 1 FETCH (FLAGS () RFC822 {0005}\r\nhello UID 4)\r\n",
		  "body 5 of 0: hello\nmsg 4 flags=() body\n" },
		{ "* 1 FETCH (UID 4 BODY[] {0}\r\n)\r\na OK x\r\n",
		  "body 0 of 4: \nmsg 4 body\na: OK \"x\"\n" },
		{ "* 1 FETCH (UID 4 BODY[] \"a\\\"b\")\r\na OK x\r\n",
		  "body 3 of 4: a\"b\nmsg 4 body\na: OK \"x\"\n" },
		{ "* 1 FETCH (BODY[] NIL UID 4)\r\n",
		  "body 0 of 4: \nmsg 4 body\n" },
		{ "* 1 FETCH (BODY[] \"\" UID 4)\r\n",
		  "body 0 of 4: \nmsg 4 body\n" },
		{ "* 7 UIDFETCH (BODY[] {2}\r\nhi)\r\n",
		  "body 2 of 7: hi\nmsg 7 body\n" },
		{ "* 1 FETCH (BODY[HEADER] {3}\r\nA:b BODY[] {4}\r\nA:bc UID 4)"
		  "\r\n", "body 4 of 0: A:bc\nmsg 4 header=\"A:b\" body\n" },
		/* Only the whole message is a body. */
		{ "* 1 FETCH (UID 4 BODY[]<5> {5}\r\nhello)\r\n", "msg 4\n" },
		{ "* 1 FETCH (UID 4 BODY[1] {5}\r\nhello)\r\n", "msg 4\n" },
		{ "* 1 FETCH (UID 4 XBODY[] {5}\r\nhello)\r\n", "msg 4\n" },
		{ "* 1 FOO (BODY[] {5}\r\nhello)\r\n", "ignored\n" },
		/* One body a response. */
		{ "* 1 FETCH (BODY[] {1}\r\na BODY[] {1}\r\nb UID 4)\r\n",
		  "body 1 of 0: a\nmsg 4 body\nskipped 1\n" },
		{ "* 1 FETCH (BODY[] \"q\" BODY[] {1}\r\na UID 4)\r\n",
		  "body 1 of 0: a\nmsg 4 body\n" },
		/* A body where none can be is still followed by a message. */
		{ "* 1 FETCH (FLAGS (BODY[] {1}\r\na) UID 4)\r\n",
		  "body 1 of 0: a\nmsg 4\nskipped 1\n" },
		{ "* 1 FETCH (UID 4) BODY[] {1}\r\na\r\n",
		  "body 1 of 4: a\nmsg 4\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
}

static void
nothing_inside_a_literal_is_syntax(void **state)
{
	static const struct row rows[] = {
		{ "* 1 FETCH (UID 4 BODY[] {12}\r\na1 OK done\r\n FLAGS ())\r\n"
		  "a1 NO really\r\n",
		  "body 12 of 4: a1 OK done\\r\\n\nmsg 4 flags=() body\n"
		  "a1: NO \"really\"\n" },
		{ "* LIST () \"/\" {12}\r\na) ({5}\\\"\"]+\r\n",
		  "list \"a) ({5}\\\"\"]+\" attrs=0 delim=/\n" },
		{ "* LIST () \"/\" {0}\r\n\r\n", "ignored\nskipped 1\n" },
		{ "* 1 {5}\r\nFETCH (BODY[] {3}\r\nabc)\r\n", "ignored\n" },
		{ "[X {3}\r\na]b] c\r\n", "*: OK [X a]b] \"c\"\n" },
		{ "* LIST () \"/\" x{}\r\n", "list \"x{}\" attrs=0 delim=/\n" },
		{ "* 1 {19}\r\nFETCH (BODY[] {3}\r\n {3}\r\nabc)\r\n",
		  "ignored\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
}

static void
braces_at_the_end_of_text_for_people_are_text(void **state)
{
	static const struct row rows[] = {
		{ "a OK done {5}\r\na2 OK x\r\n",
		  "a: OK \"done {5}\"\na2: OK \"x\"\n" },
		{ "* NO [X y] done {5}\r\na2 OK x\r\n",
		  "*: NO [X y] \"done {5}\"\na2: OK \"x\"\n" },
		{ "+ go {5}\r\na2 OK x\r\n",
		  "continue \"go {5}\"\na2: OK \"x\"\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
}

static void
mailbox_data_is_read(void **state)
{
	static const struct row rows[] = {
		{ "* 3 EXISTS\r\n* 0 RECENT\r\n* 2 EXPUNGE\r\n",
		  "exists 3\nignored\nexpunge 2\n" },
		{ "* -1 EXISTS\r\n", "ignored\nskipped 1\n" },
		{ "* FLAGS (\\Seen)\r\n", "ignored\n" },
		{ "* LIST (\\NonExistent \\HasChildren \\sent) \".\" a.b\r\n",
		  "list \"a.b\" attrs=81 delim=.\n" },
		{ "* LIST () NIL NIL\r\n", "list \"NIL\" attrs=0 delim=0\n" },
		{ "* LIST () \"\" inbox\r\n", "list \"inbox\" attrs=0 delim=0\n" },
		{ "* LIST () \"\\\\\" \"a\\\\b\"\r\n",
		  "list \"a\\b\" attrs=0 delim=\\\n" },
		{ "* LIST () \"\\\" \"a\"\r\n", "list \"a\" attrs=0 delim=\\\n" },
		{ "* LIST () \"/\" \"a\"b\"\r\n", "list \"a\"b\" attrs=0 delim=/\n" },
		{ "* LIST () \"/\" foo(bar)\r\n",
		  "list \"foo(bar)\" attrs=0 delim=/\n" },
		{ "* LIST () \".\" \"New\" (\"OLDNAME\" (\"Old\"))\r\n",
		  "list \"New\" attrs=0 delim=. old=\"Old\"\n" },
		{ "* LIST (\\Subscribed) \"/\" x (\"CHILDINFO\" (\"SUBSCRIBED\")"
		  " OLDNAME ({1}\r\ny))\r\n",
		  "list \"x\" attrs=2 delim=/ old=\"y\"\n" },
		{ "* LIST () \"//\" x\r\n", "ignored\nskipped 1\n" },
		{ "* LIST () \"/\" {3}\r\na\nb\r\n", "ignored\nskipped 1\n" },
		{ "* LIST () \"/\" a b\r\n", "ignored\nskipped 1\n" },
		{ "* LSUB (\\Trash) \"/\" x\r\n",
		  "lsub list \"x\" attrs=2 delim=/\n" },
		{ "* LSUB (\\Noselect) \"/\" x\r\n", "ignored\n" },
		{ "* LSUB () \"/\"\r\n", "ignored\nskipped 1\n" },
		{ "* STATUS \"a b\" (MESSAGES 231 UIDNEXT 44292 UNSEEN 0"
		  " UIDVALIDITY 1234567890123 HIGHESTMODSEQ 7 SIZE 99"
		  " MAILBOXID (F1))\r\n",
		  "status \"a b\" messages=231 uidnext=44292"
		  " validity=1234567890123 unseen=0 modseq=7 id=F1 size=99\n" },
		{ "* STATUS x (DELETED 4 FOO (1 (2)) X-GUID ab RECENT 0) \r\n",
		  "status \"x\" id=ab\n" },
		{ "* STATUS x (OBJECTID (ACCOUNTID A1 MAILBOXID F1))\r\n",
		  "status \"x\" id=F1\n" },
		{ "* STATUS x (UIDNEXT 0 HIGHESTMODSEQ 0 MESSAGES 1)\r\n",
		  "status \"x\" messages=1\nskipped 2\n" },
		{ "* STATUS x ()\r\n", "status \"x\"\n" },
		{ "* STATUS x (MESSAGES 1\r\n", "ignored\nskipped 2\n" },
		{ "* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\r\n",
		  "namespace . \"INBOX.\"\n" },
		{ "* NAMESPACE NIL NIL ((\"\" \".\"))\r\n",
		  "namespace 0 none \"\"\n" },
		{ "* NAMESPACE ((\"\" NIL)(\"#mh/\" \"/\")) NIL NIL\r\n",
		  "namespace 0 \"\"\n" },
		{ "* NAMESPACE\r\n", "ignored\nskipped 1\n" },
		{ "* ENABLED CONDSTORE QRESYNC \r\n",
		  "enabled \"CONDSTORE QRESYNC\"\n" },
		{ "* ID (\"name\" \"Cyrus\" \"os\" NIL \"version\" \"1.5\")\r\n",
		  "id \"Cyrus\" \"1.5\"\n" },
		{ "* ID NIL\r\n", "id \"\" \"\"\n" },
		{ "* ID (\"name\" \"x\" rubbish)\r\n",
		  "id \"x\" \"\"\nskipped 1\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
}

static void
uid_results_are_sets_whatever_their_form(void **state)
{
	static const struct row rows[] = {
		{ "* SEARCH 2 3 6\r\n", "uids 3: 2:3,6\n" },
		{ "* SEARCH\r\n", "uids 0:\n" },
		{ "* SEARCH 9 8 1 8 (MODSEQ 5)\r\n", "uids 3: 1,8:9\n" },
		{ "* SEARCH 0 4294967295 4294967296 \r\n",
		  "uids 1: 4294967295\nskipped 1\n" },
		{ "* ESEARCH (TAG \"a\") UID ALL 17,5:3 COUNT 4 MODSEQ 9\r\n",
		  "uids 4: 3:5,17\n" },
		{ "* ESEARCH (TAG {1}\r\na) UID\r\n", "uids 0:\n" },
		{ "* ESEARCH UID COUNT 15\r\n", "uids 15:\n" },
		{ "* ESEARCH (TAG \"a\") UID PARTIAL (1:9 NIL) MIN 3\r\n",
		  "uids 0:\n" },
		{ "* VANISHED (EARLIER) 41,43:116\r\n",
		  "gone earlier 41,43:116\n" },
		{ "* VANISHED 405\r\n", "gone 405\n" },
		{ "* VANISHED 0:1\r\n", "gone 1\n" },
		{ "* VANISHED 1:4294967295\r\n", "gone 1:4294967295\n" },
		{ "* VANISHED (EARLIER)\r\n", "ignored\nskipped 1\n" },
		{ "* VANISHED 1:*\r\n", "ignored\nskipped 1\n" },
		{ "* VANISHED 1:4294967296\r\n", "ignored\nskipped 1\n" },
		{ "* VANISHED 1 2\r\n", "ignored\nskipped 1\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
}

static void
a_search_result_that_is_not_understood_ends_the_connection(void **state)
{
	static const struct row rows[] = {
		{ "* SEARCH 1 9.3736e+06\r\na OK x\r\n", "proto.bad-search\n" },
		{ "* SEARCH 1 -2\r\n", "proto.bad-search\n" },
		{ "* ESEARCH UID ALL 1:*\r\n", "proto.bad-search\n" },
		{ "* ESEARCH UID ALL\r\n", "proto.bad-search\n" },
		{ "* ESEARCH (TAG \"a\r\n", "proto.bad-search\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
}

static void
noise_around_responses_is_tolerated(void **state)
{
	static const struct row rows[] = {
		{ "\r\n\n \r\n* OK x\r\n", "*: OK \"x\"\n" },
		{ "*  OK  x \r\n", "*: OK \"x\"\n" },
		{ "*OK x\r\r\n", "*: OK \"x\"\n" },
		{ "+\r\n+idling\r\n+ YQ==\r\n",
		  "continue \"\"\ncontinue \"idling\"\ncontinue \"YQ==\"\n" },
		{ "rubbish\r\n", "ignored\nskipped 1\n" },
		{ "a BYE x\r\n", "ignored\nskipped 1\n" },
		{ "* XFOO bar\r\n* 12 NOOP\r\n", "ignored\nignored\n" },
		{ "*\r\n", "ignored\nskipped 1\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
	check(STR("\0\0* OK x\r\n"), true, 1000, "*: OK \"x\"\n");
	check(STR("* LIST () \"/\" \"a\0b\"\r\n"), true, 1000,
	    "ignored\nskipped 1\n");
}

static void
before_signing_in_no_mailbox_data_passes(void **state)
{
	static const struct row rows[] = {
		{ "* OK hi\r\n* CAPABILITY IMAP4rev1\r\n* ID NIL\r\n+ \r\n"
		  "a NO x\r\n",
		  "*: OK \"hi\"\ncapability \"IMAP4rev1\"\nid \"\" \"\"\n"
		  "continue \"\"\na: NO \"x\"\n" },
		{ "* 3 EXISTS\r\n* LIST () \"/\" x\r\n* STATUS x ()\r\n"
		  "* SEARCH 1\r\n* VANISHED 1\r\n* ENABLED X\r\n"
		  "* NAMESPACE NIL NIL NIL\r\n[COPYUID 1 2 3]\r\n"
		  "* [COPYUID 1 2 3]\r\n",
		  "ignored\nignored\nignored\nignored\nignored\nignored\n"
		  "ignored\nignored\nignored\nskipped 2\n" },
		{ "* 1 FETCH (UID 4 BODY[] {5}\r\nhello)\r\n", "ignored\n" },
		{ "* OK hi\r\n* BAD [ALERT] x\r\n", "*: OK \"hi\"\nalert \"x\"\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), false);
}

static void
wrong_literals_end_the_connection(void **state)
{
	static const struct row rows[] = {
		{ "* 1 FETCH (BODY[] {1001}\r\nx", "proto.literal-too-big\n" },
		{ "* 1 FETCH (BODY[] {18446744073709551616}\r\na OK x\r\n",
		  "proto.literal-too-big\n" },
		{ "* 1 FETCH (BODY[] {99999999999999999999999}\r\na OK x\r\n",
		  "proto.literal-too-big\n" },
		{ "* 1 FETCH (BODY[HEADER] {1048577}\r\na OK x\r\n",
		  "proto.literal-too-big\n" },
		{ "* LIST () \"/\" {1048576}\r\n", "" },
		{ "* 1 FETCH (X {1048576}\r\nx", "" },
		/* Shorter, then longer than announced. */
		{ "* 1 FETCH (UID 4 BODY[] {3}\r\nhello)\r\na OK x\r\n",
		  "body 3 of 4: hel\nproto.literal-length\n" },
		{ "* 1 FETCH (BODY[HEADER] {8}\r\nhello)\r\na OK x\r\n",
		  "proto.literal-length\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), true);
	check(STR("* 1 FETCH (UID 4 BODY[] \"toolong\")\r\n"), true, 4,
	    "proto.literal-too-big\n");
}

static char *
repeat(const char *head, const char *part, size_t n, const char *tail)
{
	struct buf b;
	int failed = 0;

	buf_init(&b, 64 << 20);
	failed |= buf_add_str(&b, str_z(head));
	for (size_t i = 0; i < n; i++)
		failed |= buf_add_str(&b, str_z(part));
	failed |= buf_add_str(&b, str_z(tail));
	must(!failed);
	return buf_steal(&b);
}

static void
check_repeat(const char *head, const char *part, size_t n, const char *tail,
    bool authenticated, const char *want)
{
	char *in = repeat(head, part, n, tail);
	char *got = show_all(str_z(in), authenticated, 1000, 0);
	char *cut = show_all(str_z(in), authenticated, 1000, 7);

	assert_string_equal(got, want);
	assert_string_equal(cut, want);
	free(got);
	free(cut);
	free(in);
}

static void
a_header_too_long_to_keep_goes_by(void **state)
{
	char *in = repeat("* 1 FETCH (UID 4 BODY[HEADER] {1048577}\r\n", "y",
	    1048577, " RFC822.SIZE 9)\r\n");
	char *got = show_all(str_z(in), true, 2 << 20, 0);
	char *cut = show_all(str_z(in), true, 2 << 20, 1000);

	(void)state;
	assert_string_equal(got, "msg 4 size=9\nskipped 1\n");
	assert_string_equal(cut, got);
	free(got);
	free(cut);
	free(in);
}

static void
caps_hold_however_the_bytes_come(void **state)
{
	(void)state;
	check_repeat("* X ", "y", READ_LINE_MAX, "", true,
	    "proto.line-too-long\n");
	check_repeat("* X ", "y", READ_LINE_MAX - 100, "\r\n", true,
	    "ignored\n");
	check_repeat("* 1 FETCH (X ", "y", READ_FETCH_MAX, "", true,
	    "proto.line-too-long\n");
	check_repeat("* 1 FETCH (UID 4 X ", "y", READ_FETCH_MAX - 100, ")\r\n",
	    true, "msg 4\n");
	check_repeat("* X ", "{0}\r\n ", 1025, "\r\n", true,
	    "proto.line-too-long\n");
	check_repeat("* X {524288}\r\n", "y", 524288, " {524289}\r\n", true,
	    "proto.literal-too-big\n");
	check_repeat("* LIST () \"/\" ", "y", 1001, "\r\n", true,
	    "ignored\nskipped 1\n");
	check_repeat("* X ", "{65537}\r\n", 1, "", false,
	    "proto.literal-too-big\n");
	check_repeat("* X ", "y", READ_PREAUTH_MAX, "", false,
	    "proto.preauth-flood\n");
	check_repeat("", "\r\n", READ_PREAUTH_MAX, "", false,
	    "proto.preauth-flood\n");
	check_repeat("* 1 FETCH (UID 4 X ", "(", 64,
	    "))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))"
	    ")\r\n", true, "msg 4\n");
	check_repeat("* 1 FETCH (UID 4 X ", "(", 65, "\r\n", true,
	    "proto.too-deep\nskipped 1\n");
	check_repeat("* 1 FETCH (UID 4 X ", "(", 1000000, " BODY[] {1}\r\n", true,
	    "proto.too-deep\n");
}

static void
descending_uids_are_not_expensive(void **state)
{
	struct buf b;
	int failed = 0;

	(void)state;
	buf_init(&b, READ_LINE_MAX);
	failed |= buf_add_str(&b, STR("* SEARCH"));
	for (unsigned u = 1600000; u > 0; u -= 2)
		failed |= buf_fmt(&b, " %u", u);
	failed |= buf_add_str(&b, STR("\r\n"));
	assert_int_equal(failed, 0);

	struct imap_reader *r = imap_reader_new(1000);
	struct resp resp;
	struct err err;
	size_t eaten;

	imap_reader_authenticated(r, true);
	assert_int_equal(imap_read(r, buf_str(&b), &eaten, &resp, &err), 0);
	assert_int_equal(eaten, b.n);
	assert_int_equal(resp.event.kind, EV_UIDS);
	assert_int_equal(resp.event.uids.count, 800000);
	assert_int_equal(resp.event.uids.set->n, 800000);
	imap_reader_free(r);
	buf_clear(&b);
}

static int
feed(struct imap_reader *r, const char *in, struct resp *resp, struct err *err)
{
	size_t eaten;

	return imap_read(r, str_z(in), &eaten, resp, err);
}

static void
after_an_error_the_reader_stays_dead_until_reset(void **state)
{
	struct imap_reader *r = imap_reader_new(10);
	struct err err = { 0 };
	struct resp resp;

	(void)state;
	imap_reader_authenticated(r, true);
	assert_int_equal(feed(r, "* SEARCH x\r\n", &resp, &err), -1);
	assert_int_equal(err.class, ERR_PROTO);
	err = (struct err){ 0 };
	assert_int_equal(feed(r, "a OK x\r\n", &resp, &err), -1);
	assert_int_equal(err.class, ERR_PROTO);
	imap_reader_reset(r);
	assert_int_equal(feed(r, "a OK x\r\n", &resp, &err), 0);
	assert_int_equal(resp.kind, RESP_TAGGED);
	imap_reader_free(r);
}

static void
reset_forgets_half_a_response_and_that_we_signed_in(void **state)
{
	struct imap_reader *r = imap_reader_new(10);
	struct err err = { 0 };
	struct resp resp;

	(void)state;
	imap_reader_authenticated(r, true);
	assert_int_equal(feed(r, "* OK [CAPABILITY EVIL", &resp, &err), 0);
	assert_int_equal(resp.kind, RESP_MORE);
	imap_reader_reset(r);
	assert_int_equal(feed(r, "* 1 EXISTS\r\n", &resp, &err), 0);
	assert_int_equal(resp.kind, RESP_IGNORED);
	imap_reader_free(r);
}

static void
body_bytes_are_not_copied(void **state)
{
	static const char in[] = "* 1 FETCH (BODY[] {5}\r\nhello)\r\n";
	struct imap_reader *r = imap_reader_new(10);
	struct str left = STR(in);
	struct resp resp;
	struct err err;
	size_t eaten;

	(void)state;
	imap_reader_authenticated(r, true);
	assert_int_equal(imap_read(r, left, &eaten, &resp, &err), 0);
	assert_int_equal(resp.event.kind, EV_BODY);
	left = str_from(left, eaten);
	assert_int_equal(imap_read(r, left, &eaten, &resp, &err), 0);
	assert_int_equal(resp.event.kind, EV_DATA);
	assert_ptr_equal(resp.event.data.p, strstr(in, "hello"));
	assert_int_equal(eaten, 5);
	imap_reader_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_responses_give_code_arguments_and_text),
		cmocka_unit_test(copied_uids_are_paired_in_the_servers_order),
		cmocka_unit_test(
		    alert_and_overflow_are_events_but_never_the_greeting_or_bye),
		cmocka_unit_test(
		    fetch_items_come_in_any_order_and_unknown_ones_are_passed),
		cmocka_unit_test(
		    fetch_items_that_make_no_sense_are_skipped_and_counted),
		cmocka_unit_test(a_body_streams_and_its_message_follows),
		cmocka_unit_test(nothing_inside_a_literal_is_syntax),
		cmocka_unit_test(braces_at_the_end_of_text_for_people_are_text),
		cmocka_unit_test(mailbox_data_is_read),
		cmocka_unit_test(uid_results_are_sets_whatever_their_form),
		cmocka_unit_test(
		    a_search_result_that_is_not_understood_ends_the_connection),
		cmocka_unit_test(noise_around_responses_is_tolerated),
		cmocka_unit_test(before_signing_in_no_mailbox_data_passes),
		cmocka_unit_test(wrong_literals_end_the_connection),
		cmocka_unit_test(a_header_too_long_to_keep_goes_by),
		cmocka_unit_test(caps_hold_however_the_bytes_come),
		cmocka_unit_test(descending_uids_are_not_expensive),
		cmocka_unit_test(
		    after_an_error_the_reader_stays_dead_until_reset),
		cmocka_unit_test(
		    reset_forgets_half_a_response_and_that_we_signed_in),
		cmocka_unit_test(body_bytes_are_not_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
