/*
 * open.c — from the name of a host to a lane in the transaction state, in one
 * straight line.  The only place of the POP3 code that waits, up to a deadline.
 *
 * STLS is done or it is the end; what was received or learned in clear is
 * forgotten at the TLS boundary; one mechanism is tried and no weaker one after
 * it.  RFC 1939 sections 4, 7; RFC 2595 section 4; RFC 5034; RFC 3206.
 */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/hash.h"
#include "base/mem.h"
#include "net/dial.h"
#include "pop3/lane_impl.h"

/* A command may be this long (RFC 5034 section 4), with its CRLF. */
enum { COMMAND_MAX = 255 };

static const struct sasl_command commands[] = {
	{ .word = "APOP", .name = "APOP", .named_only = true },
	{ .word = "USER", .name = "USER and PASS" },
};
#define APOP	(&commands[0])

struct bringup {
	const struct pop3_conf	*conf;
	const struct secret	*secret;
	struct pop3_lane	*pl;
	const char		*doing;		/* for the user */
	usec			 deadline;
};

/* ---- one thing after the other ---------------------------------------- */

static int
next(struct bringup *b, struct pop3_item *item, struct err *err)
{
	struct pop3_lane *pl = b->pl;

	for (;;) {
		struct str in = stream_peek(pl->st);
		size_t eaten;

		if (pop3_read(&pl->reader, in, &eaten, item, err) < 0)
			return -1;
		stream_eat(pl->st, eaten);
		if (item->kind != POP3_MORE)
			return 0;
		if (stream_await(pl->st, b->deadline, err) < 0)
			return -1;
	}
}

static void
put(struct bringup *b, const char *text)
{
	stream_put(b->pl->st, text, strlen(text));
}

static int
command(struct bringup *b, const char *line, struct pop3_item *item,
    struct err *err)
{
	put(b, line);
	put(b, "\r\n");
	return next(b, item, err);
}

static int
capa(struct bringup *b, struct err *err)
{
	struct pop3_caps *caps = &b->pl->caps;
	struct pop3_item item;

	*caps = (struct pop3_caps){ 0 };
	if (command(b, "CAPA", &item, err) < 0)
		return -1;
	if (item.status != POP3_OK)
		return 0;
	caps->known = true;
	pop3_reader_expect(&b->pl->reader, POP3_PART_LIST);
	for (size_t n = 0; n < 200; n++) {
		if (next(b, &item, err) < 0)
			return -1;
		if (item.kind == POP3_END)
			return 0;
		pop3_lane_cap(caps, item.text);
	}
	return err_set(err, ERR_PROTO, "proto.unexpected",
	    "the server does not stop telling its capabilities");
}

/* ---- refusals --------------------------------------------------------- */

/* By its code, else by its words: servers of before 1998 have only these. */
static void
classify(struct str code, struct str text, enum err_class *class,
    const char **what)
{
	static const struct {
		const char	*code, *part;
		enum err_class	 class;
		const char	*what;
	} said[] = {
		{ "IN-USE", " lock", ERR_RETRY, "server.in-use" },
		{ NULL, "in use", ERR_RETRY, "server.in-use" },
		{ NULL, "busy", ERR_RETRY, "server.in-use" },
		{ "LOGIN-DELAY", NULL, ERR_RETRY, "auth.throttled" },
		{ "SYS/TEMP", NULL, ERR_RETRY, "server.unavailable" },
		{ NULL, "temporar", ERR_RETRY, "server.unavailable" },
		{ NULL, "try again", ERR_RETRY, "server.unavailable" },
	};

	peer_complaint(text, class, what);
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		bool coded = code.n > 0 ? str_ieq(code, str_z(said[i].code)) :
		    said[i].part != NULL &&
		    str_ifind(text, str_z(said[i].part)) < text.n;

		if (!coded)
			continue;
		*class = said[i].class;
		*what = said[i].what;
		return;
	}
}

static int
refused(const struct bringup *b, const struct pop3_item *item,
    enum err_class class, const char *what, const char *why, struct err *err)
{
	bool coded = item->code.n > 0;
	const char *code = what;

	classify(item->code, item->text, &class, &code);
	err_set(err, class, "auth.refused", "the server said: -ERR %s%.*s%s%.*s%s%s",
	    coded ? "[" : "", STR_ARG(item->code),
	    coded ? "] " : "", STR_ARG(peer_said(b->secret, item->text)),
	    why[0] != '\0' ? " " : "", why);
	err->code = code;
	snprintf(err->resp, sizeof(err->resp), "%.*s", STR_ARG(item->code));
	return -1;
}

static int
sign_in_refused(struct bringup *b, const struct pop3_item *item, const char *why,
    struct err *err)
{
	return refused(b, item, ERR_AUTH, b->conf->peer.token ?
	    "auth.token-expired" : "auth.refused", why, err);
}

