/* test_imap_lane.c — a lane against a server that plays a script. */
#include "imap_script.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/attr.h"
#include "base/flags.h"

static int
file_of(const char *text)
{
	int fd = memfd_create("upload", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static uint32_t
select_plain(struct play *p, const char *mailbox)
{
	return imap_select(p->ln, str_z(mailbox), false,
	    (struct uidvalidity){ 0 }, (struct modseq){ 0 });
}

/* --- Mailboxes and messages. --- */

static void
select_tells_of_the_mailbox(void **state)
{
	(void)state;
	struct play p = { 0 };
	const struct imap_box *box;

	play_open(&p, (const char *const[]){ PREAUTH("CONDSTORE UNSELECT"),
	    "C t1 SELECT \"INBOX\" (CONDSTORE)",
	    "S * 17 EXISTS",
	    "S * OK [UIDVALIDITY 3857529045] valid",
	    "S * OK [UIDNEXT 4392] next",
	    "S * OK [HIGHESTMODSEQ 715194045007] highest",
	    "S * OK [PERMANENTFLAGS (\\Deleted \\Seen)] limited",
	    "S * OK [MAILBOXID (F2212ea87)] ok",
	    "S * NO [UIDNOTSTICKY] not",
	    "S * VANISHED (EARLIER) 1:9",
	    "S t1 OK [READ-ONLY] done",
	    "C t2 NOOP",
	    "S * 3 EXPUNGE",
	    "S * VANISHED 5:6",
	    "S t2 OK done", NULL });
	uint32_t req = select_plain(&p, "INBOX");
	play_event(&p, EV_EXISTS);
	box = imap_box(p.ln);
	assert_false(box->open);
	play_event(&p, EV_GONE);
	play_done(&p, req, DONE_OK);
	assert_true(box->open && box->readonly);
	assert_string_equal(box->flags, "\\Deleted \\Seen");
	assert_true(box->uid_not_sticky);
	assert_int_equal(box->exists, 17);
	assert_int_equal(box->validity.v, 3857529045);
	assert_int_equal(box->uidnext, 4392);
	assert_int_equal(box->modseq.v, 715194045007);
	assert_string_equal(box->objid, "F2212ea87");
	req = imap_noop(p.ln);
	play_event(&p, EV_EXPUNGE);
	play_event(&p, EV_GONE);
	play_done(&p, req, DONE_OK);
	assert_int_equal(box->exists, 14);
	play_end(&p);
}

static void
next_mailbox_begins_where_the_old_one_is_left(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH("UNSELECT"),
	    "C t1 SELECT \"A\"",
	    "C t2 UNSELECT",
	    "C t3 SELECT \"B\"",
	    "S * 1 EXISTS", "S * OK [UIDVALIDITY 7] v", "S t1 OK done",
	    "S * 2 EXISTS", "S t2 OK left",
	    "S * 9 EXISTS", "S * OK [UIDVALIDITY 8] v", "S t3 OK done", NULL });
	uint32_t a = select_plain(&p, "A"), b = select_plain(&p, "B");
	play_event(&p, EV_EXISTS);
	play_done(&p, a, DONE_OK);
	assert_int_equal(imap_box(p.ln)->validity.v, 7);
	assert_int_equal(play_event(&p, EV_EXISTS)->number, 2);
	assert_int_equal(imap_box(p.ln)->validity.v, 7);
	assert_int_equal(play_event(&p, EV_EXISTS)->number, 9);
	assert_int_equal(imap_box(p.ln)->validity.v, 0);
	play_done(&p, b, DONE_OK);
	assert_int_equal(imap_box(p.ln)->validity.v, 8);
	play_end(&p);
}

