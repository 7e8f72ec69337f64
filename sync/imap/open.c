/*
 * open.c — from the name of a host to a lane that is signed in, in one straight
 * line.  This is the only place of the IMAP code that waits, up to a deadline.
 *
 * What is not authenticated is not believed: STARTTLS is done or it is the end,
 * capabilities are forgotten at the TLS boundary and at sign-in, a PREAUTH
 * greeting is taken only from a tunnel or inside TLS, one mechanism is tried
 * and no weaker one after it.  RFC 9051 sections 6.1, 6.2, 7.1.4, 11; RFC 4978.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "imap/caps.h"
#include "imap/lane_impl.h"
#include "net/dial.h"
#include "net/sasl.h"
#include "net/stream.h"

static const struct sasl_command login_command = {
	.word = "LOGIN", .name = "LOGIN command",
};

struct bringup {
	const struct imap_conf	*conf;
	const struct secret	*secret;
	struct imap_lane	*il;
	bool			 tunnel;
	bool			 preauth;
	uint32_t		 tag;		/* of the command that was begun last */
	const char		*doing;		/* for the user */
	usec			 deadline;
};

/* --- One thing after the other. --- */

/* [ALERT] is for people, be it in the midst of signing in (RFC 9051 section 7.1);
 * in clear, before TLS, it is anybody's word. */
static void
alert(struct bringup *b, struct str text)
{
	if (b->conf->peer.tls_mode == TLS_NONE ||
	    stream_info(b->il->st)->tls_version != NULL)
		imap_lane_alert(b->il, peer_said(b->secret, text));
}

/* The next response that matters here: tagged, continue, OK, NO, BAD, PREAUTH.
 * Capabilities are noted, BYE is the end, the rest is of no interest. */
static int
next(struct bringup *b, struct resp *resp, struct err *err)
{
	struct imap_lane *il = b->il;

	for (;;) {
		struct str in = stream_peek(il->st);
		size_t eaten = 0;

		if (imap_read(il->reader, in, &eaten, resp, err) < 0)
			return -1;
		stream_eat(il->st, eaten);
		if (resp->kind == RESP_MORE) {
			if ((eaten == 0 || eaten == in.n) && stream_await(il->st, b->deadline, err) < 0)
				return -1;
		} else if (resp->kind == RESP_CAPABILITY) {
			imap_lane_caps(il, resp->text);
		} else if (resp->kind == RESP_EVENT) {
			if (resp->event.kind == EV_ALERT)
				alert(b, resp->event.text);
		} else if (resp->kind == RESP_COND) {
			if (resp->cond.cond == COND_BYE) {
				resp->cond.text = peer_said(b->secret,
				    resp->cond.text);
				return imap_lane_bye(&resp->cond, err);
			}
			imap_lane_cond_caps(il, &resp->cond);
			return 0;
		} else if (resp->kind == RESP_TAGGED ||
		    resp->kind == RESP_CONTINUE) {
			return 0;
		}
	}
}

static void
put(struct bringup *b, const char *text)
{
	stream_put(b->il->st, text, strlen(text));
}

/* The tag of a command, and its verb. */
static void
begin(struct bringup *b, const char *verb)
{
	char tag[32];

	b->tag = ++b->il->last_tag;
	snprintf(tag, sizeof(tag), "%s%u ", b->il->prefix, b->tag);
	put(b, tag);
	put(b, verb);
}

static int
unexpected(struct err *err)
{
	return err_set(err, ERR_PROTO, "proto.unexpected",
	    "the server answers something that was not asked");
}

/* Until the command that was begun last is answered, or asks to go on. */
static int
answer(struct bringup *b, struct resp *resp, struct err *err)
{
	char tag[32];

	snprintf(tag, sizeof(tag), "%s%u", b->il->prefix, b->tag);
	do {
		if (next(b, resp, err) < 0)
			return -1;
		if (resp->kind == RESP_COND &&
		    resp->cond.cond == COND_PREAUTH)
			return unexpected(err);
	} while (resp->kind == RESP_COND);
	if (resp->kind == RESP_CONTINUE)
		return 0;
	if (stream_pending(b->il->st) > 0 || !str_eq(resp->tag, str_z(tag)))
		return unexpected(err);
	imap_lane_cond_caps(b->il, &resp->cond);
	if (str_eq(resp->cond.code, STR("ALERT")))
		alert(b, resp->cond.text);
	return 0;
}

