/* test_imap_parts.c — a server that does so many messages at a time (RFC 9738). */
#include "imap_script.h"

#include "base/attr.h"
#include "base/flags.h"

static void
what_was_read_in_part_is_asked_for_again(void **state)
{
	(void)state;
	struct play p = { 0 };
	CLEANUP(uidset_clear) struct uidset all = set_of(1, UINT32_MAX);
	uint32_t fetch, search;

	play_open(&p, (const char *const[]){ PREAUTH("MESSAGELIMIT=2 ESEARCH"),
	    "C t1 UID FETCH 1:4294967295 (UID FLAGS)",
	    "C t2 UID SEARCH RETURN (ALL COUNT) UID 1:4294967295",
	    "S t1 OK [MESSAGELIMIT 2 8] of the highest",
	    "C t3 UID FETCH 1:7 (UID FLAGS)",
	    "S * NO [MESSAGELIMIT 2 9] of the highest",
	    "S t2 OK [HIGHESTMODSEQ 4] done",
	    "C t4 UID SEARCH RETURN (ALL COUNT) UID 1:8",
	    "S t3 OK done", "S t4 OK [MESSAGELIMIT 2 1] done", NULL });
	fetch = imap_fetch(p.ln, &all, FETCH_FLAGS, (struct modseq){ 0 });
	search = imap_search(p.ln, &all);
	play_done(&p, fetch, DONE_OK);
	play_done(&p, search, DONE_OK);
	play_end(&p);
}

/* What is missing from the answer would look like deleted mail. */
static void
part_of_an_answer_is_none_if_the_rest_cannot_be_had(void **state)
{
	static const char *const scripts[][8] = {
		/* It did not say that it would. */
		{ PREAUTH(""), "C t1 UID SEARCH UID 1:9",
		    "S t1 OK [MESSAGELIMIT 2 8] done" },
		/* Nor where it stopped; nor that it came any nearer. */
		{ PREAUTH("MESSAGELIMIT=2"), "C t1 UID SEARCH UID 1:9",
		    "S t1 OK [MESSAGELIMIT 2] done" },
		{ PREAUTH("MESSAGELIMIT=2"), "C t1 UID SEARCH UID 1:9",
		    "S t1 OK [MESSAGELIMIT 2 10] done" },
	};
	CLEANUP(uidset_clear) struct uidset uids = set_of(1, 9);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct play p = { 0 };

		play_open(&p, scripts[i]);
		play_done(&p, imap_search(p.ln, &uids), DONE_NO);
		play_end(&p);
	}
}

static void
the_rest_is_not_asked_of_another_mailbox(void **state)
{
	(void)state;
	struct play p = { 0 };
	CLEANUP(uidset_clear) struct uidset uids = set_of(1, 9);
	uint32_t search, select;

	play_open(&p, (const char *const[]){ PREAUTH("MESSAGELIMIT=2"),
	    "C t1 UID SEARCH UID 1:9", "C t2 SELECT \"B\"",
	    "S t1 OK [MESSAGELIMIT 2 8] done", "S t2 OK done", NULL });
	search = imap_search(p.ln, &uids);
	select = imap_select(p.ln, STR("B"), false, (struct uidvalidity){ 0 },
	    (struct modseq){ 0 });
	play_done(&p, search, DONE_NO);
	play_done(&p, select, DONE_OK);
	play_end(&p);
}

static void
what_changes_messages_is_cut_by_their_number(void **state)
{
	(void)state;
	struct play p = { 0 };
	CLEANUP(uidset_clear) struct uidset uids = set_of(3, 4);
	struct flags seen = { FLAG_SEEN, 0 };
	struct kwtab kw = { 0 };
	struct uidpairs got;
	uint32_t store, move, gone;

	play_open(&p, (const char *const[]){
	    PREAUTH("MESSAGELIMIT=2 UIDPLUS MOVE"),
	    "C t1 UID STORE 3:4 +FLAGS.SILENT (\\Seen)",
	    "C t2 UID STORE 9,11 +FLAGS.SILENT (\\Seen)",
	    "C t3 UID STORE 12 +FLAGS.SILENT (\\Seen)",
	    "C t4 UID MOVE 3:4 \"B\"", "C t5 UID MOVE 9,11 \"B\"",
	    "C t6 UID MOVE 12 \"B\"",
	    "C t7 UID EXPUNGE 3:4", "C t8 UID EXPUNGE 9,11",
	    "C t9 UID EXPUNGE 12",
	    "S t1 OK done", "S t2 OK done", "S t3 OK done",
	    "S t4 OK [COPYUID 7 3:4 1:2] done",
	    "S t5 OK [COPYUID 7 9,11 3:4] done",
	    "S t6 OK [COPYUID 7 12 5] done",
	    "S t7 OK done", "S t8 OK done", "S t9 OK done", NULL });
	uidset_add(&uids, 9, 9);
	uidset_add(&uids, 11, 12);
	store = imap_store(p.ln, &uids, true, seen, &kw);
	move = imap_copy(p.ln, &uids, STR("B"), true);
	gone = imap_expunge(p.ln, &uids);
	play_done(&p, store, DONE_OK);
	got = play_done(&p, move, DONE_OK)->copied;
	assert_int_equal(got.n, 5);
	assert_int_equal(got.src[3], 11);
	assert_int_equal(got.dst[4], 5);
	play_done(&p, gone, DONE_OK);
	play_end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_read_in_part_is_asked_for_again),
		cmocka_unit_test(
		    part_of_an_answer_is_none_if_the_rest_cannot_be_had),
		cmocka_unit_test(the_rest_is_not_asked_of_another_mailbox),
		cmocka_unit_test(what_changes_messages_is_cut_by_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