static void
select_without_unselect_goes_by_closed(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH("ENABLE QRESYNC"),
	    "C t1 ENABLE CONDSTORE QRESYNC",
	    "S * ENABLED QRESYNC", "S t1 OK done",
	    "C t2 SELECT \"A\" (CONDSTORE)",
	    "S * OK [UIDVALIDITY 7] v", "S t2 OK done",
	    "C t3 EXAMINE \"B\" (QRESYNC (8 99))",
	    "S * VANISHED 3", "S * OK [CLOSED] bye", "S * VANISHED (EARLIER) 4",
	    "S * OK [UIDVALIDITY 8] v", "S t3 OK done", NULL });
	play_done(&p, imap_enable(p.ln), DONE_OK);
	assert_true(imap_server(p.ln)->qresync && imap_server(p.ln)->condstore);
	play_done(&p, select_plain(&p, "A"), DONE_OK);
	uint32_t req = imap_select(p.ln, STR("B"), true,
	    (struct uidvalidity){ 8 }, (struct modseq){ 99 });
	play_event(&p, EV_GONE);
	assert_int_equal(imap_box(p.ln)->validity.v, 7);
	play_event(&p, EV_GONE);
	assert_int_equal(imap_box(p.ln)->validity.v, 0);
	play_done(&p, req, DONE_OK);
	assert_true(imap_box(p.ln)->readonly);
	play_end(&p);
}

static void
failed_select_leaves_nothing_selected(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH("UNSELECT"),
	    "C t1 SELECT \"A\"", "S t1 NO [NONEXISTENT] no",
	    "C t2 SELECT \"B\"", "S * 1 EXISTS", "S t2 OK done",
	    "C t3 UNSELECT", "S t3 OK done", NULL });
	struct ev_done *done = play_done(&p, select_plain(&p, "A"), DONE_NO);
	assert_true(str_eq(done->code, STR("NONEXISTENT")));
	assert_int_equal(imap_unselect(p.ln), 0);
	uint32_t req = select_plain(&p, "B");
	play_event(&p, EV_EXISTS);
	play_done(&p, req, DONE_OK);
	play_done(&p, imap_unselect(p.ln), DONE_OK);
	assert_false(imap_box(p.ln)->open);
	play_end(&p);
}

static void
mailbox_data_outside_a_mailbox_is_dropped(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH(""),
	    "C t1 NOOP", "S * 5 EXISTS", "S * 1 FETCH (UID 4 FLAGS ())",
	    "S * VANISHED 1:9", "S * 1 FETCH (UID 4 BODY[] {3}", "S abc)",
	    "S t1 OK done", NULL });
	play_done(&p, imap_noop(p.ln), DONE_OK);
	play_end(&p);
}

static void
bodies_stream_through(void **state)
{
	(void)state;
	struct play p = { 0 };
	CLEANUP(uidset_clear) struct uidset uids = set_of(4, UINT32_MAX);
	char body[64] = "";

	play_open(&p, (const char *const[]){ PREAUTH("CONDSTORE X-GM-EXT-1"),
	    "C t1 SELECT \"INBOX\" (CONDSTORE)", "S t1 OK done",
	    "C t2 UID FETCH 4:4294967295 (UID FLAGS INTERNALDATE X-GM-MSGID "
	    "BODY.PEEK[]) (CHANGEDSINCE 12)",
	    "S * 1 FETCH (UID 4 FLAGS (\\Seen) BODY[] {11}",
	    "S Hello", "W", "S you!)",
	    "S t2 OK done", NULL });
	play_done(&p, select_plain(&p, "INBOX"), DONE_OK);
	uint32_t req = imap_fetch(p.ln, &uids, FETCH_FLAGS | FETCH_DATE |
	    FETCH_BODY | FETCH_OBJID, (struct modseq){ 12 });
	assert_int_equal(play_event(&p, EV_BODY)->body.size, 11);
	while (strlen(body) < 11) {
		struct str data = play_event(&p, EV_DATA)->data;

		strncat(body, data.p, data.n);
	}
	assert_string_equal(body, "Hello\r\nyou!");
	struct ev_msg *msg = &play_event(&p, EV_MSG)->msg;
	assert_int_equal(msg->uid.v, 4);
	assert_true(msg->have & MSG_BODY);
	play_done(&p, req, DONE_OK);
	play_end(&p);
}