/* A command of one line. */
static int
command(struct bringup *b, const char *line, struct resp *resp,
    struct err *err)
{
	begin(b, line);
	put(b, "\r\n");
	if (answer(b, resp, err) < 0)
		return -1;
	return resp->kind == RESP_TAGGED ? 0 : unexpected(err);
}

static int
capability(struct bringup *b, struct err *err)
{
	struct resp resp;

	b->il->caps_known = false;
	if (command(b, "CAPABILITY", &resp, err) < 0)
		return -1;
	if (resp.cond.cond == COND_OK && b->il->caps_known)
		return 0;
	return err_set(err, ERR_PROTO, "proto.unexpected",
	    "the server does not tell its capabilities");
}

/* --- TLS and the greeting. --- */

static int
tls(struct bringup *b, struct err *err)
{
	b->doing = "TLS";
	return stream_tls(b->il->st, &b->conf->peer.tls, b->conf->peer.host, "imap",
	    b->deadline, err);
}

static int
greeting(struct bringup *b, struct err *err)
{
	struct resp resp;
	bool clear = stream_info(b->il->st)->tls_version == NULL;

	b->doing = "the greeting";
	if (peer_meet(b->il->st, "IMAP", b->deadline, err) < 0 || next(b, &resp, err) < 0)
		return -1;
	if (resp.kind != RESP_COND || (resp.cond.cond != COND_OK &&
	    resp.cond.cond != COND_PREAUTH))
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "this does not look like an IMAP server");
	if (str_eq(resp.cond.code, STR("ALERT")))
		alert(b, resp.cond.text);
	quirks_greeting(&b->il->quirks, resp.cond.text);
	imap_lane_mask(b->il);
	if (resp.cond.cond == COND_OK)
		return 0;
	if (b->conf->peer.tls_mode == TLS_STARTTLS || (clear && !b->tunnel))
		return err_set(err, ERR_PROTO, "proto.unexpected",
		    "the server says that we are signed in already, "
		    "and that without TLS");
	b->preauth = true;
	return 0;
}

/* Sent even if not announced: who took it from the list would have taken it for
 * that. */
static int
starttls(struct bringup *b, struct err *err)
{
	struct resp resp;

	b->doing = "STARTTLS";
	if (command(b, "STARTTLS", &resp, err) < 0)
		return -1;
	if (resp.cond.cond != COND_OK)
		return err_set(err, ERR_CONFIG, "tls.starttls-stripped",
		    "the server refuses STARTTLS: %.*s",
		    (int)str_head(resp.cond.text, 200).n,
		    resp.cond.text.p != NULL ? resp.cond.text.p : "");
	if (tls(b, err) < 0)
		return -1;
	/* The quirks may stay: they can only make us ask for less. */
	imap_reader_reset(b->il->reader);
	b->il->caps = (struct imap_caps){ 0 };
	b->il->announced = 0;
	b->il->caps_known = false;
	return 0;
}

/* --- Signing in. --- */

static int
refused(struct bringup *b, const struct resp_cond *cond, const char *why,
    struct err *err)
{
	static const char *const passing[] = {
		"UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT",
	};
	enum err_class class = ERR_AUTH;
	const char *code = b->conf->peer.token ? "auth.token-expired" :
	    "auth.refused";
	char resp[sizeof(err->resp)];

	for (size_t i = 0; i < ARRAY_LEN(passing); i++)
		if (str_eq(cond->code, str_z(passing[i]))) {
			class = ERR_RETRY;
			code = "auth.throttled";
		}
	peer_complaint(cond->text, &class, &code);
	snprintf(resp, sizeof(resp), "%.*s", STR_ARG(cond->code));
	err_set(err, class, "auth.refused", "the server said: %s%s%s%s %.*s%s%s",
	    cond->cond == COND_NO ? "NO" : "BAD",
	    resp[0] != '\0' ? " [" : "", resp, resp[0] != '\0' ? "]" : "",
	    STR_ARG(peer_said(b->secret, cond->text)), why[0] != '\0' ? " " : "", why);
	err->code = code;
	memcpy(err->resp, resp, sizeof(resp));
	return -1;
}

