/* test_imap_open.c — connecting and signing in, against scripts. */
#include "imap_script.h"

#include <netinet/in.h>

#include "base/attr.h"

#define HELLO	"S * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2] hi"
#define SIGN_IN	"C t1 AUTHENTICATE PLAIN AGFubgBzZWNyZXQ="

static void
opening_goes_as_it_should(void **state)
{
	static const struct {
		const char	*what;
		struct imap_conf conf;
		const char	*script[16];
		enum err_class	 class;
		const char	*code;		/* NULL: it opens */
	} table[] = {
		{ "capabilities of the tagged OK", { .peer.tls_mode = TLS_NONE },
		    { HELLO, SIGN_IN, "S t1 OK [CAPABILITY IMAP4rev1 IDLE] in" },
		    ERR_NONE, NULL },
		{ "capabilities sent untagged", { .peer.tls_mode = TLS_NONE },
		    { HELLO, SIGN_IN, "S * CAPABILITY IMAP4rev1 IDLE",
		    "S t1 OK in" }, ERR_NONE, NULL },
		{ "capabilities asked for, twice", { .peer.tls_mode = TLS_NONE },
		    { "S * OK hi", "C t1 CAPABILITY",
		    "S * CAPABILITY IMAP4rev1 AUTH=PLAIN", "S t1 OK done",
		    "C t2 AUTHENTICATE PLAIN", "S + ", "C AGFubgBzZWNyZXQ=",
		    "S t2 OK in", "C t3 CAPABILITY",
		    "S * CAPABILITY IMAP4rev1 IDLE", "S t3 OK done" },
		    ERR_NONE, NULL },
		{ "LOGIN when there is nothing else", { .peer.tls_mode = TLS_NONE,
		    .peer.user = "a\"n" },
		    { "S * OK [CAPABILITY IMAP4rev1] hi",
		    "C t1 LOGIN \"a\\\"n\" \"secret\"",
		    "S t1 OK [CAPABILITY IMAP4rev1 IDLE] in" }, ERR_NONE, NULL },
		{ "LOGIN by literal", { .peer.tls_mode = TLS_NONE,
		    .peer.user = "\xc3\xa4nn" },
		    { "S * OK [CAPABILITY IMAP4rev1] hi", "C t1 LOGIN {4}",
		    "N", "S + go", "C \xc3\xa4nn \"secret\"",
		    "S t1 OK [CAPABILITY IMAP4rev1 IDLE] in" }, ERR_NONE, NULL },
		{ "mailbox data before sign-in is ignored",
		    { .peer.tls_mode = TLS_NONE },
		    { HELLO, "S * 99 EXISTS", "S * LIST () \"/\" evil", SIGN_IN,
		    "S t1 OK [CAPABILITY IMAP4rev1 IDLE] in" }, ERR_NONE, NULL },
		{ "compression refused is no harm",
		    { .peer.tls_mode = TLS_NONE, .compress = true },
		    { HELLO, SIGN_IN,
		    "S t1 OK [CAPABILITY IMAP4rev1 IDLE COMPRESS=DEFLATE] in",
		    "C t2 COMPRESS DEFLATE", "S t2 NO [COMPRESSIONACTIVE] no" },
		    ERR_NONE, NULL },

		{ "wrong password", { .peer.tls_mode = TLS_NONE },
		    { HELLO, SIGN_IN, "S t1 NO [AUTHENTICATIONFAILED] wrong" },
		    ERR_AUTH, "auth.refused" },
		{ "app password wanted", { .peer.tls_mode = TLS_NONE },
		    { HELLO, SIGN_IN, "S t1 NO [ALERT] Application-specific "
		    "password required: https://example.org" },
		    ERR_AUTH, "auth.needs-app-password" },
		{ "too many sessions", { .peer.tls_mode = TLS_NONE },
		    { HELLO, SIGN_IN, "S t1 NO [LIMIT] Maximum number of "
		    "connections from user+IP exceeded" },
		    ERR_RETRY, "server.limit-connections" },
		{ "back-end down", { .peer.tls_mode = TLS_NONE },
		    { HELLO, SIGN_IN, "S t1 NO [UNAVAILABLE] later" },
		    ERR_RETRY, "auth.throttled" },
		{ "token refused, with the reason",
		    { .peer.tls_mode = TLS_NONE, .peer.token = true },
		    { HELLO, "C t1 AUTHENTICATE XOAUTH2 "
		    "dXNlcj1hbm4BYXV0aD1CZWFyZXIgc2VjcmV0AQE=",
		    "S + eyJzdGF0dXMiOiI0MDEifQ==", "C ", "S t1 NO bad" },
		    ERR_AUTH, "auth.token-expired" },
		{ "nothing to sign in with", { .peer.tls_mode = TLS_NONE },
		    { "S * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi" },
		    ERR_AUTH, "auth.mechanism-missing" },
		{ "LOGINDISABLED cannot be forbidden", { .peer.tls_mode = TLS_NONE,
		    .forbid = UINT64_MAX },
		    { "S * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi" },
		    ERR_AUTH, "auth.mechanism-missing" },
		{ "goodbye for a greeting", { .peer.tls_mode = TLS_NONE },
		    { "S * BYE go away" }, ERR_RETRY, "proto.bye" },
		{ "not an IMAP server", { .peer.tls_mode = TLS_NONE },
		    { "S + what" }, ERR_PROTO, "proto.unexpected" },
		{ "mail is sent there, not fetched", { .peer.tls_mode = TLS_NONE },
		    { "S 220 mx.example.org ESMTP" },
		    ERR_CONFIG, "proto.other-server" },
		{ "in several lines", { .peer.tls_mode = TLS_STARTTLS },
		    { "S 220-mx.example.org", "S 220 ESMTP" },
		    ERR_CONFIG, "proto.other-server" },
		{ "POP3", { .peer.tls_mode = TLS_NONE },
		    { "S +OK ready <1@h>" }, ERR_CONFIG, "proto.other-server" },
		{ "an answer before the question", { .peer.tls_mode = TLS_NONE },
		    { HELLO, SIGN_IN, "S t1+1 OK in" },
		    ERR_PROTO, "proto.unexpected" },
		{ "PREAUTH in the middle", { .peer.tls_mode = TLS_NONE },
		    { HELLO, SIGN_IN, "S * PREAUTH in" },
		    ERR_PROTO, "proto.unexpected" },
		{ "PREAUTH where STARTTLS is wanted",
		    { .peer.tls_mode = TLS_STARTTLS },
		    { "S * PREAUTH [CAPABILITY IMAP4rev1] in" },
		    ERR_PROTO, "proto.unexpected" },
		{ "STARTTLS stripped from the list and refused",
		    { .peer.tls_mode = TLS_STARTTLS },
		    { "S * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi",
		    "C t1 STARTTLS", "S t1 BAD what is that" },
		    ERR_CONFIG, "tls.starttls-stripped" },
		{ "bytes behind the OK of STARTTLS",
		    { .peer.tls_mode = TLS_STARTTLS },
		    { "S * OK [CAPABILITY IMAP4rev1 STARTTLS] hi",
		    "C t1 STARTTLS",
		    "S t1 OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN" },
		    ERR_PROTO, "tls.injected" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct play p = { .conf = table[i].conf };

		play_start(&p, table[i].script);
		if (table[i].code == NULL && p.ln == NULL)
			fail_msg("%s: %s", table[i].what, p.err.text);
		if (table[i].code == NULL) {
			assert_true(imap_can(p.ln, CAP_IDLE));
			assert_false(sasl_names_have(&imap_caps(p.ln)->sasl, "PLAIN"));
		} else if (p.ln != NULL || p.err.class != table[i].class ||
		    strcmp(p.err.code, table[i].code) != 0) {
			fail_msg("%s: %s: %s", table[i].what,
			    p.ln != NULL ? "opened" : p.err.code, p.err.text);
		}
		assert_null(strstr(p.err.text, "secret"));
		play_end(&p);
	}
}

static void
alerts_of_signing_in_are_told(void **state)
{
	static const char *const answers[][8] = {
		{ "S * OK [ALERT] disk", "C t1 CAPABILITY",
		    "S * CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN", "S t1 OK so",
		    "C t2 AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=",
		    "S * CAPABILITY IMAP4rev1", "S t2 OK in" },
		{ HELLO, SIGN_IN, "S * NO [ALERT] disk",
		    "S t1 OK [CAPABILITY IMAP4rev1] in" },
		{ HELLO, SIGN_IN, "S * CAPABILITY IMAP4rev1",
		    "S t1 OK [ALERT] disk" },
		{ HELLO, SIGN_IN, "S * NO [ALERT] secret is no good password",
		    "S * CAPABILITY IMAP4rev1", "S t1 OK in" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct play p = { 0 };
		struct str text;

		play_open(&p, answers[i]);
		text = play_event(&p, EV_ALERT)->text;
		assert_int_equal(str_find(text, '\0'), text.n);
		assert_true(str_ifind(text, STR("secret is")) == text.n);
		assert_true(i == 3 || str_eq(text, STR("disk")));
		play_end(&p);
	}
}

static void
reason_of_a_refused_token_is_told(void **state)
{
	(void)state;
	struct play p = { .conf = { .peer.tls_mode = TLS_NONE, .peer.token = true } };

	play_start(&p, (const char *const[]){ HELLO, "C t1 AUTHENTICATE XOAUTH2 "
	    "dXNlcj1hbm4BYXV0aD1CZWFyZXIgc2VjcmV0AQE=",
	    "S + eyJzdGF0dXMiOiI0MDEifQ==", "C ", "S t1 NO bad", NULL });
	assert_null(p.ln);
	assert_non_null(strstr(p.err.text, "{\"status\":\"401\"}"));
	play_end(&p);
}

static void
silent_server_meets_the_deadline(void **state)
{
	(void)state;
	struct imap_conf conf = { .peer.host = "h", .peer.user = "u",
	    .peer.response_timeout = USEC_S(1), .max_literal = 1 };
	struct err err;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	conf.peer.tls_mode = TLS_NONE;
	assert_null(imap_open(&conf, "test", fd[0], NULL, clock_in(MOMENT),
	    &err));
	assert_string_equal(err.code, "net.timeout");
	close(fd[1]);
}

/* A socket pair is a tunnel; this is not one. */
static void
preauth_over_plain_tcp_is_refused(void **state)
{
	(void)state;
	static const char greeting[] = "* PREAUTH [CAPABILITY IMAP4rev1] in\r\n";
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct err err;

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, n), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &n), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int peer = accept(fd, NULL, NULL);
		char c;

		if (write(peer, greeting, sizeof(greeting) - 1) < 0)
			_exit(1);
		_exit(read(peer, &c, 1) == 0 ? 0 : 2);
	}
	close(fd);
	struct imap_conf conf = { .peer.host = "127.0.0.1",
	    .peer.port = ntohs(sin.sin_port), .peer.user = "u", .peer.tls_mode = TLS_NONE,
	    .peer.response_timeout = USEC_S(1), .max_literal = 1 };
	assert_null(imap_open(&conf, "test", -1, NULL, clock_in(USEC_S(5)),
	    &err));
	assert_string_equal(err.code, "proto.unexpected");
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening_goes_as_it_should),
		cmocka_unit_test(alerts_of_signing_in_are_told),
		cmocka_unit_test(reason_of_a_refused_token_is_told),
		cmocka_unit_test(silent_server_meets_the_deadline),
		cmocka_unit_test(preauth_over_plain_tcp_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