static void
long_sets_are_split_and_answered_once(void **state)
{
	(void)state;
	struct play p = { 0 };
	CLEANUP(uidset_clear) struct uidset uids;

	uidset_init(&uids);
	for (uint32_t i = 0; i < 5000; i++)
		uidset_add(&uids, 10000 + 2 * i, 10000 + 2 * i);
	play_open(&p, (const char *const[]){ PREAUTH("UIDPLUS"),
	    "L OK done", "L OK [HIGHESTMODSEQ 9] done", "L NO [EXPIRED] oh",
	    "L OK done", "C t1 NOOP", "S t1 OK done", NULL });
	uint32_t req = imap_expunge(p.ln, &uids), noop = imap_noop(p.ln);
	assert_int_equal(imap_open_requests(p.ln), 2);
	struct ev_done *done = play_done(&p, req, DONE_NO);
	assert_true(str_eq(done->code, STR("EXPIRED")));
	assert_int_equal(done->modseq.v, 9);
	play_done(&p, noop, DONE_OK);
	assert_int_equal(imap_open_requests(p.ln), 0);
	play_end(&p);
}

static void
flags_go_out_as_deltas(void **state)
{
	(void)state;
	struct play p = { 0 };
	CLEANUP(uidset_clear) struct uidset uids = set_of(3, 5);
	CLEANUP(kwtab_clear) struct kwtab kw = { 0 };
	int bit = kwtab_bit(&kw, STR("work"));

	play_open(&p, (const char *const[]){ PREAUTH("CONDSTORE"),
	    "C t1 UID STORE 3:5 +FLAGS.SILENT (\\Flagged \\Seen work)",
	    "C t2 UID STORE 3:5 -FLAGS.SILENT (\\Deleted)",
	    "S t1 OK [MODIFIED 4] some", "S t2 OK done", NULL });
	uint32_t add = imap_store(p.ln, &uids, true, (struct flags){
	    FLAG_SEEN | FLAG_FLAGGED, UINT64_C(1) << bit }, &kw);
	uint32_t take = imap_store(p.ln, &uids, false,
	    (struct flags){ FLAG_DELETED, 0 }, &kw);
	struct ev_done *done = play_done(&p, add, DONE_OK);
	assert_non_null(done->modified);
	assert_true(uidset_has(done->modified, (struct uid){ 4 }));
	play_done(&p, take, DONE_OK);
	play_end(&p);
}

static void
untagged_copyuid_belongs_to_the_move(void **state)
{
	(void)state;
	struct play p = { 0 };
	CLEANUP(uidset_clear) struct uidset uids = set_of(3, 4);

	play_open(&p, (const char *const[]){ PREAUTH("MOVE"),
	    "C t1 UID MOVE 3:4 \"Archive\"",
	    "C t2 UID COPY 3:4 \"B\\\"\\\\\"",
	    "S * OK [COPYUID 77 3:4 12,11] moved", "S t1 OK done",
	    "S t2 OK [COPYUID 78 3:4 5:6] done", NULL });
	uint32_t move = imap_copy(p.ln, &uids, STR("Archive"), true);
	uint32_t copy = imap_copy(p.ln, &uids, STR("B\"\\"), false);
	struct uidpairs got = play_done(&p, move, DONE_OK)->copied;
	assert_int_equal(got.validity.v, 77);
	assert_int_equal(got.n, 2);
	assert_int_equal(got.src[0], 3);
	assert_int_equal(got.dst[0], 12);
	assert_int_equal(got.dst[1], 11);
	got = play_done(&p, copy, DONE_OK)->copied;
	assert_int_equal(got.validity.v, 78);
	assert_int_equal(got.dst[1], 6);
	play_end(&p);
}

static void
pairs_that_cannot_be_are_not_believed(void **state)
{
	(void)state;
	struct play p = { 0 };
	CLEANUP(uidset_clear) struct uidset uids = set_of(3, 4);

	play_open(&p, (const char *const[]){ PREAUTH(""),
	    "C t1 UID COPY 3:4 \"B\"", "S t1 OK [APPENDUID 78 5] done", NULL });
	assert_int_equal(play_done(&p, imap_copy(p.ln, &uids, STR("B"), false),
	    DONE_OK)->copied.n, 0);
	play_end(&p);
}

