/* test_pop3_lane.c — the POP3 lane: bring-up, flights, answers in order. */
#include "lane_events.h"

#include "base/attr.h"
#include "base/mem.h"
#include "pop3/lane.h"
#include "pop3/parse.h"

struct play {
	pid_t		pid;
	struct pop3_conf conf;
	struct secret	secret;
	struct lanes	lanes;
	struct lane	*ln;
	struct event	ev;
	struct err	err;
};

static void
start(struct play *p, const char *const *script)
{
	int fd;

	p->pid = actor_start(script, &fd);
	p->conf.peer.host = "pop.example.org";
	p->conf.peer.user = "ann";
	if (p->conf.peer.response_timeout == 0)
		p->conf.peer.response_timeout = USEC_S(5);
	p->conf.max_message = 1 << 20;
	assert_int_equal(secret_set(&p->secret, STR("secret")), 0);
	p->ln = pop3_open(&p->conf, "test", fd, &p->secret, clock_in(USEC_S(5)),
	    &p->err);
	if (p->ln != NULL)
		lanes_add(&p->lanes, p->ln);
}

static void
open_lane(struct play *p, const char *const *script)
{
	p->conf.peer.tls_mode = TLS_NONE;
	start(p, script);
	if (p->ln == NULL)
		fail_msg("%s: %s", p->err.code, p->err.text);
}

static void
end(struct play *p)
{
	if (p->ln != NULL)
		lanes_close(&p->lanes, p->ln);
	secret_clear(&p->secret);
	actor_end(p->pid);
}

static struct event *
event(struct play *p, enum event_kind kind)
{
	return expect_event(&p->lanes, &p->ev, kind);
}

static void
done(struct play *p, uint32_t req, enum done_status status)
{
	expect_done(&p->lanes, &p->ev, req, status);
}

static void
lost(struct play *p, const char *code)
{
	assert_string_equal(event(p, EV_LOST)->err.code, code);
}

/* A whole message, as text to free(). */
static char *
body(struct play *p, uint32_t number)
{
	struct buf all;
	struct event *ev = event(p, EV_BODY);

	assert_int_equal(ev->body.uid.v, number);
	buf_init(&all, 1 << 20);
	for (;;) {
		assert_int_equal(lanes_reap(&p->lanes, &p->ev, NULL, 0,
		    clock_in(USEC_S(5)), &p->err), 1);
		if (p->ev.kind != EV_DATA)
			break;
		assert_int_equal(buf_add_str(&all, p->ev.data), 0);
	}
	assert_int_equal(p->ev.kind, EV_MSG);
	assert_int_equal(p->ev.msg.uid.v, number);
	assert_true(p->ev.msg.have & MSG_BODY);
	return buf_steal(&all);
}

/* ---- bring-up --------------------------------------------------------- */

#define HELLO		"S +OK POP3 ready <1.2@h>"
#define CAPA(...)	"C CAPA", "S +OK", __VA_ARGS__, "S ."
#define SIGN_IN		"C USER ann", "S +OK", "C PASS secret", "S +OK"
#define OPEN		HELLO, CAPA("S USER"), SIGN_IN
#define TOGETHER	HELLO, CAPA("S USER", "S PIPELINING"), "C USER ann", \
	"C PASS secret", "S +OK", "S +OK"

static char *const only_apop[] = { "APOP" };
static char *const only_plain[] = { "PLAIN" };