/* ---- the greeting and TLS --------------------------------------------- */

/* "<1896.697170952@dbc.mtview.ca.us>": what APOP is computed over. */
static void
note_stamp(struct pop3_lane *pl, struct str text)
{
	size_t lt = str_find(text, '<');
	struct str stamp = str_from(text, lt);
	size_t gt = str_find(stamp, '>');

	stamp = str_head(stamp, gt + 1);
	if (gt < text.n && str_ends(stamp, STR(">")) &&
	    str_find(stamp, '@') < stamp.n && stamp.n < sizeof(pl->stamp))
		snprintf(pl->stamp, sizeof(pl->stamp), "%.*s", STR_ARG(stamp));
}

static int
greeting(struct bringup *b, struct err *err)
{
	struct pop3_item item;

	b->doing = "the greeting";
	if (peer_meet(b->pl->st, "POP3", b->deadline, err) < 0 || next(b, &item, err) < 0)
		return -1;
	if (item.status == POP3_ERR)
		return refused(b, &item, ERR_RETRY, "server.unavailable", "",
		    err);
	if (item.status != POP3_OK)
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "this does not look like a POP3 server");
	note_stamp(b->pl, item.text);
	b->pl->hides = str_istarts(item.text, STR("Gpop"));
	return 0;
}

static int
tls(struct bringup *b, struct err *err)
{
	b->doing = "TLS";
	return stream_tls(b->pl->st, &b->conf->peer.tls, b->conf->peer.host,
	    "pop3", b->deadline, err);
}

/* Sent even if not announced: who took it from the list would have taken it for
 * that. */
static int
stls(struct bringup *b, struct err *err)
{
	struct pop3_item item;

	b->doing = "STLS";
	if (command(b, "STLS", &item, err) < 0)
		return -1;
	if (item.status != POP3_OK)
		return err_set(err, ERR_CONFIG, "tls.starttls-stripped",
		    "the server refuses STLS: %.*s",
		    STR_ARG(peer_said(b->secret, item.text)));
	/* What was said in clear is nobody's word. */
	b->pl->stamp[0] = '\0';
	pop3_reader_expect(&b->pl->reader, POP3_PART_STATUS);
	return tls(b, err);
}

/* ---- signing in ------------------------------------------------------- */

static bool
one_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

static struct str
secret_of(const struct bringup *b)
{
	return b->secret != NULL ? secret_peek(b->secret) : STR("");
}

/* The two in one flight where that is allowed. */
static int
user_pass(struct bringup *b, struct err *err)
{
	bool together = b->pl->caps.pipelining && !b->pl->lock_step;
	struct pop3_item item;

	put(b, "USER ");
	put(b, b->conf->peer.user);
	put(b, "\r\n");
	if (!together) {
		if (next(b, &item, err) < 0)
			return -1;
		if (item.status != POP3_OK)
			return sign_in_refused(b, &item, "", err);
	}
	put(b, "PASS ");
	stream_put_secret(b->pl->st, secret_of(b).p, secret_of(b).n);
	put(b, "\r\n");
	if (together) {
		if (next(b, &item, err) < 0)
			return -1;
		if (item.status != POP3_OK)
			return sign_in_refused(b, &item, "", err);
	}
	if (next(b, &item, err) < 0)
		return -1;
	return item.status == POP3_OK ? 0 : sign_in_refused(b, &item, "", err);
}

static int
apop(struct bringup *b, struct err *err)
{
	struct pop3_item item;
	char digest[33];

	hash_md5_hex(str_z(b->pl->stamp), secret_of(b), digest);
	put(b, "APOP ");
	put(b, b->conf->peer.user);
	put(b, " ");
	stream_put_secret(b->pl->st, digest, strlen(digest));
	put(b, "\r\n");
	if (next(b, &item, err) < 0)
		return -1;
	return item.status == POP3_OK ? 0 : sign_in_refused(b, &item, "", err);
}

/* What the client says first goes into the command if it is short enough, else
 * the server is waited for. */
static int
begin_exchange(struct bringup *b, struct sasl *a, const char *mechanism,
    struct pop3_item *item, struct err *err)
{
	CLEANUP(buf_wipe) struct buf first;
	bool has_first = sasl_client_first(a), fits;