/* --- Uploads. --- */

static uint32_t
append(struct play *p, const char *text, uint64_t wire_size, size_t n)
{
	struct kwtab kw = { 0 };
	struct imap_upload up[2] = { 0 };

	for (size_t i = 0; i < n; i++)
		up[i] = (struct imap_upload){ .fd = file_of(text),
		    .eol = EOL_LF, .wire_size = wire_size,
		    .flags = { FLAG_SEEN, 0 }, .date = 0 };
	return imap_append(p->ln, STR("INBOX"), up, n, &kw);
}

#define APPEND_HEAD	"APPEND \"INBOX\" (\\Seen) \"01-Jan-1970 00:00:00 +0000\""

static void
literal_plus_does_not_wait(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH("LITERAL+ MULTIAPPEND"),
	    "C t1 " APPEND_HEAD " {6+}", "D a\r\nb\r\n",
	    "C  (\\Seen) \"01-Jan-1970 00:00:00 +0000\" {6+}", "D a\r\nb\r\n",
	    "C ", "C t2 NOOP",
	    "S t1 OK [APPENDUID 5 8:9] done", "S t2 OK done", NULL });
	uint32_t req = append(&p, "a\nb\n", 6, 2), noop = imap_noop(p.ln);
	struct ev_done *done = play_done(&p, req, DONE_OK);
	assert_int_equal(done->copied.n, 2);
	assert_null(done->copied.src);
	assert_int_equal(done->copied.dst[1], 9);
	play_done(&p, noop, DONE_OK);
	play_end(&p);
}

static void
literal_minus_waits_when_large(void **state)
{
	static const struct {
		size_t		 size;
		const char	*head, *wait, *go;
	} table[] = {
		{ 4096, "C t1 " APPEND_HEAD " {4096+}", "W", "W" },
		{ 4097, "C t1 " APPEND_HEAD " {4097}", "N", "S + go" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct play p = { 0 };
		char bytes[2 + 4097 + 1] = "D ";

		memset(bytes + 2, 'x', table[i].size);
		play_open(&p, (const char *const[]){ PREAUTH("LITERAL-"),
		    table[i].head, table[i].wait, table[i].go, bytes, "C ",
		    "S t1 OK done", NULL });
		play_done(&p, append(&p, bytes + 2, table[i].size, 1), DONE_OK);
		play_end(&p);
	}
}

static void
synchronizing_literal_holds_all_behind_it(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH(""),
	    "C t1 " APPEND_HEAD " {6}", "N", "S + go", "D a\r\nb\r\n", "C ",
	    "C t2 NOOP", "S t1 OK done", "S t2 OK done", NULL });
	uint32_t req = append(&p, "a\nb\n", 6, 1), noop = imap_noop(p.ln);
	play_done(&p, req, DONE_OK);
	play_done(&p, noop, DONE_OK);
	play_end(&p);
}

static void
refusal_instead_of_go_ends_the_command(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH(""),
	    "C t1 " APPEND_HEAD " {6}", "S t1 NO [OVERQUOTA] full",
	    "C t2 NOOP", "S t2 OK done", NULL });
	uint32_t req = append(&p, "a\nb\n", 6, 1), noop = imap_noop(p.ln);
	struct ev_done *done = play_done(&p, req, DONE_NO);
	assert_true(str_eq(done->code, STR("OVERQUOTA")));
	play_done(&p, noop, DONE_OK);
	play_end(&p);
}

static void
odd_mailbox_names_are_literals(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH(""),
	    "C t1 CREATE {5}", "N", "S + go", "C Gr\xc3\xbc\xc3",
	    "S t1 OK done", NULL });
	play_done(&p, imap_create(p.ln, STR("Gr\xc3\xbc\xc3")), DONE_OK);
	play_end(&p);
	/* Else it would be a command of its own. */
	play_open(&p, (const char *const[]){ PREAUTH(""),
	    "C t1 CREATE {4}", "N", "S + go", "C a", "C b",
	    "S t1 OK done", NULL });
	play_done(&p, imap_create(p.ln, STR("a\r\nb")), DONE_OK);
	play_end(&p);
}