static void
sasl_cleanup(struct sasl **a)
{
	sasl_free(*a);
}

/* All that we have to say to be let in is said: what we would say next can go along,
 * by what the server was able to do last time.  COMPRESS would have to come first. */
static void
speak_ahead(struct bringup *b)
{
	struct imap_lane *il = b->il;
	uint64_t now = il->caps.bits, then = b->conf->ahead;

	if (then == 0 || (b->conf->compress && (then >> CAP_COMPRESS & 1) != 0))
		return;
	il->caps.bits = then;
	imap_lane_mask(il);
	b->conf->first(b->conf->who, &il->head);
	il->caps.bits = now;
	send_some(il);
}

static int
exchange(struct bringup *b, struct sasl *a, const char *mechanism,
    struct err *err)
{
	struct resp resp;
	bool ahead = false;	/* the answer to the next challenge is sent */

	begin(b, "AUTHENTICATE ");
	put(b, mechanism);
	if (imap_can(&b->il->head, CAP_SASL_IR) && sasl_client_first(a) &&
	    sasl_respond(a, b->il->st, STR(""), true, err) < 0)
		return -1;
	for (;;) {
		if (!ahead)
			put(b, "\r\n");
		ahead = sasl_said_all(a);
		if (ahead)
			put(b, "\r\n");
		if (sasl_last_word(a))
			speak_ahead(b);
		if (answer(b, &resp, err) < 0)
			return -1;
		if (resp.kind == RESP_TAGGED)
			break;
		if (sasl_respond(a, b->il->st, resp.text, false, err) < 0)
			return -1;
	}
	if (resp.cond.cond != COND_OK)
		return refused(b, &resp.cond, sasl_failure(a), err);
	return sasl_end(a, err);
}

static int
authenticate(struct bringup *b, const char *mechanism, struct err *err)
{
	CLEANUP(sasl_cleanup) struct sasl *a = sasl_new(&(struct sasl_conf){
		.mechanism = mechanism,
		.service = "imap",
		.user = b->conf->peer.user,
		.host = b->conf->peer.host,
		.port = b->conf->peer.port,
		.secret = b->secret != NULL ? secret_peek(b->secret) : STR(""),
		.tls = stream_info(b->il->st),
	}, err);

	return a == NULL ? -1 : exchange(b, a, mechanism, err);
}

/* " " and "quoted", into ${out}; -1 if it has a byte that cannot be quoted. */
static int
quote(struct str s, struct buf *out)
{
	int r = buf_add_str(out, STR(" \""));

	for (size_t i = 0; i < s.n && r == 0; i++) {
		if (s.p[i] < ' ' || s.p[i] > '~')
			return -1;
		if (s.p[i] == '"' || s.p[i] == '\\')
			r = buf_add(out, "\\", 1);
		if (r == 0)
			r = buf_add(out, &s.p[i], 1);
	}
	return r < 0 ? -1 : buf_add(out, "\"", 1);
}

/* An argument of LOGIN, as a literal if it must be one. */
static int
put_argument(struct bringup *b, struct str s, struct err *err)
{
	CLEANUP(buf_wipe) struct buf quoted;
	bool wait = !imap_can(&b->il->head, CAP_LITERAL_PLUS) &&
	    !imap_can(&b->il->head, CAP_LITERAL_MINUS);
	struct resp resp;
	char head[32];

	buf_init(&quoted, SASL_RESPONSE_MAX);
	must(buf_room(&quoted, SASL_RESPONSE_MAX) != NULL);
	if (quote(s, &quoted) == 0) {
		stream_put_secret(b->il->st, quoted.p, quoted.n);
		return 0;
	}
	snprintf(head, sizeof(head), " {%zu%s}\r\n", s.n, wait ? "" : "+");
	put(b, head);
	if (wait) {
		if (answer(b, &resp, err) < 0)
			return -1;
		if (resp.kind == RESP_TAGGED)
			return resp.cond.cond == COND_OK ? unexpected(err) :
			    refused(b, &resp.cond, "", err);
	}
	stream_put_secret(b->il->st, s.p, s.n);
	return 0;
}