static void
ways_to_sign_in(void **state)
{
	static const struct {
		struct pop3_conf conf;
		const char	*script[20];
		const char	*code;		/* NULL: it works */
	} table[] = {
		{ { .peer.tls_mode = TLS_NONE }, { OPEN }, NULL },
		{ { .peer.tls_mode = TLS_NONE }, { TOGETHER }, NULL },
		{ { .peer.tls_mode = TLS_NONE, .lock_step = true },
		  { HELLO, CAPA("S USER", "S PIPELINING"), "C USER ann", "N",
		    "S +OK", "C PASS secret", "S +OK" }, NULL },
		{ { .peer.tls_mode = TLS_NONE },
		  { HELLO, "C CAPA", "S -ERR what?", SIGN_IN }, NULL },
		{ { .peer.tls_mode = TLS_NONE },
		  { HELLO, CAPA("S SASL LOGIN PLAIN", "S USER"),
		    "C AUTH PLAIN AGFubgBzZWNyZXQ=", "S +OK" }, NULL },
		{ { .peer.tls_mode = TLS_NONE },
		  { HELLO, CAPA("S SASL LOGIN"), "C AUTH LOGIN",
		    "S + VXNlcm5hbWU6", "C YW5u", "S + UGFzc3dvcmQ6",
		    "C c2VjcmV0", "S +OK" }, NULL },
		{ { .peer = { .tls_mode = TLS_NONE, .mechanisms = only_apop,
		    .n_mechanisms = 1 } },
		  { HELLO, CAPA("S USER"),
		    "C APOP ann c348ebb16b71cc519fd7c6e61d63a669", "S +OK" },
		  NULL },
		{ { .peer = { .tls_mode = TLS_NONE, .mechanisms = only_apop,
		    .n_mechanisms = 1 } },
		  { "S +OK no stamp", CAPA("S USER") },
		  "auth.mechanism-missing" },
		{ { .peer = { .tls_mode = TLS_NONE, .mechanisms = only_plain,
		    .n_mechanisms = 1 } },
		  { HELLO, CAPA("S USER") }, "auth.mechanism-missing" },
		/* CAPA says what there is not. */
		{ { .peer.tls_mode = TLS_NONE }, { HELLO, CAPA("S TOP") },
		  "auth.mechanism-missing" },
		{ { .peer = { .tls_mode = TLS_NONE, .token = true } },
		  { HELLO, CAPA("S SASL XOAUTH2 PLAIN"),
		    "C AUTH XOAUTH2 dXNlcj1hbm4BYXV0aD1CZWFyZXIgc2VjcmV0AQE=",
		    "S + eyJzdGF0dXMiOiI0MDAifQ==", "C ", "S -ERR no" },
		  "auth.token-expired" },
		{ { .peer.tls_mode = TLS_NONE },
		  { HELLO, CAPA("S USER"), "C USER ann", "S +OK",
		    "C PASS secret", "S -ERR [AUTH] no" }, "auth.refused" },
		{ { .peer.tls_mode = TLS_NONE },
		  { HELLO, CAPA("S USER"), "C USER ann", "S +OK",
		    "C PASS secret", "S -ERR [IN-USE] again" },
		  "server.in-use" },
		{ { .peer.tls_mode = TLS_NONE },
		  { HELLO, CAPA("S USER"), "C USER ann",
		    "S -ERR [LOGIN-DELAY] wait" }, "auth.throttled" },
		{ { .peer.tls_mode = TLS_NONE },
		  { HELLO, CAPA("S USER"), "C USER ann",
		    "S -ERR Unable to lock the maildrop" }, "server.in-use" },
		{ { .peer.tls_mode = TLS_NONE },
		  { "S -ERR [SYS/TEMP] overloaded" }, "server.unavailable" },
		{ { .peer.tls_mode = TLS_NONE }, { "S * OK hello" },
		  "proto.other-server" },
		{ { .peer.tls_mode = TLS_NONE }, { "S 220 mx ESMTP" },
		  "proto.other-server" },
		{ { .peer.tls_mode = TLS_NONE }, { "S hello" },
		  "proto.unexpected" },
		{ { .peer.tls_mode = TLS_NONE }, { "S ok" },
		  "proto.unexpected" },
		{ { .peer.tls_mode = TLS_STARTTLS },
		  { HELLO, "C STLS", "S -ERR what?" }, "tls.starttls-stripped" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct play p = { .conf = table[i].conf };

		start(&p, table[i].script);
		if (table[i].code != NULL) {
			assert_null(p.ln);
			assert_string_equal(p.err.code, table[i].code);
		} else if (p.ln == NULL) {
			fail_msg("%zu: %s: %s", i, p.err.code, p.err.text);
		}
		end(&p);
	}
}

/* ---- flights ---------------------------------------------------------- */

static void
all_in_one_flight(void **state)
{
	static const char *const script[] = {
		TOGETHER, "C CAPA", "C LIST", "C UIDL", "S +OK", "S PIPELINING",
		"S LOGIN-DELAY 300", "S EXPIRE 0", "S IMPLEMENTATION a b", "S .",
		"S +OK", "S 1 120", "S 2 4294967296", "S .", "S +OK", "S 1 a",
		"S 2 b  c", "S .", NULL
	};
	struct play p = { 0 };
	const struct event *ev;
	uint32_t list, uidl;

	(void)state;
	open_lane(&p, script);
	list = pop3_list(p.ln);
	uidl = pop3_uidl(p.ln);
	ev = event(&p, EV_MSG);
	assert_int_equal(ev->msg.uid.v, 1);
	assert_int_equal(ev->msg.have, MSG_SIZE);
	assert_int_equal(ev->msg.size, 120);
	assert_true(event(&p, EV_MSG)->msg.size == UINT64_C(4294967296));
	done(&p, list, DONE_OK);
	assert_int_equal(event(&p, EV_MSG)->msg.have, MSG_OBJID);
	ev = event(&p, EV_MSG);
	assert_true(str_eq(ev->msg.objid, STR("b  c")));
	done(&p, uidl, DONE_OK);
	assert_int_equal(pop3_caps(p.ln)->login_delay, 300);
	assert_true(pop3_caps(p.ln)->expires);
	assert_false(pop3_caps(p.ln)->user);
	assert_string_equal(p.ln->ops->info(p.ln).server, "a b");
	assert_string_equal(p.ln->ops->info(p.ln).mechanism, "USER and PASS");
	end(&p);
}

/* One at a time, until CAPA allows more. */
static void
lock_step(void **state)
{
	static const char *const script[] = {
		OPEN, "C CAPA", "N", "S +OK", "S PIPELINING", "S .", "C RETR 1",
		"C RETR 2", "S +OK", "S one", "S .", "S -ERR no", "C DELE 1",
		"C QUIT", "S +OK", "S +OK", NULL
	};
	struct play p = { 0 };
	uint32_t one, two, dele, quit;
	char *text;

	(void)state;
	open_lane(&p, script);
	one = pop3_retr(p.ln, 1);
	two = pop3_retr(p.ln, 2);
	text = body(&p, 1);
	assert_string_equal(text, "one\r\n");
	free(text);
	done(&p, one, DONE_OK);
	done(&p, two, DONE_NO);
	dele = pop3_dele(p.ln, 1);
	quit = pop3_quit(p.ln);
	done(&p, dele, DONE_OK);
	done(&p, quit, DONE_OK);
	end(&p);
}

static void
a_window_is_kept(void **state)
{
	enum { N = 250 };
	const char *script[20 + 3 * N] = { TOGETHER, "C CAPA" };
	static char lines[N][16];
	struct play p = { 0 };
	size_t n = 0;

	(void)state;
	while (script[n] != NULL)
		n++;
	for (size_t i = 0; i < N; i++)
		snprintf(lines[i], sizeof(lines[i]), "C DELE %zu", i + 1);
	/* CAPA is one of the hundred. */
	for (size_t i = 0; i < 99; i++)
		script[n++] = lines[i];
	script[n++] = "N";
	script[n++] = "S +OK";
	script[n++] = "S PIPELINING";
	script[n++] = "S .";
	for (size_t i = 0; i < N; i++) {
		if (i + 99 < N)
			script[n++] = lines[i + 99];
		script[n++] = "S +OK";
	}
	open_lane(&p, script);
	for (uint32_t i = 1; i <= N; i++)
		(void)pop3_dele(p.ln, i);
	for (uint32_t i = 1; i <= N; i++)
		done(&p, i, DONE_OK);
	end(&p);
}

static void
what_was_not_asked_is_the_end(void **state)
{
	static const struct {
		const char	*script[20];
		const char	*code;
	} table[] = {
		{ { TOGETHER, "C CAPA", "S -ERR", "S +OK more" },
		  "proto.unexpected" },
		{ { TOGETHER, "C CAPA", "C LIST", "S -ERR", "S + " },
		  "proto.unexpected" },
		{ { TOGETHER, "C CAPA", "C LIST", "S -ERR", "S +OK", "S +OK" },
		  "proto.unexpected" },
		{ { TOGETHER, "C CAPA", "C LIST", "S -ERR", "S +OK", "S 1 x" },
		  "proto.unexpected" },
		{ { TOGETHER, "C CAPA", "C LIST", "S -ERR" }, "net.timeout" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct play p = { .conf.peer.response_timeout = MOMENT * 4 };

		open_lane(&p, table[i].script);
		if (i > 0)
			(void)pop3_list(p.ln);
		lost(&p, table[i].code);
		end(&p);
	}
}

static void
only_the_header(void **state)
{
	static const char *const script[] = {
		TOGETHER, "C CAPA", "C TOP 7 0", "S -ERR", "S +OK", "S Subject: x",
		"S ", "S .", NULL
	};
	struct play p = { 0 };
	uint32_t req;
	char *text;

	(void)state;
	open_lane(&p, script);
	req = pop3_top(p.ln, 7);
	text = body(&p, 7);
	assert_string_equal(text, "Subject: x\r\n\r\n");
	free(text);
	done(&p, req, DONE_OK);
	end(&p);
}

static void
how_much_there_is(void **state)
{
	static const char *const script[] = {
		TOGETHER, "C CAPA", "C STAT", "C QUIT", "S -ERR",
		"S +OK 2 320 and more", "S +OK bye", NULL
	};
	struct play p = { 0 };
	uint32_t stat, quit, n;
	uint64_t bytes;

	(void)state;
	open_lane(&p, script);
	stat = pop3_stat(p.ln);
	quit = pop3_quit(p.ln);
	done(&p, stat, DONE_OK);
	assert_true(pop3_maildrop(p.ev.done.text, &n, &bytes));
	assert_int_equal(n, 2);
	assert_int_equal(bytes, 320);
	done(&p, quit, DONE_OK);
	end(&p);
}

static void
a_probe_asks_and_does_not_sign_in(void **state)
{
	static const char *const script[] = {
		HELLO, CAPA("S USER", "S SASL PLAIN"), NULL
	};
	struct play p = { .conf.probe = true };

	(void)state;
	open_lane(&p, script);
	assert_true(pop3_caps(p.ln)->user);
	assert_true(sasl_names_have(&pop3_caps(p.ln)->sasl, "PLAIN"));
	end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ways_to_sign_in),
		cmocka_unit_test(all_in_one_flight),
		cmocka_unit_test(lock_step),
		cmocka_unit_test(a_window_is_kept),
		cmocka_unit_test(what_was_not_asked_is_the_end),
		cmocka_unit_test(only_the_header),
		cmocka_unit_test(how_much_there_is),
		cmocka_unit_test(a_probe_asks_and_does_not_sign_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