static void
changed_file_ends_the_connection(void **state)
{
	static char big[(32 << 10) + 2];
	static const struct {
		const char	*text;
		uint64_t	 size;
	} table[] = {
		{ big, 32 << 10 },	/* longer, behind all that was read */
		{ "a\nb", 6 },		/* shorter than promised */
		{ "a\nb\nc\n", 6 },	/* longer, but whole lines */
		{ "a\nb\n\n", 7 },	/* in the middle of a CRLF */
	};

	(void)state;
	memset(big, 'a', sizeof(big) - 1);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct play p = { 0 };

		play_open(&p, (const char *const[]){ PREAUTH("LITERAL+"), NULL });
		append(&p, table[i].text, table[i].size, 1);
		play_lost(&p, "store.file-changed");
		play_end(&p);
	}
}

/* Whatever comes behind the end of a literal is a command. */
static void
more_than_promised_is_not_sent(void **state)
{
	static char big[1 << 20];
	struct play p = { 0 };

	(void)state;
	memset(big, 'a', sizeof(big) - 1);
	play_open(&p, (const char *const[]){ PREAUTH("LITERAL+"), "E", NULL });
	append(&p, big, 6, 1);
	play_lost(&p, "store.file-changed");
	play_end(&p);
}

/* --- IDLE. --- */

static void
idle_takes_early_data_and_ends_when_open(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH("IDLE"),
	    "C t1 SELECT \"INBOX\"", "S t1 OK done",
	    "C t2 IDLE", "S * 4 EXISTS", "N", "S + idling",
	    "C DONE", "C t3 NOOP", "S t2 OK done", "S t3 OK done", NULL });
	play_done(&p, select_plain(&p, "INBOX"), DONE_OK);
	uint32_t idle = imap_idle(p.ln);
	play_event(&p, EV_EXISTS);
	imap_idle_done(p.ln);
	uint32_t noop = imap_noop(p.ln);
	play_done(&p, idle, DONE_OK);
	play_done(&p, noop, DONE_OK);
	play_end(&p);
}

static void
refused_idle_is_an_ordinary_answer(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH("IDLE"),
	    "C t1 IDLE", "S t1 BAD what", "C t2 NOOP", "S t2 OK done", NULL });
	play_done(&p, imap_idle(p.ln), DONE_BAD);
	imap_idle_done(p.ln);
	play_done(&p, imap_noop(p.ln), DONE_OK);
	play_end(&p);
}

/* There is nothing to end; the next one is another. */
static void
ending_an_idle_that_is_over_does_not_end_the_next(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH("IDLE"),
	    "C t1 SELECT \"INBOX\"", "S t1 OK done",
	    "C t2 IDLE", "S + idling", "S t2 OK long enough",
	    "C t3 IDLE", "S + idling", "N", "S * 4 EXISTS",
	    "C DONE", "S t3 OK done", NULL });
	play_done(&p, select_plain(&p, "INBOX"), DONE_OK);
	play_done(&p, imap_idle(p.ln), DONE_OK);
	imap_idle_done(p.ln);
	uint32_t again = imap_idle(p.ln);
	play_event(&p, EV_EXISTS);
	imap_idle_done(p.ln);
	play_done(&p, again, DONE_OK);
	play_end(&p);
}

static void
silence_is_death_but_not_in_idle(void **state)
{
	(void)state;
	struct play p = { .conf.peer.response_timeout = MOMENT * 2 };

	play_open(&p, (const char *const[]){ PREAUTH("IDLE"),
	    "C t1 IDLE", "S + idling", "W", "W", "W", "W", "S * 1 EXISTS",
	    "C DONE", NULL });
	imap_idle(p.ln);
	assert_int_equal(lanes_reap(&p.lanes, &p.ev, NULL, 0,
	    clock_in(MOMENT * 4), &p.err), 0);
	imap_idle_done(p.ln);
	play_lost(&p, "net.timeout");
	play_end(&p);
}