	buf_init(&first, SASL_RESPONSE_MAX);
	must(buf_room(&first, SASL_RESPONSE_MAX) != NULL);
	if (has_first && sasl_step(a, STR(""), &first, err) < 0)
		return -1;
	fits = strlen("AUTH  \r\n") + strlen(mechanism) + first.n <= COMMAND_MAX;
	put(b, "AUTH ");
	put(b, mechanism);
	if (has_first && fits) {
		put(b, first.n > 0 ? " " : " =");
		stream_put_secret(b->pl->st, first.p, first.n);
	}
	put(b, "\r\n");
	if (next(b, item, err) < 0)
		return -1;
	if (!has_first || fits || item->status != POP3_GO_ON)
		return 0;
	stream_put_secret(b->pl->st, first.p, first.n);
	put(b, "\r\n");
	return next(b, item, err);
}

static int
exchange(struct bringup *b, struct sasl *a, const char *mechanism,
    struct err *err)
{
	struct pop3_item item;

	if (begin_exchange(b, a, mechanism, &item, err) < 0)
		return -1;
	while (item.status == POP3_GO_ON) {
		if (sasl_respond(a, b->pl->st, item.text, false, err) < 0)
			return -1;
		put(b, "\r\n");
		if (next(b, &item, err) < 0)
			return -1;
	}
	if (item.status != POP3_OK)
		return sign_in_refused(b, &item, sasl_failure(a), err);
	return sasl_end(a, err);
}

static void
sasl_cleanup(struct sasl **a)
{
	sasl_free(*a);
}

static int
authenticate(struct bringup *b, const char *mechanism, struct err *err)
{
	CLEANUP(sasl_cleanup) struct sasl *a = sasl_new(&(struct sasl_conf){
		.mechanism = mechanism,
		.service = "pop",
		.user = b->conf->peer.user,
		.host = b->conf->peer.host,
		.port = b->conf->peer.port,
		.secret = secret_of(b),
		.tls = stream_info(b->pl->st),
	}, err);

	return a == NULL ? -1 : exchange(b, a, mechanism, err);
}

/* APOP needs a stamp; USER is there unless a server that has CAPA leaves it
 * out. */
static const char *
choose(struct bringup *b, struct err *err)
{
	const struct pop3_caps *caps = &b->pl->caps;
	struct sasl_offer offer = { .names = &caps->sasl, .command = commands,
	    .n_commands = ARRAY_LEN(commands) };

	if (caps->known && !caps->user)
		offer.n_commands--;
	if (b->pl->stamp[0] == '\0') {
		offer.command++;
		offer.n_commands--;
	}
	return sasl_choose(&b->conf->peer, &offer, stream_info(b->pl->st), err);
}

static int
sign_in(struct bringup *b, struct err *err)
{
	const char *mechanism;
	int r;

	/* The gate before any secret. */
	must(b->conf->peer.tls_mode == TLS_NONE ||
	    stream_info(b->pl->st)->tls_version != NULL);
	b->doing = "signing in";
	if (b->conf->peer.user != NULL && !one_word(str_z(b->conf->peer.user)))
		return err_set(err, ERR_CONFIG, "auth.refused",
		    "the user name has control characters");
	mechanism = choose(b, err);
	if (mechanism == NULL)
		return -1;
	if (mechanism == APOP->name)
		r = apop(b, err);
	else if (mechanism == commands[1].name)
		r = user_pass(b, err);
	else
		r = authenticate(b, mechanism, err);
	if (r < 0)
		return err_wrap(err, "with %s", mechanism);
	snprintf(b->pl->mechanism, sizeof(b->pl->mechanism), "%s", mechanism);
	return 0;
}

static int
bring_up(struct bringup *b, struct err *err)
{
	enum tls_mode mode = b->conf->peer.tls_mode;

	if (mode == TLS_IMPLICIT && tls(b, err) < 0)
		return -1;
	if (greeting(b, err) < 0)
		return -1;
	if (mode == TLS_STARTTLS && stls(b, err) < 0)
		return -1;
	b->doing = "CAPA";
	if (capa(b, err) < 0)
		return -1;
	return b->conf->probe ? 0 : sign_in(b, err);
}

struct lane *
pop3_open(const struct pop3_conf *conf, const char *name, int tunnel_fd,
    const struct secret *secret, usec deadline, struct err *err)
{
	struct bringup b = {
		.conf = conf, .secret = secret, .deadline = deadline,
	};
	int fd = tunnel_fd >= 0 ? tunnel_fd :
	    dial(conf->peer.host, conf->peer.port, deadline, err);

	if (fd < 0)
		return NULL;
	b.pl = pop3_lane_new(conf, name, fd);
	stream_hide(b.pl->st, secret);
	if (bring_up(&b, err) < 0) {
		err_wrap(err, "%s: %s", conf->peer.host, b.doing);
		pop3_lane_free(b.pl);
		return NULL;
	}
	stream_hide(b.pl->st, NULL);
	/* Signed in, a server may offer more; asked with the first flight. */
	if (!conf->probe)
		(void)pop3_lane_submit(b.pl, CMD_CAPA, 0, false);
	return &b.pl->head;
}