static int
login(struct bringup *b, struct err *err)
{
	struct resp resp;

	begin(b, "LOGIN");
	if (put_argument(b, str_z(b->conf->peer.user), err) < 0 ||
	    put_argument(b, b->secret != NULL ? secret_peek(b->secret) :
	    STR(""), err) < 0)
		return -1;
	put(b, "\r\n");
	speak_ahead(b);
	if (answer(b, &resp, err) < 0)
		return -1;
	if (resp.kind != RESP_TAGGED)
		return unexpected(err);
	return resp.cond.cond == COND_OK ? 0 :
	    refused(b, &resp.cond, "", err);
}

static int
sign_in(struct bringup *b, struct err *err)
{
	struct imap_lane *il = b->il;
	const struct stream_info *info = stream_info(il->st);
	const char *mechanism;
	int r;

	/* The gate before any secret. */
	must(b->conf->peer.tls_mode == TLS_NONE || info->tls_version != NULL);
	b->doing = "signing in";
	mechanism = sasl_choose(&b->conf->peer, &(struct sasl_offer){
	    .names = &il->caps.sasl, .command = &login_command,
	    .n_commands = !caps_have(&il->caps, CAP_LOGINDISABLED) }, info, err);
	if (mechanism == NULL)
		return -1;
	il->caps_known = false;
	r = mechanism == login_command.name ? login(b, err) :
	    authenticate(b, mechanism, err);
	if (r < 0)
		return err_wrap(err, "with %s", mechanism);
	snprintf(il->server.mechanism, sizeof(il->server.mechanism), "%s",
	    mechanism);
	return 0;
}

static int
compress(struct bringup *b, struct err *err)
{
	struct resp resp;

	/* Not behind what was asked ahead: its answers come first. */
	if (!b->conf->compress || !imap_can(&b->il->head, CAP_COMPRESS) ||
	    b->il->n_requests > 0)
		return 0;
	b->doing = "COMPRESS";
	if (command(b, "COMPRESS DEFLATE", &resp, err) < 0)
		return -1;
	return resp.cond.cond == COND_OK ? stream_deflate(b->il->st, err) : 0;
}

static int
bring_up(struct bringup *b, struct err *err)
{
	struct imap_lane *il = b->il;

	if (b->conf->peer.tls_mode == TLS_IMPLICIT && tls(b, err) < 0)
		return -1;
	if (greeting(b, err) < 0)
		return -1;
	if (b->conf->peer.tls_mode == TLS_STARTTLS && starttls(b, err) < 0)
		return -1;
	if (!il->caps_known && capability(b, err) < 0)
		return -1;
	if (b->conf->probe)
		return 0;
	if (!b->preauth && sign_in(b, err) < 0)
		return -1;
	imap_reader_authenticated(il->reader, true);
	b->doing = "CAPABILITY";
	il->caps_at_once = il->caps_known;
	/* Its answer would come behind those to what we have asked already. */
	if (il->n_requests > 0 && !il->caps_known)
		return unexpected(err);
	if (!il->caps_known && capability(b, err) < 0)
		return -1;
	if ((il->quirks.bits & QUIRK_CAPABILITY_AGAIN) != 0 &&
	    capability(b, err) < 0)
		return -1;
	return compress(b, err);
}

struct lane *
imap_open(const struct imap_conf *conf, const char *name, int tunnel_fd,
    const struct secret *secret, usec deadline, struct err *err)
{
	struct bringup b = {
		.conf = conf, .secret = secret, .tunnel = tunnel_fd >= 0,
		.deadline = deadline,
	};
	int fd = b.tunnel ? tunnel_fd :
	    dial(conf->peer.host, conf->peer.port, deadline, err);

	if (fd < 0)
		return NULL;
	b.il = imap_lane_new(conf, name, fd);
	stream_hide(b.il->st, secret);
	if (bring_up(&b, err) < 0) {
		err_wrap(err, "%s: %s", conf->peer.host, b.doing);
		imap_lane_free(b.il);
		return NULL;
	}
	stream_hide(b.il->st, NULL);
	return &b.il->head;
}