/* --- Servers that misbehave. --- */

static void
goodbye_is_the_end(void **state)
{
	static const struct {
		const char	*line, *code;
	} table[] = {
		{ "S * BYE see you", "proto.bye" },
		{ "S * BYE Too many simultaneous connections. (Failure)",
		    "server.limit-connections" },
		{ "S * BYE [UNAVAILABLE] Request is throttled. Suggested Backoff "
		    "Time: 9000 milliseconds", "server.over-rate" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct play p = { 0 };

		play_open(&p, (const char *const[]){ PREAUTH(""), "C t1 NOOP",
		    table[i].line, NULL });
		imap_noop(p.ln);
		play_lost(&p, table[i].code);
		assert_int_equal(p.ev.err.class, ERR_RETRY);
		play_end(&p);
	}
}

static void
answers_without_a_question_are_the_end(void **state)
{
	static const char *const table[] = {
		"S t1+1 OK early",	/* the tag that will come next */
		"S A1 OK who",
		"S + go",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct play p = { 0 };

		play_open(&p, (const char *const[]){ PREAUTH(""), "C t1 NOOP",
		    table[i], NULL });
		imap_noop(p.ln);
		play_lost(&p, "proto.unexpected");
		play_end(&p);
	}
}

static void
acceptance_of_half_a_command_is_the_end(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH(""),
	    "C t1 " APPEND_HEAD " {6}", "S t1 OK [APPENDUID 1 1] wonderful",
	    NULL });
	append(&p, "a\nb\n", 6, 1);
	play_lost(&p, "proto.unexpected");
	play_end(&p);
}

static void
an_answer_counts_once(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH(""), "C t1 NOOP",
	    "S t1 OK done", "S t1 OK done", NULL });
	play_done(&p, imap_noop(p.ln), DONE_OK);
	play_lost(&p, "proto.unexpected");
	play_end(&p);
}

static void
uidvalidity_of_an_open_mailbox_cannot_change(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH(""),
	    "C t1 SELECT \"A\"", "S * OK [UIDVALIDITY 7] v", "S t1 OK done",
	    "S * OK [UIDVALIDITY 8] surprise", NULL });
	play_done(&p, select_plain(&p, "A"), DONE_OK);
	play_lost(&p, "proto.unexpected");
	play_end(&p);
}

/* --- What is asked depends on what is there. --- */

static void
list_asks_for_what_the_server_has(void **state)
{
	static const struct {
		const char	*greeting, *list, *lsub;
	} table[] = {
		{ PREAUTH(""), "C t1 LIST \"\" \"*\"", "C t2 LSUB \"\" \"*\"" },
		{ PREAUTH("LIST-EXTENDED SPECIAL-USE"),
		    "C t1 LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE "
		    "CHILDREN)", NULL },
		{ PREAUTH("LIST-EXTENDED LIST-STATUS CONDSTORE OBJECTID"),
		    "C t1 LIST \"\" \"*\" RETURN (SUBSCRIBED CHILDREN STATUS "
		    "(UIDNEXT UIDVALIDITY MESSAGES UNSEEN HIGHESTMODSEQ "
		    "MAILBOXID))", NULL },
		{ PREAUTH("LIST-STATUS"),
		    "C t1 LIST \"\" \"*\" RETURN (STATUS (UIDNEXT UIDVALIDITY "
		    "MESSAGES UNSEEN))", "C t2 LSUB \"\" \"*\"" },
		{ "S * PREAUTH [CAPABILITY IMAP4rev1 IMAP4rev2] The Microsoft "
		    "Exchange IMAP4 service is ready.",
		    "C t1 LIST \"\" \"*\"", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct play p = { 0 };
		const char *script[8] = { table[i].greeting };
		size_t n = 1;

		script[n++] = table[i].list;
		if (table[i].lsub != NULL)
			script[n++] = table[i].lsub;
		else
			script[n++] = "N";
		script[n++] = "S t1 OK done";
		if (table[i].lsub != NULL)
			script[n] = "S t2 BAD never heard of";
		play_open(&p, script);
		play_done(&p, imap_list(p.ln, true), DONE_OK);
		play_end(&p);
	}
}

static void
alert_of_an_answer_is_told_behind_it(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH(""),
	    "C t1 NOOP", "S t1 OK [ALERT] nearly full", "C t2 CREATE \"a\"",
	    "S t2 NO [ALERT] all full", NULL });
	play_done(&p, imap_noop(p.ln), DONE_OK);
	assert_true(str_eq(play_event(&p, EV_ALERT)->text, STR("nearly full")));
	play_done(&p, imap_create(p.ln, STR("a")), DONE_NO);
	assert_true(str_eq(play_event(&p, EV_ALERT)->text, STR("all full")));
	play_end(&p);
}

/* A command of two, each with a text for people. */
static void
every_alert_is_told(void **state)
{
	(void)state;
	struct play p = { 0 };
	uint32_t req;

	play_open(&p, (const char *const[]){ PREAUTH(""),
	    "C t1 LIST \"\" \"*\"", "C t2 LSUB \"\" \"*\"",
	    "S t1 OK [ALERT] one", "S t2 OK [ALERT] two", NULL });
	req = imap_list(p.ln, false);
	assert_true(str_eq(play_event(&p, EV_ALERT)->text, STR("one")));
	play_done(&p, req, DONE_OK);
	assert_true(str_eq(play_event(&p, EV_ALERT)->text, STR("two")));
	play_end(&p);
}

static void
subscriptions_come_by_lsub_but_not_of_what_is_gone(void **state)
{
	(void)state;
	struct play p = { 0 };
	struct ev_list *list;
	uint32_t req;

	play_open(&p, (const char *const[]){ PREAUTH(""),
	    "C t1 LIST \"\" \"*\"", "C t2 LSUB \"\" \"*\"",
	    "S * LIST (\\Sent) \"/\" a", "S * LIST () \"/\" b", "S t1 OK done",
	    "S * LSUB () \"/\" gone", "S * LSUB (\\Noselect) \"/\" b",
	    "S * LSUB () \"/\" a", "S t2 OK done",
	    "C t3 NOOP", "S * LSUB () \"/\" a", "S t3 OK done", NULL });
	req = imap_list(p.ln, false);
	assert_int_equal(play_event(&p, EV_LIST)->list.attrs, LIST_SENT);
	assert_int_equal(play_event(&p, EV_LIST)->list.attrs, 0);
	list = &play_event(&p, EV_LIST)->list;
	assert_true(str_eq(list->name, STR("a")));
	assert_int_equal(list->attrs, LIST_SUBSCRIBED);
	assert_int_equal(list->delim, '/');
	play_done(&p, req, DONE_OK);
	play_done(&p, imap_noop(p.ln), DONE_OK);
	play_end(&p);
}

static void
dovecot_is_asked_for_its_guid_once_known(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH("ID NOTIFY"),
	    "C t1 STATUS \"A\" (UIDNEXT UIDVALIDITY MESSAGES UNSEEN)",
	    "S t1 OK done",
	    "C t2 ID (\"name\" \"syncd\" \"version\" \"" SYNCD_VERSION "\")",
	    "S * ID (\"name\" \"Dovecot\" \"version\" \"2.3.7.2\")",
	    "S t2 OK done",
	    "C t3 STATUS \"A\" (UIDNEXT UIDVALIDITY MESSAGES UNSEEN X-GUID)",
	    "S t3 OK done", NULL });
	assert_true(imap_can(p.ln, CAP_NOTIFY));
	play_done(&p, imap_status(p.ln, STR("A")), DONE_OK);
	play_done(&p, imap_id(p.ln), DONE_OK);
	assert_string_equal(imap_server(p.ln)->version, "2.3.7.2");
	assert_false(imap_can(p.ln, CAP_NOTIFY));	/* broken before 2.3.15 */
	play_done(&p, imap_status(p.ln, STR("A")), DONE_OK);
	imap_avoid(p.ln, CAP_XGUID);
	assert_false(imap_can(p.ln, CAP_XGUID));
	play_end(&p);
}

static void
search_speaks_esearch_or_not(void **state)
{
	(void)state;
	CLEANUP(uidset_clear) struct uidset uids = set_of(1, 9);
	struct play p = { 0 };

	play_open(&p, (const char *const[]){ PREAUTH("ESEARCH"),
	    "C t1 UID SEARCH RETURN (ALL COUNT) UID 1:9",
	    "S t1 OK done", "C t2 UID SEARCH UID 1:9", "S t2 OK done", NULL });
	uint32_t a = imap_search(p.ln, &uids);
	play_done(&p, a, DONE_OK);
	imap_avoid(p.ln, CAP_ESEARCH);
	play_done(&p, imap_search(p.ln, &uids), DONE_OK);
	play_end(&p);
}

static void
icloud_is_asked_twice_and_not_for_qresync(void **state)
{
	(void)state;
	struct play p = { 0 };

	play_open(&p, (const char *const[]){
	    PREAUTH("ENABLE CONDSTORE QRESYNC XAPPLEPUSHSERVICE"),
	    "C t1 CAPABILITY",
	    "S * CAPABILITY IMAP4rev1 ENABLE CONDSTORE QRESYNC "
	    "XAPPLEPUSHSERVICE", "S t1 OK done",
	    "C t2 ENABLE CONDSTORE", "S t2 OK done", NULL });
	play_done(&p, imap_enable(p.ln), DONE_OK);
	assert_false(imap_server(p.ln)->qresync);
	play_end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(select_tells_of_the_mailbox),
		cmocka_unit_test(next_mailbox_begins_where_the_old_one_is_left),
		cmocka_unit_test(select_without_unselect_goes_by_closed),
		cmocka_unit_test(failed_select_leaves_nothing_selected),
		cmocka_unit_test(mailbox_data_outside_a_mailbox_is_dropped),
		cmocka_unit_test(bodies_stream_through),
		cmocka_unit_test(long_sets_are_split_and_answered_once),
		cmocka_unit_test(flags_go_out_as_deltas),
		cmocka_unit_test(untagged_copyuid_belongs_to_the_move),
		cmocka_unit_test(pairs_that_cannot_be_are_not_believed),
		cmocka_unit_test(literal_plus_does_not_wait),
		cmocka_unit_test(literal_minus_waits_when_large),
		cmocka_unit_test(synchronizing_literal_holds_all_behind_it),
		cmocka_unit_test(refusal_instead_of_go_ends_the_command),
		cmocka_unit_test(odd_mailbox_names_are_literals),
		cmocka_unit_test(changed_file_ends_the_connection),
		cmocka_unit_test(more_than_promised_is_not_sent),
		cmocka_unit_test(idle_takes_early_data_and_ends_when_open),
		cmocka_unit_test(refused_idle_is_an_ordinary_answer),
		cmocka_unit_test(ending_an_idle_that_is_over_does_not_end_the_next),
		cmocka_unit_test(silence_is_death_but_not_in_idle),
		cmocka_unit_test(goodbye_is_the_end),
		cmocka_unit_test(answers_without_a_question_are_the_end),
		cmocka_unit_test(acceptance_of_half_a_command_is_the_end),
		cmocka_unit_test(an_answer_counts_once),
		cmocka_unit_test(uidvalidity_of_an_open_mailbox_cannot_change),
		cmocka_unit_test(list_asks_for_what_the_server_has),
		cmocka_unit_test(alert_of_an_answer_is_told_behind_it),
		cmocka_unit_test(every_alert_is_told),
		cmocka_unit_test(subscriptions_come_by_lsub_but_not_of_what_is_gone),
		cmocka_unit_test(dovecot_is_asked_for_its_guid_once_known),
		cmocka_unit_test(search_speaks_esearch_or_not),
		cmocka_unit_test(icloud_is_asked_twice_and_not_for_qresync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
